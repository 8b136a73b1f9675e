"""Keep each user's rules; every function on them takes the owner, and never sees another's."""

from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from engine.errors import UserError
from engine.model import RuleId, Severity, Side, UserId, Watch
from storage.tables import Rule
from storage.users import ensure_user

ZONE_PROXIMITY = "zone_proximity"
MAX_RULES = 20
"""How many rules one user may have, unless the caller says otherwise."""
MAX_NOTE = 400
"""How long a rule's note may be, in characters."""


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
    """What may be changed about a rule; what is left out stays."""

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
    if count_rules(session, owner) >= limit:
        raise UserError(f"You have {limit} alerts, the most there can be.", example="/alert list")
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


def count_rules(session: Session, owner: str) -> int:
    """Return how many rules the owner has."""
    count = select(func.count()).select_from(Rule).where(Rule.user_id == owner)
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


def rules_for_symbol(session: Session, symbol: str) -> list[Rule]:
    """Return everybody's rules on a symbol, paused ones too, oldest first: for the evaluator alone."""
    return list(session.scalars(select(Rule).where(Rule.symbol == symbol).order_by(Rule.rule_id)))


def watched_symbols(session: Session) -> dict[str, int]:
    """Return the symbols that any rule is on, with how many."""
    rows = session.execute(select(Rule.symbol, func.count()).group_by(Rule.symbol).order_by(Rule.symbol))
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
