"""Gather what rows say: events, and counts of what cannot be used."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from adapters.instruments import Instrument, Instruments
from adapters.okx import rows
from adapters.okx.topics import SWAP
from adapters.okx.values import Refused
from adapters.parsed import Dropped, Found, Parsed, collected
from engine.model import Liquidation, VenueEvent

Value = TypeVar("Value")


def gather(found: Iterable[Found]) -> Parsed:
    """Part events from reasons; a message without a row is a sign of life only."""
    return collected(found, alive_if_empty=True)


def tried(row: object, read: Callable[[rows.Row], Value]) -> Value | Dropped:
    """Return what a row with names says, or why it cannot be used."""
    if not isinstance(row, dict):
        return Dropped.MALFORMED
    try:
        return read(row)
    except Refused as refused:
        return refused.reason


def tried_list(row: object, read: Callable[[list[object]], Value]) -> Value | Dropped:
    """Return what a row without names says, or why it cannot be used."""
    if not isinstance(row, list):
        return Dropped.MALFORMED
    try:
        return read(row)
    except (Refused, IndexError) as error:
        return error.reason if isinstance(error, Refused) else Dropped.MALFORMED


def details(row: object, kind: object, instruments: Instruments, received_ms: int) -> Iterator[Found]:
    """Yield what one contract's liquidations say; all of them are counted where the contract is not read.

    `kind` is the type of instrument that the message names, for rows that name none.
    """
    inner = row.get("details") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(inner, list):
        yield Dropped.MALFORMED
        return
    instrument = tried(row, lambda named: _contract(named, kind, instruments))
    for each in inner:
        yield instrument if isinstance(instrument, Dropped) else _detail(each, instrument, received_ms)


def _contract(row: rows.Row, kind: object, instruments: Instruments) -> Instrument:
    if row.get("instType", kind) != SWAP:
        raise Refused(Dropped.NOT_LINEAR)
    return rows.find(row.get("instId"), instruments)


def _detail(row: object, instrument: Instrument, received_ms: int) -> Found:
    if not isinstance(row, dict):
        return Dropped.MALFORMED
    try:
        return rows.liquidation(row, instrument, received_ms)
    except Refused as refused:
        return refused.reason


def told_apart(events: Sequence[VenueEvent]) -> Iterator[Liquidation]:
    """Yield liquidations, equal ones told apart by `nth`: they are as real as any other."""
    if len(events) == 1 and isinstance(events[0], Liquidation):
        yield events[0]
        return
    met: Counter[Liquidation] = Counter()
    for event in events:
        if isinstance(event, Liquidation):
            nth = met[event]
            met[event] += 1
            yield replace(event, nth=nth) if nth else event
