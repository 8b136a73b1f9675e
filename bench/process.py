"""Start a whole Liqwatch for a benchmark, talk to its panel, and weigh it."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from playwright.async_api import Page, async_playwright

from engine.errors import LiqwatchError

READY_S = 120.0
FRAME_S = 20.0
LOOK_S = 0.02


class Running:
    """One `liqwatch run` under measurement."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, began: float) -> None:
        self.process = process
        self.port = port
        self.began = began

    async def say(self, line: str) -> dict[str, Any]:
        """Run one line in the panel, fetch the first picture of its reply, and return the reply."""
        base = f"http://127.0.0.1:{self.port}"
        timeout = aiohttp.ClientTimeout(total=60)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.ws_connect(f"{base}/ws/panel", origin=base, max_msg_size=1 << 24) as socket,
        ):
            await socket.send_json({"type": "command", "id": 1, "line": line})
            async for message in socket:
                body = json.loads(message.data)
                if body.get("id") != 1:
                    continue
                reply: dict[str, Any] = body["reply"]
                if reply["error"]:
                    raise LiqwatchError(f"{line} was answered: {reply['error']}")
                for image in reply["images"]:
                    async with session.get(base + image["url"]) as answer:
                        await answer.read()
                return reply
        raise LiqwatchError("the panel closed before it answered")

    def rss_mb(self) -> float:
        """Return the resident memory of the process and its children, in MB; shared pages count once."""
        root = psutil.Process(self.process.pid)
        infos = [member.memory_full_info() for member in (root, *root.children(recursive=True))]
        return float(sum(getattr(info, "pss", info.rss) for info in infos)) / 1e6


@contextlib.asynccontextmanager
async def running(
    directory: Path, *flags: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[Running]:
    """Start Liqwatch on the replay in `directory`, wait until it is ready, and stop it in the end.

    `env` is set in its environment beside what there is.
    """
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "run",
        *("--source", "replay", "--port", "0", "--data-dir", str(directory)),
        *flags,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
    )
    drained: asyncio.Task[bytes] | None = None
    try:
        if process.stdout is None:
            raise LiqwatchError("the process has no output")
        async with asyncio.timeout(READY_S):
            port = await _port(process.stdout)
        drained = asyncio.create_task(process.stdout.read())
        yield Running(process, port, began)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        if drained is not None:
            await drained


async def _port(out: asyncio.StreamReader) -> int:
    while line := (await out.readline()).decode():
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise LiqwatchError("the process ended before it was ready")


def chromium() -> str | None:
    """Return where Chromium is, or None."""
    return os.environ.get("LIQWATCH_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


async def first_frame_ms(port: int, *, times: int) -> float | None:
    """Return the median time of the chart's first frame in headless Chromium; None without Chromium."""
    path = chromium()
    if path is None:
        return None
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    found = []
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=path, args=flags)
        for _ in range(times):
            page = await browser.new_page(viewport={"width": 1280, "height": 720})
            await page.goto(f"http://127.0.0.1:{port}/")
            found.append(await _frame_ms(page))
            await page.close()
        await browser.close()
    return sorted(found)[len(found) // 2]


async def _frame_ms(page: Page) -> float:
    """Return when the chart was first drawn, once it is; the page's policy forbids waiting by a script."""
    for _ in range(round(FRAME_S / LOOK_S)):
        ms = await page.evaluate("window.__liqwatch?.firstFrameMs ?? 0")
        if ms:
            return float(ms)
        await asyncio.sleep(LOOK_S)
    raise LiqwatchError(f"the chart drew nothing within {FRAME_S:.0f} s")
