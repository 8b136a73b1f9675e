"""A trader watches BTC in the panel, lives through the cascade, and loses nothing to a restart or a kill."""

import asyncio
import re

import pytest

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

PNG = b"\x89PNG\r\n\x1a\n"


def market_time(reply):
    """The time a reply was made at, in ms of the market clock."""
    return reply["now_ms"]


async def first_alert(panel, timeout_s=90):
    await panel.until(lambda: panel.alerts, timeout_s)
    return next(iter(panel.alerts.values()))


async def test_a_watch_gets_its_alert_with_a_picture(launch):
    process = await launch()
    panel = await process.panel()
    assert panel.hello["source"] == "replay"
    picture = await panel.say("/heatmap btc")
    assert not picture["error"]
    assert picture["notice"].startswith("REPLAY 2025-10-10")
    (image,) = picture["images"]
    assert (await panel.fetch(image["url"])).startswith(PNG)
    assert "BTC" in image["alt"]
    watch = await panel.say("/watch btc")
    assert not watch["error"]
    alert = await first_alert(panel)
    assert "BTC" in alert["title"]
    assert "REPLAY 2025-10-" in alert["label"] + alert["text"]
    assert (await panel.fetch(alert["image"]["url"])).startswith(PNG)
    history = await panel.say("/alert history")
    assert not history["error"]
    assert await process.terminate() == 0


async def test_a_restart_keeps_the_watch_the_place_and_the_alerts(launch):
    process = await launch()
    panel = await process.panel()
    await panel.say("/watch btc")
    alert = await first_alert(panel)
    before = market_time(await panel.say("/status"))
    assert await process.terminate() == 0

    again = await launch()
    panel = await again.panel()
    await panel.until(lambda: alert["alert"] in panel.alerts)
    listed = await panel.say("/alert list")
    assert "BTC" in str(listed["table"] or listed["text"])
    after = market_time(await panel.say("/status"))
    assert before - 300_000 <= after < before + 3_600_000
    assert not (await panel.say("/heatmap btc 12h"))["error"]
    assert await again.terminate() == 0


async def test_a_kill_loses_no_acknowledged_watch_and_no_written_alert(launch):
    process = await launch()
    panel = await process.panel()
    await panel.say("/watch btc")
    await panel.say("/watch eth")
    await first_alert(panel)
    seen = dict(panel.alerts)
    await process.kill()

    again = await launch()
    panel = await again.panel()
    listed = str((await panel.say("/alert list"))["table"])
    assert "BTC" in listed
    assert "ETH" in listed
    await panel.until(lambda: set(seen) <= set(panel.alerts))
    assert await again.terminate() == 0


async def test_a_kill_right_after_the_answer_keeps_the_watch(launch):
    process = await launch()
    panel = await process.panel()
    reply = await panel.say("/watch eth within=1%,2%,4% min=5M")
    await process.kill()
    assert not reply["error"]
    again = await launch()
    panel = await again.panel()
    assert "ETH" in str((await panel.say("/alert list"))["table"])
    await again.kill()


async def test_two_processes_side_by_side_and_never_two_on_one_directory(launch, tmp_path):
    one = await launch(directory=tmp_path / "one")
    two = await launch(directory=tmp_path / "two")
    assert one.port != two.port
    with pytest.raises(AssertionError, match="already serves"):
        await launch(directory=tmp_path / "one")
    for process in (one, two):
        status, _ = await process.get("/healthz")
        assert status == 200
        status, body = await process.get("/readyz")
        assert status == 200, body


async def test_sigterm_drains_within_ten_seconds(launch):
    process = await launch()
    panel = await process.panel()
    await panel.say("/watch btc")
    asked = asyncio.create_task(panel.say("/heatmap eth 7d"))
    await asyncio.sleep(0.05)
    loop = asyncio.get_running_loop()
    began = loop.time()
    process.process.terminate()
    assert await asyncio.wait_for(process.process.wait(), 15) == 0
    assert loop.time() - began < 10
    asked.cancel()
    assert not re.search(r"Traceback", "".join(process.lines))
