"""Keep the margin tiers that were read from venues, each with the day that it is of."""

import json
import math
from collections.abc import Sequence

import structlog

from engine.errors import MarginError
from engine.margin.tiers import Tier, TierTable, TierUnit
from storage.market import MarketStore
from storage.market_merge import Append
from storage.market_tables import MARGIN_TIERS

log = structlog.get_logger(__name__)

_NEWEST = (
    "SELECT venue, symbol, read_ms, as_of, source, unit, tiers FROM margin_tiers "
    "QUALIFY row_number() OVER (PARTITION BY venue, symbol ORDER BY read_ms DESC) = 1 ORDER BY venue, symbol"
)


class TierStore:
    """Read and write margin tiers in a market store."""

    def __init__(self, store: MarketStore) -> None:
        self._store = store

    async def add(self, tables: Sequence[TierTable], read_ms: int) -> None:
        """Keep tables that were read at a time."""
        if not tables:
            return
        columns = {
            "venue": [table.venue for table in tables],
            "symbol": [table.symbol for table in tables],
            "read_ms": [read_ms] * len(tables),
            "as_of": [table.as_of for table in tables],
            "source": [table.source for table in tables],
            "unit": [table.unit.value for table in tables],
            "tiers": [_text(table) for table in tables],
        }
        await self._store.write_whole([Append(table=MARGIN_TIERS, rows=MARGIN_TIERS.arrow(columns))])

    async def newest(self) -> list[tuple[int, TierTable]]:
        """Return the newest table of each market as (read_ms, table); one that cannot be used is left out."""
        rows = await self._store.read(lambda cursor: cursor.execute(_NEWEST).fetchall())
        found: list[tuple[int, TierTable]] = []
        for venue, symbol, read_ms, as_of, source, unit, tiers in rows:
            try:
                table = TierTable(
                    venue=venue,
                    symbol=symbol,
                    as_of=as_of,
                    source=source,
                    tiers=_tiers(tiers),
                    unit=TierUnit(unit),
                )
            except (MarginError, ValueError, TypeError) as error:
                log.warning("tiers.kept_unusable", venue=venue, symbol=symbol, why=str(error))
                continue
            found.append((int(read_ms), table))
        return found


def _text(table: TierTable) -> str:
    rows = [
        [tier.cap if math.isfinite(tier.cap) else None, tier.rate, tier.max_leverage, tier.amount]
        for tier in table.tiers
    ]
    return json.dumps(rows)


def _tiers(text: str) -> tuple[Tier, ...]:
    floor, found = 0.0, []
    for cap, rate, leverage, amount in json.loads(text):
        until = math.inf if cap is None else float(cap)
        found.append(Tier(floor=floor, cap=until, rate=rate, max_leverage=leverage, amount=amount))
        floor = until
    return tuple(found)
