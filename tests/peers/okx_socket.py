"""One WebSocket connection to the local OKX: subscriptions, acks, refusals, text pings, and its end."""

import asyncio
import contextlib
import json

from aiohttp import WSMsgType

BUSINESS = ("candle", "mark-price-candle", "index-candle", "trades-all")
BY_TYPE = ("liquidation-orders", "instruments")
KNOWN = ("trades", "mark-price", "open-interest", "funding-rate", "tickers", *BY_TYPE)
PAYLOAD, OPERATIONS = 64 << 10, 480
IDLE_WAITS = 20
GONE = (
    "Wrong URL or channel:{channel},{key}:{what} doesn't exist. Please use the correct URL, channel and"
    " parameters referring to API document."
)
MOVED = "This channel has been migrated to the '/business' URL. Please subscribe using the new URL."


def canonical(arg):
    """Return what identifies a subscription: what OKX does not know of an argument it leaves out."""
    key = "instType" if arg["channel"] in BY_TYPE else "instId"
    return {"channel": arg["channel"], key: arg.get(key, "")}


class Connection:
    """One connection, with all that it asked for."""

    def __init__(self, peer, request, socket, number):
        self.peer, self.request, self.socket = peer, request, socket
        self.path = request.match_info["path"]
        self.name = f"a4d3{number:04x}"
        self.args = []
        self.operations = 0
        self.asked = []
        self.pings = 0
        self.close_code = None
        self._moved = False

    @property
    def topics(self):
        return [f"{arg['channel']}:{arg.get('instId') or arg.get('instType')}" for arg in self.args]

    async def run(self):
        """Answer until the connection ends."""
        watch = asyncio.create_task(self._watch())
        try:
            async for message in self.socket:
                self._moved = True
                if message.type is WSMsgType.TEXT and not self.peer.silent:
                    await self._hear(message.data)
        finally:
            watch.cancel()
            self.close_code = self.socket.close_code

    async def _watch(self):
        """Close a connection on which nothing is said, or that asks for nothing.

        The time is counted in short waits, so that one in which this process itself stood
        still, and the other side with it, counts once and not whole.
        """
        started, waits = False, 0
        while waits < IDLE_WAITS:
            self._moved = False
            await asyncio.sleep(self.peer.idle_s / IDLE_WAITS)
            started = started or bool(self.args)
            waits = 0 if self._moved and started else waits + 1
        self.peer.world.faults.append(f"nothing was said for {self.peer.idle_s:g} s")
        await self.close(4004, "No data received in 30s.")

    async def _hear(self, text):
        if text == "ping":
            self.pings += 1
            return await self.send("pong")
        try:
            message = json.loads(text)
            op, args = message["op"], message["args"]
            number = message.get("id")
        except (ValueError, KeyError, TypeError):
            return await self._refuse("60012", f"Invalid request: {text}")
        self.asked.append(message)
        if op not in ("subscribe", "unsubscribe") or not isinstance(args, list) or not args:
            return await self._refuse("60012", f"Invalid request: {text}", number)
        return await self._obey(op, args, number)

    async def _obey(self, op, args, number):
        frames = self.peer.frames
        self.operations += len(args) if self.peer.counts_topics else 1
        if self.operations > OPERATIONS:
            self.peer.world.faults.append(f"more than {OPERATIONS} operations in an hour")
            return await self._refuse("60014", "Requests too frequent", number)
        refusals = [refusal for arg in args if (refusal := self._refusal(arg))]
        if refusals and self.peer.batches_fail:
            return await self._refuse(*refusals[0], number)
        for arg in args:
            if refusal := self._refusal(arg):
                await self._refuse(*refusal, number)
            elif self.peer.forgets_acks:
                self._take(op, canonical(arg))
            else:
                self._take(op, canonical(arg))
                await self.send(frames.ack(op, canonical(arg), self.name, number))
                await self._first(op, canonical(arg))
        return None

    def _take(self, op, arg):
        if op == "unsubscribe":
            self.args = [each for each in self.args if each != arg]
        elif arg not in self.args:
            self.args.append(arg)
        held = sum(len(json.dumps(each, separators=(",", ":"))) + 1 for each in self.args)
        if held > PAYLOAD:
            self.peer.world.faults.append(f"{held} bytes of topics on a connection")

    async def _first(self, op, arg):
        """Send what comes at once: of liquidations, what may have been said long ago."""
        if op == "subscribe" and arg["channel"] == "liquidation-orders":
            for row in self.peer.stale:
                await self.send(self.peer.frames.data(arg["channel"], "SWAP", [row], key="instType"))

    def _refusal(self, arg):
        """Return the code and the words with which OKX refuses a topic, None for one that it has."""
        if not isinstance(arg, dict) or not isinstance(arg.get("channel"), str):
            return "60013", "Invalid args"
        channel = arg["channel"]
        key = "instType" if channel in BY_TYPE else "instId"
        gone = GONE.format(channel=channel, key=key, what=arg.get(key) or arg.get("instId", ""))
        if self.path not in ("public", "business"):
            return "60008", "The path is not supported"
        if channel.startswith(BUSINESS) != (self.path == "business"):
            return ("64001", MOVED) if self.peer.says_moved and self.path == "public" else ("60018", gone)
        if channel in BY_TYPE:
            known = arg.get("instType") in ("SWAP", "FUTURES", "MARGIN", "OPTION")
        else:
            known = any(row["instId"] == arg.get("instId") for row in self.peer.world.instruments)
        offered = channel.startswith("candle") or channel in (*KNOWN, "trades-all")
        return None if known and offered else ("60018", gone)

    async def _refuse(self, code, words, number=None):
        await self.send(self.peer.frames.error(code, words, self.name, number))

    async def send(self, text):
        """Send a text, if the connection still stands."""
        if self.socket.closed:
            return
        self._moved = True
        with contextlib.suppress(ConnectionError):
            await (self.socket.send_bytes(text) if isinstance(text, bytes) else self.socket.send_str(text))

    async def close(self, code, words=""):
        """Close the connection as OKX does."""
        await self.socket.close(code=code, message=words.encode())

    def cut(self, text=""):
        """Break the line, in the middle of a frame where a text is given."""
        transport = self.request.transport
        if transport is None:
            return
        if text:
            raw = text.encode()
            transport.write(b"\x81\x7e" + len(raw).to_bytes(2, "big") + raw[: len(raw) // 2])
        transport.close() if text else transport.abort()
