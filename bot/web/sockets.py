"""Open WebSockets with limits, and read them: one message at a time, none too large, none too often."""

from collections.abc import AsyncIterator

from aiohttp import WSCloseCode, WSMsgType, web

from bot.web.limits import TokenBucket

HEARTBEAT_S = 20.0
TOO_MANY_STRIKES = 100
NO_TEXT = ""


def open_socket(*, max_bytes: int, heartbeat_s: float = HEARTBEAT_S) -> web.WebSocketResponse:
    """Return a socket that pings, closes when nobody answers, and refuses frames over `max_bytes`."""
    return web.WebSocketResponse(
        heartbeat=heartbeat_s, max_msg_size=max_bytes, compress=False, autoping=True, timeout=2.0
    )


async def listen(socket: web.WebSocketResponse, bucket: TokenBucket) -> AsyncIterator[tuple[str, bool]]:
    """Yield (text, in time) of each message until the client is gone, or does not slow down."""
    strikes = 0
    async for message in socket:
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return
        in_time = bucket.take()
        strikes += not in_time
        if strikes > TOO_MANY_STRIKES:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many messages")
            return
        yield (message.data if message.type is WSMsgType.TEXT else NO_TEXT), in_time
