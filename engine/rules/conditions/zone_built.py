"""Fire where a zone comes up, or grows, near price."""

from dataclasses import dataclass, field

from engine.lang import N_, _, speech
from engine.model import Side, Zone, ZoneChange, ZoneEvent
from engine.rules.atom import Branches, ZoneBuilt
from engine.rules.condition import CANDLES, Condition, Market, Phrase, quantity, told, zone_size
from engine.rules.now import Now, say_least, say_short
from engine.rules.quantity import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneBuiltUp(Condition):
    """A zone is born, or grows by `growth` since last told, within `within` of price."""

    kind = "zone_built"
    means = N_("a liquidation zone comes up or grows near price")
    feeds = frozenset({CANDLES})
    phrases = (
        Phrase("{coin} zone built|builds|grows within {within}"),
        Phrase("{coin} long zone built|builds|grows within {within}", {"side": Side.LONG}),
        Phrase("{coin} short zone built|builds|grows within {within}", {"side": Side.SHORT}),
        Phrase("{coin} zone built|builds|grows by? {growth} within {within}"),
        Phrase("{coin} long zone built|builds|grows by? {growth} within {within}", {"side": Side.LONG}),
        Phrase("{coin} short zone built|builds|grows by? {growth} within {within}", {"side": Side.SHORT}),
    )
    example = "btc zone grows 50% within 3%"
    hysteresis = 0.0
    hysteresis_why = N_("each is an event of its own; the cooldown keeps it quiet")
    one_venue = False

    growth: float = quantity(
        Unit.PERCENT,
        0.25,
        10.0,
        N_("growth since it was last told"),
        default=0.5,
        why=N_("half as much again"),
    )
    within: float = quantity(
        Unit.PERCENT,
        0.001,
        0.06,
        N_("distance to its nearer edge"),
        default=0.03,
        why=N_("a day's usual range"),
    )
    side: Side | None = field(default=None)
    min_usd: float | None = zone_size()

    def says(self, coin: str) -> str:
        """Return it in words."""
        said = {
            None: _(
                "a liquidation zone {size} comes up within {within} of {coin}'s price, "
                "or grows by {growth} there"
            ),
            Side.LONG: _(
                "a long liquidation zone {size} comes up within {within} of {coin}'s price, "
                "or grows by {growth} there"
            ),
            Side.SHORT: _(
                "a short liquidation zone {size} comes up within {within} of {coin}'s price, "
                "or grows by {growth} there"
            ),
        }
        size = _("large for it") if self.min_usd is None else say_least(self.told("min_usd"))
        return said[self.side].format(
            size=size, within=self.told("within"), coin=coin, growth=self.told("growth")
        )

    def became(self, now: Now) -> str:
        """Return what has become true."""
        event = now.event
        if not isinstance(event, ZoneEvent) or now.zone is None:
            return told(self.says(now.coin))
        if event.change is ZoneChange.GROWN:
            said = {
                Side.LONG: _("A {usd} long zone grew by {growth} {where}"),
                Side.SHORT: _("A {usd} short zone grew by {growth} {where}"),
            }
        else:
            said = {
                Side.LONG: _("A {usd} long zone came up {where}"),
                Side.SHORT: _("A {usd} short zone came up {where}"),
            }
        growth = speech().percent(f"{event.fraction * 100:.0f}", gap=" ")
        usd = say_short(now.zone.notional_usd)
        return said[now.zone.side].format(usd=usd, growth=growth, where=self._where(now, event.zone))

    def _where(self, now: Now, zone: Zone) -> str:
        """Return where a zone stands from the price."""
        if not now.price > 0:
            return _("near {coin}'s price").format(coin=now.coin)
        said = _("{away} below {coin}'s price") if now.price > zone.high else _("{away} above {coin}'s price")
        away = speech().percent(f"{zone.distance(now.price) * 100:.2g}", gap=" ")
        return said.format(away=away, coin=now.coin)

    def compile(self, market: Market) -> Branches:
        """Return what matches such zones."""
        built = ZoneBuilt(
            symbol=market.symbol, side=self.side, growth=self.growth, within=self.within, min_usd=self.min_usd
        )
        return ((built,),)
