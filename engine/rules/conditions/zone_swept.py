"""Fire where price goes through a zone, and compare with what was liquidated minutes later."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.lang import N_, _, speech
from engine.model import STEP_MS, Liquidation, Side, ZoneEvent
from engine.rules.atom import Branches, ZoneSwept, usd_before, usd_swept
from engine.rules.condition import CANDLES, Condition, Market, Phrase, quantity, told, zone_size
from engine.rules.now import Now, say_least, say_short
from engine.rules.quantity import Unit, say_usd

FOLLOW_UP_MS = 180_000
"""How long after a sweep its liquidations are added up: three minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneSweptThrough(Condition):
    """Price took `fraction` or more of a zone of `min_usd` or more within one candle."""

    kind = "zone_swept"
    means = N_("price goes through a liquidation zone")
    feeds = frozenset({CANDLES})
    phrases = (
        Phrase("{coin} zone swept"),
        Phrase("{coin} long zone swept", {"side": Side.LONG}),
        Phrase("{coin} short zone swept", {"side": Side.SHORT}),
        Phrase("{coin} zone of|above|over {min_usd} swept"),
        Phrase("{coin} long zone of|above|over {min_usd} swept", {"side": Side.LONG}),
        Phrase("{coin} short zone of|above|over {min_usd} swept", {"side": Side.SHORT}),
    )
    example = "btc long zone of 50M swept"
    hysteresis = 0.0
    hysteresis_why = N_("each is an event of its own; the cooldown keeps it quiet")
    one_venue = False

    fraction: float = quantity(
        Unit.PERCENT,
        0.1,
        1.0,
        N_("part of it that price took"),
        default=0.5,
        why=N_("half of it is more than a touch"),
    )
    side: Side | None = field(default=None)
    min_usd: float | None = zone_size(N_("least dollars in it before"))

    def says(self, coin: str) -> str:
        """Return it in words."""
        said = {
            None: _("{coin} goes through {part} or more of a liquidation zone {size}"),
            Side.LONG: _("{coin} goes through {part} or more of a long liquidation zone {size}"),
            Side.SHORT: _("{coin} goes through {part} or more of a short liquidation zone {size}"),
        }
        size = _("that is large for it") if self.min_usd is None else say_least(self.told("min_usd"))
        return said[self.side].format(coin=coin, part=self.told("fraction"), size=size)

    def became(self, now: Now) -> str:
        """Return what has become true."""
        event = now.event
        if not isinstance(event, ZoneEvent):
            return told(self.says(now.coin))
        said = {
            Side.LONG: _("{coin} went through {part} of a {usd} long zone"),
            Side.SHORT: _("{coin} went through {part} of a {usd} short zone"),
        }
        part = speech().percent(f"{event.fraction * 100:.0f}", gap=" ")
        return said[event.zone.side].format(coin=now.coin, part=part, usd=say_short(usd_before(event)))

    def compile(self, market: Market) -> Branches:
        """Return what matches such sweeps."""
        swept = ZoneSwept(symbol=market.symbol, side=self.side, fraction=self.fraction, min_usd=self.min_usd)
        return ((swept,),)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """Hold what a sweep was predicted to liquidate, until `due_ms`, when what was liquidated is added up."""

    symbol: str
    side: Side
    since_ms: int
    due_ms: int
    predicted_usd: float

    @classmethod
    def of(cls, event: ZoneEvent, known_ms: int, step_ms: int = STEP_MS) -> "FollowUp":
        """Return the follow-up of a sweep that was known at `known_ms`; its candle opened at `event.ts`."""
        return cls(
            symbol=event.zone.symbol,
            side=event.zone.side,
            since_ms=min(event.ts, known_ms - step_ms),
            due_ms=known_ms + FOLLOW_UP_MS,
            predicted_usd=usd_swept(event),
        )

    def liquidated_usd(self, liquidations: Iterable[Liquidation]) -> float:
        """Return the dollars liquidated of the side from the sweep's candle until it is due."""
        return sum(
            each.notional_usd
            for each in liquidations
            if each.symbol == self.symbol
            and each.side is self.side
            and self.since_ms <= each.ts < self.due_ms
        )

    def says(self, liquidated_usd: float | None) -> str:
        """Return predicted against liquidated dollars in words; None where nobody reports liquidations."""
        long = self.side is Side.LONG
        said = _("predicted {usd} of long positions") if long else _("predicted {usd} of short positions")
        told = said.format(usd=say_usd(self.predicted_usd))
        if liquidated_usd is None:
            return _("{what}; liquidations are not available here").format(what=told)
        return _("{what}, {say_usd} were reported liquidated").format(
            what=told, say_usd=say_usd(liquidated_usd)
        )
