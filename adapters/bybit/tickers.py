"""Keep what Bybit's tickers last said: their deltas hold only what changed.

A ticker gives the live price, open interest and funding in one topic, ten times a second at most. The live
price is the last trade's: candles are made of trades, so the price moves through the same range as they do.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.bybit.fields import VENUE, amount, first_fault, instant, number, positive, rate
from adapters.instruments import Instrument
from adapters.parsed import Dropped, Found
from engine.model import Funding, OpenInterest, Tick

Fields = Mapping[str, object]

BOTH_SIDES = 0.5
"""One side's share of `openInterest`, which counts both, as long as the venue has not said otherwise."""
_MOST = 0.75
_ROUNDING = 1.001
STANDS_MS = 1000
"""How often a price is said again while it stands, so that a quiet market is told from a broken feed."""
_NOT_SAID = (None, "")


@dataclass(slots=True)
class Ticker:
    """What stands of one symbol; None is what was not said since the last snapshot.

    `price` is that of one coin, and was handed out for `ticked_ms`. `share` is one side's part of
    `openInterest` by what they last were together; `due_ms` is when funding is paid next, and `told` the
    funding that was last handed out.
    """

    price: float | None = None
    ticked_ms: int = 0
    share: float = BOTH_SIDES
    rate: float | None = None
    due_ms: int | None = None
    interval_h: float | None = None
    told: tuple[float, int, float | None] | None = None

    def merge(self, said: Fields, instrument: Instrument, ts: int) -> list[Found]:
        """Take in a snapshot's or a delta's fields, and return what they say that is new."""
        found = [self._tick(said, instrument, ts), self._interest(said, instrument, ts)]
        found.extend(self._remember(said))
        found.append(self._funding(instrument, ts))
        return [each for each in found if each is not None]

    def _tick(self, said: Fields, instrument: Instrument, ts: int) -> Found | None:
        if (text := said.get("lastPrice")) not in _NOT_SAID:
            price = _price(text, instrument)
            if isinstance(price, Dropped):
                return price
            self.price = price
        elif self.price is None or ts < self.ticked_ms + STANDS_MS:
            return None
        self.ticked_ms = ts
        return Tick(venue=VENUE, symbol=instrument.symbol, ts=ts, price=self.price)

    def _interest(self, said: Fields, instrument: Instrument, ts: int) -> Found | None:
        one, both = amount(said.get("singleOpenInterest")), amount(said.get("openInterest"))
        if isinstance(one, float) and isinstance(both, float) and 0.0 < one <= both * _ROUNDING:
            self.share = BOTH_SIDES if one < _MOST * both else 1.0
        return interest(said, instrument, ts, self.share)

    def _remember(self, said: Fields) -> list[Found]:
        """Keep funding's fields; return why those that cannot be read are left as they stood."""
        faults: list[Found] = []
        if (text := said.get("fundingRate")) not in _NOT_SAID:
            read = rate(text)
            if isinstance(read, Dropped):
                faults.append(read)
            else:
                self.rate = read
        if (text := said.get("nextFundingTime")) not in (*_NOT_SAID, "0", 0):
            due = instant(text)
            if isinstance(due, Dropped):
                faults.append(due)
            else:
                self.due_ms = due
        if (text := said.get("fundingIntervalHour")) not in _NOT_SAID:
            hours = positive(text)
            if isinstance(hours, Dropped):
                faults.append(hours)
            else:
                self.interval_h = hours
        return faults

    def _funding(self, instrument: Instrument, ts: int) -> Funding | None:
        if self.rate is None or self.due_ms is None:
            return None
        now = (self.rate, self.due_ms, self.interval_h)
        if now == self.told:  # deltas repeat the rate while it stands
            return None
        self.told = now
        return Funding(
            venue=VENUE,
            symbol=instrument.symbol,
            ts=ts,
            rate=self.rate,
            funding_ts=self.due_ms,
            interval_h=self.interval_h,
        )


def one_side(said: Fields, share: float = BOTH_SIDES) -> float | Dropped | None:
    """Return one side's open interest in the venue's units, None where nothing is said of it.

    `singleOpenInterest` where it is there, else `share` of `openInterest`, which counts both sides.
    """
    single, both = said.get("singleOpenInterest"), said.get("openInterest")
    if single not in _NOT_SAID:
        one = amount(single)
        two = number(both)
        if not isinstance(one, Dropped) and two is not None and one > two * _ROUNDING:
            return Dropped.CONTRADICTORY
        return one
    if both in _NOT_SAID:
        return None
    two_sides = amount(both)
    return two_sides if isinstance(two_sides, Dropped) else two_sides * share


def interest(
    said: Fields, instrument: Instrument, ts: int, share: float = BOTH_SIDES
) -> OpenInterest | Dropped | None:
    """Return one side's open interest in coins, why it is none, or None where nothing is said of it."""
    value = one_side(said, share)
    if value is None or isinstance(value, Dropped):
        return value
    coins = instrument.quantity(value)
    if not math.isfinite(coins):
        return Dropped.IMPOSSIBLE
    return OpenInterest(venue=VENUE, symbol=instrument.symbol, ts=ts, open_interest=coins)


def _price(text: object, instrument: Instrument) -> float | Dropped:
    native = positive(text)
    if isinstance(native, Dropped):
        return native
    price = instrument.price(native)
    return price if price > 0.0 else Dropped.IMPOSSIBLE


class Tickers:
    """Hold the ticker of each symbol, by the venue's name; one of these belongs to one parser."""

    def __init__(self) -> None:
        self._standing: dict[str, Ticker] = {}

    def take(self, message: Fields, instrument: Instrument) -> list[Found]:
        """Merge a frame, and return the events that it makes or why it was dropped.

        A snapshot may come at any time and starts anew; what a delta does not hold stays as it was.
        """
        said, kind, ts = message.get("data"), message.get("type"), instant(message.get("ts"))
        if not isinstance(said, dict) or kind not in ("snapshot", "delta"):
            return [Dropped.MALFORMED]
        if fault := first_fault(ts):
            return [fault]
        if said.get("symbol", instrument.native) != instrument.native:
            return [Dropped.CONTRADICTORY]
        ticker = self._standing.get(instrument.native)
        if ticker is None or kind == "snapshot":
            told = ticker.told if ticker else None
            ticker = self._standing[instrument.native] = Ticker(told=told)
        return ticker.merge(said, instrument, int(ts))

    def forget(self) -> None:
        """Let go of everything: the next snapshots start anew."""
        self._standing.clear()
