"""Serve `/ws/heatmap`: the live chart's stream, open to all who may see the page (docs/websocket.md)."""

import asyncio
import contextlib
from asyncio import Transport
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import structlog
from aiohttp import web
from websockets.frames import CloseCode

from bot.web.board import Board
from bot.web.encode import VERSION
from bot.web.errors import incident_id
from bot.web.fanout import Hub, Message, Patience, Subscriber
from bot.web.limits import Places, TokenBucket
from bot.web.own import AlertChannel
from bot.web.peer import CLOSE_S, Peer, opened
from bot.web.ports import WINDOWS, InApp, Market
from bot.web.sockets import HEARTBEAT_S
from bot.web.tally import Tally
from bot.web.topics import Form, Kind, Topic, Wanted, wanted
from bot.web.usual import Usual
from bot.web.wire import Keep, dumps, error_message, id_of, loads
from config.stream_sections import StreamSettings
from engine.errors import LiqwatchError, UserError
from engine.model import UserId

log = structlog.get_logger(__name__)

BURST_S = 4
"""How many seconds' messages a client may send at once."""
AFTER_S = 10
BEATS = 40
"""In how many parts clients are asked whether they are there: their answers come together."""
OFF = "The stream is switched off here (LIQWATCH_WS_ENABLED=0): ask /api/heatmap every few seconds instead."
SLOW = "You take messages too slowly: what came meanwhile is left out, and a fresh snapshot follows."


class Refused(UserError):
    """Say why a client does not get what it asks for, with a code that its program can act on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The local user's alerts, and who may see them."""

    inapp: InApp
    user_id: UserId
    keep: Keep
    may_use: Callable[[web.BaseRequest], bool]


def nowhere(_: web.BaseRequest) -> str:
    """Return the address of a client where none is told apart."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a stream may know besides the market: another model, the local user, whose a request is.

    `log_addresses` lets clients' addresses be logged.
    """

    usual: Usual | None = None
    owner: Owner | None = None
    address: Callable[[web.BaseRequest], str] = nowhere
    log_addresses: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One connection; `owner` says that it is the local user's, `places` are those of its address."""

    number: int
    line: Subscriber
    owner: bool
    places: Places


class Stream:
    """Tell every client what it follows, and answer what it asks.

    `board` has the parts that follow the market, `hub` those that spread what is published.
    """

    def __init__(
        self, market: Market, settings: StreamSettings | None = None, around: Around | None = None
    ) -> None:
        self._market = market
        self.settings = settings = settings or StreamSettings()
        self._around = around = around or Around()
        self._places = Places(settings.max_connections)
        self._of_address: dict[str, Places] = {}
        self._numbers = count(1)
        self._clients: dict[Peer, Client] = {}
        self._empty = asyncio.Event()
        self._topics: dict[str, Topic] = {}
        warning = Message.of(dumps(error_message("slow_consumer", SLOW)))
        patience = Patience(buffer_bytes=settings.buffer_kb * 1000, slow_s=settings.slow_s, warning=warning)
        self.tally = Tally()
        self.hub = Hub(self._snapshot, patience, tally=self.tally)
        owner = around.owner
        self._alerts = AlertChannel(owner.inapp, owner.user_id, owner.keep, self.hub) if owner else None
        self.board = Board(
            market,
            self.hub,
            interval_s=settings.update_interval_s,
            usual=around.usual,
            alerts=self._alerts,
        )

    @property
    def connections(self) -> int:
        """Return how many clients there are."""
        return self._places.taken

    @property
    def most_connections(self) -> int:
        """Return how many clients there may be; none where the stream is off."""
        return self._places.limit if self.settings.enabled else 0

    def subscribers(self) -> dict[str, int]:
        """Return how many clients follow each channel that somebody follows."""
        return self.hub.followed()

    def start(self) -> None:
        """Take the local user's alerts."""
        if self._alerts is not None:
            self._alerts.start()

    async def close(self) -> None:
        """Take no more alerts, and tell every client that the server goes away."""
        if self._alerts is not None:
            self._alerts.close()
        for peer in tuple(self._clients):
            peer.close(CloseCode.GOING_AWAY, "server stops")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                while self._clients:
                    self._empty.clear()
                    await self._empty.wait()
        for peer in tuple(self._clients):
            peer.abort()

    async def beat(self) -> None:
        """Ask every client now and then whether it is there, some at a time; runs until cancelled."""
        for turn in count():
            await asyncio.sleep(HEARTBEAT_S / BEATS)
            for peer, client in tuple(self._clients.items()):
                if (client.number - turn) % BEATS == 0:
                    peer.beat()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Open one client's socket; it lives on when this has returned, until the client leaves."""
        if not self.settings.enabled:
            self.tally.refused["off"] += 1
            raise web.HTTPServiceUnavailable(text=OFF)
        owner, rate = self._around.owner, self.settings.rate_per_s
        is_owner = owner is not None and owner.may_use(request)
        places = self._take_place(self._around.address(request))
        try:
            response = await opened(request)
            bucket = TokenBucket(rate, max(1.0, BURST_S * rate))
            peer = Peer(self, bucket, max_bytes=self.settings.max_frame_bytes)
            line = peer.take_over(request)
        except BaseException:
            self._give_back(places)
            raise
        self._welcome(peer, line, places, owner=is_owner)
        return response

    def heard(self, peer: Peer, text: str, *, in_time: bool) -> None:
        """Answer a client."""
        self.tally.heard += 1
        client = self._clients[peer]
        client.line.offer(Message.of(dumps(self._answer(client, text, in_time=in_time))))

    def left(self, peer: Peer) -> None:
        """Let a client go whose line is gone."""
        client = self._clients.pop(peer)
        if not self._clients:
            self._empty.set()
        self._give_back(client.places)
        self.hub.remove(client.line)
        self.board.left()
        missed = client.line.dropped
        log.debug("stream.disconnected", client=client.number, code=peer.close_code, missed=missed)

    def _take_place(self, address: str) -> Places:
        """Take a place in all and one of the address; raise the answer where there is none."""
        after = {"Retry-After": str(AFTER_S)}
        if self._places.taken >= self._places.limit:
            self.tally.refused["full"] += 1
            text = "The stream is full; try again in a moment."
            raise web.HTTPServiceUnavailable(text=text, headers=after)
        places = self._of_address.get(address)
        if places is None:
            places = self._of_address[address] = Places(self.settings.max_per_address, address)
        if places.taken >= places.limit:
            self.tally.refused["address"] += 1
            text = (
                f"{places.limit} connections of one address are the most. A proxy? LIQWATCH_TRUSTED_PROXIES."
            )
            raise web.HTTPTooManyRequests(text=text, headers=after)
        self._places.take()
        places.take()
        return places

    def _give_back(self, places: Places) -> None:
        """Give both places back."""
        self._places.give_back()
        places.give_back()
        if not places.taken:
            del self._of_address[places.whose]

    def _welcome(self, peer: Peer, line: Transport, places: Places, *, owner: bool) -> None:
        """Take a client on and greet it."""
        client = Client(number=next(self._numbers), line=self.hub.add(line), owner=owner, places=places)
        self._clients[peer] = client
        self.tally.opened += 1
        where = {"address": places.whose} if self._around.log_addresses else {}
        log.debug("stream.connected", client=client.number, **where)
        client.line.offer(Message.of(self._hello()))

    def _hello(self) -> str:
        settings = self.settings
        return dumps(
            {
                "type": "hello",
                "version": VERSION,
                "symbols": list(self._market.symbols),
                "windows": list(WINDOWS),
                "channels": list(Kind),
                "formats": list(Form),
                "source": self.board.source(),
                "limits": {
                    "channels": settings.max_subscriptions,
                    "frame_bytes": settings.max_frame_bytes,
                    "rate_per_s": settings.rate_per_s,
                    "update_interval_s": settings.update_interval_s,
                },
            }
        )

    def _answer(self, client: Client, text: str, *, in_time: bool) -> dict[str, Any]:
        """Do what a client asks and return what it is told."""
        message: dict[str, Any] = {}
        try:
            if not in_time:
                rate = f"{self.settings.rate_per_s:g}"
                raise Refused("rate_limited", f"Too many messages: {rate} a second are the most.")
            message = loads(text)
            return self._act(client, message)
        except UserError as error:
            code = error.code if isinstance(error, Refused) else "bad_request"
            return error_message(code, error.message, id=id_of(message))

    def _act(self, client: Client, message: dict[str, Any]) -> dict[str, Any]:
        kind, request_id = message["type"], id_of(message)
        if kind == "ping":
            return {"type": "pong", "id": request_id}
        if kind not in ("subscribe", "unsubscribe", "resync"):
            raise UserError(f"Unknown type {kind[:32]!r}: subscribe, unsubscribe, resync or ping.")
        asked = wanted(message, self._market.symbols, self.settings.max_subscriptions)
        names = [topic.name for topic in asked.topics]
        if kind == "subscribe":
            self._subscribe(client, asked)
        elif kind == "unsubscribe":
            for name in names:
                self.hub.leave(client.line, name)
            self.board.left()
        else:
            self._resync(client, names)
        log.debug("stream.asked", client=client.number, what=kind, channels=names)
        said = f"{kind}d" if kind.endswith("e") else "resyncing"
        which = {"channels": names} if asked.many else {"channel": names[0]}
        return {"type": said, "id": request_id, **which}

    def _subscribe(self, client: Client, asked: Wanted) -> None:
        """Let a client follow all that it asked for, or none of it."""
        for topic in asked.topics:
            self.board.check(topic)
            if topic.kind is Kind.ALERTS and not client.owner:
                raise Refused(
                    "forbidden", "Alerts are for the local user: open the page with the panel's token."
                )
        most = self.settings.max_subscriptions
        names = {topic.name: topic for topic in asked.topics}
        if len(set(client.line.channels) | names.keys()) > most:
            raise Refused("too_many", f"{most} channels are the most for one connection.")
        self._topics |= names
        for name in names:
            self.hub.join(client.line, name)

    def _resync(self, client: Client, names: list[str]) -> None:
        following = set(client.line.channels)
        for name in names:
            if name not in following:
                raise Refused("not_subscribed", f"You do not follow {name}: subscribe first.")
        for name in names:
            self.hub.join(client.line, name)

    async def _snapshot(self, channel: str) -> Message:
        """Return what a newcomer to a channel needs, or the error that stands in its place."""
        try:
            return await self.board.snapshot(self._topics[channel])
        except LiqwatchError as error:
            text = str(error)
        except Exception:  # a front's dispatch: logged, and the client is told
            incident = incident_id()
            log.exception("stream.snapshot_failed", incident=incident, channel=channel)
            text = f"Something went wrong here. Incident {incident}."
        return Message.of(dumps(error_message("no_snapshot", text, channel=channel)))
