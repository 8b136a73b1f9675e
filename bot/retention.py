"""Remove market history that is older than the settings keep it, table by table."""

from collections.abc import Callable, Mapping

import structlog

from engine.errors import ConfigError
from storage.market_tables import TABLES
from storage.venues import VenueStore

log = structlog.get_logger(__name__)

SWEEP_S = 6 * 3600.0
"""How often old rows are looked for."""
SETTING = "storage.keep_days"


def check_tables(keep_days: Mapping[str, int]) -> None:
    """Raise ConfigError for names that are no table of market history."""
    known = sorted(t.name for t in TABLES.values() if t.time is not None and t.owner is None)
    wrong = [name for name in keep_days if name not in known]
    if wrong:
        raise ConfigError(
            [
                f"{SETTING}: {name!r} is no table of market history; there are: {', '.join(known)}."
                for name in wrong
            ]
        )


class Retention:
    """Remove what is older than so many days of the market's clock; call `sweep` every SWEEP_S seconds."""

    def __init__(self, store: VenueStore, keep_days: Mapping[str, int], now_ms: Callable[[], int]) -> None:
        self._store, self._keep_days, self._now_ms = store, keep_days, now_ms

    async def sweep(self) -> dict[str, int]:
        """Remove old rows; return how many went from each table. Raise StorageError where that fails."""
        removed = await self._store.retain(self._keep_days, self._now_ms()) if self._keep_days else {}
        if any(removed.values()):
            log.info("market.forgotten", **{name: count for name, count in removed.items() if count})
        return removed
