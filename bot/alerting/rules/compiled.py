"""Turn stored rules into what the evaluator takes, and notice which of them are new, changed or gone."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import structlog

from engine.errors import UserError
from engine.model import Ints
from engine.rules.bulk import price_levels
from engine.rules.plan import Batch, Plan
from engine.rules.sighting import plan_of
from engine.rules.stored import LEVEL, RULE, spec_of
from storage.rules import RuleColumns

log = structlog.get_logger(__name__)

NOBODY: Final = np.empty(0, np.int64)
READ_AT_ONCE: Final = 1_000
Seal = tuple[Ints, Ints]
"""Rules by number, rising (n,), and a number for what each asks (n,)."""


def batch_of(found: RuleColumns) -> Batch:
    """Return stored rules as columns, many price levels at once; what cannot be read is left out, logged."""
    rows = range(len(found.rule_id))
    levels = [row for row in rows if found.kind[row] == LEVEL]
    plans: dict[int, Plan] = {}
    for row in (row for row in rows if found.kind[row] == RULE):
        try:
            spec = spec_of(found.kind[row], json.loads(found.params[row]))
            plans[found.rule_id[row]] = plan_of(spec, found.symbol[row])
        except (UserError, ValueError) as error:
            log.warning("rules.unreadable", rule=found.rule_id[row], why=str(error))
    parts = [Batch.of(plans)] if plans else []
    if levels:
        numbers = [found.rule_id[row] for row in levels]
        symbols = [found.symbol[row] for row in levels]
        parts.append(price_levels(numbers, symbols, _params(found, levels)))
    return parts[0] if len(parts) == 1 else Batch.joined(parts)


def _params(found: RuleColumns, rows: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield what rules ask, read from their text some at a time: quick, and never all in memory."""
    for at in range(0, len(rows), READ_AT_ONCE):
        yield from json.loads(f"[{','.join(found.params[row] for row in rows[at : at + READ_AT_ONCE])}]")


def some(found: RuleColumns, wanted: Ints) -> RuleColumns:
    """Return the rules of some numbers."""
    rows = np.flatnonzero(np.isin(found.rule_id, wanted)).tolist()
    return RuleColumns(
        rule_id=[found.rule_id[row] for row in rows],
        kind=[found.kind[row] for row in rows],
        symbol=[found.symbol[row] for row in rows],
        params=[found.params[row] for row in rows],
    )


def ours(found: RuleColumns) -> RuleColumns:
    """Return the rules that are evaluated here: all but watches."""
    kinds = np.array(found.kind, object)
    wanted = np.array(found.rule_id, np.int64)[(kinds == LEVEL) | (kinds == RULE)]
    return found if len(wanted) == len(found.rule_id) else some(found, wanted)


class Seals:
    """Remember by symbol which rules there are and what they ask, in sixteen bytes a rule."""

    def __init__(self) -> None:
        self._known: dict[str, Seal] = {}

    def differ(self, symbol: str, found: RuleColumns) -> tuple[Ints, Ints]:
        """Return the numbers of rules that are new or changed, and of those that are gone; note the rest."""
        before = self._known.get(symbol, (NOBODY, NOBODY))
        now = _seal(found)
        self._known[symbol] = now
        gone = np.setdiff1d(before[0], now[0], assume_unique=True)
        place = np.minimum(np.searchsorted(before[0], now[0]), max(len(before[0]) - 1, 0))
        if not len(before[0]):
            return now[0], gone
        same = (before[0][place] == now[0]) & (before[1][place] == now[1])
        return now[0][~same], gone

    def load(self, found: RuleColumns) -> None:
        """Begin with the rules of all symbols."""
        codes: dict[str, int] = {}
        code = np.array([codes.setdefault(symbol, len(codes)) for symbol in found.symbol], np.int64)
        numbers, sums = np.array(found.rule_id, np.int64), _sums(found)
        order = np.lexsort((numbers, code))
        ends = np.searchsorted(code[order], np.arange(len(codes) + 1)).tolist()
        parts = (order[begin:end] for begin, end in pairwise(ends))
        self._known = {symbol: (numbers[part], sums[part]) for symbol, part in zip(codes, parts, strict=True)}

    def forget(self, symbol: str, rules: Ints) -> None:
        """Let rules be new if they come again."""
        numbers, sums = self._known.get(symbol, (NOBODY, NOBODY))
        kept = ~np.isin(numbers, rules)
        self._known[symbol] = (numbers[kept], sums[kept])

    def counts(self) -> Mapping[str, int]:
        """Return how many rules each symbol has."""
        return {symbol: len(numbers) for symbol, (numbers, _) in self._known.items() if len(numbers)}

    def symbols(self) -> list[str]:
        """Return the symbols that had any rule."""
        return list(self._known)


def _seal(found: RuleColumns) -> Seal:
    numbers = np.array(found.rule_id, np.int64)
    order = np.argsort(numbers, kind="stable")
    return numbers[order], _sums(found)[order]


def _sums(found: RuleColumns) -> Ints:
    """Return a number for what each rule asks; they are good for this process alone."""
    asked = zip(found.kind, found.params, strict=True)
    return np.array([hash(kind) ^ hash(params) for kind, params in asked], np.int64)
