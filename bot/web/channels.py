"""Keep what the stream's channels of a symbol show beside its heatmap: facts, zones, candles."""

import asyncio
from math import isnan
from typing import Any, Protocol

from bot.live.view import SymbolView
from bot.web.fanout import Message
from bot.web.ports import WINDOWS, Market
from bot.web.topics import Kind, Topic
from bot.web.wire import dumps
from engine.model import STEP_MS, Candles, Zone

BINS = 600
MAX_COLUMNS = 1000
CANDLE_FIELDS = ["ts", "open", "high", "low", "close", "volume"]


class Outlet(Protocol):
    """Be where channels publish."""

    def publish(self, message: Message) -> None:
        """Let a message go to those who follow its channel."""

    def follows(self, channel: str) -> bool:
        """Say whether anybody follows a channel."""


class MarketChannel:
    """What is known about one symbol beside its heatmap: price, forming candle, zones, the day's facts."""

    def __init__(self, market: Market, symbol: str, outlet: Outlet) -> None:
        self.name = Topic(Kind.MARKET, symbol).name
        self._market = market
        self._symbol = symbol
        self._outlet = outlet
        self._n = 0
        self._forming = Forming()
        self._told: dict[str, Any] = {}
        self._facts: dict[str, Any] = {}
        self._candle_ts = market.view(symbol).candle_ts

    async def snapshot(self) -> Message:
        """Return everything as one message."""
        return self._message("market", self._now(self._market.view(self._symbol)))

    def update(self, *, rebuilt: bool) -> None:
        """Publish what changed of the price; with a new candle of zones and the day's facts as well.

        All of it after a jump in time.
        """
        view = self._market.view(self._symbol)
        if rebuilt:
            self._forming = Forming()
            self._facts = {}
        if rebuilt or view.candle_ts != self._candle_ts:
            self._candle(view)
            return
        body = self._price(view)
        told = {name: value for name, value in body.items() if name != "price_ts"}
        if told != self._told:
            self._told = told
            self._tell("price", body)

    def _candle(self, view: SymbolView) -> None:
        self._candle_ts = view.candle_ts
        facts = self._now(view)
        changed = {name: value for name, value in facts.items() if self._facts.get(name) != value}
        if changed:
            self._facts = facts
            self._tell("facts", changed)

    def _now(self, view: SymbolView) -> dict[str, Any]:
        return self._price(view) | facts_of(view)

    def _price(self, view: SymbolView) -> dict[str, Any]:
        return {
            "price": view.price,
            "price_ts": view.price_ts,
            "interpolated": view.interpolated,
            "bar": self._forming.grown(view),
        }

    def _tell(self, kind: str, body: dict[str, Any]) -> None:
        self._n += 1
        self._outlet.publish(self._message(kind, body))

    def _message(self, kind: str, body: dict[str, Any]) -> Message:
        head = {"type": kind, "channel": self.name, "symbol": self._symbol, "n": self._n}
        return Message.of(dumps(head | body), channel=self.name, n=self._n)


class Forming:
    """Grow the candle that is still open; one that has closed comes with the candles."""

    def __init__(self) -> None:
        self._bar: dict[str, float] | None = None

    def grown(self, view: SymbolView) -> dict[str, float] | None:
        """Return the candle as it stands at the newest price, None where none is open."""
        opened = view.price_ts - view.price_ts % STEP_MS
        price = view.price
        if opened <= view.candle_ts:
            self._bar = None
        elif self._bar is None or self._bar["ts"] != opened:
            self._bar = {"ts": opened, "open": price, "high": price, "low": price, "close": price}
        else:
            high, low = max(self._bar["high"], price), min(self._bar["low"], price)
            self._bar = self._bar | {"high": high, "low": low, "close": price}
        return self._bar


class ZoneChannel:
    """The zones of one symbol, as they come, change and go."""

    def __init__(self, market: Market, symbol: str, outlet: Outlet) -> None:
        self.name = Topic(Kind.ZONES, symbol).name
        self._market = market
        self._symbol = symbol
        self._outlet = outlet
        self._n = 0
        self._zones = self._found()

    async def snapshot(self) -> Message:
        """Return all zones as one message."""
        view = self._market.view(self._symbol)
        ready = bool(view.zones and view.zones.threshold_ready)
        body = {"price": view.price, "ready": ready, "zones": list(self._zones.values())}
        return self._message("zones", body)

    def update(self, *, rebuilt: bool) -> None:
        """Publish which zones are new or changed, and which are gone; nothing where all are as they were."""
        before, self._zones = self._zones, self._found()
        changed = [zone for name, zone in self._zones.items() if before.get(name) != zone]
        gone = [name for name in before if name not in self._zones]
        if changed or gone:
            self._n += 1
            self._outlet.publish(self._message("zones_changed", {"zones": changed, "gone": gone}))

    def _found(self) -> dict[str, dict[str, Any]]:
        zones = self._market.view(self._symbol).zones
        return {str(zone.zone_id): zone_of(zone) for zone in zones.zones} if zones else {}

    def _message(self, kind: str, body: dict[str, Any]) -> Message:
        head = {"type": kind, "channel": self.name, "symbol": self._symbol, "n": self._n}
        return Message.of(dumps(head | body), channel=self.name, n=self._n)


class CandleChannel:
    """The candles of one symbol over one window: those that closed, and the one that still forms."""

    def __init__(self, market: Market, symbol: str, window: str, outlet: Outlet) -> None:
        self.name = Topic(Kind.CANDLES, symbol, window).name
        self.symbol = symbol
        self.candle_ts = 0
        self._market = market
        self._window = window
        self._outlet = outlet
        self._n = 0
        self._forming = Forming()
        self._bar: dict[str, float] | None = None
        self._lock = asyncio.Lock()

    async def snapshot(self) -> Message:
        """Return all candles as one message."""
        async with self._lock:
            return await self._whole()

    def update(self, *, rebuilt: bool) -> None:
        """Publish the candle that still forms where it has grown."""
        bar = self._forming.grown(self._market.view(self.symbol))
        if bar is not None and bar != self._bar and not rebuilt:
            row = [bar[name] for name in CANDLE_FIELDS[:5]]
            self._tell("candle", {"closed": False, "candles": [[*row, None]]})
        self._bar = bar

    async def refresh(self) -> None:
        """Publish the candles that have closed since."""
        async with self._lock:
            view = self._market.view(self.symbol)
            first, last = self.candle_ts + STEP_MS, view.candle_ts + STEP_MS
            if not self.candle_ts or last <= first:
                return
            closed = await self._market.candles_between(self.symbol, first, last)
            self.candle_ts = view.candle_ts
            if len(closed):
                self._tell("candle", {"closed": True, "candles": rows_of(closed)})

    async def restart(self) -> None:
        """Publish everything anew, as after a jump in time."""
        async with self._lock:
            if self.candle_ts:
                self._forming, self._bar = Forming(), None
                self._n += 1
                self._outlet.publish(await self._whole())

    async def _whole(self) -> Message:
        view = self._market.view(self.symbol)
        candles = await self._market.history(self.symbol, WINDOWS[self._window])
        self.candle_ts = view.candle_ts
        body = {"step_ms": STEP_MS, "fields": CANDLE_FIELDS, "candles": rows_of(candles), "bar": self._bar}
        return self._message("candles", body)

    def _tell(self, kind: str, body: dict[str, Any]) -> None:
        self._n += 1
        self._outlet.publish(self._message(kind, body))

    def _message(self, kind: str, body: dict[str, Any]) -> Message:
        head = {"type": kind, "channel": self.name, "symbol": self.symbol, "window": self._window}
        return Message.of(dumps(head | {"n": self._n} | body), channel=self.name, n=self._n)


def rows_of(candles: Candles) -> list[list[float | None]]:
    """Return candles as rows of `CANDLE_FIELDS`, those without a price left out; None is not known."""
    columns = [candles.ts, candles.open, candles.high, candles.low, candles.close, candles.volume]
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [
        [None if isnan(value) else value for value in row]
        for row in rows
        if not isnan(row[CANDLE_FIELDS.index("close")])
    ]


def facts_of(view: SymbolView) -> dict[str, Any]:
    """Return the facts of a symbol that change with a candle, zones among them."""
    zones = view.zones
    return {
        "venues": list(view.venues),
        "candle_ts": view.candle_ts,
        "change_24h": view.change_24h,
        "high_24h": view.high_24h,
        "low_24h": view.low_24h,
        "volume_24h_usd": view.volume_24h_usd,
        "open_interest_usd": view.open_interest_usd,
        "warm": view.warm,
        "history_days": round(view.history_days, 2),
        "zones_ready": bool(zones and zones.threshold_ready),
        "zones": [zone_of(zone) for zone in zones.zones] if zones else [],
    }


def zone_of(zone: Zone) -> dict[str, Any]:
    """Return one zone as plain JSON types."""
    return {
        "id": zone.zone_id,
        "side": zone.side.value,
        "low": zone.low,
        "high": zone.high,
        "peak": zone.peak,
        "notional_usd": zone.notional_usd,
        "share": zone.share,
        "percentile": zone.percentile,
        "born_ts": zone.born_ts,
    }
