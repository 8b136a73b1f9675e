"""Read templates of rules: a line with gaps, a typed parameter for each, and events that show what it does.

A rule made of a template is a rule like any other and remembers nothing of it.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.errors import ConfigError, UserError
from engine.lang import _
from engine.model import Severity
from engine.rules.expression import Spec
from engine.rules.quantity import Unit, read, say, typed
from engine.rules.text import read_rule

VERSION: Final = 1
_GAP = re.compile(r"\{(\w+)\}")
_KEYS = {"version", "title", "about", "when", "severity", "for", "parameters", "events"}
_PARAMETER_KEYS = {"unit", "default", "low", "high", "means"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Describe one parameter: its unit, its default and both ends of its range."""

    unit: Unit
    default: float
    low: float
    high: float
    means: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Be one test event: values of features by metric (`zone` is "near" or not given), and what follows."""

    values: Mapping[str, float | str]
    fires: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Be one template; `when` names no coin, and its gaps are the parameters."""

    name: str
    title: str
    about: str
    when: str
    severity: Severity
    hold: str
    gaps: Mapping[str, Gap]
    events: tuple[Shown, ...]

    def fill(self, given: Mapping[str, str] | None = None) -> Spec:
        """Return the rule with parameters as they were typed; UserError says which is wrong and its range."""
        given = given or {}
        for name in given:
            if name not in self.gaps:
                known = ", ".join(self.gaps) or "none"
                raise UserError(
                    _("{name} has no parameter “{name2}”. It has: {known}.").format(
                        name=self.name, name2=name[:24], known=known
                    )
                )
        words = {name: self._word(name, given.get(name)) for name in self.gaps}
        line = _GAP.sub(lambda gap: words[gap[1]], self.when) + f" severity={self.severity}"
        return read_rule(f"{line} for={self.hold}" if self.hold else line, now_ms=0).spec

    def _word(self, name: str, text: str | None) -> str:
        """Return one parameter as it goes into the line."""
        gap = self.gaps[name]
        shown = f"{name}={typed(gap.unit, gap.default)}"
        try:
            value = gap.default if text is None else read(gap.unit, text)
        except ValueError as error:
            raise UserError(f"{name}: {error}.", example=shown) from error
        if not gap.low <= value <= gap.high:
            ends = _("{say} to {say2}").format(say=say(gap.unit, gap.low), say2=say(gap.unit, gap.high))
            raise UserError(
                _("{name} {say} is out of range: {ends}.").format(
                    name=name, say=say(gap.unit, value), ends=ends
                ),
                example=shown,
            )
        return typed(gap.unit, value)


def parse_template(text: str, *, name: str) -> Template:
    """Return the template of a TOML text; ConfigError names the file's template and what is wrong in it."""
    try:
        content = tomllib.loads(text)
        made = _template(name, content)
        made.fill()
    except (UserError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError([f"template {name}: {error}"]) from error
    return made


def _template(name: str, content: Mapping[str, object]) -> Template:
    """Return a template of plain values; ValueError, KeyError or TypeError where one is wrong."""
    if strange := content.keys() - _KEYS:
        raise ValueError(f"there is no key {sorted(strange)[0]}")
    if content["version"] != VERSION:
        raise ValueError(f"version {content['version']} is not {VERSION}")
    parameters, events = content.get("parameters", {}), content.get("events", [])
    if not isinstance(parameters, dict) or not isinstance(events, list):
        raise ValueError("parameters wants tables, events a list of tables")
    gaps = {key: _gap(key, table) for key, table in parameters.items()}
    when = str(content["when"])
    if set(_GAP.findall(when)) != set(gaps):
        raise ValueError("each gap of when wants a parameter, and each parameter a gap")
    return Template(
        name=name,
        title=str(content["title"]),
        about=str(content["about"]),
        when=when,
        severity=Severity(str(content["severity"])),
        hold=str(content.get("for", "")),
        gaps=gaps,
        events=tuple(Shown(values=dict(e["values"]), fires=bool(e["fires"])) for e in events),
    )


def _gap(name: str, table: Mapping[str, object]) -> Gap:
    """Return one parameter; ValueError where its default is out of its own range."""
    if table.keys() != _PARAMETER_KEYS:
        raise ValueError(f"{name} wants {', '.join(sorted(_PARAMETER_KEYS))} and nothing else")
    unit = Unit(str(table["unit"]))
    default, low, high = (read(unit, str(table[key])) for key in ("default", "low", "high"))
    if not low <= default <= high:
        raise ValueError(f"the default of {name} is out of its range")
    return Gap(unit=unit, default=default, low=low, high=high, means=str(table["means"]))
