"""Make a fire of what was seen and the rule that saw it, and keep what was seen until its turn comes."""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from adapters.coverage import coverage
from adapters.titles import title
from bot.alerting.facts import zone_from_json, zone_to_json
from bot.alerting.words import base
from bot.lang import _, speech
from engine.model import (
    Fire,
    Liquidation,
    PriceKind,
    RuleId,
    Side,
    UserId,
    ZoneChange,
    ZoneEvent,
)
from engine.rules.account import Account, account
from engine.rules.atom import usd_before, usd_swept
from engine.rules.expression import Leaf, Spec
from engine.rules.plan import Hit
from engine.rules.sentence import asks
from engine.rules.sighting import Sighting
from engine.rules.stored import spec_of
from storage.tables import Rule

TOLD: Final = "told"
"""The fact of a fire that is its sentence."""
ALSO, ASKED, NOTE, LIMITS = "also", "asked", "note", "limits"
LATE_FROM, LATE_TO = "late_from_ms", "late_to_ms"
BRANCH, SUBJECT, DIRECTION = "branch", "subject", "direction"
PREDICTED, SINCE, FOLLOW_UP = "predicted_usd", "since_ms", "follow_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A sighting that waits to be decided, as of `at_ms` of market time; `number` is 0 until it is stored."""

    sighting: Sighting
    at_ms: int
    number: int = 0


def fire_of(seen: Seen, rule: Rule, *, epoch: int, venues: Mapping[str, tuple[str, ...]]) -> Fire | None:
    """Return the fire of a rule, the same for the same sighting; None where the rule is another by now.

    `venues` are those that each market is read from. Raises UserError where the rule cannot be read.
    """
    sighting, hit = seen.sighting, seen.sighting.hit
    spec = spec_of(rule.kind, rule.params, note=rule.note)
    told = account(spec, sighting, base(rule.symbol), title)
    if told is None or rule.symbol != sighting.symbol:
        return None
    text = f"{rule.rule_id}|{hit.branch}|{hit.leaf}|{hit.ts}|{epoch}|{_name(sighting)}"
    return Fire(
        fire_id="f" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest(),
        rule_id=RuleId(rule.rule_id),
        owner=UserId(rule.user_id),
        symbol=rule.symbol,
        kind=told.kind,
        severity=spec.severity,
        ts=hit.ts,
        price=0.0 if math.isnan(sighting.price) else sighting.price,
        zone=sighting.zone,
        facts=tuple(_facts(seen, told, spec, venues.get(rule.symbol, ()))),
    )


def _facts(
    seen: Seen, told: Account, spec: Spec, venues: tuple[str, ...]
) -> Iterable[tuple[str, float | str]]:
    """Yield what a message, the pipeline and a later look need to know."""
    sighting = seen.sighting
    yield TOLD, told.sentence
    yield BRANCH, sighting.hit.branch
    yield SUBJECT, told.subject
    yield DIRECTION, told.direction
    if told.also:
        yield ALSO, ". ".join(told.also)
    if not isinstance(spec.when, Leaf) or spec.for_ms:
        yield ASKED, asked(spec, sighting.symbol)
    if spec.note:
        yield NOTE, spec.note
    if told.liquidations and (limits := limits_of([told.venue] if told.venue else venues)):
        yield LIMITS, limits
    if sighting.late is not None:
        yield LATE_FROM, sighting.late[0]
        yield LATE_TO, sighting.late[1]
    if isinstance(sighting.event, ZoneEvent) and sighting.event.change is ZoneChange.EATEN:
        yield PREDICTED, usd_swept(sighting.event)
        yield SINCE, sighting.event.ts
        yield "before_usd", usd_before(sighting.event)


def asked(spec: Spec, symbol: str) -> str:
    """Return what a rule asks in one clause, without what is done about it."""
    return asks(spec, base(symbol))


def trial_facts(spec: Spec, symbol: str) -> Iterable[tuple[str, float | str]]:
    """Yield what a test alert of a rule says: what it asks, and its note."""
    clause = asked(spec, symbol)
    yield TOLD, speech().begun(clause)
    if spec.note:
        yield NOTE, spec.note


def limits_of(venues: Iterable[str]) -> str:
    """Say how much less than all is seen of venues' liquidations; empty where everything is."""
    partly = [(title(venue), coverage(venue)) for venue in dict.fromkeys(venues)]
    told = [
        _("of {name} {short}").format(name=name, short=_(seen.short))
        for name, seen in partly
        if not seen.full
    ]
    return _("Not all liquidations are seen: {what}.").format(what=", ".join(told)) if told else ""


def _name(sighting: Sighting) -> str:
    """Return what tells events of one time apart."""
    event = sighting.event
    if isinstance(event, Liquidation):
        return f"{event.venue}|{event.venue_id}|{event.nth}|{event.price}|{event.quantity}"
    return str(event.zone.zone_id) if event is not None else ""


def seen_to_json(seen: Seen) -> dict[str, Any]:
    """Return what was seen as JSON values."""
    sighting, event = seen.sighting, seen.sighting.event
    return {
        "at_ms": seen.at_ms,
        "hit": asdict(sighting.hit),
        "symbol": sighting.symbol,
        "price": _plain(sighting.price),
        "values": [_plain(value) for value in sighting.values],
        "zone": zone_to_json(sighting.zone) if sighting.zone else None,
        "liquidation": asdict(event) if isinstance(event, Liquidation) else None,
        "change": _change_json(event) if isinstance(event, ZoneEvent) else None,
        "late": list(sighting.late) if sighting.late else None,
    }


def seen_of_json(given: Mapping[str, Any], number: int) -> Seen:
    """Return what `seen_to_json` described; KeyError, TypeError or ValueError where it is something else."""
    late = given["late"]
    event: Liquidation | ZoneEvent | None = None
    if given["liquidation"]:
        values = dict(given["liquidation"])
        kinds: dict[str, Callable[[Any], Any]] = {"side": Side, "price_kind": PriceKind}
        event = Liquidation(**{k: kinds.get(k, lambda v: v)(v) for k, v in values.items()})
    elif given["change"]:
        event = _change_of_json(given["change"])
    sighting = Sighting(
        hit=Hit(**given["hit"]),
        symbol=str(given["symbol"]),
        price=_number(given["price"]),
        values=tuple(_number(value) for value in given["values"]),
        zone=zone_from_json(given["zone"]) if given["zone"] else None,
        event=event,
        late=(int(late[0]), int(late[1])) if late else None,
    )
    return Seen(sighting=sighting, at_ms=int(given["at_ms"]), number=number)


def _change_json(event: ZoneEvent) -> dict[str, Any]:
    zone = zone_to_json(event.zone)
    return {"ts": event.ts, "change": event.change.value, "zone": zone, "fraction": event.fraction}


def _change_of_json(given: Mapping[str, Any]) -> ZoneEvent:
    return ZoneEvent(
        ts=int(given["ts"]),
        change=ZoneChange(given["change"]),
        zone=zone_from_json(given["zone"]),
        fraction=float(given["fraction"]),
    )


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
