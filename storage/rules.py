"""Keep each user's rules; every function on them takes the owner, and never sees another's."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, Text, delete, func, select, type_coerce, update
from sqlalchemy.orm import Session

from engine.errors import UserError
from engine.model import RuleId, Severity, Side, UserId, Watch
from storage.tables import Rule
from storage.users import ensure_user

ZONE_PROXIMITY = "zone_proximity"
OWN = "own"
"""Set in the parameters of a watch of zones that stands by itself: `/watch` leaves it alone."""
MAX_RULES = 20
"""How many rules one user may have, unless the caller says otherwise."""
READ_ROWS = 500
"""How many rows are held at once where all are read."""
MAX_NOTE = 400
"""How long a rule's note may be, in characters."""


class Ended(StrEnum):
    """Why a rule fires no more."""

    EXPIRED = "expired"
    FIRED_ONCE = "fired_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRule:
    """What a user asks for; `params` as described at `storage.tables.Rule`."""

    symbol: str
    params: dict[str, Any]
    kind: str = ZONE_PROXIMITY
    cooldown_s: int = 3600
    to_channel: str = "inapp"
    to_place: str = ""
    note: str = field(default="", repr=False)


class RuleChanges(TypedDict, total=False):
    """What may be changed about a rule; the rest stays. With new `params` one that ended lives again."""

    kind: str
    params: dict[str, Any]
    cooldown_s: int
    to_channel: str
    to_place: str
    paused: bool
    snoozed_until_ms: int | None
    note: str


def add_rule(
    session: Session, owner: str, new: NewRule, *, now_ms: int, wall_ms: int, limit: int = MAX_RULES
) -> Rule:
    """Add a rule and return it with its number; the owner is made known if new.

    Raises UserError when the owner has `limit` rules already or the note is too long.
    """
    ensure_user(session, owner, wall_ms)
    check_room(session, owner, limit)
    _check_note(new.note)
    rule = Rule(
        user_id=owner,
        kind=new.kind,
        symbol=new.symbol,
        params=new.params,
        cooldown_s=new.cooldown_s,
        to_channel=new.to_channel,
        to_place=new.to_place,
        paused=False,
        snoozed_until_ms=None,
        note=new.note,
        created_ms=now_ms,
        created_wall_ms=wall_ms,
    )
    session.add(rule)
    session.flush()
    return rule


def check_room(session: Session, owner: str, limit: int) -> None:
    """Raise UserError where the owner has `limit` rules, so that none may be added or begin anew."""
    if count_rules(session, owner) >= limit:
        raise UserError(f"You have {limit} alerts, the most there can be.", example="/alert list")


def count_rules(session: Session, owner: str) -> int:
    """Return how many rules the owner has that have not ended."""
    count = select(func.count()).select_from(Rule).where(Rule.user_id == owner, Rule.ended_ms.is_(None))
    return session.scalar(count) or 0


def list_rules(session: Session, owner: str, *, symbol: str | None = None) -> list[Rule]:
    """Return the owner's rules, oldest first, all or those of one symbol."""
    query = select(Rule).where(Rule.user_id == owner).order_by(Rule.rule_id)
    if symbol is not None:
        query = query.where(Rule.symbol == symbol)
    return list(session.scalars(query))


def get_rule(session: Session, owner: str, rule_id: int) -> Rule | None:
    """Return one of the owner's rules, or None where they have none of that number."""
    return session.scalars(select(Rule).where(*_own(owner, rule_id))).one_or_none()


def update_rule(session: Session, owner: str, rule_id: int, **changes: Unpack[RuleChanges]) -> Rule | None:
    """Change one of the owner's rules and return it, or None where they have none of that number."""
    unknown = changes.keys() - RuleChanges.__annotations__.keys()
    if unknown:
        raise TypeError(f"A rule's {', '.join(sorted(unknown))} cannot be changed.")
    _check_note(changes.get("note", ""))
    rule = get_rule(session, owner, rule_id)
    if rule is not None:
        for name, value in changes.items():
            setattr(rule, name, value)
        if "params" in changes:
            rule.ended_ms, rule.ended_reason = None, ""
        session.flush()
    return rule


def remove_rule(session: Session, owner: str, rule_id: int) -> bool:
    """Remove one of the owner's rules with its cooldowns; say whether there was one."""
    gone = session.execute(delete(Rule).where(*_own(owner, rule_id)).returning(Rule.rule_id))
    return gone.one_or_none() is not None


def remove_rules(session: Session, owner: str, symbol: str) -> list[int]:
    """Remove the owner's rules on a symbol and return their numbers."""
    theirs = delete(Rule).where(Rule.user_id == owner, Rule.symbol == symbol).returning(Rule.rule_id)
    return sorted(session.scalars(theirs))


def rules_for_symbol(session: Session, symbol: str, *, kind: str | None = None) -> list[Rule]:
    """Return everybody's rules on a symbol that have not ended, paused ones too: for the evaluator alone.

    They come oldest first, of all kinds or of one.
    """
    query = select(Rule).where(Rule.symbol == symbol, Rule.ended_ms.is_(None)).order_by(Rule.rule_id)
    if kind is not None:
        query = query.where(Rule.kind == kind)
    return list(session.scalars(query))


def watches_of_all(session: Session) -> dict[str, list[Rule]]:
    """Return everybody's watches that have not ended, by symbol, oldest first: for the evaluator alone."""
    query = select(Rule).where(Rule.kind == ZONE_PROXIMITY, Rule.ended_ms.is_(None)).order_by(Rule.rule_id)
    found: dict[str, list[Rule]] = {}
    for rule in session.scalars(query):
        found.setdefault(rule.symbol, []).append(rule)
    return found


def rules_of(session: Session, rule_ids: Iterable[int]) -> dict[int, Rule]:
    """Return rules by number, whoever owns them, those that are no more left out: for the evaluator alone."""
    wanted = list(rule_ids)
    return {rule.rule_id: rule for rule in session.scalars(select(Rule).where(Rule.rule_id.in_(wanted)))}


def severities(session: Session, rule_ids: Iterable[int]) -> dict[int, str]:
    """Return the severity of rules that have one alone, by number: for the evaluator alone."""
    wanted, found = sorted(rule_ids), {}
    for at in range(0, len(wanted), READ_ROWS):
        query = select(Rule.rule_id, Rule.params["severity"].as_string())
        rows = session.execute(query.where(Rule.rule_id.in_(wanted[at : at + READ_ROWS])))
        found.update({rule_id: severity for rule_id, severity in rows if severity is not None})
    return found


def end_rules(session: Session, rule_ids: Iterable[int], why: Ended, at_ms: int) -> list[Rule]:
    """Let rules end at a market time; return those that had not ended before."""
    found = [rule for rule in rules_of(session, rule_ids).values() if rule.ended_ms is None]
    for rule in found:
        rule.ended_ms, rule.ended_reason = at_ms, why.value
    session.flush()
    return found


def forget_ended(session: Session, *, before_ms: int) -> int:
    """Remove everybody's rules that ended before a market time; return how many."""
    gone = delete(Rule).where(Rule.ended_ms < before_ms).returning(Rule.rule_id)
    return len(session.scalars(gone).all())


def revive_rules(session: Session, after_ms: int) -> int:
    """Take back what ended after a market time, for a replay was sought back to it; return how many."""
    values = {"ended_ms": None, "ended_reason": ""}
    back = update(Rule).where(Rule.ended_ms > after_ms).values(values).returning(Rule.rule_id)
    return len(session.scalars(back).all())


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleColumns:
    """Hold what the evaluator needs of many rules, column by column; `params` is JSON as it is stored."""

    rule_id: list[int] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    symbol: list[str] = field(default_factory=list)
    params: list[str] = field(default_factory=list)


def read_rules(session: Session, symbol: str | None = None) -> RuleColumns:
    """Return everybody's live rules, oldest first, of all symbols or of one: for the evaluator alone.

    Live are those that are neither paused nor have ended.

    What is kept holds nothing that a garbage collector looks at, and rows come in
    small parts: made as objects, or with JSON read all at once, collections take three times as long as this.
    """
    found = RuleColumns()
    text = type_coerce(Rule.params, Text)
    query = select(Rule.rule_id, Rule.kind, Rule.symbol, text).order_by(Rule.rule_id)
    query = query.where(~Rule.paused, Rule.ended_ms.is_(None))
    if symbol is not None:
        query = query.where(Rule.symbol == symbol)
    for rule_id, kind, symbol, params in session.execute(query.execution_options(yield_per=READ_ROWS)):
        found.rule_id.append(rule_id)
        found.kind.append(sys.intern(kind))
        found.symbol.append(sys.intern(symbol))
        found.params.append(params)
    return found


def watched_symbols(session: Session) -> dict[str, int]:
    """Return the symbols that any rule is on which has not ended, with how many."""
    count = select(Rule.symbol, func.count()).where(Rule.ended_ms.is_(None))
    rows = session.execute(count.group_by(Rule.symbol).order_by(Rule.symbol))
    return {row[0]: row[1] for row in rows}


def to_watch(rule: Rule) -> Watch:
    """Return a `zone_proximity` rule as the evaluator's message, its severities from worst to least."""
    within = {Severity(name): float(value) for name, value in rule.params["within"].items()}
    side = rule.params.get("side")
    return Watch(
        rule_id=RuleId(rule.rule_id),
        owner=UserId(rule.user_id),
        symbol=rule.symbol,
        within=tuple(sorted(within.items(), key=lambda step: -step[0].rank)),
        min_notional_usd=rule.params.get("min_notional_usd"),
        side=None if side is None else Side(side),
        cooldown_s=rule.cooldown_s,
        hysteresis=float(rule.params.get("hysteresis", Watch.__dataclass_fields__["hysteresis"].default)),
        paused=rule.paused,
        snoozed_until_ms=rule.snoozed_until_ms,
        quiet_critical=bool(rule.params.get("quiet_critical", False)),
        created_ms=rule.created_ms,
    )


def watch_params(
    within: dict[Severity, float],
    *,
    hysteresis: float,
    min_notional_usd: float | None = None,
    side: Side | None = None,
    quiet_critical: bool = False,
) -> dict[str, Any]:
    """Return the `params` of a `zone_proximity` rule: what `to_watch` reads."""
    return {
        "within": {severity.value: fraction for severity, fraction in within.items()},
        "min_notional_usd": min_notional_usd,
        "side": None if side is None else side.value,
        "hysteresis": hysteresis,
        "quiet_critical": quiet_critical,
    }


def _own(owner: str, rule_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Rule.rule_id == rule_id, Rule.user_id == owner


def _check_note(note: str) -> None:
    if len(note) > MAX_NOTE:
        raise UserError(f"A note can have {MAX_NOTE} characters at most; yours has {len(note)}.")
