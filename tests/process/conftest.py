"""Start whole Liqwatch processes on the shipped replay and talk to them as a page and a terminal do."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

READY_S = 60
ROOT = Path(__file__).parents[2]


class Panel:
    """A page's chat panel: sends lines, collects replies and alerts."""

    def __init__(self, session, socket):
        self._session = session
        self._socket = socket
        self._next = 0
        self.hello = None
        self.alerts = {}
        self.revisions = []
        self._replies = {}
        self._changed = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, port):
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_connect=10))
        base = f"http://127.0.0.1:{port}"
        socket = await session.ws_connect(f"{base}/ws/panel", origin=base, max_msg_size=1 << 24)
        panel = cls(session, socket)
        panel.base = base
        await panel.until(lambda: panel.hello is not None)
        return panel

    async def _read(self):
        async for message in self._socket:
            body = json.loads(message.data)
            if body["type"] == "hello":
                self.hello = body
            elif body["type"] in ("reply", "error") and body.get("id") is not None:
                self._replies[body["id"]] = body
            elif body["type"] == "alert":
                self.alerts[body["alert"]] = body
                self.revisions.append((body["alert"], body["revision"]))
                await self._socket.send_json({"type": "ack", "delivery": body["delivery"]})
            self._changed.set()

    async def until(self, condition, timeout_s=30):
        """Wait until a condition on what has arrived holds."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await self._changed.wait()

    async def say(self, line, timeout_s=30):
        """Type a line and return the reply."""
        return await self._ask({"type": "command", "line": line}, timeout_s)

    async def press(self, action, timeout_s=30):
        """Press a button and return the reply."""
        return await self._ask({"type": "press", "action": action}, timeout_s)

    async def _ask(self, message, timeout_s):
        self._next += 1
        key = self._next
        await self._socket.send_json({**message, "id": key})
        await self.until(lambda: key in self._replies, timeout_s)
        body = self._replies.pop(key)
        assert body["type"] == "reply", body
        return body["reply"]

    async def fetch(self, url):
        """Return the bytes behind an address of this process."""
        async with self._session.get(self.base + url) as answer:
            assert answer.status == 200, answer.status
            return await answer.read()

    async def close(self):
        self._reading.cancel()
        await self._socket.close()
        await self._session.close()


class Process:
    """One running `python -m bot run`."""

    def __init__(self, process, port, lines):
        self.process = process
        self.port = port
        self.lines = lines
        self._panels = []

    async def panel(self):
        panel = await Panel.open(self.port)
        self._panels.append(panel)
        return panel

    async def get(self, path):
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
            session.get(f"http://127.0.0.1:{self.port}{path}") as answer,
        ):
            return answer.status, await answer.text()

    async def close_panels(self):
        for panel in self._panels:
            await panel.close()
        self._panels = []

    async def terminate(self, timeout_s=15):
        """Stop it as an operator would, and return its exit code."""
        await self.close_panels()
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), timeout_s)

    async def kill(self):
        """Kill it as a power cut would."""
        await self.close_panels()
        self.process.kill()
        await self.process.wait()


def environment():
    """The environment of a machine where nothing is configured."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LIQWATCH_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}


async def start(directory, *flags, cwd, speed="600", extra_env=None):
    """Start a process and wait until it says where to look."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "run",
        *("--source", "replay", "--speed", speed, "--port", "0", "--data-dir", str(directory)),
        *flags,
        cwd=cwd,
        env={**environment(), **(extra_env or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    lines = []
    try:
        async with asyncio.timeout(READY_S):
            while True:
                line = (await process.stdout.readline()).decode()
                lines.append(line)
                if not line:
                    raise AssertionError("did not start:\n" + "".join(lines))
                if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                    break
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    running = Process(process, int(found[1]), lines)

    async def drain():
        async for more in process.stdout:
            lines.append(more.decode(errors="replace"))

    running.draining = asyncio.create_task(drain())
    return running


@pytest.fixture
def bare_environment():
    """The environment of a machine where nothing is configured."""
    return environment()


@pytest.fixture
async def launch(tmp_path):
    """`await launch(…)` starts a process on this test's data directory; all are ended with the test."""
    started = []

    async def go(*flags, directory=None, **kwargs):
        process = await start(directory or tmp_path / "data", *flags, cwd=tmp_path, **kwargs)
        started.append(process)
        return process

    yield go
    for process in started:
        await process.close_panels()
        if process.process.returncode is None:
            process.process.kill()
            await process.process.wait()
        process.draining.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await process.draining
