"""Say in one sentence what a rule will do, so that its owner can see what was understood."""

from engine.model import Severity
from engine.rules.condition import CANDLES, PRICES, Condition
from engine.rules.expression import All, Expression, Leaf, Repeat, Spec, leaves
from engine.rules.quantity import Unit, say

_SEVERITY = {
    Severity.INFO: "sent as an info",
    Severity.WARNING: "sent as a warning",
    Severity.CRITICAL: "sent as critical without waiting",
}


def sentence(spec: Spec, coin: str, *, until: str = "") -> str:
    """Return what a rule does: "When funding of BTC turns negative, on all venues together: ...".

    `coin` is the market as its owner calls it, `until` the moment it expires in their words.
    """
    wheres = {_where(leaf) for leaf in leaves(spec.when) if leaf.condition.one_venue}
    where = wheres.pop() if len(wheres) == 1 else ""
    parts = [f"When {_clause(spec.when, coin, each=not where, inside=False)}"]
    if where:
        parts.append(where)
    if spec.for_ms:
        parts.append(f"for {say(Unit.TIME, spec.for_ms)} without a break")
    again = "once, then never again" if spec.repeat is Repeat.ONCE else "each time it becomes true anew"
    ends = f", until {until}" if until else ""
    return f"{', '.join(parts)}: {_SEVERITY[spec.severity]}, {again}{ends}."


def lacking_sentence(condition: type[Condition], missing: tuple[str, ...]) -> str:
    """Say that this installation lacks what a condition needs."""
    needs = " and ".join(name.replace("_", " ") for name in missing)
    return f"This installation lacks {needs}, which {condition.kind} needs: it would never become true."


def _clause(node: Expression, coin: str, *, each: bool, inside: bool) -> str:
    """Return conditions in words; each names its venue where they are not all of one."""
    if isinstance(node, Leaf):
        return f"{node.condition.says(coin)} {_where(node) if each else ''}".rstrip()
    word = " and " if isinstance(node, All) else " or "
    joined = word.join(_clause(part, coin, each=each, inside=True) for part in node.parts)
    return f"({joined})" if inside else joined


def _where(node: Leaf) -> str:
    """Return what venues a condition asks; nothing where it is that whose price stands for the market."""
    if node.venue:
        return f"on {node.venue}"
    led = node.condition.feeds <= {CANDLES, PRICES}
    return "" if led or not node.condition.one_venue else "on all venues together"
