"""Say in one sentence what a rule will do, so that its owner can see what was understood."""

from collections.abc import Iterable
from functools import reduce

from engine.lang import N_, _, speech
from engine.model import Severity
from engine.rules.condition import CANDLES, PRICES, Condition
from engine.rules.expression import All, Expression, Leaf, Repeat, Spec, leaves
from engine.rules.quantity import Unit, say

FEED_WORDS = {
    "candles": N_("candles"),
    "prices": N_("prices"),
    "open_interest": N_("open interest"),
    "liquidations": N_("liquidations"),
    "funding": N_("funding"),
    "long_short": N_("long short"),
}
"""Kinds of fact in words."""
_SEVERITY = {
    Severity.INFO: N_("sent as an info"),
    Severity.WARNING: N_("sent as a warning"),
    Severity.CRITICAL: N_("sent as critical without waiting"),
}


def sentence(spec: Spec, coin: str, *, until: str = "") -> str:
    """Return what a rule does: "When funding of BTC turns negative, on all venues together: ...".

    `coin` is the market as its owner calls it, `until` the moment it expires in their words.
    """
    if until:
        said = _("When {condition}: {severity}, {again}, until {until}.")
    else:
        said = _("When {condition}: {severity}, {again}.")
    once = spec.repeat is Repeat.ONCE
    return said.format(
        condition=asks(spec, coin),
        severity=_(_SEVERITY[spec.severity]),
        again=_("once, then never again") if once else _("each time it becomes true anew"),
        until=until,
    )


def asks(spec: Spec, coin: str) -> str:
    """Return what a rule asks in one clause, without what is done about it."""
    wheres = {_where(leaf) for leaf in leaves(spec.when) if leaf.condition.one_venue}
    where = wheres.pop() if len(wheres) == 1 else ""
    parts = [_clause(spec.when, coin, each=not where, inside=False)]
    if where:
        parts.append(where)
    if spec.for_ms:
        parts.append(_("for {time} without a break").format(time=say(Unit.TIME, spec.for_ms)))
    return ", ".join(parts)


def lacking_sentence(condition: type[Condition], missing: tuple[str, ...]) -> str:
    """Say that this installation lacks what a condition needs."""
    told = _("This installation lacks {feeds}, which {condition} needs: it would never become true.")
    return told.format(feeds=feeds_told(missing), condition=condition.kind)


def feeds_told(feeds: Iterable[str]) -> str:
    """Return kinds of fact in words."""
    return speech().joined([_(FEED_WORDS[feed]) if feed in FEED_WORDS else feed for feed in feeds])


def _clause(node: Expression, coin: str, *, each: bool, inside: bool) -> str:
    """Return conditions in words; each names its venue where they are not all of one."""
    if isinstance(node, Leaf):
        where = _where(node) if each else ""
        told = node.condition.says(coin)
        return _("{condition} {where}").format(condition=told, where=where) if where else told
    both = _("{one} and {other}") if isinstance(node, All) else _("{one} or {other}")
    clauses = [_clause(part, coin, each=each, inside=True) for part in node.parts]
    joined = reduce(lambda one, other: both.format(one=one, other=other), clauses)
    return f"({joined})" if inside else joined


def _where(node: Leaf) -> str:
    """Return what venues a condition asks; nothing where it is that whose price stands for the market."""
    if node.venue:
        return _("on {venue}").format(venue=node.venue)
    led = node.condition.feeds <= {CANDLES, PRICES}
    return "" if led or not node.condition.one_venue else _("on all venues together")
