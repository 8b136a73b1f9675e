"""Suggest what could follow while somebody types: commands, parameters, and values by their provider."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidfuzz import fuzz, process

from bot.commands import symbols, timezones, values, venues_asked
from bot.commands.channel_words import named_row
from bot.commands.reply import Caller, Front
from bot.commands.rule_help import shipped
from bot.commands.rule_words import brief
from bot.commands.services import Services
from bot.commands.spec import MAX_CHOICES, Choice, Command, Kind, Parameter, Provider
from bot.commands.symbols import Markets
from bot.commands.tokens import plain_line, rejoin, split
from bot.lang import _
from engine.rules.condition import Condition, kinds
from storage.channels import list_channels
from storage.reports import list_reports
from storage.rules import list_rules

if TYPE_CHECKING:
    from bot.commands.registry import Registry

MAX_LABEL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One suggestion: the whole line it makes, the piece to show, and a few words about it."""

    line: str
    label: str
    about: str = ""


class Completer:
    """Know what could be typed next. Suggesting never changes anything and never raises for what is typed."""

    def __init__(self, registry: "Registry", services: Services) -> None:
        self._registry = registry
        self._services = services

    def lines(self, line: str, cursor: int | None, front: Front) -> list[Completion]:
        """Return whole lines that could follow the text before the cursor, likeliest first."""
        before = line if cursor is None else line[: max(0, cursor)]
        head, gap, last = before.rpartition(" ")
        replaying = self._services.replay is not None
        commands = self._registry.on(front, replaying=replaying)
        typed = plain_line(before).lstrip("/!").lower()
        named = [c for c in commands if typed.startswith(f"{c.name} ")]
        if not named:
            return _commands(commands, typed)
        command = max(named, key=lambda c: len(c.name)).on(front)
        rest = typed[len(command.name) :].lstrip()
        sentences = _sentences(command, rest, last)
        made = [*sentences, *(() if sentences and rest else self._pieces(command, head, last))]
        return [Completion(line=f"{head}{gap}{c.value}", label=c.value, about=c.label) for c in made][
            :MAX_CHOICES
        ]

    async def values(self, name: str, parameter: str, typed: str, caller: Caller) -> list[Choice]:
        """Return up to 25 values for one parameter, likeliest first."""
        command = self._registry.find(name, caller.front)
        wanted = command.parameter(parameter) if command else None
        if wanted is None:
            return []
        found = self._offered(wanted, typed.strip())
        if wanted.suggest is Provider.RULES:
            plain = [choice for choice in found if choice.value in wanted.words]
            found = [*await self._rules(caller, typed.strip()), *plain]
        if wanted.suggest is Provider.REPORTS:
            found = await self._reports(caller, typed.strip())
        if wanted.suggest is Provider.CHANNELS:
            fixed = found if wanted.choices else []
            found = [*fixed, *await self._channels(caller, typed.strip())]
        return found[:MAX_CHOICES]

    async def _rules(self, caller: Caller, typed: str) -> list[Choice]:
        """Return the caller's own alerts."""
        rules = await self._services.state.read(lambda session: list_rules(session, caller.user_id))
        named = [
            Choice(value=str(r.rule_id), label=f"{r.rule_id} · {r.symbol} · {brief(r)}"[:MAX_LABEL])
            for r in rules
        ]
        return [choice for choice in named if typed.lower() in choice.label.lower()]

    async def _reports(self, caller: Caller, typed: str) -> list[Choice]:
        """Return the caller's own reports, and those of the server that they manage."""
        server = caller.server if caller.manages else ""
        rows = await self._services.state.read(lambda s: list_reports(s, caller.user_id, server))
        named = [
            Choice(value=str(r.report_id), label=f"{r.report_id} · {r.symbol} · {r.kind}"[:MAX_LABEL])
            for r in rows
        ]
        return [choice for choice in named if typed.lower() in choice.label.lower()]

    async def _channels(self, caller: Caller, typed: str) -> list[Choice]:
        """Return the caller's own channels."""
        rows = await self._services.state.read(lambda session: list_channels(session, caller.user_id))
        named = [Choice(value=str(r.channel_id), label=named_row(r)[:MAX_LABEL]) for r in rows]
        return [choice for choice in named if typed.lower() in choice.label.lower()]

    def _pieces(self, command: Command, head: str, last: str) -> list[Choice]:
        """Return what the word under the cursor could become."""
        count = 1 + bool(command.verb)
        words = rejoin(command, split(plain_line(head))[count:])
        used = {word.name for word in words if word.name}
        free = [p for p in command.parameters if p.name not in used]
        name, equals, typed = last.partition("=")
        if equals:
            parameter = command.parameter(name)
            offered = self._offered(parameter, typed) if parameter else []
            return [Choice(value=f"{name}={c.value}", label=c.label) for c in offered]
        plain = [word for word in words if not word.name]
        for word in plain:
            fits = next((p for p in free if values.looks_like(p, word.text)), None)
            free = [p for p in free if p is not fits]
        first = self._offered(free[0], last) if free else []
        rest = [
            Choice(value=f"{p.name}=", label=_(p.description))
            for p in free[1:]
            if p.name.startswith(last.lower())
        ]
        return [*first, *rest]

    def _offered(self, parameter: Parameter, typed: str) -> list[Choice]:
        """Return values of one parameter that begin with or resemble what is typed."""
        low = typed.lower()
        match parameter.suggest:
            case Provider.SYMBOLS:
                return self._symbols(typed)
            case Provider.TIME_ZONES:
                return [Choice(value=z, label=z) for z in _zones(typed)]
            case Provider.VENUES:
                known = self._services.market.venues
                return [Choice(value=v, label=v) for v in venues_asked.complete(typed, known)]
            case Provider.CONDITIONS | Provider.TEMPLATES | Provider.RULE_LINES:
                return _of_rules(parameter.suggest, low)
            case Provider.COMMANDS:
                names = dict.fromkeys(c.noun for c in self._registry.on())
                return [Choice(value=n, label=n) for n in names if n.startswith(low)]
        plain = [Choice(value=word, label=word) for word in parameter.words]
        if parameter.kind is Kind.BOOL:
            plain += [Choice(value=v, label=v) for v in ("on", "off")]
        examples = [Choice(value=e, label=e) for e in parameter.examples] if not parameter.choices else []
        chosen = [Choice(value=c.value, label=_(c.label)) for c in parameter.choices]
        every = {c.value: c for c in (*chosen, *examples, *plain)}
        return [
            c for c in every.values() if c.value.lower().startswith(low) or c.label.lower().startswith(low)
        ]

    def _symbols(self, typed: str) -> list[Choice]:
        known = tuple(self._services.market.listed)
        bare = typed.upper().lstrip("$#")
        starts = [s for s in known if s.startswith(bare)]
        near = (
            symbols.nearest(typed, Markets(known=known, aliases=self._services.aliases), MAX_CHOICES)
            if bare
            else []
        )
        return [Choice(value=symbols.base(s).lower(), label=s) for s in dict.fromkeys([*starts, *near])]


def _of_rules(provider: Provider, typed: str) -> list[Choice]:
    """Return conditions, templates, or whole lines for what is typed."""
    if provider is Provider.CONDITIONS:
        return [Choice(value=k.kind, label=f"{k.kind}: {_(k.means)}") for k in _conditions(typed)]
    if provider is Provider.TEMPLATES:
        return [Choice(value=t.name, label=_(t.title)) for t in shipped().values() if typed in t.name]
    return [Choice(value=line, label=line) for line in _rule_lines(typed)]


def _sentences(command: Command, rest: str, last: str) -> list[Choice]:
    """Return how the sentence goes on that a command takes first, from the word under the cursor on."""
    if not command.parameters or command.parameters[0].suggest is not Provider.RULE_LINES or "=" in last:
        return []
    begun = len(rest) - len(last)
    return [
        Choice(value=line[begun:], label=line)
        for line in _rule_lines(rest)
        if line.startswith(rest) and line != rest
    ]


def _conditions(typed: str) -> list[type[Condition]]:
    """Return the conditions whose name or meaning has what is typed."""
    plain = typed.replace(" ", "_")
    return [kind for kind in kinds().values() if plain in kind.kind or typed in kind.means]


def _rule_lines(typed: str) -> list[str]:
    """Return conditions as they are typed that begin as what is typed, its coin put in; else all."""
    coin, _, rest = typed.partition(" ")
    examples = [kind.example for kind in kinds().values()]
    if not rest:
        return [line for line in examples if line.startswith(typed)] or examples
    own = [line.replace("btc", coin, 1) for line in examples]
    words = rest.split()
    return [line for line in own if all(word in line for word in words)]


def _zones(typed: str) -> list[str]:
    if not typed:
        return [
            "UTC",
            "Europe/London",
            "Europe/Berlin",
            "America/New_York",
            "Asia/Singapore",
            "Asia/Tokyo",
        ]
    return timezones.nearest(typed, MAX_CHOICES)


def _commands(commands: list[Command], typed: str) -> list[Completion]:
    """Return the commands whose names begin with, or resemble, what is typed."""
    names = {command.name: command for command in commands}
    starts = [name for name in names if name.startswith(typed)]
    if not starts and len(typed) > 1:
        near = process.extract(typed, list(names), scorer=fuzz.ratio, limit=3, score_cutoff=60)
        starts = [name for name, _score, _at in near]
    return [
        Completion(
            line=f"/{name} " if names[name].parameters else f"/{name}",
            label=names[name].usage,
            about=_(names[name].description),
        )
        for name in starts[:MAX_CHOICES]
    ]
