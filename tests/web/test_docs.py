"""What docs/websocket.md says is what the server does."""

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.web import panel, stream
from config.stream_sections import StreamSettings

TEXT = (Path(__file__).parents[2] / "docs" / "websocket.md").read_text()


def block(language: str) -> str:
    """Return the one program in a language that the page shows."""
    (program,) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return program


async def said(*command: str) -> list[str]:
    """Run a program and return the lines it printed; it must not complain."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    assert errors == b""
    return [line.strip() for line in out.decode().splitlines()]


async def test_the_client_in_python_works(site, tmp_path):
    (tmp_path / "client.py").write_text(block("python"))
    lines = await said(sys.executable, str(tmp_path / "client.py"), site.base, "6")
    assert [line.split()[0] for line in lines[:2]] == ["hello", "subscribed"]
    told = {line.rpartition(" ")[0] for line in lines[2:]}
    assert told == {
        f"{kind} {kind}:{symbol}" for kind in ("market", "zones") for symbol in site.market.symbols
    }


async def test_the_client_in_javascript_works(site, tmp_path):
    (tmp_path / "client.mjs").write_text(block("js"))
    flags = ("--experimental-websocket", "--no-warnings")
    lines = await said(node(), *flags, str(tmp_path / "client.mjs"), site.base, "3")
    assert lines == ["hello", "subscribed candles:BTCUSDT:12h", "candles candles:BTCUSDT:12h 144 candles"]


def node() -> str:
    """Return where Node is; the test is skipped where there is none that has WebSockets."""
    path = shutil.which("node")
    version = (
        subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout if path else ""
    )
    if path is None or tuple(map(int, version.strip("v\n").split(".")[:2])) < (20, 10):
        pytest.skip("needs Node 20.10 or newer")
    return path


async def test_every_field_of_the_hellos_is_documented(site):
    for path in ("/ws/heatmap", "/ws/panel"):
        async with site.ws(path) as socket:
            for field in await socket.receive_json():
                assert f"`{field}`" in TEXT, field


async def test_every_field_of_replies_and_alerts_is_documented(site, make_alert):
    async with site.ws("/ws/panel") as socket:
        await socket.receive_json()
        await site.inapp.push(make_alert(1))
        alert = await socket.receive_json()
        await socket.send_json({"type": "command", "id": 1, "line": "/heatmap btc"})
        answer = await socket.receive_json()
        while answer["type"] != "reply":
            answer = await socket.receive_json()
    for field in [*alert, *answer["reply"], *answer["reply"]["images"][0], *answer["reply"]["buttons"][0][0]]:
        assert f"`{field}`" in TEXT, field


def test_the_limits_are_those_of_the_code():
    usual = StreamSettings()
    assert (
        f"at most {usual.max_frame_bytes // 1024} kB ({panel.MAX_FRAME_BYTES // 1024} kB on the panel)"
        in TEXT
    )
    rates = f"{usual.rate_per_s:.0f} messages a second ({panel.RATE_PER_S:.0f})"
    assert f"{rates} with bursts of {stream.BURST_S * usual.rate_per_s:.0f} ({panel.BURST:.0f})" in TEXT
    assert f"{usual.max_subscriptions} channels a connection" in TEXT
    assert f"{panel.MAX_LINE:,} characters at most" in TEXT
