"""The terminal: commands without a running process, commands that join one, and steering the replay."""

import asyncio
import json
import sys

import pytest

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def liqwatch(tmp_path, bare_environment):
    """Run `python -m bot …` to its end; return exit code, standard output and standard error."""

    async def go(*arguments, env=None):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *arguments,
            cwd=tmp_path,
            env={**bare_environment, **(env or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 90)
        return process.returncode, out.decode(), err.decode()

    return go


async def test_commands_run_on_a_fresh_replay_and_say_everything_as_json(liqwatch, tmp_path):
    code, out, err = await liqwatch(
        *("console", "--source", "replay", "--data-dir", "d", "--json", "--save", "pictures"),
        *("-c", "/heatmap btc", "-c", "/zones btc"),
    )
    assert code == 0, err
    heatmap, zones = [json.loads(line) for line in out.splitlines()]
    keys = ["command", "text", "alt", "images", "buttons", "error", "source", "now", "price"]
    assert list(heatmap) == keys
    assert heatmap["command"] == "/heatmap btc"
    (path,) = heatmap["images"]
    assert (tmp_path / path).read_bytes().startswith(PNG)
    assert "Longs below" in heatmap["alt"][0] or "longs" in heatmap["alt"][0].lower()
    assert {button["label"] for button in heatmap["buttons"]} >= {"12h", "7d"}
    assert heatmap["source"].startswith("REPLAY 2025-10-10 20:0") or heatmap["source"] == "replay"
    assert heatmap["now"].startswith("2025-10-10T20:0")
    assert 100_000 < heatmap["price"] < 130_000
    assert zones["error"] is None
    (path,) = zones["images"]
    assert (tmp_path / path).read_bytes().startswith(PNG)


async def test_a_command_that_fails_makes_the_script_fail(liqwatch):
    code, out, _ = await liqwatch(
        *("console", "--source", "replay", "--data-dir", "d", "--json"),
        *("-c", "/heatmap nosuchcoin", "-c", "/symbols"),
    )
    failed, fine = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert "nosuchcoin" in failed["error"]
    assert fine["error"] is None


async def test_the_terminal_joins_the_running_process_and_steers_its_replay(launch, liqwatch, tmp_path):
    process = await launch(speed="60")
    flags = ("--source", "replay", "--data-dir", str(tmp_path / "data"))
    code, _, err = await liqwatch("console", *flags, "-c", "/watch btc", "--json")
    assert code == 0, err
    panel = await process.panel()
    assert "BTC" in str((await panel.say("/alert list"))["table"])

    assert (await liqwatch("replay", "pause", *flags))[0] == 0
    first = (await panel.say("/status"))["now_ms"]
    await asyncio.sleep(1.5)
    reply = await panel.say("/status")
    assert reply["now_ms"] == first
    assert "paused" in reply["notice"]

    assert (await liqwatch("replay", "seek", "2025-10-10T21:30", *flags))[0] == 0
    assert (await liqwatch("replay", "resume", *flags))[0] == 0
    assert (await liqwatch("replay", "speed", "600", *flags))[0] == 0
    async with asyncio.timeout(30):
        while not (await panel.say("/status"))["notice"].startswith("REPLAY 2025-10-10 2"):
            await asyncio.sleep(0.2)
    code, _, _ = await liqwatch("replay", "seek", "1999-01-01", *flags)
    assert code == 1
    await panel.until(lambda: panel.alerts, 60)
    assert await process.terminate() == 0


async def test_a_seek_backwards_lives_through_it_again(launch, liqwatch, tmp_path):
    process = await launch(speed="600")
    flags = ("--source", "replay", "--data-dir", str(tmp_path / "data"))
    panel = await process.panel()
    await panel.say("/watch btc")
    await panel.until(lambda: panel.alerts, 60)
    before = set(panel.alerts)
    assert (await liqwatch("replay", "seek", "2025-10-10T20:00", *flags))[0] == 0
    await panel.until(lambda: set(panel.alerts) - before, 60)
    assert not (await panel.say("/heatmap btc 12h"))["error"]
    assert await process.terminate() == 0


async def test_the_replay_stops_at_its_end_and_says_so(launch, liqwatch, tmp_path):
    process = await launch("--start", "2025-12-31T11:00", speed="max")
    panel = await process.panel()
    await panel.until(lambda: panel.hello is not None)
    async with asyncio.timeout(60):
        while "ended" not in (reply := await panel.say("/status"))["notice"]:
            await asyncio.sleep(0.2)
    assert reply["notice"].startswith("REPLAY ended 2025-12-31")
    assert (await process.get("/readyz"))[0] == 200
    assert await process.terminate() == 0


async def test_nobody_to_steer_is_a_clear_error(liqwatch):
    code, _, err = await liqwatch("replay", "pause", "--data-dir", "empty")
    assert code == 1
    assert "liqwatch run" in err


@pytest.mark.parametrize(
    ("arguments", "env", "said"),
    [
        (("run",), {"LIQWATCH_VENUES": "binance,mtgox"}, "mtgox"),
        (("run", "--port", "99999"), {}, "65535"),
        (("run",), {"LIQWATCH_PROT": "1"}, "LIQWATCH_PORT"),
        (("console", "--speed", "fast", "-c", "/help"), {}, "max"),
        (("bench", "nothing"), {}, "first"),
    ],
)
async def test_wrong_settings_stop_the_start_with_a_line_that_says_what_to_do(liqwatch, arguments, env, said):
    code, out, err = await liqwatch(*arguments, env=env)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert "abc.def" not in err + out


@pytest.mark.parametrize(
    ("arguments", "env"), [(("--source", "live"), {}), ((), {"LIQWATCH_DISCORD_TOKEN": "abc.def"})]
)
async def test_nothing_stands_in_for_live_data_that_cannot_be_had(liqwatch, arguments, env):
    nowhere = {f"LIQWATCH_{name}_REST_URL": "http://127.0.0.1:9" for name in ("BYBIT", "BINANCE")}
    env = {"LIQWATCH_VENUES": "binance,bybit", "LIQWATCH_START_WITHIN_S": "2", **nowhere, **env}
    code, out, err = await liqwatch("run", *arguments, env=env)
    assert code == 1
    assert "No venue could say" in err
    assert "binance cannot be reached" in err
    assert "--source replay" in err
    assert "Traceback" not in err
    assert "abc.def" not in err + out


async def test_check_shows_what_is_in_effect_and_never_a_secret(liqwatch, tmp_path):
    (tmp_path / ".env").write_text("LIQWATCH_TELEGRAM_TOKEN=123:very-secret\nLIQWATCH_PORT=9123\n")
    code, out, err = await liqwatch("check", "--source", "replay")
    assert code == 0, err
    assert "9123" in out
    assert ".env line 2" in out
    assert "very-secret" not in out + err
    assert "Discord" in out


async def test_a_page_elsewhere_needs_the_token_that_is_printed(launch):
    with pytest.raises(AssertionError, match="did not start"):
        await launch("--host", "256.1.1.1")
    code = await (await launch("--host", "127.0.0.1")).terminate()
    assert code == 0


async def test_alerts_are_tried_once_for_cron_with_an_exit_code(liqwatch):
    where = ("--source", "replay", "--data-dir", "d", "--speed", "1", "--start", "2025-10-10T20:00")
    code, out, err = await liqwatch("alerts", "check", "--once", *where)
    assert (code, out) == (2, "")
    assert "You have no alerts yet" in err
    lines = [f"/alert add btc price {side} save=yes" for side in ("below 200000", "above 200000")]
    code, _, err = await liqwatch("console", *where, "-c", lines[0], "-c", lines[1])
    assert code == 0, err
    code, out, err = await liqwatch("alerts", "check", "--once", "--json", *where)
    assert code == 0, err
    below, above = [json.loads(line) for line in out.splitlines()]
    assert (below["alert"], below["true"], below["fired"]) == (1, True, False)
    assert (above["alert"], above["true"], above["fired"]) == (2, False, False)
