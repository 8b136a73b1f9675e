"""Turn decoded answers of `POST /info` into instruments, margin tiers and events; never raise for them."""

from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from adapters.hyperliquid.contexts import Universe, universe_of
from adapters.hyperliquid.fields import (
    VENUE,
    Batch,
    Row,
    Unreadable,
    each_row,
    elsewhere,
    moment,
    number,
    positive,
    row,
    rows,
    text,
)
from adapters.hyperliquid.fills import VAULTS, read_fills
from adapters.hyperliquid.parse import candle_of
from adapters.instruments import Instrument, Instruments, Status
from adapters.parsed import Dropped, Parsed, lost
from engine.errors import MarginError
from engine.margin.hyperliquid import tiers_of
from engine.margin.tiers import TierTable, TierUnit
from engine.model import Candle, Funding

QUOTE = "USDC"
HOURLY_SINCE_MS = 1_686_184_200_000
"""2023-06-08 00:30: funding was paid each eight hours up to that midnight, and each hour from then on."""
SINGLE_TIER = 50
"""Margin tables below this number have one tier, whose highest leverage is the number."""
_DECIMALS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The instruments of the main dex with their positions, and what of the list could not be read."""

    instruments: Universe
    dropped: Counter[Dropped] = field(default_factory=Counter)


def server_time(decoded: object) -> int | None:
    """Return the venue's time in an answer that carries one, ms UTC; None where there is none."""
    found = decoded.get("time") if isinstance(decoded, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def listed(decoded: object) -> Listed:
    """Return the instruments of `meta`. Delisted ones stay: contexts are matched by position."""
    dropped: Counter[Dropped] = Counter()
    entries: list[Instrument | None] = []
    try:
        meta = row(decoded)
        if meta.get("collateralToken") not in (None, 0):
            raise Unreadable(Dropped.NOT_LINEAR)
        for found in rows(meta.get("universe")):
            try:
                entries.append(_instrument(row(found)))
            except Unreadable as error:
                dropped[error.reason] += 1
                entries.append(None)
    except Unreadable as error:
        dropped[error.reason] += 1
    return Listed(instruments=Universe(entries), dropped=dropped)


def _instrument(found: Row) -> Instrument:
    """Return one entry of the universe. A small `k` before capitals bundles 1000 coins.

    It is quoted in USDC, and named as the USDT perpetual of its coin is, so that venues add up.
    """
    name = text(found.get("name"))
    if elsewhere(name):
        raise Unreadable(Dropped.NOT_LINEAR)
    decimals = found.get("szDecimals")
    if isinstance(decimals, bool) or not isinstance(decimals, int):
        raise Unreadable(Dropped.MALFORMED)
    if not 0 <= decimals <= _DECIMALS:
        raise Unreadable(Dropped.IMPOSSIBLE)
    bundle = name[0] == "k" and name[1:2].isupper()
    base, coins = (name[1:], 1000.0) if bundle else (name, 1.0)
    return Instrument(
        venue=VENUE,
        native=name,
        symbol=f"{base}USDT",
        base=base,
        quote=QUOTE,
        coins=coins,
        priced=coins,
        tick=10.0 ** (decimals - _DECIMALS),
        step=10.0**-decimals,
        status=Status.DELISTED if found.get("isDelisted") is True else Status.TRADING,
    )


def tiers(decoded: object, as_of: str) -> dict[str, TierTable]:
    """Return margin tiers by symbol as `meta` has them, read on a date; sizes are in USDC, for a bundle too.

    Markets whose tiers cannot be read are left out.
    """
    found: dict[str, TierTable] = {}
    try:
        meta = row(decoded)
        tables = _tables(meta.get("marginTables"))
        for entry, traded in zip(rows(meta.get("universe")), listed(meta).instruments.entries, strict=False):
            steps = _steps(row(entry), tables) if traded is not None else None
            if traded is None or steps is None:
                continue
            table = _table(traded, steps, as_of)
            if table is not None:
                found[traded.symbol] = table
    except Unreadable:
        return found
    return found


def _tables(value: object) -> dict[int, list[tuple[float, float]]]:
    """Return tables by number, each as (lower bound, highest leverage); what cannot be read is left out."""
    found: dict[int, list[tuple[float, float]]] = {}
    for pair in rows(value) if value is not None else ():
        try:
            number_of, table = rows(pair)
            if isinstance(number_of, int):
                found[number_of] = [
                    (number(row(step).get("lowerBound")), positive(row(step).get("maxLeverage")))
                    for step in rows(row(table).get("marginTiers"))
                ]
        except (Unreadable, ValueError):
            continue
    return found


def _steps(entry: Row, tables: dict[int, list[tuple[float, float]]]) -> list[tuple[float, float]] | None:
    """Return an entry's tiers; without a table they are one, of the highest leverage that the entry names."""
    table_id = entry.get("marginTableId")
    if isinstance(table_id, int) and table_id in tables:
        return tables[table_id]
    if isinstance(table_id, int) and 0 < table_id < SINGLE_TIER:
        return [(0.0, float(table_id))]
    if table_id is not None:
        return None
    try:
        return [(0.0, positive(entry.get("maxLeverage")))]
    except Unreadable:
        return None


def _table(traded: Instrument, steps: list[tuple[float, float]], as_of: str) -> TierTable | None:
    caps = [lower for lower, _ in steps[1:]] + [float("inf")]
    if not steps or steps[0][0] != 0:
        return None
    try:
        return TierTable(
            venue=VENUE,
            symbol=traded.symbol,
            as_of=as_of,
            source="Hyperliquid meta",
            tiers=tiers_of([(cap, leverage) for cap, (_, leverage) in zip(caps, steps, strict=True)]),
            unit=TierUnit.VALUE,
        )
    except MarginError:
        return None


def context_events(decoded: object, received_ms: int) -> Parsed:
    """Return mark price, open interest and funding of every coin now, matched by position with its names."""
    batch = Batch(received_ms)
    try:
        pair = rows(decoded)
        if len(pair) != 2:
            raise Unreadable(Dropped.MALFORMED)
        found, contexts = listed(pair[0]), rows(pair[1])
        for reason, count in found.dropped.items():
            batch.dropped[reason] += count
        if len(contexts) != len(found.instruments.entries):  # both are of one moment: they must match
            raise Unreadable(Dropped.CONTRADICTORY)
        universe_of(batch, contexts, found.instruments)
    except Unreadable as error:
        batch.dropped[error.reason] += 1
    return batch.parsed()


def candle_events(decoded: object, *, traded: Instrument, interval: str, step_ms: int, now_ms: int) -> Parsed:
    """Return candles, oldest first; one that ends at `now_ms` or later is forming."""
    batch = Batch(now_ms)
    found: dict[int, Candle] = {}
    try:
        for each in each_row(rows(decoded), batch.dropped):
            try:
                if (each.get("s"), each.get("i")) != (traded.native, interval):
                    raise Unreadable(Dropped.UNKNOWN)
                candle = candle_of(each, traded, step_ms, now_ms)
            except Unreadable as error:
                batch.dropped[error.reason] += 1
                continue
            found[candle.ts] = replace(candle, closed=candle.ts + step_ms <= now_ms)
    except Unreadable as error:
        batch.dropped[error.reason] += 1
    batch.events.extend(found[ts] for ts in sorted(found))
    return batch.parsed()


def funding_events(decoded: object, *, traded: Instrument, now_ms: int) -> Parsed:
    """Return what was paid, oldest first: for an hour since June 2023, for eight before."""
    batch = Batch(now_ms)
    try:
        for each in each_row(rows(decoded), batch.dropped):
            try:
                batch.events.append(_paid(each, traded, now_ms))
            except Unreadable as error:
                batch.dropped[error.reason] += 1
    except Unreadable as error:
        batch.dropped[error.reason] += 1
    batch.events.sort(key=lambda event: event.ts)
    return batch.parsed()


def _paid(found: Row, traded: Instrument, now_ms: int) -> Funding:
    if found.get("coin") != traded.native:
        raise Unreadable(Dropped.UNKNOWN)
    rate, ts = number(found.get("fundingRate")), moment(found.get("time"), now_ms)
    if abs(rate) >= 1:
        raise Unreadable(Dropped.IMPOSSIBLE)
    return Funding(
        venue=VENUE,
        symbol=traded.symbol,
        ts=ts,
        rate=rate,
        funding_ts=ts,
        interval_h=1.0 if ts >= HOURLY_SINCE_MS else 8.0,
        settled=True,
    )


def fill_events(
    decoded: object,
    *,
    user: str,
    instruments: Instruments,
    received_ms: int,
    vaults: AbstractSet[str] = VAULTS,
) -> Parsed:
    """Return the liquidations among an address's fills: all of them are past, so they alert nobody."""
    batch = Batch(received_ms)
    batch.backlog = True
    try:
        read_fills(batch, decoded, user, instruments, vaults)
    except Unreadable as error:
        return lost(error.reason)
    return batch.parsed()
