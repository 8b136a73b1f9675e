"""Hold the one table of everything a user can ask: every front, the help and the reference come from it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.commands import (
    account,
    accuracy,
    admin,
    alert_check,
    alerts,
    cascade,
    channel_removal,
    channels,
    dashboard,
    data,
    exchanges,
    grid,
    heatmap,
    history,
    label,
    liqprice,
    liquidations,
    listing,
    market,
    models,
    removal,
    replay,
    report,
    rule_add,
    rule_edit,
    rule_help,
    rule_share,
    settings_pick,
    setup,
    start,
    status,
    swept,
    symbols,
    top,
    values,
    watch,
    zones,
)
from bot.commands import help as help_
from bot.commands.flows import commands as flows
from bot.commands.reply import Front
from bot.commands.spec import CHAT_FRONTS, OPERATORS, Command, Parameter
from bot.commands.symbols import Markets
from config.settings import Settings
from engine.errors import ConfigError, UserError
from engine.presets import PRESETS, Preset

COMMANDS: tuple[Command, ...] = (
    *start.COMMANDS,
    *help_.COMMANDS,
    *heatmap.COMMANDS,
    *grid.COMMANDS,
    *zones.COMMANDS,
    *cascade.COMMANDS,
    *swept.COMMANDS,
    *market.COMMANDS,
    *liquidations.COMMANDS,
    *top.COMMANDS,
    *accuracy.COMMANDS,
    *liqprice.COMMANDS,
    *account.COMMANDS,
    *watch.COMMANDS,
    *alerts.COMMANDS,
    *rule_add.COMMANDS,
    *rule_edit.COMMANDS,
    *rule_help.COMMANDS,
    *rule_share.COMMANDS,
    *removal.COMMANDS,
    *history.COMMANDS,
    *alert_check.COMMANDS,
    *label.COMMANDS,
    *channels.COMMANDS,
    *channel_removal.COMMANDS,
    *settings_pick.COMMANDS,
    *status.COMMANDS,
    *exchanges.COMMANDS,
    *listing.COMMANDS,
    *setup.COMMANDS,
    *report.COMMANDS,
    *dashboard.COMMANDS,
    *data.COMMANDS,
    *flows.COMMANDS,
    *admin.COMMANDS,
    *replay.COMMANDS,
)
"""Everything a user can ask, in the order of the help. What is added here appears on every front."""


class Registry:
    """Find commands by what people call them. Names and aliases are unique; the order is that of the help."""

    def __init__(self, commands: Iterable[Command] = COMMANDS) -> None:
        self.commands = tuple(commands)
        self._by_name: dict[str, Command] = {}
        for command in self.commands:
            for name in (command.name, *command.aliases):
                if name in self._by_name:
                    raise ValueError(f"two commands are called {name!r}")
                self._by_name[name] = command

    def find(self, name: str, front: Front | None = None) -> Command | None:
        """Return the command of a name or alias ("alert list"), where it exists on a front."""
        command = self._by_name.get(name)
        return command if command is not None and self._open(command, front) else None

    def on(self, front: Front | None = None, *, replaying: bool = True) -> list[Command]:
        """Return what can be typed on a front, in the order of the help."""
        return [
            command
            for command in self.commands
            if self._open(command, front) and not command.button_only and (replaying or not command.replaying)
        ]

    def has_noun(self, noun: str, front: Front | None = None) -> bool:
        """Say whether a first word is known, as a name or an alias."""
        return any(
            name.partition(" ")[0] == noun and self._open(command, front) and not command.button_only
            for name, command in self._by_name.items()
        )

    def verbs(self, noun: str, front: Front | None = None) -> list[str]:
        """Return the verbs of a noun, in the order of the help."""
        return [c.verb for c in self.on(front) if c.noun == noun and c.verb]

    def names(self, front: Front | None = None) -> dict[str, Command]:
        """Return every first word that is known, with the command it leads to."""
        found: dict[str, Command] = {}
        for name, command in self._by_name.items():
            if self._open(command, front) and not command.button_only:
                found.setdefault(name.partition(" ")[0], command)
        return found

    @staticmethod
    def _open(command: Command, front: Front | None) -> bool:
        return front is None or front in command.fronts


def offering(presets: Mapping[str, Preset], usual: str, operators: Iterable[str] = ()) -> Registry:
    """Return the table with an installation's models to choose from, its usual one, and its operators."""
    chats = {Front(name) for each in operators if (name := each.partition(":")[0]) in CHAT_FRONTS}
    own = [replace(c, fronts=c.fronts | chats) if c.noun == OPERATORS else c for c in COMMANDS]
    return Registry(models.offering(command, presets, usual) for command in own)


def check_names(settings: Settings) -> None:
    """Raise ConfigError where the name of a model already means something else in `/heatmap`."""
    markets = Markets(known=settings.source.symbols, aliases=settings.symbols.aliases)
    others = [p for command in heatmap.COMMANDS for p in command.parameters if p is not models.MODEL]
    problems = []
    for name in settings.presets:
        meaning = "" if name in PRESETS else _meaning(name, others, markets)
        if meaning:
            told = f"in /heatmap {name} already means {meaning}. Call the model otherwise, such as my-{name}."
            problems.append(f"models.{name} ({settings.models.file}): {told}")
    if problems:
        raise ConfigError(problems)


def _meaning(name: str, others: Iterable[Parameter], markets: Markets) -> str:
    """Return what a word means without the model of that name; empty where it means nothing."""
    for parameter in others:
        if parameter.kind not in values.LOOSE and values.looks_like(parameter, name):
            return f"its {parameter.name}"
    try:
        return f"the market {symbols.resolve(name, markets)}"
    except UserError:
        return ""
