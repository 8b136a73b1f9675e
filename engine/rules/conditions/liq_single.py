"""Fire on each single large liquidation."""

from dataclasses import dataclass, field

from engine.lang import N_, _
from engine.model import Liquidation, Side
from engine.rules.atom import Branches, OneLiquidation
from engine.rules.condition import LIQUIDATIONS, Condition, Market, Phrase, quantity, told
from engine.rules.now import Now, say_short
from engine.rules.quantity import Unit, say


@dataclass(frozen=True, slots=True, kw_only=True)
class LiqSingle(Condition):
    """One liquidation is of `usd` or more. Venues may report only the largest of each second."""

    kind = "liq_single"
    means = N_("one single liquidation is large")
    feeds = frozenset({LIQUIDATIONS})
    phrases = (
        Phrase("{coin} single|one liquidation above|over|of {usd}"),
        Phrase("{coin} single|one long liquidation above|over|of {usd}", {"side": Side.LONG}),
        Phrase("{coin} single|one short liquidation above|over|of {usd}", {"side": Side.SHORT}),
        Phrase("{coin} long liquidated for|above|over {usd}", {"side": Side.LONG}),
        Phrase("{coin} short liquidated for|above|over {usd}", {"side": Side.SHORT}),
    )
    example = "btc single liquidation above 1M"
    hysteresis = 0.0
    hysteresis_why = N_("each is an event of its own; the cooldown keeps it quiet")

    usd: float = quantity(
        Unit.USD, 1e3, 1e10, "dollars", default=1e6, why=N_("a large account, in any market")
    )
    side: Side | None = field(default=None)

    def says(self, coin: str) -> str:
        """Return it in words."""
        said = {
            None: _("a single position in {coin} of {usd} or more is liquidated"),
            Side.LONG: _("a single long position in {coin} of {usd} or more is liquidated"),
            Side.SHORT: _("a single short position in {coin} of {usd} or more is liquidated"),
        }
        return said[self.side].format(coin=coin, usd=self.told("usd"))

    def became(self, now: Now) -> str:
        """Return what has become true."""
        event = now.event
        if not isinstance(event, Liquidation):
            return told(self.says(now.coin))
        said = {
            Side.LONG: _("A long position of {usd} in {coin} was liquidated at {price}"),
            Side.SHORT: _("A short position of {usd} in {coin} was liquidated at {price}"),
        }
        usd, price = say_short(event.notional_usd), say(Unit.PRICE, event.price)
        return said[event.side].format(usd=usd, coin=now.coin, price=price)

    def compile(self, market: Market) -> Branches:
        """Return what matches each such liquidation."""
        return ((OneLiquidation(symbol=market.symbol, venue=market.venue, side=self.side, usd=self.usd),),)
