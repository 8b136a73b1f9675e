"""Turn what ccxt returns into messages: bars, prices, open interest, funding, liquidations.

Nothing here raises for what comes in, and nothing is invented: what cannot be read is counted under a reason.
Every function takes one instrument, since ccxt is asked for one at a time. `received_ms` is the venue's time
as well as it is known when something came in, for what tells no time of its own.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from adapters.ccxt import fields
from adapters.ccxt.fields import field
from adapters.ccxt.known import Meaning, Unit
from adapters.instruments import Instrument
from adapters.parsed import Dropped, Parsed
from engine.model import STEP_MS, Candle, Funding, Liquidation, OpenInterest, Tick, VenueEvent

_HOURS = re.compile(r"^([0-9]{1,3})h$")


def in_coins(known: Instrument, quantity: float, unit: Unit | None) -> float:
    """Return the coins in a quantity; where a contract is one coin of the venue, its unit does not matter."""
    return known.quantity(quantity) if unit is Unit.CONTRACTS else quantity * known.priced


def _gathered(read: Iterable[VenueEvent | Dropped]) -> Parsed:
    events: list[VenueEvent] = []
    dropped: Counter[Dropped] = Counter()
    for each in read:
        if isinstance(each, Dropped):
            dropped[each] += 1
        else:
            events.append(each)
    return Parsed(events=tuple(events), dropped=dropped)


def _rows(answer: object) -> Sequence[object]:
    """Return the rows of a list, which anything else counts as one bad row of."""
    return answer if isinstance(answer, list | tuple) else (answer,)


def candles(answer: object, known: Instrument, meant: Meaning, now_ms: int) -> Parsed:
    """Return bars of five minutes, rows of [open time, open, high, low, close, volume], oldest first.

    A bar has closed if its end is not after `now_ms`, the venue's time at which it was asked for.
    """
    read = [_bar(row, known, meant, now_ms) for row in _rows(answer)]
    return _gathered(sorted(read, key=lambda each: each.ts if isinstance(each, Candle) else 0))


def _bar(row: object, known: Instrument, meant: Meaning, now_ms: int) -> Candle | Dropped:
    if not isinstance(row, list | tuple) or len(row) < 6:
        return Dropped.MALFORMED
    opened_ms, volume = fields.instant(row[0]), fields.amount(row[5])
    prices = [fields.positive(value) for value in row[1:5]]
    for read in (opened_ms, *prices, volume):
        if isinstance(read, Dropped):
            return read
    opening, high, low, close = (known.price(each) for each in prices if not isinstance(each, Dropped))
    if isinstance(opened_ms, Dropped) or isinstance(volume, Dropped):
        return Dropped.MALFORMED
    if opened_ms % STEP_MS or not 0.0 < low <= min(opening, close) <= max(opening, close) <= high:
        return Dropped.CONTRADICTORY
    coins = in_coins(known, volume, meant.volume)
    if not 0.0 <= coins < float("inf"):
        return Dropped.IMPOSSIBLE
    return Candle(
        venue=known.venue,
        symbol=known.symbol,
        ts=opened_ms,
        open=opening,
        high=high,
        low=low,
        close=close,
        volume=coins,
        closed=opened_ms + STEP_MS <= now_ms,
    )


def price(answer: object, known: Instrument, received_ms: int) -> Parsed:
    """Return the price that a ticker says: that of the last trade."""
    last = fields.positive(field(answer, "last"))
    at_ms = _told_ms(answer, received_ms)
    if isinstance(last, Dropped):
        return _gathered([last])
    if isinstance(at_ms, Dropped):
        return _gathered([at_ms])
    return _gathered([Tick(venue=known.venue, symbol=known.symbol, ts=at_ms, price=known.price(last))])


def _told_ms(answer: object, received_ms: int) -> int | Dropped:
    """Return the time that a dictionary tells, or when it came in where it tells none."""
    told = field(answer, "timestamp")
    return received_ms if told is None else fields.instant(told)


def open_interest(answer: object, known: Instrument, meant: Meaning, received_ms: int) -> Parsed:
    """Return open interest in coins of one side, from one dictionary or a list of them, by time."""
    read = [_interest(row, known, meant, received_ms) for row in _rows(answer)]
    return _gathered(sorted(read, key=lambda each: each.ts if isinstance(each, OpenInterest) else 0))


def _interest(row: object, known: Instrument, meant: Meaning, received_ms: int) -> OpenInterest | Dropped:
    told = fields.amount(field(row, "openInterestAmount"))
    at_ms = _told_ms(row, received_ms)
    if isinstance(told, Dropped):
        return told
    if isinstance(at_ms, Dropped):
        return at_ms
    coins = in_coins(known, told, meant.interest) / meant.interest_sides
    if not coins < float("inf"):
        return Dropped.IMPOSSIBLE
    return OpenInterest(venue=known.venue, symbol=known.symbol, ts=at_ms, open_interest=coins)


def funding(answer: object, known: Instrument, received_ms: int) -> Parsed:
    """Return the rate that is paid next, and when; for how many hours where that is said."""
    return _gathered([_rate(answer, known, received_ms)])


def _rate(answer: object, known: Instrument, received_ms: int) -> Funding | Dropped:
    rate = fields.number(field(answer, "fundingRate"))
    due = field(answer, "fundingTimestamp") or field(answer, "nextFundingTimestamp")
    due_ms, at_ms = fields.instant(due), _told_ms(answer, received_ms)
    if rate is None:
        return Dropped.MALFORMED
    if not -1.0 <= rate <= 1.0:
        return Dropped.IMPOSSIBLE
    if isinstance(due_ms, Dropped):
        return due_ms
    if isinstance(at_ms, Dropped):
        return at_ms
    hours = _HOURS.match(str(field(answer, "interval")))
    return Funding(
        venue=known.venue,
        symbol=known.symbol,
        ts=at_ms,
        rate=rate,
        funding_ts=due_ms,
        interval_h=float(hours.group(1)) or None if hours else None,
    )


def liquidations(answer: object, known: Instrument, meant: Meaning, received_ms: int) -> Parsed:
    """Return positions that were force-closed, from a list of ccxt's dictionaries in their order."""
    return _gathered(_forced(row, known, meant, received_ms) for row in _rows(answer))


def _forced(row: object, known: Instrument, meant: Meaning, received_ms: int) -> Liquidation | Dropped:
    if field(row, "symbol") != known.native:
        return Dropped.NO_INSTRUMENT
    side, kind = meant.closed(row), meant.forced
    at_ms, told = fields.instant(field(row, "timestamp")), fields.positive(field(row, "price"))
    coins = _coins(row, known)
    for read in (at_ms, told, coins):
        if isinstance(read, Dropped):
            return read
    if side is None or kind is None or isinstance(told, Dropped) or isinstance(coins, Dropped):
        return Dropped.MALFORMED
    price_usd = known.price(told)
    if not 0.0 < coins * price_usd < float("inf"):
        return Dropped.IMPOSSIBLE
    return Liquidation(
        venue=known.venue,
        symbol=known.symbol,
        side=side,
        price=price_usd,
        price_kind=kind,
        quantity=coins,
        notional_usd=coins * price_usd,
        ts=int(at_ms),
        received_ms=received_ms,
    )


def _coins(row: object, known: Instrument) -> float | Dropped:
    """Return the coins of a liquidation: of its contracts, or as it tells them without contracts."""
    contracts = field(row, "contracts")
    if contracts is None:
        told = fields.positive(field(row, "baseValue"))
        return told if isinstance(told, Dropped) else told * known.priced
    told = fields.positive(contracts)
    return told if isinstance(told, Dropped) else known.quantity(told)


class Bars:
    """Tell from one stream of bars which have closed: a bar has, once the next one began.

    The last that was heard of a bar is what it closed with. After an outage that may not be all of it, so
    `forget` is called then, and the bar is left to whoever asks for what is missing.
    """

    def __init__(self, known: Instrument, meant: Meaning) -> None:
        self._known = known
        self._meant = meant
        self._newest: Candle | None = None

    def forget(self) -> None:
        """Forget the bar that forms."""
        self._newest = None

    def read(self, answer: object) -> Parsed:
        """Return the bar that forms and those that closed just before it, of rows as `candles` takes them."""
        parsed = candles(answer, self._known, self._meant, now_ms=0)
        bars = [each for each in parsed.events if isinstance(each, Candle)]
        if self._newest is not None:
            bars = [each for each in bars if each.ts >= self._newest.ts]
            if not bars or bars[0].ts > self._newest.ts:
                bars.insert(0, self._newest)
        elif bars:
            bars = bars[-1:]
        if not bars:
            return parsed
        closed = [_as_closed(one) for one, following in pairwise(bars) if following.ts == one.ts + STEP_MS]
        self._newest = bars[-1]
        return Parsed(events=(*closed, bars[-1]), dropped=parsed.dropped)


def _as_closed(candle: Candle) -> Candle:
    return Candle(**{name: getattr(candle, name) for name in candle.__slots__} | {"closed": True})


class Forced:
    """Find the liquidations that are new in what ccxt returned and in what it keeps.

    ccxt returns the first of a frame and keeps them all, in the order in which they came.
    """

    def __init__(self) -> None:
        self._last: object = None

    def new(self, answer: object, kept: object) -> list[object]:
        """Return the rows that did not come before, oldest first; rows are told apart by identity."""
        held = list(kept) if isinstance(kept, Iterable) and not isinstance(kept, str | dict) else []
        after = next((nth for nth in reversed(range(len(held))) if held[nth] is self._last), -1)
        fresh = held[after + 1 :]
        known = {id(row) for row in held}
        rows = answer if isinstance(answer, list | tuple) else ()
        fresh += [row for row in rows if id(row) not in known and row is not self._last]
        if fresh:
            self._last = fresh[-1]
        return fresh
