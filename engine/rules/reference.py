"""Write the part of the documentation that lists every condition, from the conditions themselves."""

from dataclasses import MISSING, fields

from engine.rules.condition import Condition, choices, described, kinds
from engine.rules.expression import Spec
from engine.rules.quantity import say
from engine.rules.sentence import sentence
from engine.rules.text import read_rule


def reference() -> str:
    """Return every type of condition in Markdown: an example, what it says, its parameters and why."""
    return "\n".join(_kind(kind) for kind in kinds().values())


def _kind(kind: type[Condition]) -> str:
    spec: Spec = read_rule(kind.example, now_ms=0).spec
    needs = ", ".join(name.replace("_", " ") for name in sorted(kind.feeds))
    rows = [_row(kind, each.name) for each in fields(kind)]
    return "\n".join(
        [
            f"### `{kind.kind}`",
            f"True when {kind.means}. Needs {needs}.",
            "",
            f"`{kind.example}`: {sentence(spec, 'BTC')}",
            "",
            "| parameter | range | if left out | why |",
            "| --- | --- | --- | --- |",
            *rows,
            f"| hysteresis | 0 % to 100 % | {kind.hysteresis:.4g} of the threshold | {kind.hysteresis_why} |",
            "",
        ]
    )


def _row(kind: type[Condition], name: str) -> str:
    """Return one parameter as a row of a table."""
    default = next(each.default for each in fields(kind) if each.name == name)
    parameter = described(kind).get(name)
    shown = name.removesuffix("_ms")
    if parameter is None:
        usual = "both" if default is None else str(default)
        return f"| `{shown}` | {', '.join(choices(kind, name))} | {usual} | which way, or whose |"
    ends = f"{say(parameter.unit, parameter.low)} to {say(parameter.unit, parameter.high)}"
    if default is MISSING:
        return f"| `{shown}`: {parameter.means} | {ends} | has to be given | |"
    usual = "auto" if default is None else say(parameter.unit, default)
    return f"| `{shown}`: {parameter.means} | {ends} | {usual} | {parameter.why} |"
