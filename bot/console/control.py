"""Serve the terminal over an owner-only Unix socket in the data directory: commands join a running process.

Messages are JSON lines. To the process: `{"id", "line"}` or `{"id", "press"}` or `{"id", "complete"}`,
`{"id", "listen": true}` to be sent alerts, and `{"id", "backup": folder}`. From it: `{"id", "reply"}`,
`{"id", "completions"}`, `{"alert"}`, `{"id", "backup": where}` or `{"id", "error"}`.
"""

import asyncio
import contextlib
import os
import socket
import stat
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import structlog

from bot.commands.reply import Caller, Front, Reply
from bot.console.wire import LINE_LIMIT, decode, encode, reply_to_wire
from engine.errors import LiqwatchError
from engine.model import UserId

log = structlog.get_logger(__name__)

NAME = "control.sock"
PATH_LIMIT = 100
"""Unix socket addresses hold 108 bytes; longer paths go through a descriptor of their directory."""
CLIENT_LIMIT = 16
ANSWER_TIMEOUT_S = 60.0
LOCAL_USER = UserId("local:owner")


class Desk(Protocol):
    """What the socket needs of the commands."""

    async def dispatch(self, line: str, caller: Caller) -> Reply:
        """Run one typed line."""
        ...

    async def press(self, action: str, caller: Caller) -> Reply:
        """Run one button."""
        ...

    def complete(self, line: str) -> list[str]:
        """Return what could follow."""
        ...


Push = Callable[[dict[str, Any]], Awaitable[None]]
Listen = Callable[[Push], contextlib.AbstractContextManager[None]]
"""Register a function that is given each alert of the local user while the context lasts."""
BackUp = Callable[[str], Awaitable[dict[str, str]]]
"""Copy both stores into a folder; return where they are as "backup", or an "error"."""


async def cannot(_: str) -> dict[str, str]:
    """Say that this process has nothing to back up."""
    return {"error": "this process keeps nothing that could be backed up"}


def console_caller() -> Caller:
    """Return the person at the machine's own terminal: the local user, and its operator."""
    return Caller(user_id=LOCAL_USER, front=Front.CONSOLE, may_post=True, operator=True)


@contextlib.contextmanager
def socket_address(directory: Path) -> Any:  # noqa: ANN401 - a generator of str, typed by contextmanager
    """Give the address of the socket in `directory`, short enough for the kernel while the context lasts."""
    path = directory / NAME
    if len(os.fsencode(path)) <= PATH_LIMIT:
        yield str(path)
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)


class ControlSocket:
    """Answer terminals of the same operating-system user while the process runs."""

    def __init__(self, directory: Path, desk: Desk, listen: Listen, back_up: BackUp = cannot) -> None:
        self._directory = directory
        self._desk = desk
        self._listen = listen
        self._back_up = back_up
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open the socket, for its owner alone; the lock of the data directory is held already."""
        path = self._directory / NAME
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            with socket_address(self._directory) as address:
                self._server = await asyncio.start_unix_server(self._accept, address, limit=LINE_LIMIT)
        finally:
            os.umask(before)
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)

    async def stop(self) -> None:
        """Close the socket and every conversation on it."""
        if self._server is not None:
            self._server.close()
        for task in self._clients:
            task.cancel()
        if self._clients:
            await asyncio.wait(self._clients, timeout=2)
        (self._directory / NAME).unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._clients) >= CLIENT_LIMIT or not _same_user(writer):
            writer.close()
            return
        self._clients.add(task)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, ValueError, asyncio.LimitOverrunError, TimeoutError) as error:
            log.info("control.closed", reason=str(error)[:200])
        finally:
            self._clients.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writing = asyncio.Lock()

        async def push(message: dict[str, Any]) -> None:
            async with writing, asyncio.timeout(ANSWER_TIMEOUT_S):
                writer.write(encode(message))
                await writer.drain()

        with contextlib.ExitStack() as held:
            while line := await reader.readline():
                message = decode(line)
                if message.get("listen"):
                    held.enter_context(self._listen(push))
                    await push({"id": message.get("id"), "listening": True})
                else:
                    await push(await self._answer(message))

    async def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        caller = console_caller()
        if "complete" in message:
            return {"id": message.get("id"), "completions": self._desk.complete(str(message["complete"]))}
        if "backup" in message:
            return {"id": message.get("id"), **await self._back_up(str(message["backup"]))}
        if "press" in message:
            reply = await self._desk.press(str(message["press"]), caller)
        else:
            reply = await self._desk.dispatch(str(message.get("line", "")), caller)
        return {"id": message.get("id"), "reply": reply_to_wire(reply)}


def _same_user(writer: asyncio.StreamWriter) -> bool:
    peer = writer.get_extra_info("socket")
    if peer is None or not hasattr(socket, "SO_PEERCRED"):
        return True  # the file's mode is the only guard where the kernel does not say who connects
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return bool(uid == os.getuid())


class ControlClient:
    """Talk to a running process from a terminal."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._next = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.alerts: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=256)
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def join(cls, directory: Path) -> "ControlClient | None":
        """Connect to the process that serves `directory`; None where none does."""
        if not (directory / NAME).exists():
            return None
        try:
            with socket_address(directory) as address:
                reader, writer = await asyncio.open_unix_connection(address, limit=LINE_LIMIT)
        except (ConnectionError, FileNotFoundError):
            return None
        return cls(reader, writer)

    async def ask(self, *, timeout_s: float = ANSWER_TIMEOUT_S, **message: object) -> dict[str, Any]:
        """Send one message and return its answer; LiqwatchError where the process went away."""
        self._next += 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[self._next] = future
        try:
            self._writer.write(encode({"id": self._next, **message}))
            await self._writer.drain()
            async with asyncio.timeout(timeout_s):
                return await future
        except (ConnectionError, TimeoutError) as error:
            raise LiqwatchError(f"the running process did not answer: {error or 'time-out'}") from error
        finally:
            self._waiting.pop(self._next, None)

    async def close(self) -> None:
        """End the conversation."""
        self._reading.cancel()
        self._writer.close()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await self._reading

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                self._take(decode(line))
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ConnectionResetError("the process has stopped"))

    def _take(self, message: dict[str, Any]) -> None:
        future = self._waiting.get(message.get("id", -1))
        if future is not None and not future.done():
            future.set_result(message)
        elif "alert" in message:
            if self.alerts.full():
                self.alerts.get_nowait()
            self.alerts.put_nowait(message["alert"])
