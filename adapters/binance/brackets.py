"""Ask Binance's margin tiers, which want a key that may read, and turn the answer into tables.

The one call that is signed: HMAC-SHA256 over the query as it is sent, with the venue's own time in it.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from adapters.binance.bars import VENUE
from adapters.binance.rest import WEIGHT
from adapters.binance.values import Unfit, amount, body, instrument, price
from adapters.instruments import Instruments
from adapters.parsed import Dropped
from adapters.rest.calls import Call
from engine.errors import MarginError
from engine.margin.tiers import Tier, TierTable

PATH = "/fapi/v1/leverageBracket"
SOURCE = "Binance leverage brackets"
WINDOW_MS = 60_000
"""For how long after its time a signed call is taken: the longest there is, for calls wait for their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key that may read, and its secret."""

    name: str = field(repr=False)
    secret: str = field(repr=False)


def brackets(key: Key, now_ms: int) -> Call:
    """Return the call for the tiers of every symbol, signed at the venue's time; `read_brackets` reads it."""
    query = (("recvWindow", str(WINDOW_MS)), ("timestamp", str(now_ms)))
    signature = hmac.new(key.secret.encode(), urlencode(query).encode(), hashlib.sha256).hexdigest()
    return Call(
        path=PATH,
        query=(*query, ("signature", signature)),
        headers=(("X-MBX-APIKEY", key.name),),
        limit=WEIGHT.name,
        about=PATH,
    )


def read_brackets(
    decoded: object, instruments: Instruments, as_of: str
) -> tuple[dict[str, TierTable], Counter[Dropped]]:
    """Return a table for each known symbol, and why others have none (one count for each).

    Rows that are multiplied for the account that asks (`notionalCoef`) are not the market's, and left out.
    """
    rows = [decoded] if isinstance(decoded, dict) else decoded
    tables: dict[str, TierTable] = {}
    dropped: Counter[Dropped] = Counter()
    if not isinstance(rows, list):
        return tables, Counter({Dropped.MALFORMED: 1})
    for row in rows:
        try:
            table = _table(row, instruments, as_of)
        except Unfit as unfit:
            dropped[unfit.reason] += 1
        except MarginError:
            dropped[Dropped.CONTRADICTORY] += 1
        else:
            tables[table.symbol] = table
    return tables, dropped


def _table(raw: object, instruments: Instruments, as_of: str) -> TierTable:
    row = body(raw)
    known = instrument(row.get("symbol"), instruments)
    if amount(row.get("notionalCoef", 1)) != 1:
        raise Unfit(Dropped.INTERNAL)
    found = row.get("brackets")
    if not isinstance(found, list) or not found:
        raise Unfit(Dropped.MALFORMED)
    tiers = _tiers(found)
    return TierTable(venue=VENUE, symbol=known.symbol, as_of=as_of, source=SOURCE, tiers=tiers)


def _tiers(found: Sequence[object]) -> tuple[Tier, ...]:
    tiers = [_tier(raw) for raw in found]
    return tuple(sorted(tiers, key=lambda tier: tier.floor))


def _tier(raw: object) -> Tier:
    row = body(raw)
    return Tier(
        floor=amount(row.get("notionalFloor")),
        cap=price(row.get("notionalCap")),
        rate=price(row.get("maintMarginRatio")),
        max_leverage=price(row.get("initialLeverage")),
        amount=amount(row.get("cum")),
    )
