"""What docs/websocket.md says is what the server does."""

import asyncio
import re
import sys
from pathlib import Path

from bot.web import panel, stream

TEXT = (Path(__file__).parents[2] / "docs" / "websocket.md").read_text()


async def test_the_client_in_the_document_works(site, tmp_path):
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "client.py").write_text(program)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(tmp_path / "client.py"),
        site.base,
        "3",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    out, errors = await asyncio.wait_for(process.communicate(), 30)
    lines = out.decode().splitlines()
    assert errors == b""
    assert lines[0] == "hello"
    assert re.search(r"snapshot 0 288 columns, \$[\d,]+ standing", out.decode())


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
    assert (
        f"at most {stream.MAX_FRAME_BYTES // 1024} kB ({panel.MAX_FRAME_BYTES // 1024} kB on the panel)"
        in TEXT
    )
    rates = f"{stream.RATE_PER_S:.0f} messages a second ({panel.RATE_PER_S:.0f})"
    assert f"{rates} with bursts of {stream.BURST:.0f} ({panel.BURST:.0f})" in TEXT
    assert f"{stream.MAX_CHANNELS} channels a connection" in TEXT
    assert f"{panel.MAX_LINE:,} characters at most" in TEXT
