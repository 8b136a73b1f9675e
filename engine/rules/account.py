"""Say what made a rule fire: which of its conditions, in which words, and what it is about."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from engine.lang import _
from engine.model import Liquidation, Side
from engine.rules.atom import Atom, OneLiquidation
from engine.rules.condition import LIQUIDATIONS, Market
from engine.rules.expression import Leaf, Spec, leaves
from engine.rules.feature import Direction, Metric, Threshold
from engine.rules.now import Now
from engine.rules.quantity import Unit, say
from engine.rules.sighting import Sighting

_OWN_WAY: Final = {Metric.PRICE, Metric.PRICE_CHANGE}
_UP: Final = {Metric.RANGE_HIGH, Metric.RISE, Metric.LIQUIDATED_SHORT_USD}
_DOWN: Final = {Metric.RANGE_LOW, Metric.FALL, Metric.LIQUIDATED_LONG_USD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a fire says: the condition that came last (`kind`), its sentence, what else is true with it.

    `subject` names what the condition asks, the same for every rule that asks it; `direction` is where price
    goes by it, up, down or any. `venue` is the one that is asked ("" for all), `liquidations` whether what
    is told rests on them.
    """

    kind: str
    sentence: str
    also: tuple[str, ...]
    subject: str
    direction: str
    venue: str
    liquidations: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One condition that is true: its leaf in the rule, its atoms, and their values."""

    leaf: Leaf
    atoms: tuple[Atom, ...]
    now: Now


def account(spec: Spec, sighting: Sighting, coin: str, titled: Callable[[str], str]) -> Account | None:
    """Return what a rule that fired says; None where the rule is another by now.

    `coin` is the market as people call it, `titled` gives a venue's name as they write it.
    """
    hit, branches = sighting.hit, spec.branches(sighting.symbol)
    if hit.branch >= len(branches) or hit.leaf >= len(branches[hit.branch]):
        return None
    begin = sum(len(branch) for branch in branches[: hit.branch])
    branch = branches[hit.branch]
    values = dict(zip(branch, sighting.values[begin : begin + len(branch)], strict=False))
    parts = [part for leaf in leaves(spec.when) if (part := _part(leaf, spec, values, sighting, coin))]
    last = next((part for part in parts if branch[hit.leaf] in part.atoms), None)
    if last is None:
        return None
    others = tuple(_words(part, titled) for part in parts if part is not last)
    said = _words(last, titled)
    if spec.for_ms:
        held = _("{what}, and has stayed so for {time}")
        said = held.format(what=said, time=say(Unit.TIME, spec.for_ms))
    return Account(
        kind=last.leaf.condition.kind,
        sentence=said,
        also=tuple(dict.fromkeys(others)),
        subject=_subject(last, sighting.symbol),
        direction=_direction(last),
        venue=last.leaf.venue,
        liquidations=any(LIQUIDATIONS in part.leaf.condition.feeds for part in parts),
    )


def _part(leaf: Leaf, spec: Spec, values: dict[Atom, float], seen: Sighting, coin: str) -> _Part | None:
    """Return a condition with what it looked at, if one of its ways to be true is part of the branch."""
    market = Market(symbol=seen.symbol, venue=leaf.venue, hysteresis=spec.hysteresis)
    ways = leaf.condition.compile(market)
    atoms = next((way for way in ways if all(atom in values for atom in way)), None)
    if atoms is None:
        return None
    thresholds = [atom for atom in atoms if isinstance(atom, Threshold)]
    now = Now(
        coin=coin,
        price=seen.price,
        values={atom.feature.metric: values[atom] for atom in thresholds},
        ways={atom.feature.metric: atom.direction for atom in thresholds},
        zone=seen.zone,
        event=seen.event,
    )
    return _Part(leaf=leaf, atoms=atoms, now=now)


def _words(part: _Part, titled: Callable[[str], str]) -> str:
    """Return what became true, and on which venue where that is one."""
    event = part.now.event if any(isinstance(atom, OneLiquidation) for atom in part.atoms) else None
    venue = event.venue if isinstance(event, Liquidation) else part.leaf.venue
    told = part.leaf.condition.became(part.now)
    return _("{what} on {venue}").format(what=told, venue=titled(venue)) if venue else told


def _subject(part: _Part, symbol: str) -> str:
    """Return a short name of what is asked and which way, not longer than a column of the store."""
    condition = part.leaf.condition
    asked = json.dumps([condition.as_json(), part.leaf.venue, sorted(part.now.ways.items())], sort_keys=True)
    return f"{symbol}:{condition.kind}:{hashlib.blake2b(asked.encode(), digest_size=4).hexdigest()}"


def _direction(part: _Part) -> str:
    """Return where price goes by what became true: longs that are liquidated are sold."""
    if isinstance(part.now.event, Liquidation):
        return "down" if part.now.event.side is Side.LONG else "up"
    return next((way for metric, by in part.now.ways.items() if (way := _way(metric, by))), "any")


def _way(metric: Metric, by: Direction) -> str:
    if metric in _OWN_WAY:
        return "up" if by is Direction.ABOVE else "down"
    return "up" if metric in _UP else "down" if metric in _DOWN else ""
