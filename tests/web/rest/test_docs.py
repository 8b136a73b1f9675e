"""What docs/api.md shows is what happens: its requests, its decoder, its addresses, its numbers."""

import asyncio
import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from bot.web.rest import gate, markets
from bot.web.rest.heatmap import MOST_COLUMNS
from bot.web.rest.reading import MOST_DAYS
from config.api_sections import ApiSettings

TEXT = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
(SHELL,) = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
(DECODER,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
REQUESTS = [line for line in SHELL.splitlines() if line]


async def run(*words: str, cwd: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *words, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def asked(site, line: str, cwd: Path) -> str:
    """Run a line of the document; where there is no curl, ask for the same address."""
    words = shlex.split(line.replace("http://127.0.0.1:8080", site.base))
    assert words[:2] == ["curl", "-s"]
    if shutil.which("curl"):
        return await run(words[0], "--fail-with-body", *words[1:], cwd=cwd)
    async with site.client.get(words[-1].removeprefix(site.base)) as answer:
        assert answer.status == 200
        if "-o" not in words:
            return await answer.text()
        (cwd / words[words.index("-o") + 1]).write_bytes(await answer.read())
        return ""


@pytest.mark.parametrize("line", REQUESTS)
async def test_a_request_of_the_document_is_answered(full, tmp_path, line):
    said = await asked(full, line, tmp_path)
    assert said.startswith("{") or (tmp_path / "heatmap.lqw").read_bytes()[:4] == b"LQW2"


async def test_the_decoder_of_the_document_reads_the_surface(full, fetch, tmp_path):
    (line,) = (line for line in REQUESTS if "format=binary" in line)
    await asked(full, line, tmp_path)
    (tmp_path / "decode.py").write_text(DECODER, encoding="utf-8")
    ts, close, long, short = (
        float(word) for word in (await run(sys.executable, "decode.py", "heatmap.lqw", cwd=tmp_path)).split()
    )
    path = "/liquidations/heatmap-timeseries"
    body = await fetch(full, path, symbol="BTC", window="24h")
    assert (ts, close) == (body["ts"][-1], pytest.approx(body["close"][-1], rel=1e-6))
    assert long == pytest.approx(np.sum(body["long_usd"][-1]), rel=0.03)
    assert short == pytest.approx(np.sum(body["short_usd"][-1]), rel=0.03)


async def test_every_address_is_named(full):
    for route in full.server._rest.routes:
        assert f"`{route.path}`" in TEXT, route.path


async def test_every_metric_of_the_server_is_named(full):
    async with full.get("/metrics") as answer:
        text = await answer.text()
    names = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
    ours = {name for name in names if not name.startswith("process_") and not name.endswith("_created")}
    assert not [name for name in ours if f"`{name}`" not in TEXT]


def test_the_numbers_are_those_of_the_code():
    usual = ApiSettings()
    assert f"{usual.rate_per_s:g} requests a second and {usual.burst} at once" in TEXT
    assert f"{MOST_COLUMNS:,} columns of a heatmap or {markets.MOST_CANDLES:,} candles" in TEXT
    assert f"It is {MOST_DAYS}\ndays at most" in TEXT
    assert gate.LARGEST_BODY >> 10 == 16
    assert "a body over 16 kB" in TEXT
