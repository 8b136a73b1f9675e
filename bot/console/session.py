"""Open a way to the commands for a terminal: join the running process, or start one for this session."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from bot.commands.reply import Reply
from bot.console.control import ControlClient, Desk, Listen, console_caller
from bot.console.terminal import Joined, Line, converse, run_script
from engine.errors import LiqwatchError

NOBODY = "No running Liqwatch serves {directory}. Start it with: liqwatch run"

Start = Callable[[], AbstractAsyncContextManager[tuple[Desk, Listen]]]
"""Start the parts without a web page, for as long as the context lasts."""


class Alone:
    """The way to commands in this very process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._alerts: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=256)

    async def say(self, line: str) -> Reply:
        """Run one typed line."""
        return await self._desk.dispatch(line, console_caller())

    async def press(self, action: str) -> Reply:
        """Run one button."""
        return await self._desk.press(action, console_caller())

    async def complete(self, line: str) -> list[str]:
        """Return what could follow."""
        return self._desk.complete(line)

    async def next_alert(self) -> dict[str, Any]:
        """Wait for the next alert of the local user."""
        return await self._alerts.get()

    async def take(self, message: dict[str, Any]) -> None:
        """Keep an alert until it is asked for; the oldest goes where too many wait."""
        if self._alerts.full():
            self._alerts.get_nowait()
        self._alerts.put_nowait(message["alert"])


@asynccontextmanager
async def opened(directories: Sequence[Path], start: Start | None) -> AsyncIterator[Line]:
    """Give a way to the commands: the process that serves one of `directories`, else one that `start` makes.

    Raise LiqwatchError where nobody serves them and `start` is None.
    """
    for directory in directories:
        client = await ControlClient.join(directory)
        if client is not None:
            joined = Joined(client)
            try:
                await joined.listen()
                yield joined
            finally:
                await client.close()
            return
    if start is None:
        raise LiqwatchError(NOBODY.format(directory=directories[0]))
    async with start() as (desk, listen):
        alone = Alone(desk)
        with listen(alone.take):
            yield alone


async def run_console(
    line: Line, *, lines: Sequence[str] | None, as_json: bool, directory: Path, history: Path
) -> int:
    """Run `lines`, or talk with whoever sits at the terminal; return the exit code."""
    console = Console()
    work: Awaitable[int]
    if lines:
        work = run_script(line, lines, as_json=as_json, directory=directory, console=console)
    else:
        work = converse(line, directory=directory, history=history, console=console)
    return await work
