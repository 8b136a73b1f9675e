"""Turn Bybit's decoded answers into events; what cannot be read is counted, and nothing is filled in.

Every answer is an envelope with `retCode`, `result` and the venue's `time`, which tells forming candles from
closed ones without a clock of ours.
"""

from collections.abc import Callable, Iterable

from adapters.bybit.bars import bar
from adapters.bybit.fields import VENUE, instant, known, positive, rate
from adapters.bybit.tickers import Fields, Ticker, interest
from adapters.instruments import Instrument, Instruments
from adapters.parsed import Dropped, Found, Parsed, collected, lost
from engine.model import Candle, Funding, LongShortRatio

CATEGORY = "linear"
ACCOUNTS = "accounts"
"""The kind of Bybit's long/short ratio: accounts that are long over accounts that are short."""
COLUMNS = 7
_WHOLE = (0.9, 1.1)


def result_of(decoded: object) -> Fields | None:
    """Return what a good answer holds, None where it is not one."""
    if not isinstance(decoded, dict) or decoded.get("retCode") != 0:
        return None
    found = decoded.get("result")
    return found if isinstance(found, dict) else None


def read_time(decoded: object) -> int | None:
    """Return the venue's clock, ms UTC, None where the answer does not say it."""
    found = instant(decoded.get("time")) if isinstance(decoded, dict) else None
    return found if isinstance(found, int) else None


def _rows(decoded: object, native: str, read: Callable[[object], Found]) -> Parsed:
    """Read each row of a list that is about one symbol."""
    found = result_of(decoded)
    rows = found.get("list") if found else None
    if found is None or not isinstance(rows, list):
        return lost(Dropped.MALFORMED)
    if found.get("category", CATEGORY) != CATEGORY:
        return lost(Dropped.NOT_LINEAR, max(1, len(rows)))
    if found.get("symbol", native) != native:
        return lost(Dropped.CONTRADICTORY, max(1, len(rows)))
    return collected(read(row) for row in rows)


def read_candles(decoded: object, instrument: Instrument, step_ms: int) -> Parsed:
    """Return bars, newest first as they come; the first one is usually still open, and marked so."""
    now_ms = read_time(decoded)
    if now_ms is None:
        return lost(Dropped.MALFORMED)

    def read(row: object) -> Candle | Dropped:
        if not isinstance(row, list) or len(row) < COLUMNS:
            return Dropped.MALFORMED
        start = instant(row[0])
        if isinstance(start, Dropped):
            return start
        if start > now_ms:
            return Dropped.IMPOSSIBLE
        return bar(instrument, start, row[1:COLUMNS], step_ms, closed=start + step_ms <= now_ms)

    return _rows(decoded, instrument.native, read)


def read_interest(decoded: object, instrument: Instrument) -> Parsed:
    """Return open interest of one side: half of the total in rows from before both were told apart."""

    def read(row: object) -> Found:
        if not isinstance(row, dict):
            return Dropped.MALFORMED
        ts = instant(row.get("timestamp"))
        if isinstance(ts, Dropped):
            return ts
        return interest(row, instrument, ts) or Dropped.MALFORMED

    return _rows(decoded, instrument.native, read)


def read_funding(decoded: object, instrument: Instrument) -> Parsed:
    """Return funding that was paid; a row does not say for how long, and intervals change."""

    def read(row: object) -> Found:
        if not isinstance(row, dict):
            return Dropped.MALFORMED
        if row.get("symbol") != instrument.native:
            return Dropped.CONTRADICTORY
        paid, fraction = instant(row.get("fundingRateTimestamp")), rate(row.get("fundingRate"))
        if isinstance(paid, Dropped):
            return paid
        if isinstance(fraction, Dropped):
            return fraction
        return Funding(
            venue=VENUE, symbol=instrument.symbol, ts=paid, rate=fraction, funding_ts=paid, settled=True
        )

    return _rows(decoded, instrument.native, read)


def read_ratios(decoded: object, instrument: Instrument, step_ms: int) -> Parsed:
    """Return accounts that are long over accounts that are short."""

    def read(row: object) -> Found:
        if not isinstance(row, dict):
            return Dropped.MALFORMED
        if row.get("symbol") != instrument.native:
            return Dropped.CONTRADICTORY
        ts, ratio = instant(row.get("timestamp")), _longs_over_shorts(row)
        if isinstance(ts, Dropped):
            return ts
        if isinstance(ratio, Dropped):
            return ratio
        return LongShortRatio(
            venue=VENUE, symbol=instrument.symbol, ts=ts, step_ms=step_ms, kind=ACCOUNTS, ratio=ratio
        )

    return _rows(decoded, instrument.native, read)


def _longs_over_shorts(row: Fields) -> float | Dropped:
    longs, shorts = positive(row.get("buyRatio")), positive(row.get("sellRatio"))
    if isinstance(longs, Dropped):
        return longs
    if isinstance(shorts, Dropped):
        return shorts
    return longs / shorts if _WHOLE[0] <= longs + shorts <= _WHOLE[1] else Dropped.CONTRADICTORY


def read_tickers(decoded: object, instruments: Instruments) -> Parsed:
    """Return price, open interest and funding of every known symbol in an answer, at the venue's time."""
    found, now_ms = result_of(decoded), read_time(decoded)
    rows = found.get("list") if found else None
    if now_ms is None or not isinstance(rows, list):
        return lost(Dropped.MALFORMED)

    def each() -> Iterable[Found]:
        for row in rows:
            instrument = known(row.get("symbol") if isinstance(row, dict) else None, instruments)
            if isinstance(instrument, Dropped):
                yield instrument
            else:
                yield from Ticker().merge(row, instrument, now_ms)

    return collected(each())
