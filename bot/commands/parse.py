"""Turn what somebody typed into a command with its values, or into a sentence that helps.

`/noun verb positional name=value`, in any order that types tell apart, in the spellings people use.
Nothing but UserError (and its NearMiss) ever leaves this module.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from bot.commands import symbols, values
from bot.commands.amounts import quoted
from bot.commands.binding import bind
from bot.commands.registry import Registry
from bot.commands.reply import Front
from bot.commands.spec import CHAT_FRONTS, Call, Command, Kind, NearMiss
from bot.commands.symbols import Markets
from bot.commands.tokens import Word, plain_line, split
from bot.commands.words import joined
from bot.lang import _
from engine.errors import UserError

MAX_LINE = 1_000
_ALIKE = 70.0
_SURE = 80.0
"""A name less like this that begins with another letter is a coincidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parser:
    """Understand lines for one front; `markets` says which symbols there are."""

    registry: Registry
    markets: Markets
    front: Front
    replaying: bool = False

    def understand(self, line: str) -> Call:
        """Return the command that a typed line asks for. Raise UserError or NearMiss."""
        if len(line) > MAX_LINE:
            raise UserError(
                _("That is {count} characters; {max_line} is the most.").format(
                    count=len(line), max_line=MAX_LINE
                ),
                example="/help",
            )
        found = split(plain_line(line))
        if not found or not found[0].text:
            raise UserError(_("Say what you would like to see."), example="/help")
        command, rest = self._head(found)
        return self._bind(command, rest)

    def collect(self, name: str, texts: Mapping[str, str]) -> Call:
        """Return a command from values that a front collected one by one, each as text."""
        command = self.registry.find(name, self.front)
        if command is None or command.button_only:
            raise UserError(_("There is no command {name}.").format(name=quoted(name)), example="/help")
        return self._bind(command, [Word(text, name=key) for key, text in texts.items()])

    def pressed(self, noun: str, verb: str, args: Sequence[str]) -> Call:
        """Return the command that a button stands for."""
        command = self.registry.find(f"{noun} {verb}".strip(), self.front)
        if command is None:
            raise UserError(_("That button is from another version of Liqwatch."), example="/help")
        try:
            return self._bind(command, [Word(arg, quoted=True) for arg in args])
        except UserError as error:
            if not command.button_only:
                raise
            raise UserError(_("That button does not work any more; ask again for a fresh one.")) from error

    def _bind(self, command: Command, found: Sequence[Word]) -> Call:
        if command.replaying and not self.replaying:
            raise UserError(_("There is nothing to steer: the data is live."), example="/status")
        return bind(command.on(self.front), found, self.markets)

    def _head(self, found: Sequence[Word]) -> tuple[Command, Sequence[Word]]:
        """Return the command that the first one or two words name, and the words after them."""
        first = found[0].text
        if first.startswith("$") and (heatmap := self.registry.find("heatmap", self.front)):
            return heatmap, found
        noun = first.lstrip("/!").partition("@")[0].lower()
        noun = noun.rstrip("!?,.;:") or noun
        if not self.registry.has_noun(noun, self.front) and "_" in noun:  # Telegram's menu: /alert_list
            noun, _, verb = noun.partition("_")
            found = [Word(noun), Word(verb), *found[1:]]
        if not self.registry.has_noun(noun, self.front):
            raise self._unknown(noun, found)
        if len(found) > 1:
            command = self.registry.find(f"{noun} {found[1].text.lower()}", self.front)
            if command is not None and not command.button_only:
                return command, found[2:]
        return self._single(noun, found), found[1:]

    def _single(self, noun: str, found: Sequence[Word]) -> Command:
        """Return the command of a first word alone: one without verb, or an alias such as /alerts."""
        command = self.registry.find(noun, self.front)
        if command is not None and (not command.verb or noun != command.noun or len(found) == 1):
            return command
        raise self._unknown_verb(noun, found)

    def _unknown_verb(self, noun: str, found: Sequence[Word]) -> UserError:
        verbs = self.registry.verbs(noun, self.front)
        example = next((c.examples[0] for c in self.registry.on(self.front) if c.noun == noun), "/help")
        offered = joined(verbs, last="or")
        if len(found) == 1:
            return UserError(
                _("/{noun} what? It goes with {offered}.").format(noun=noun, offered=offered), example=example
            )
        typed = found[1].text
        if "=" in typed and "set" in verbs:
            line = " ".join([_("/{noun} set").format(noun=noun), *(w.typed() for w in found[1:])])
            return NearMiss(_("To change something, say /{noun} set.").format(noun=noun), lines=(line,))
        if noun == "alert" and typed.lstrip("#").isdigit():
            return NearMiss(f"/alert {typed} what? It goes with {offered}.", lines=(f"/alert show {typed}",))
        near = process.extractOne(typed.lower(), verbs, scorer=fuzz.ratio, score_cutoff=_ALIKE)
        if near:
            line = self._mended(f"{noun} {near[0]}", [w.typed() for w in found[2:]])
            return NearMiss(
                _("/{noun} does not go with {typed}. Did you mean {near}?").format(
                    noun=noun, typed=quoted(typed), near=near[0]
                ),
                lines=(line,),
            )
        return UserError(
            _("/{noun} goes with {offered}, not {typed}.").format(
                noun=noun, offered=offered, typed=quoted(typed)
            ),
            example=example,
        )

    def _unknown(self, noun: str, found: Sequence[Word]) -> UserError:
        """Say that a first word is no command, and offer what it is most like."""
        rest = [word.typed() for word in found[1:]]
        elsewhere = self.registry.find(noun)
        if elsewhere is not None and elsewhere.fronts == CHAT_FRONTS:
            return UserError(_("That is for servers and groups: say it in one."), example="/help")
        try:
            symbol = symbols.resolve(found[0].text.lstrip("/!"), self.markets)
        except UserError:
            pass
        else:
            line = " ".join(["/heatmap", symbols.base(symbol).lower(), *rest])
            return NearMiss(
                _("{base} is a market. Did you mean {line}?").format(base=symbols.base(symbol), line=line),
                lines=(line,),
            )
        names = self.registry.names(self.front)
        near = process.extractOne(noun, list(names), scorer=fuzz.ratio, score_cutoff=_ALIKE)
        if near is None or (near[1] < _SURE and near[0][0] != noun[:1]):
            return UserError(_("I do not know {text}.").format(text=quoted(found[0].text)), example="/help")
        line = self._mended(near[0], rest)
        return NearMiss(
            _("I do not know {text}. Did you mean {line}?").format(text=quoted(found[0].text), line=line),
            lines=(line,),
        )

    def _mended(self, noun: str, rest: Sequence[str]) -> str:
        """Return a line with the command put right; its example where the rest does not fit it."""
        line = " ".join([f"/{noun}", *rest])
        try:
            self.understand(line)
        except NearMiss as error:
            return error.lines[0] if error.lines else line
        except UserError as error:
            return error.example or line
        return line


def words_of(call: Call) -> tuple[str, ...]:
    """Return what a call was given as words: required values as they stand, others as `name=value`."""
    found = []
    for index, parameter in enumerate(call.command.parameters):
        if parameter.name in call.given:
            text = values.typed(parameter, call.values[parameter.name])
            plain = parameter.required or (index == 0 and parameter.kind is Kind.SYMBOL)
            found.append(text if plain else f"{parameter.name}={text}")
    return tuple(found)


def line_of(call: Call) -> str:
    """Return a call as the line that makes it: "/heatmap BTCUSDT window=12h"."""
    return " ".join([f"/{call.command.name}", *(Word(text).typed() for text in words_of(call))])
