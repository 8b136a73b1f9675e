"""Open WebSockets with limits, and read them: one message at a time, none too large, none too often."""

from collections.abc import AsyncIterator

from aiohttp import WSCloseCode, WSMsgType, web

from bot.web.limits import TokenBucket

HEARTBEAT_S = 20.0
TOO_MANY_STRIKES = 100


def open_socket(*, max_bytes: int, heartbeat_s: float = HEARTBEAT_S) -> web.WebSocketResponse:
    """Return a socket that pings, closes when nobody answers, and refuses frames over `max_bytes`."""
    return web.WebSocketResponse(
        heartbeat=heartbeat_s, max_msg_size=max_bytes, compress=False, autoping=True, timeout=2.0
    )


class Listener:
    """Read a client's text messages and tell which of them came too fast."""

    def __init__(self, socket: web.WebSocketResponse, bucket: TokenBucket) -> None:
        self._socket = socket
        self._bucket = bucket
        self._strikes = 0

    async def messages(self) -> AsyncIterator[tuple[str, bool]]:
        """Yield (text, in time) until the client is gone, sends what is no text, or does not slow down."""
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                await self._socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"text messages only")
                return
            if message.type is not WSMsgType.TEXT:
                return
            in_time = self._bucket.take()
            self._strikes += not in_time
            if self._strikes > TOO_MANY_STRIKES:
                await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many messages")
                return
            yield message.data, in_time
