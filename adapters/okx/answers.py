"""Turn OKX's REST answers into events, instruments and margin tiers.

Every answer is `{"code": "0", "msg": "", "data": [...]}`; rows are read one by one, and one that cannot be
used is counted and left out.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from adapters.instruments import Instrument, Instruments, Status
from adapters.okx import rows
from adapters.okx.gather import details, gather, told_apart, tried, tried_list
from adapters.okx.topics import SWAP
from adapters.okx.values import Refused, counted, known, moment, positive, product, text
from adapters.parsed import Dropped, Found, Parsed, lost
from engine.errors import MarginError
from engine.margin.tiers import TierTable, TierUnit, make_tiers
from engine.model import Funding, LongShortRatio, OpenInterest, VenueEvent
from engine.symbols import unbundled

VENUE = "okx"
QUOTES = ("USDT", "USDC")
_STATES = {
    "live": Status.TRADING,
    "suspend": Status.PAUSED,
    "rebase": Status.PAUSED,
    "preopen": Status.PENDING,
    "test": Status.PENDING,
    "expired": Status.DELISTED,
}

_Tier = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts:
    """Hold the contracts that an answer lists, and why others of its rows are left out."""

    instruments: Instruments
    dropped: Counter[Dropped]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """Hold the margin tiers that an answer lists, and why others of its rows are left out."""

    tables: tuple[TierTable, ...]
    dropped: Counter[Dropped]


def rows_of(decoded: object) -> list[object] | None:
    """Return the rows of an answer, None for what is no answer of OKX's or an error."""
    if not isinstance(decoded, dict) or str(decoded.get("code")) != "0":
        return None
    data = decoded.get("data")
    return data if isinstance(data, list) else None


def server_ms(decoded: object) -> int | None:
    """Return OKX's clock in ms UTC, None where the answer does not say it."""
    found = rows_of(decoded)
    if not found or not isinstance(found[0], dict):
        return None
    try:
        return moment(found[0].get("ts"))
    except Refused:
        return None


def contracts(decoded: object) -> Contracts:
    """Return the linear swaps in USDT and USDC; inverse ones and other kinds are counted as such."""
    found = rows_of(decoded)
    if found is None:
        return Contracts(instruments=Instruments(), dropped=Counter({Dropped.MALFORMED: 1}))
    return _contracts(found)


def _contracts(found: list[object]) -> Contracts:
    listed: list[Instrument] = []
    dropped: Counter[Dropped] = Counter()
    for row in found:
        each = tried(row, instrument)
        if isinstance(each, Dropped):
            dropped[each] += 1
        else:
            listed.append(each)
    return Contracts(instruments=Instruments(listed), dropped=dropped)


def renewed(frame: str | bytes, known_before: Instruments) -> Contracts | None:
    """Return every contract as it is after a frame of the `instruments` channel, None for any other frame.

    Contract sizes change: what was counted in contracts before is worth what it was worth then.
    """
    said = b'"instruments"' in frame if isinstance(frame, bytes) else '"instruments"' in frame
    if not said:
        return None
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError):
        return None
    arg, data = (message.get(key) if isinstance(message, dict) else None for key in ("arg", "data"))
    if not isinstance(arg, dict) or arg.get("channel") != "instruments" or not isinstance(data, list):
        return None
    changed = _contracts(data)
    both = {each.native: each for each in (*known_before.all, *changed.instruments.all)}
    return Contracts(instruments=Instruments(both.values()), dropped=changed.dropped)


def instrument(row: rows.Row) -> Instrument:
    """Return a contract; raise Refused for one that is not linear, or whose size in coins is not said.

    A contract holds `ctVal * ctMult` of `ctValCcy`, which must be the coin itself.
    """
    native = text(row, "instId")
    base, _, rest = native.partition("-")
    quote = rest.removesuffix("-" + SWAP)
    if not _linear(row, native, base, quote):
        raise Refused(Dropped.NOT_LINEAR)
    coin, bundle = unbundled(base)
    ends = row.get("expTime")
    return Instrument(
        venue=VENUE,
        native=native,
        symbol=coin + quote,
        base=coin,
        quote=quote,
        coins=product(row.get("ctVal"), row.get("ctMult")) * bundle,
        priced=bundle,
        tick=counted(row.get("tickSz")),
        step=counted(row.get("lotSz")),
        status=_STATES.get(text(row, "state"), Status.PAUSED),
        delist_ms=moment(ends) if known(ends) else None,
    )


def _linear(row: rows.Row, native: str, base: str, quote: str) -> bool:
    """Say whether a contract is a swap of a coin that is margined and quoted in dollars."""
    return (
        bool(base)
        and quote in QUOTES
        and native == f"{base}-{quote}-{SWAP}"
        and text(row, "instType") == SWAP
        and text(row, "ctType") == "linear"
        and text(row, "settleCcy") == quote
        and text(row, "ctValCcy") == base
    )


def _each(decoded: object, read: Callable[[object], Found]) -> Parsed:
    """Return what the rows of an answer say."""
    found = rows_of(decoded)
    return lost(Dropped.MALFORMED) if found is None else gather(read(row) for row in found)


def _named(
    decoded: object, instruments: Instruments, read: Callable[[rows.Row, Instrument], VenueEvent]
) -> Parsed:
    """Return what rows say that name their contract."""
    return _each(
        decoded, lambda row: tried(row, lambda each: read(each, rows.find(each.get("instId"), instruments)))
    )


def candles(decoded: object, asked: Instrument, step_ms: int) -> Parsed:
    """Return candles, newest first as they come; the forming one says so."""
    return _each(decoded, lambda row: tried_list(row, lambda each: rows.candle(each, asked, step_ms)))


def open_interest(decoded: object, instruments: Instruments) -> Parsed:
    """Return open interest now, of every contract that is known."""
    return _named(decoded, instruments, rows.open_interest)


def funding(decoded: object, instruments: Instruments) -> Parsed:
    """Return what is paid next, of every contract that is known."""
    return _named(decoded, instruments, rows.funding)


def open_interest_history(decoded: object, asked: Instrument) -> Parsed:
    """Return past open interest; a row is `[ts, contracts, coins, dollars]`."""

    def read(row: list[object]) -> VenueEvent:
        return OpenInterest(
            venue=asked.venue,
            symbol=asked.symbol,
            ts=moment(row[0]),
            open_interest=rows.coins(row[2], row[1], asked),
        )

    return _each(decoded, lambda row: tried_list(row, read))


def funding_history(decoded: object, instruments: Instruments) -> Parsed:
    """Return what was paid: `realizedRate`, for `fundingRate` is what had been predicted."""

    def read(row: rows.Row, asked: Instrument) -> VenueEvent:
        paid_ms = moment(row.get("fundingTime"))
        return Funding(
            venue=asked.venue,
            symbol=asked.symbol,
            ts=paid_ms,
            rate=rows.rate(row.get("realizedRate")),
            funding_ts=paid_ms,
            settled=True,
        )

    return _named(decoded, instruments, read)


def long_short(decoded: object, asked: Instrument, kind: str, step_ms: int) -> Parsed:
    """Return ratios of longs to shorts; a row is `[ts, ratio]`."""

    def read(row: list[object]) -> VenueEvent:
        return LongShortRatio(
            venue=asked.venue,
            symbol=asked.symbol,
            ts=moment(row[0]),
            step_ms=step_ms,
            kind=kind,
            ratio=positive(row[1]),
        )

    return _each(decoded, lambda row: tried_list(row, read))


def liquidations(decoded: object, instruments: Instruments, received_ms: int) -> Parsed:
    """Return past liquidations, all of them backlog; `received_ms` is when they were asked for."""
    found = rows_of(decoded)
    if found is None:
        return lost(Dropped.MALFORMED)
    parsed = gather(each for row in found for each in details(row, SWAP, instruments, received_ms))
    return Parsed(events=tuple(told_apart(parsed.events)), dropped=parsed.dropped, backlog=True)


def tiers(decoded: object, instruments: Instruments, *, as_of: str) -> Tiers:
    """Return the margin tiers of the contracts that are known, in coins; `as_of` is the day of the answer.

    Where a tier cannot be used, none of that contract are: a table with a hole would be a wrong one.
    """
    answered = rows_of(decoded)
    if answered is None:
        return Tiers(tables=(), dropped=Counter({Dropped.MALFORMED: 1}))
    found: dict[Instrument, list[_Tier | Dropped]] = {}
    dropped: Counter[Dropped] = Counter()
    for row in answered:
        asked = tried(row, lambda each: _contract_of(each, instruments))
        if isinstance(asked, Dropped):
            dropped[asked] += 1
        else:
            found.setdefault(asked, []).append(tried(row, _tier))
    tables: list[TierTable] = []
    for asked, each in found.items():
        good = [tier for tier in each if not isinstance(tier, Dropped)]
        dropped.update(reason for reason in each if isinstance(reason, Dropped))
        table = _table(asked, good, as_of) if len(good) == len(each) else None
        if table is None:
            dropped.update([Dropped.CONTRADICTORY] * len(good))
        else:
            tables.append(table)
    return Tiers(tables=tuple(tables), dropped=dropped)


def _contract_of(row: rows.Row, instruments: Instruments) -> Instrument:
    """Return the contract of a tier, named by itself or by its family."""
    family = text(row, "instFamily") or text(row, "uly")
    return rows.find(text(row, "instId") or f"{family}-{SWAP}", instruments)


def _tier(row: rows.Row) -> _Tier:
    """Return a tier as `(floor, cap, rate, highest leverage)`, sizes in contracts."""
    floor, cap = counted(row.get("minSz")), positive(row.get("maxSz"))
    return floor, cap, positive(row.get("mmr")), positive(row.get("maxLever"))


def _table(asked: Instrument, found: list[_Tier], as_of: str) -> TierTable | None:
    """Return tiers in order, None where they cannot be a table: with a hole, or easier for larger sizes.

    A tier begins where the one before ends, or up to a contract above.
    """
    in_order = sorted(found)
    caps = (0.0, *(cap for _, cap, _, _ in in_order))
    above = [tier[0] - cap for cap, tier in zip(caps, in_order, strict=False)]
    if above[0] or not all(0.0 <= each <= 1.0 for each in above):
        return None
    try:
        return TierTable(
            venue=VENUE,
            symbol=asked.symbol,
            as_of=as_of,
            source="OKX position tiers",
            tiers=make_tiers([(asked.quantity(cap), rate, most) for _, cap, rate, most in in_order]),
            unit=TierUnit.COINS,
        )
    except MarginError:
        return None
