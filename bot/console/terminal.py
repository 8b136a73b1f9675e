"""Run the console: single commands for scripts, or a conversation with completion, alerts and buttons."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console

from bot.commands.reply import Button, Reply
from bot.console.control import ControlClient
from bot.console.show import plain, save, show, show_alert
from bot.console.wire import reply_from_wire

Complete = Callable[[str], Awaitable[list[str]]]


class Line(Protocol):
    """A way to the commands: a running process, or one started for this console."""

    async def say(self, line: str) -> Reply:
        """Run one typed line."""
        ...

    async def press(self, action: str) -> Reply:
        """Run one button."""
        ...

    async def complete(self, line: str) -> list[str]:
        """Return what could follow."""
        ...

    async def next_alert(self) -> dict[str, Any]:
        """Wait for the next alert."""
        ...


class Joined:
    """The way to a running process, over its control socket."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    async def say(self, line: str) -> Reply:
        """Run one typed line there."""
        return reply_from_wire((await self._client.ask(line=line))["reply"])

    async def press(self, action: str) -> Reply:
        """Run one button there."""
        return reply_from_wire((await self._client.ask(press=action))["reply"])

    async def complete(self, line: str) -> list[str]:
        """Return what could follow."""
        return list((await self._client.ask(complete=line))["completions"])

    async def next_alert(self) -> dict[str, Any]:
        """Wait for the next alert of the local user."""
        return await self._client.alerts.get()

    async def listen(self) -> None:
        """Ask to be sent alerts."""
        await self._client.ask(listen=True)


async def run_script(
    line: Line, commands: Iterable[str], *, as_json: bool, directory: Path, console: Console
) -> int:
    """Run commands one after the other, print each reply, save pictures.

    Return 1 when one failed or the last one left a question open, else 0.
    """
    failed = asked = False
    for number, command in enumerate(commands, 1):
        reply = await line.say(command)
        failed, asked = failed or reply.failed, reply.form is not None
        saved = save(reply.images, directory, prefix=f"{number:02d}-")
        if as_json:
            console.file.write(json.dumps(as_object(command, reply, saved), ensure_ascii=False) + "\n")
            console.file.flush()
        else:
            show(console, reply, saved)
    return 1 if failed or asked else 0


def as_object(command: str, reply: Reply, saved: list[Path]) -> dict[str, Any]:
    """Return what `--json` prints for one command."""
    return {
        "command": command,
        "text": plain(reply),
        "alt": [image.alt for image in reply.images],
        "images": [str(path) for path in saved],
        "buttons": [{"label": b.label, "action": b.action or b.url} for row in reply.buttons for b in row],
        "error": reply.error or None,
        "source": reply.source or reply.notice,
        "now": datetime.fromtimestamp(reply.now_ms / 1000, UTC).isoformat() if reply.now_ms else None,
        "price": reply.price,
    }


class _Words(Completer):
    """Offer commands and symbols while somebody types."""

    def __init__(self, complete: Complete) -> None:
        self._complete = complete

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Return nothing: completions come from another process and are asked for without blocking."""
        return ()

    async def get_completions_async(self, document: Document, complete_event: CompleteEvent) -> Any:  # noqa: ANN401
        """Give what could follow the text before the cursor."""
        typed = document.text_before_cursor
        for text in await self._complete(typed):
            yield Completion(text, start_position=-len(typed))


async def converse(line: Line, *, directory: Path, history: Path, console: Console) -> int:
    """Hold a conversation in the terminal until end of file or `/quit`."""
    session: PromptSession[str] = PromptSession(
        "liqwatch> ",
        completer=_Words(line.complete),
        complete_while_typing=True,
        history=FileHistory(str(history)),
    )
    console.print(
        "Type /help for what can be asked, a number to press a button, /quit to leave.", style="dim"
    )
    buttons: tuple[Button, ...] = ()
    reply: Reply | None = None
    listening = asyncio.create_task(_alerts(line, console))
    count = 0
    try:
        while True:
            with patch_stdout(raw=True):
                typed = (await session.prompt_async()).strip()
            if typed in ("/quit", "/exit", "quit", "exit"):
                return 0
            if not typed:
                continue
            count += 1
            reply = await _run(line, typed, buttons, asked=reply is not None and reply.form is not None)
            saved = save(reply.images, directory, prefix=f"{datetime.now(UTC):%H%M%S}-{count:02d}-")
            buttons = show(console, reply, saved)
    except EOFError:
        return 0
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


async def _run(line: Line, typed: str, buttons: tuple[Button, ...], *, asked: bool = False) -> Reply:
    """Press the button of a number, or say what was typed; a number that answers a question is said."""
    if asked and any(button.action.rpartition(":")[2] == typed for button in buttons):
        return await line.say(typed)
    if typed.isdigit() and 1 <= int(typed) <= len(buttons):
        return await line.press(buttons[int(typed) - 1].action)
    return await line.say(typed)


async def _alerts(line: Line, console: Console) -> None:
    while True:
        alert = await line.next_alert()
        show_alert(console, alert)
