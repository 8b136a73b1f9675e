"""Read asset contexts: mark price, open interest and funding of one coin, or of all coins by position.

The contexts of a whole dex have no names: the n-th belongs to the n-th entry of the universe, in which
delisted coins stay for ever. `Universe` keeps those positions, whatever became of an entry.
"""

from collections.abc import Iterable, Sequence

from adapters.hyperliquid.fields import VENUE, Batch, Row, Unreadable, not_negative, number, positive
from adapters.instruments import Instrument, Instruments, Status
from adapters.parsed import Dropped
from engine.model import HOUR_MS, Funding, OpenInterest, Tick


class Universe(Instruments):
    """Hold the instruments of a dex with their positions; None stands for an entry that could not be read."""

    def __init__(self, entries: Iterable[Instrument | None] = ()) -> None:
        self.entries = tuple(entries)
        super().__init__(each for each in self.entries if each is not None)


def universe_of(batch: Batch, contexts: Sequence[object], instruments: Instruments) -> None:
    """Read the contexts of all coins. More of them than we know entries are coins listed since, and counted.

    Fewer cannot be: then nobody knows which belongs to which, and none is read. Nor is any where
    `instruments` is no `Universe`: a choice of instruments has lost the positions.
    """
    if not isinstance(instruments, Universe):
        batch.dropped[Dropped.NO_INSTRUMENT] += len(contexts)
        return
    known = instruments.entries
    if len(contexts) < len(known):
        batch.dropped[Dropped.CONTRADICTORY] += len(contexts) or 1
        return
    for found, traded in zip(contexts, known, strict=False):
        if traded is None:
            batch.dropped[Dropped.NO_INSTRUMENT] += 1
        elif traded.status is Status.DELISTED:
            continue
        elif isinstance(found, dict):
            read_context(batch, found, traded)
        else:
            batch.dropped[Dropped.MALFORMED] += 1
    if len(contexts) > len(known):
        batch.dropped[Dropped.NO_INSTRUMENT] += len(contexts) - len(known)


def read_context(batch: Batch, found: Row, traded: Instrument) -> None:
    """Put what a context says of a coin into `batch`, each fact by itself; any of them can be null.

    Its moment is when it came in: a context has no time. Funding is what is paid at the next full hour, for
    one hour. Open interest is one side, in coins. What is said of a delisted coin is not used.
    """
    if traded.status is Status.DELISTED:
        batch.dropped[Dropped.NO_INSTRUMENT] += 1
        return
    ts, symbol = batch.received_ms, traded.symbol
    for read in (_mark, _interest, _funding):
        try:
            batch.events.append(read(found, traded, symbol, ts))
        except Unreadable as error:
            batch.dropped[error.reason] += 1


def _mark(found: Row, traded: Instrument, symbol: str, ts: int) -> Tick:
    return Tick(venue=VENUE, symbol=symbol, ts=ts, price=traded.price(positive(found.get("markPx"))))


def _interest(found: Row, traded: Instrument, symbol: str, ts: int) -> OpenInterest:
    coins = traded.quantity(not_negative(found.get("openInterest")))
    return OpenInterest(venue=VENUE, symbol=symbol, ts=ts, open_interest=coins)


def _funding(found: Row, traded: Instrument, symbol: str, ts: int) -> Funding:
    rate = number(found.get("funding"))
    if abs(rate) >= 1:
        raise Unreadable(Dropped.IMPOSSIBLE)
    at_ms = (ts // HOUR_MS + 1) * HOUR_MS
    return Funding(venue=VENUE, symbol=symbol, ts=ts, rate=rate, funding_ts=at_ms, interval_h=1.0)
