"""Hold the stream's channels that somebody follows, and bring them up to date as the market changes."""

import asyncio
from typing import Any

from adapters.venue import Feed
from bot.live.view import ChangeKind
from bot.web.channels import CandleChannel, MarketChannel, Outlet, ZoneChannel
from bot.web.fanout import Message
from bot.web.heat import HeatChannel
from bot.web.own import AlertChannel
from bot.web.ports import Market
from bot.web.tape import LiquidationChannel
from bot.web.topics import Form, Kind, Topic
from bot.web.usual import Usual
from bot.web.wire import dumps
from engine.errors import LiqwatchError, UserError
from engine.model import Liquidation

CLOCK_S = 1.0
MOST_TAPES = 2000
"""Of how many symbols liquidations are kept."""

Drawn = HeatChannel | CandleChannel
Facts = MarketChannel | ZoneChannel | CandleChannel


class Board:
    """Know what every channel shows. `follow`, `tell`, `draw` and `tell_time` are parts of the process."""

    def __init__(
        self,
        market: Market,
        outlet: Outlet,
        *,
        interval_s: float,
        usual: Usual | None = None,
        alerts: AlertChannel | None = None,
    ) -> None:
        self._market = market
        self._outlet = outlet
        self._interval_s = interval_s
        self._usual = usual
        self._alerts = alerts
        self._since_ms = market.now_ms()
        self._drawn: dict[Topic, Drawn] = {}
        self._facts: dict[Topic, Facts] = {}
        self._tapes: dict[str, LiquidationChannel] = {}
        self._gathered: dict[str, bool] = {}
        self._news = asyncio.Event()
        self._dirty: dict[Topic, bool] = {}
        self._dirt = asyncio.Event()

    def heard(self, event: object) -> None:
        """Take up what a venue says besides prices: liquidations."""
        if isinstance(event, Liquidation) and (tape := self._tape(event.symbol)) is not None:
            tape.add(event)
            self._news.set()

    async def follow(self) -> None:
        """Gather what changes in the market; runs until cancelled."""
        changes = self._market.subscribe()
        try:
            while (change := await changes.get()) is not None:
                rebuilt = change.kind is ChangeKind.REBUILT
                self._gathered[change.symbol] = self._gathered.get(change.symbol, False) or rebuilt
                self._news.set()
        finally:
            changes.close()

    async def tell(self) -> None:
        """Publish gathered changes, once an interval at most; runs until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            gathered, self._gathered = self._gathered, {}
            for symbol, rebuilt in gathered.items():
                if symbol in self._market.symbols:
                    self._changed(symbol, rebuilt=rebuilt)
            for tape in self._tapes.values():
                tape.update()
            await asyncio.sleep(self._interval_s)

    async def draw(self) -> None:
        """Bring heatmaps and candles that somebody follows up to date; runs until cancelled."""
        while True:
            await self._dirt.wait()
            self._dirt.clear()
            self._forget_unfollowed()
            while self._dirty:
                topic, restart = self._dirty.popitem()
                if (channel := self._drawn.get(topic)) is not None:
                    await (channel.restart() if restart else channel.refresh())

    async def tell_time(self) -> None:
        """Publish the market clock once a second while it changes; runs until cancelled."""
        last = ""
        while True:
            clock = dumps({"type": "clock", **self.source()})
            if clock != last:
                self._outlet.publish(Message.of(clock))
                last = clock
            await asyncio.sleep(CLOCK_S)

    def source(self) -> dict[str, Any]:
        """Return where the data comes from and what time it is there."""
        replaying = self._market.source_kind == "replay"
        return {
            "kind": self._market.source_kind,
            "label": self._market.label(),
            "now_ms": self._market.now_ms() if replaying else None,
        }

    def check(self, topic: Topic) -> None:
        """Raise UserError for a channel that there is none of here."""
        if topic.kind is Kind.LIQUIDATIONS and Feed.LIQUIDATIONS not in self._market.feeds:
            raise UserError("There are no reports of liquidations here: none were recorded.")

    def left(self) -> None:
        """Say that a channel may be followed by nobody any more."""
        self._dirt.set()

    async def snapshot(self, topic: Topic) -> Message:
        """Return what a newcomer to a channel needs; raise LiqwatchError where there is nothing to show."""
        match topic.kind:
            case Kind.HEATMAP:
                return await self._heat(topic).snapshot(topic.form)
            case Kind.ALERTS:
                if self._alerts is None:
                    raise UserError("There are no alerts here.")
                return await self._alerts.snapshot()
            case Kind.LIQUIDATIONS:
                if (tape := self._tape(topic.symbol)) is None:
                    raise UserError(f"Liquidations of {MOST_TAPES} markets are kept at most.")
                return await tape.snapshot()
            case _:
                return await self._fact(topic).snapshot()

    def _tape(self, symbol: str) -> LiquidationChannel | None:
        tape = self._tapes.get(symbol)
        if tape is None and len(self._tapes) < MOST_TAPES:
            tape = self._tapes[symbol] = LiquidationChannel(symbol, self._outlet, self._since_ms)
        return tape

    def _heat(self, topic: Topic) -> HeatChannel:
        both = topic._replace(form=Form.BINARY)
        channel = self._drawn.get(both)
        if not isinstance(channel, HeatChannel):
            channel = HeatChannel(self._market, topic.symbol, topic.window, self._outlet, self._usual)
            self._drawn[both] = channel
        return channel

    def _fact(self, topic: Topic) -> Facts:
        channel = self._facts.get(topic)
        if channel is None:
            channel = self._facts[topic] = self._made(topic)
            if isinstance(channel, CandleChannel):
                self._drawn[topic] = channel
        return channel

    def _made(self, topic: Topic) -> Facts:
        match topic.kind:
            case Kind.MARKET:
                return MarketChannel(self._market, topic.symbol, self._outlet)
            case Kind.ZONES:
                return ZoneChannel(self._market, topic.symbol, self._outlet)
            case Kind.CANDLES:
                return CandleChannel(self._market, topic.symbol, topic.window, self._outlet)
        raise LiqwatchError(f"{topic.kind} is no channel of facts")

    def _changed(self, symbol: str, *, rebuilt: bool) -> None:
        for topic, facts in self._facts.items():
            if topic.symbol == symbol:
                facts.update(rebuilt=rebuilt)
        candle_ts = self._market.view(symbol).candle_ts
        for topic, channel in self._drawn.items():
            if topic.symbol == symbol and (rebuilt or channel.candle_ts != candle_ts):
                self._dirty[topic] = self._dirty.get(topic, False) or rebuilt
                self._dirt.set()

    def _forget_unfollowed(self) -> None:
        """Let go of channels that nobody follows: what is drawn costs most, the others are made quickly."""
        for channels in (self._drawn, self._facts):
            for topic in [t for t in channels if not self._followed(t)]:
                del channels[topic]

    def _followed(self, topic: Topic) -> bool:
        forms = Form if topic.kind is Kind.HEATMAP else (topic.form,)
        return any(self._outlet.follows(topic._replace(form=form).name) for form in forms)
