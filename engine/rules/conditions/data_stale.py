"""Be true while no price comes."""

from dataclasses import dataclass

from engine.lang import N_, _
from engine.rules.atom import Branches
from engine.rules.condition import PRICES, Condition, Market, Phrase, feature, past, quantity, share
from engine.rules.feature import Direction, Metric
from engine.rules.now import Now
from engine.rules.quantity import Unit, say


@dataclass(frozen=True, slots=True, kw_only=True)
class DataStale(Condition):
    """The newest price is older than `age_ms`."""

    kind = "data_stale"
    means = N_("prices stop coming")
    feeds = frozenset({PRICES})
    phrases = (
        Phrase("{coin} data? stale for? {age_ms}"),
        Phrase("{coin} data? stale"),
        Phrase("{coin} no price for {age_ms}"),
        Phrase("no price|data for|of {coin} for {age_ms}"),
    )
    example = "btc stale for 60s"
    hysteresis = 0.5
    hysteresis_why = N_("half: the first price after a pause settles it anyway")

    age_ms: int = quantity(
        Unit.TIME, 5_000, 3_600_000, N_("how old"), default=60_000, why=N_("liquid markets trade each second")
    )

    def says(self, coin: str) -> str:
        """Return it in words."""
        return _("there is no price of {coin} for {age}").format(coin=coin, age=self.told("age_ms"))

    def became(self, now: Now) -> str:
        """Return what has become true."""
        age_s = now.value(Metric.DATA_AGE_S, self.age_ms / 1000.0)
        return _("No price of {coin} has come for {say}").format(
            coin=now.coin, say=say(Unit.TIME, age_s * 1000.0)
        )

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the age of the newest price."""
        age_s = self.age_ms / 1000.0
        age = feature(market, Metric.DATA_AGE_S)
        return (past(age, Direction.ABOVE, age_s, age_s * share(self, market)),)
