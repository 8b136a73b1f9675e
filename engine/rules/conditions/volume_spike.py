"""Be true while the newest candle traded far more than usual."""

from dataclasses import dataclass

from engine.lang import N_, _, speech
from engine.rules.atom import Branches
from engine.rules.condition import CANDLES, Condition, Market, Phrase, feature, past, quantity, share, window
from engine.rules.feature import Direction, Metric
from engine.rules.now import Now
from engine.rules.quantity import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSpike(Condition):
    """The volume of the newest closed candle is `times` the median of the window before it."""

    kind = "volume_spike"
    means = N_("a candle trades many times the usual volume")
    feeds = frozenset({CANDLES})
    phrases = (
        Phrase("{coin} volume above|over|spikes|is {times} usual|normal? of|over|in|within {window_ms}"),
        Phrase("{coin} volume above|over|spikes|is {times} usual|normal?"),
        Phrase("{coin} volume {times} usual|normal?"),
        Phrase("{coin} volume spikes"),
    )
    example = "btc volume above 5x"
    hysteresis = 0.4
    hysteresis_why = N_("two fifths: candles of one burst differ by that much")

    times: float = quantity(
        Unit.TIMES,
        1.2,
        1000.0,
        N_("how many times the median"),
        default=10.0,
        why=N_("one candle in fifty of BTC's recorded December"),
    )
    window_ms: int = window(
        86_400_000, N_("a day levels out its hours"), low_ms=3_600_000, high_ms=604_800_000
    )

    def says(self, coin: str) -> str:
        """Return it in words."""
        return _("a candle of {coin} trades {times} its usual volume of {window}").format(
            coin=coin, times=self.told("times"), window=self.told("window_ms")
        )

    def became(self, now: Now) -> str:
        """Return what has become true."""
        times = now.value(Metric.VOLUME_MULTIPLE, self.times)
        return _("{coin} traded {times} times its usual volume of {window}").format(
            coin=now.coin, times=speech().figure(f"{times:.3g}"), window=self.told("window_ms")
        )

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the multiple."""
        seen = feature(market, Metric.VOLUME_MULTIPLE, self.window_ms)
        return (past(seen, Direction.ABOVE, self.times, self.times * share(self, market)),)
