"""Be true while liquidations run far above the normal."""

from dataclasses import dataclass

from engine.lang import N_, _, speech
from engine.rules.atom import Branches
from engine.rules.condition import (
    LIQUIDATIONS,
    Condition,
    Market,
    Phrase,
    feature,
    past,
    quantity,
    share,
    window,
)
from engine.rules.feature import Direction, Metric
from engine.rules.now import Now, say_short
from engine.rules.quantity import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class LiqCascade(Condition):
    """Liquidations of the window are `times` those of a usual window of the day, and `usd` at least."""

    kind = "liq_cascade"
    means = N_("liquidations run many times above the normal")
    feeds = frozenset({LIQUIDATIONS})
    phrases = (
        Phrase("{coin} liquidation? cascade"),
        Phrase("{coin} liquidation? cascade of? {times}"),
        Phrase("{coin} liquidation? cascade of? {times} in|within {window_ms}"),
        Phrase("{coin} liquidations above|over|are {times} usual|normal? in|within {window_ms}"),
    )
    example = "btc cascade of 10x in 5m"
    hysteresis = 0.5
    hysteresis_why = N_("half: the wave has to fade before the next one is told of")

    times: float = quantity(
        Unit.TIMES,
        2.0,
        1000.0,
        N_("times the usual"),
        default=10.0,
        why=N_("a window that makes up 1/29 of its day"),
    )
    usd: float = quantity(
        Unit.USD,
        0.0,
        1e11,
        N_("at least so many dollars"),
        default=1e6,
        why=N_("ten times nearly nothing is no cascade"),
    )
    window_ms: int = window(300_000, N_("cascades are over in minutes"), high_ms=3_600_000)

    def says(self, coin: str) -> str:
        """Return it in words."""
        return _("liquidations in {coin} within {window} are {times} the usual and {usd} at least").format(
            coin=coin, window=self.told("window_ms"), times=self.told("times"), usd=self.told("usd")
        )

    def became(self, now: Now) -> str:
        """Return what has become true."""
        times = now.value(Metric.LIQUIDATED_MULTIPLE, self.times)
        usd = say_short(now.value(Metric.LIQUIDATED_USD, self.usd))
        return _("Liquidations in {coin} run at {times} times the usual: {usd} within {window}").format(
            coin=now.coin, times=speech().figure(f"{times:.3g}"), usd=usd, window=self.told("window_ms")
        )

    def compile(self, market: Market) -> Branches:
        """Return both thresholds as one branch."""
        back = share(self, market)
        times = feature(market, Metric.LIQUIDATED_MULTIPLE, self.window_ms)
        usd = feature(market, Metric.LIQUIDATED_USD, self.window_ms)
        return (
            past(times, Direction.ABOVE, self.times, self.times * back)
            + past(usd, Direction.ABOVE, self.usd, self.usd * back),
        )
