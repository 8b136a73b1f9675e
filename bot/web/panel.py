"""Serve `/ws/panel`: commands, buttons and alerts of the local user, in the page (docs/websocket.md)."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

import structlog
from aiohttp import WSCloseCode, web

from bot.commands.reply import Caller, Front
from bot.delivery.inapp import InAppMessage
from bot.web.blobs import BlobStore
from bot.web.errors import incident_id
from bot.web.limits import Full, Places, TokenBucket
from bot.web.ports import Commands, InApp, Market
from bot.web.sockets import listen, open_socket
from bot.web.wire import alert_body, dumps, error_message, id_of, loads, reply_body, text_of, whole_of
from engine.errors import UserError
from engine.model import UserId

log = structlog.get_logger(__name__)

VERSION = 1
LOCAL_OWNER = UserId("local:owner")
MAX_SESSIONS = 32
MAX_FRAME_BYTES = 16_384
MAX_LINE = 1000
MAX_ACTION = 64
MAX_WAITING = 256
AT_ONCE = 4
MAX_PENDING = 16
MAX_COMPLETIONS = 8
RATE_PER_S = 8.0
BURST = 30.0
CLOCK_S = 1.0


class Panel:
    """Let the local user's pages talk to the commands, and bring them their alerts."""

    def __init__(
        self,
        *,
        market: Market,
        commands: Commands,
        inapp: InApp,
        blobs: BlobStore,
        user_id: UserId = LOCAL_OWNER,
    ) -> None:
        self.user_id = user_id
        self.market = market
        self.commands = commands
        self.inapp = inapp
        self._blobs = blobs
        self._places = Places(MAX_SESSIONS)
        self._sessions: set[Session] = set()
        self._leave: Callable[[], None] | None = None

    def start(self) -> None:
        """Ask the hub for the user's alerts."""
        self._leave = self.inapp.register(self.user_id, self._sink)

    async def close(self) -> None:
        """Take no more alerts, and tell every page that the server goes away."""
        if self._leave is not None:
            self._leave()
            self._leave = None
        await asyncio.gather(*(session.leave() for session in list(self._sessions)), return_exceptions=True)

    async def tell_time(self) -> None:
        """Tell every page the market clock once a second while replaying; runs until cancelled."""
        while True:
            if self._sessions and self.market.source_kind == "replay":
                clock = {"type": "clock", "label": self.market.label(), "now_ms": self.market.now_ms()}
                self._tell(dumps(clock))
            await asyncio.sleep(CLOCK_S)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one page until it leaves."""
        try:
            with self._places.one():
                return await self._serve(request)
        except Full:
            raise web.HTTPServiceUnavailable(
                text="Too many panels are open.", headers={"Retry-After": "10"}
            ) from None

    def catalogue(self) -> list[dict[str, str]]:
        """Return name, usage, summary and an example of every command that can be typed here."""
        replaying = self.market.source_kind == "replay"
        return [
            {
                "name": command.name,
                "usage": command.usage,
                "summary": command.description,
                "example": command.examples[0] if command.examples else f"/{command.name}",
            }
            for command in self.commands.registry.on(Front.PANEL, replaying=replaying)
        ]

    def keep(self, content: bytes, name: str, media_type: str) -> str:
        """Store a document for the user and return the address it can be fetched from for a while."""
        key = self._blobs.put(self.user_id, content, name=name, media_type=media_type)
        return f"/panel/blobs/{key}/{quote(name, safe='')}"

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        socket = open_socket(max_bytes=MAX_FRAME_BYTES)
        await socket.prepare(request)
        session = Session(self, socket)
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self._sessions.discard(session)
        return socket

    async def _sink(self, _: str, message: InAppMessage) -> None:
        """Hand one alert to every open page."""
        if self._sessions:
            self._tell(dumps(alert_body(message, self.keep)))

    def _tell(self, text: str) -> None:
        for session in self._sessions:
            session.send(text)


class Session:
    """One open page of the local user."""

    def __init__(self, panel: Panel, socket: web.WebSocketResponse) -> None:
        self._panel = panel
        self._socket = socket
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MAX_WAITING)
        self._running: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._caller = Caller(user_id=panel.user_id, front=Front.PANEL, operator=False)

    async def run(self) -> None:
        """Greet the page, then answer it until it is gone."""
        writer = asyncio.create_task(self._write(), name="panel writer")
        try:
            await self._greet()
            async for text, in_time in listen(self._socket, TokenBucket(RATE_PER_S, BURST)):
                self._hear(text, in_time=in_time)
        finally:
            for task in (*self._running, writer):
                task.cancel()
            await asyncio.gather(*self._running, writer, return_exceptions=True)

    def send(self, text: str) -> None:
        """Queue a message; a page that takes none is cut off, and starts afresh when it comes back."""
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            log.info("panel.slow_page_closed")
            if (transport := self._socket.get_extra_info("transport")) is not None:
                transport.abort()

    async def leave(self) -> None:
        """Tell the page that the server goes away."""
        await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"server stops")

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self._socket.send_str(await self._waiting.get())

    async def _greet(self) -> None:
        panel = self._panel
        inbox = await panel.inapp.inbox(panel.user_id)
        self.send(
            dumps(
                {
                    "type": "hello",
                    "version": VERSION,
                    "user": panel.user_id,
                    "source": panel.market.source_kind,
                    "label": panel.market.label(),
                    "symbols": list(panel.market.symbols),
                    "unread": await panel.inapp.unread(panel.user_id),
                    "catalogue": panel.catalogue(),
                }
            )
        )
        for message in reversed(inbox):
            self.send(dumps(alert_body(message, panel.keep) | {"inbox": True}))

    def _hear(self, text: str, *, in_time: bool) -> None:
        message: dict[str, Any] = {}
        try:
            message = loads(text)
            if not in_time:
                raise UserError("That was too fast. Try again in a few seconds.")
            self._start(message)
        except UserError as error:
            code = "bad_request" if in_time else "rate_limited"
            self.send(dumps(error_message(code, error.message, id=id_of(message), example=error.example)))

    def _start(self, message: dict[str, Any]) -> None:
        """Begin what the page asks; raise UserError where that cannot be understood."""
        kind = message["type"]
        if kind == "ping":
            self.send(dumps({"type": "pong", "id": id_of(message)}))
            return
        if len(self._running) >= MAX_PENDING:
            raise UserError("Still busy with what you asked before.")
        if kind == "command":
            work = self._reply(message, text_of(message, "line", limit=MAX_LINE), press=False)
        elif kind == "press":
            work = self._reply(message, text_of(message, "action", limit=MAX_ACTION), press=True)
        elif kind == "complete":
            work = self._complete(message, text_of(message, "line", limit=MAX_LINE))
        elif kind == "ack":
            work = self._seen(whole_of(message, "delivery"))
        else:
            raise UserError(f"Unknown type {kind[:32]!r}: command, press, complete, ack or ping.")
        task = asyncio.create_task(self._guarded(message, work), name=f"panel {kind}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _guarded(self, message: dict[str, Any], work: Coroutine[Any, Any, None]) -> None:
        try:
            async with self._turn:
                await work
        except Exception:  # a front's dispatch: logged, and the page is told
            incident = incident_id()
            log.exception("panel.failed", incident=incident, kind=message["type"])
            text = f"Something went wrong here. Incident {incident}."
            self.send(dumps(error_message("failed", text, id=id_of(message), incident=incident)))

    async def _reply(self, message: dict[str, Any], text: str, *, press: bool) -> None:
        if press and message.get("delivery") is not None:
            await self._panel.inapp.acknowledged(self._panel.user_id, whole_of(message, "delivery"))
        run = self._panel.commands.press if press else self._panel.commands.dispatch
        reply = await run(text, self._caller)
        body = reply_body(reply, self._panel.keep)
        self.send(dumps({"type": "reply", "id": id_of(message), "reply": body}))

    async def _complete(self, message: dict[str, Any], line: str) -> None:
        found = self._panel.commands.completions(line, None, Front.PANEL)
        items = [{"line": c.line, "label": c.label, "about": c.about} for c in found[:MAX_COMPLETIONS]]
        self.send(dumps({"type": "completions", "id": id_of(message), "line": line, "items": items}))

    async def _seen(self, delivery: int) -> None:
        panel = self._panel
        await panel.inapp.delivered(panel.user_id, delivery)
        self.send(dumps({"type": "unread", "unread": await panel.inapp.unread(panel.user_id)}))
