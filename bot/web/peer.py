"""Speak with thousands of clients: aiohttp opens each socket, then `websockets` reads the frames of its line.

What aiohttp keeps of an open socket (the request, tasks, queues and parsers) would be most of what a client
costs. Nothing here waits for a client.
"""

import asyncio
import logging
from typing import Protocol

from aiohttp import web
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import SERVER, State
from websockets.protocol import Protocol as Framing

from bot.web.limits import TokenBucket
from bot.web.sockets import NO_TEXT, TOO_MANY_STRIKES

CLOSE_S = 2.0
"""How long a client has to close its side."""
MOST_WAITING = 1 << 18
"""Bytes that wait for a client beyond which its pings are not answered."""
PING = b"\x89\x00"
PLAIN = "This is a WebSocket: connect with ws:// or wss://. /api/heatmap answers the same to a plain request."

quiet = logging.getLogger(f"{__name__}.frames")
quiet.disabled = True  # it would log what clients send


class Ears(Protocol):
    """Be told what clients send."""

    def heard(self, peer: "Peer", text: str, *, in_time: bool) -> None:
        """Take a message: empty where it was binary; `in_time` is false beyond the rate of a client."""

    def left(self, peer: "Peer") -> None:
        """Take that a line is gone."""


class Peer(asyncio.Protocol):
    """One client, from its handshake until its line is gone."""

    __slots__ = ("_bucket", "_ears", "_ended", "_framing", "_parts", "_strikes", "_transport", "alive")

    def __init__(self, ears: Ears, bucket: TokenBucket, *, max_bytes: int) -> None:
        self._ears = ears
        self._bucket = bucket
        self._framing = Framing(SERVER, state=State.OPEN, max_size=max_bytes, logger=quiet)
        self._parts: list[bytes] | None = None
        """What came of a message that comes in fragments; the first says of what kind it is."""
        self._strikes = 0
        self._ended = False
        """Whether nothing more is heard: we have closed the line."""
        self._transport: asyncio.Transport
        self.alive = True
        """Whether anything came since the last beat."""

    @property
    def close_code(self) -> int | None:
        """Return the code that the line was closed with, None while it is open."""
        return self._framing.close_code

    def take_over(self, request: web.BaseRequest) -> asyncio.Transport:
        """Have the line of a request whose handshake was answered; raise ConnectionResetError if gone."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("gone already")
        self._transport = transport
        transport.set_protocol(self)
        request.protocol.transport = None
        request.protocol.connection_lost(None)  # as far as aiohttp knows
        if not transport.is_reading():
            transport.resume_reading()
        return transport

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self.alive = True
        self._framing.receive_data(data)
        if not self._framing.close_expected():
            self._send()
        for frame in self._framing.events_received():
            if self._ended or self._transport.is_closing():
                break
            if isinstance(frame, Frame):
                self._take(frame)
        self._send()

    def eof_received(self) -> None:
        """Take that nothing more comes; the transport closes itself."""
        self._framing.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take that the line is gone."""
        self._framing.receive_eof()  # so that it knows how it was closed
        self._ears.left(self)

    def close(self, code: int, reason: str) -> None:
        """Say goodbye; a client that does not answer is cut off soon."""
        self._ended = True
        if self._framing.state is State.OPEN:
            self._framing.send_close(code, reason)
            self._send()

    def abort(self) -> None:
        """Cut the line."""
        self._transport.abort()

    def beat(self) -> None:
        """Ask whether the client is there; cut its line where it has said nothing since the last time."""
        if not self.alive:
            self.abort()
            return
        self.alive = False
        self._transport.write(PING)

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.BINARY:
            self._parts = [b"t" if frame.opcode is Opcode.TEXT else b"b"]
        if self._parts is None or frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        self._parts.append(bytes(frame.data))
        if frame.fin:
            (kind, *parts), self._parts = self._parts, None
            self._hear(b"".join(parts) if kind == b"t" else None)

    def _hear(self, data: bytes | None) -> None:
        """Hand a whole message on; close the line of a client that does not slow down."""
        in_time = self._bucket.take()
        self._strikes += not in_time
        if self._strikes > TOO_MANY_STRIKES:
            self.close(CloseCode.POLICY_VIOLATION, "too many messages")
            return
        try:
            text = NO_TEXT if data is None else data.decode()
        except UnicodeDecodeError:
            self._ended = True
            self._framing.fail(CloseCode.INVALID_DATA, "text that is no UTF-8")
            return
        self._ears.heard(self, text, in_time=in_time)

    def _send(self) -> None:
        """Write what the protocol answers by itself: pongs, and the end."""
        answers, transport = self._framing.data_to_send(), self._transport
        if not answers or transport.is_closing():
            return
        closing = self._framing.close_expected()
        if closing or transport.get_write_buffer_size() <= MOST_WAITING:
            transport.write(b"".join(answers))
        if b"" in answers:
            transport.close()
        if closing:
            asyncio.get_running_loop().call_later(CLOSE_S, transport.abort)


class Opened(web.WebSocketResponse):
    """The answer to a handshake whose line is somebody else's from then on."""

    async def write_eof(self) -> None:  # type: ignore[override]  # as in aiohttp's own class
        """Leave the line alone."""


async def opened(request: web.Request) -> Opened:
    """Answer a handshake; raise HTTPUpgradeRequired for a plain request, HTTPBadRequest where it is wrong."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise web.HTTPUpgradeRequired(text=PLAIN, headers={"Upgrade": "websocket"})
    response = Opened(compress=False)
    await response.prepare(request)
    return response
