"""Count what the parts of a running Liqwatch do, for `/metrics`: sums only, nothing of a single user."""

from collections.abc import Iterator

from bot.alerting.engine import Alerting
from bot.delivery.worker import Worker
from bot.live.market import LiveMarket
from bot.web.rest.metrics import Measure

FOUND = ("memory", "store", "made")


class Counts:
    """Look at the market, the rules and deliveries whenever somebody asks."""

    def __init__(self, market: LiveMarket, alerting: Alerting, worker: Worker) -> None:
        self._market = market
        self._alerting = alerting
        self._worker = worker

    def __call__(self) -> Iterator[Measure]:
        """Yield every figure."""
        yield from self._columns()
        yield from self._rules()
        yield from self._deliveries()

    def _columns(self) -> Iterator[Measure]:
        market, found = self._market, self._market.columns_found
        here = {"cache": "columns"}
        hits = found.get("memory", 0)
        for layer in FOUND:
            about = "Columns of the past by where they were found"
            yield Measure("columns_found_total", about, {"layer": layer}, found.get(layer, 0))
        yield Measure("cache_hits_total", "Found in a cache", here, hits)
        yield Measure("cache_misses_total", "Not found in a cache", here, sum(found.values()) - hits)
        asked = sum(found.values())
        ratio = hits / asked if asked else 0.0
        yield Measure("cache_hit_ratio", "Part of what was found, since the start", here, ratio)
        yield Measure("symbols", "Markets that are served", {}, len(market.symbols))
        yield Measure("candles_refused_total", "Candles that could not be", {}, market.refused_candles)
        for symbol in market.symbols:
            age_s = (market.now_ms() - market.view(symbol).price_ts) / 1e3
            yield Measure("price_age_seconds", "Age of the newest price", {"symbol": symbol}, age_s)

    def _rules(self) -> Iterator[Measure]:
        health = self._alerting.health()
        for symbol, count in health.watches.items():
            yield Measure("rules", "Rules that are watched for", {"symbol": symbol}, count)
        about = "Alert history that is not written yet"
        yield Measure("alert_history_unwritten", about, {}, health.unwritten_history)
        yield Measure("alerting_well", "Whether alerts can be stored", {}, float(not health.fault))

    def _deliveries(self) -> Iterator[Measure]:
        health = self._worker.health()
        for channel, count in health.under_way.items():
            yield Measure("deliveries_under_way", "Deliveries being sent", {"channel": channel}, count)
        for state, count in health.ended.items():
            yield Measure("deliveries_total", "Deliveries by how they ended", {"state": state}, count)
        yield Measure("delivery_well", "Whether the outbox can be read", {}, float(not health.fault))
