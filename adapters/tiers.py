"""Read the margin tiers of some instruments from each venue, in as few calls as that takes.

Nothing is judged here but whether it is a table at all; whoever asks decides what replaces what.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from adapters.binance import brackets as binance
from adapters.bybit import listing as bybit
from adapters.bybit import rest as bybit_rest
from adapters.hyperliquid import answers as hyperliquid
from adapters.hyperliquid import rest as hyperliquid_rest
from adapters.instruments import Instrument, Instruments
from adapters.okx import answers as okx
from adapters.okx import rest as okx_rest
from adapters.parsed import Dropped
from adapters.rest.calls import CallFailed
from adapters.rest.client import RestClient
from adapters.rest.verdicts import Scope
from engine.margin.tiers import TierTable

PATIENCE_S = 60.0
SIGNED_S = 30.0
"""How long a signed call may wait: it is only good for a minute from the time that it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTiers:
    """What a venue said: tables, and `odd` says in words what of the answer could not be used."""

    tables: tuple[TierTable, ...] = ()
    odd: Mapping[str, int] = field(default_factory=dict)

    def missing(self, known: Iterable[Instrument]) -> tuple[str, ...]:
        """Return the symbols that were asked for and have no table."""
        have = {table.symbol for table in self.tables}
        return tuple(each.symbol for each in known if each.symbol not in have)


Reader = Callable[[RestClient, Sequence[Instrument]], Coroutine[None, None, ReadTiers]]
"""Ask the tiers of some instruments of one venue; raise CallFailed."""


def readers(key: binance.Key | None = None) -> dict[str, Reader]:
    """Return how each venue's tiers are read: all but Binance's by anybody, Binance's with a key."""
    found: dict[str, Reader] = {"bybit": _bybit, "okx": _okx, "hyperliquid": _hyperliquid}
    if key is not None:
        found["binance"] = partial(_binance, key=key)
    return found


def _day(rest: RestClient) -> str:
    return f"{datetime.fromtimestamp(rest.now_ms() / 1000, UTC):%Y-%m-%d}"


def _made(tables: Iterable[TierTable], dropped: Counter[Dropped]) -> ReadTiers:
    """Return tables that say that they were read, and what was left out."""
    read = (replace(table, source=f"{table.source}, read from the venue") for table in tables)
    return ReadTiers(tables=tuple(read), odd={each.value: count for each, count in dropped.items()})


async def _binance(rest: RestClient, known: Sequence[Instrument], key: binance.Key) -> ReadTiers:
    """Ask all at once; where the clocks have come apart, they are compared and it is asked once more."""
    if not rest.skew_ms:
        await rest.measure_skew()
    try:
        decoded = await rest.ask(binance.brackets(key, rest.now_ms()), patience_s=SIGNED_S)
    except CallFailed as error:
        if "clocks" not in error.verdict.reason:
            raise
        await rest.measure_skew()
        decoded = await rest.ask(binance.brackets(key, rest.now_ms()), patience_s=SIGNED_S)
    tables, dropped = binance.read_brackets(decoded, Instruments(known), _day(rest))
    del dropped[Dropped.NO_INSTRUMENT], dropped[Dropped.NOT_LINEAR]  # everything else that is listed
    return _made(tables.values(), dropped)


async def _bybit(rest: RestClient, known: Sequence[Instrument]) -> ReadTiers:
    """Ask symbol by symbol: fewer calls than all 45 pages, unless hundreds are followed.

    One that the venue does not know any more is left out, and the others are read.
    """
    rows, dropped = list[Mapping[str, object]](), Counter[Dropped]()
    for each in known:
        try:
            page = bybit.read_tier_page(await rest.ask(bybit_rest.tiers_of(each), patience_s=PATIENCE_S))
        except CallFailed as error:
            if not error.final or error.verdict.scope is not Scope.CALL:
                raise
            dropped[Dropped.NO_INSTRUMENT] += 1
            continue
        rows += page.rows
        dropped += page.dropped
    tables, odd = bybit.tier_tables(rows, Instruments(known), _day(rest), "Bybit risk limits")
    return _made(tables.values(), dropped + odd)


async def _okx(rest: RestClient, known: Sequence[Instrument]) -> ReadTiers:
    """Ask five contracts at a time."""
    tables, dropped = list[TierTable](), Counter[Dropped]()
    for first in range(0, len(known), okx_rest.FAMILIES):
        some = known[first : first + okx_rest.FAMILIES]
        decoded = await rest.ask(okx_rest.tiers(some), patience_s=PATIENCE_S)
        found = okx.tiers(decoded, Instruments(known), as_of=_day(rest))
        tables += found.tables
        dropped += found.dropped
    return _made(tables, dropped)


async def _hyperliquid(rest: RestClient, known: Sequence[Instrument]) -> ReadTiers:
    """Ask for everything at once: there is no smaller question."""
    decoded = await rest.ask(hyperliquid_rest.listing(), patience_s=PATIENCE_S)
    tables, wanted = hyperliquid.tiers(decoded, _day(rest)), {each.symbol for each in known}
    return _made((table for symbol, table in tables.items() if symbol in wanted), Counter())
