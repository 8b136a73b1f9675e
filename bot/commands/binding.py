"""Give each word of a line to the parameter it is meant for, by name, by form, then by order."""

from collections.abc import Sequence

from rapidfuzz import fuzz, process

from bot.commands import symbols, values
from bot.commands.amounts import quoted
from bot.commands.spec import Call, Command, Incomplete, Kind, NearMiss, Parameter, Value
from bot.commands.symbols import Markets
from bot.commands.tokens import Word, gathered, rejoin, split
from bot.commands.words import joined
from bot.lang import _
from engine.errors import UserError

_ALIKE = 70.0
EXACT = (Kind.CHOICE, Kind.PLACE, Kind.BOOL)
"""Kinds whose values are words of their own."""


def bind(command: Command, found: Sequence[Word], markets: Markets) -> Call:
    """Return the call that a command and the words after it make. Raise UserError or NearMiss."""
    return _Binding(command, _pieces(command, found), markets).call()


def _pieces(command: Command, found: Sequence[Word]) -> Sequence[Word]:
    """Return the words with names told from values; those of one WORDS parameter stay as they are."""
    return (
        gathered(command, found)
        if any(p.kind is Kind.WORDS for p in command.parameters)
        else rejoin(command, found)
    )


class _Binding:
    """Hold what is understood so far, so that an error can say it."""

    def __init__(
        self, command: Command, found: Sequence[Word], markets: Markets, *, offers: bool = True
    ) -> None:
        self._command = command
        self._words = list(found)
        self._markets = markets
        self._offers = offers  # a try of a mended line offers nothing itself: errors must not multiply
        self._read: dict[str, Value] = {}

    def call(self) -> Call:
        try:
            self._take_all()
            self._require()
        except Incomplete:
            raise
        except NearMiss as error:
            raise NearMiss(self._told(error.message), lines=error.lines, example=error.example) from None
        except UserError as error:
            raise UserError(self._told(error.message), example=error.example or self._example()) from None
        defaults = {p.name: p.default for p in self._command.parameters}
        return Call(command=self._command, values=defaults | self._read, given=frozenset(self._read))

    def _take_all(self) -> None:
        """Read every word; the first error is raised once the rest was read, so that it can be told."""
        errors: list[UserError] = []
        for index, word in enumerate(self._words):
            if word.name:
                try:
                    self._take_named(index, word)
                except UserError as error:
                    errors.append(error)
        try:
            self._take_placed()
        except UserError as error:
            errors.append(error)
        if errors:
            raise errors[0]

    def _take_named(self, index: int, word: Word) -> None:
        parameter = self._command.parameter(word.name)
        if parameter is None:
            raise self._unknown_name(index)
        if parameter.name in self._read:
            raise UserError(_("{name} is given twice.").format(name=parameter.name))
        self._set(parameter, index)

    def _take_placed(self) -> None:
        loose = []
        for index, word in enumerate(self._words):
            if word.name:
                continue
            parameter = self._strict(word)
            if parameter is None:
                loose.append(index)
            else:
                self._set(parameter, index)
        self._take_loose(loose)

    def _free(self) -> list[Parameter]:
        return [p for p in self._command.parameters if p.name not in self._read and not p.named]

    def _strict(self, word: Word) -> Parameter | None:
        """Return the parameter whose form a word has; None where only its place can tell."""
        fits = [p for p in self._free() if values.looks_like(p, word.text)]
        exact = [p for p in fits if p.kind in EXACT or word.text.lower() in p.words]
        if len(exact) > 1:
            raise self._ambiguous(word, exact)
        strict = exact or [p for p in fits if p.kind not in values.LOOSE]
        kinds = {p.kind for p in strict}
        if {Kind.USD, Kind.PRICE} <= kinds and word.text[-1:].isalpha():
            strict = [p for p in strict if p.kind is not Kind.PRICE]  # 50k is a size where one is taken
        if {Kind.USD, Kind.DURATION} <= kinds:
            raise self._ambiguous(word, [p for p in strict if p.kind in (Kind.USD, Kind.DURATION)])
        return strict[0] if strict else None

    def _ambiguous(self, word: Word, fits: list[Parameter]) -> UserError:
        """Say what a word could mean; none of it is guessed."""
        meant = [f"{p.name} {values.show(p, values.read(p, word.text, self._markets))}" for p in fits[:3]]
        told = joined([*meant, "others"] if len(fits) > len(meant) else meant, "or")
        lines = tuple(self._line(self._words.index(word), Word(word.text, name=p.name)) for p in fits[:3])
        return NearMiss(
            _("{text} could be {what}. Which one?").format(text=quoted(word.text), what=told), lines=lines
        )

    def _take_loose(self, left: list[int]) -> None:
        """Give what remains to markets, time zones and text, in order; a market that is known first."""
        loose = [p for p in self._free() if p.kind in values.LOOSE]
        for parameter in loose:
            if not left:
                return
            if parameter.kind is Kind.TEXT and parameter is loose[-1]:
                left = self._as_one(left)
            chosen = self._best(parameter, left)
            if chosen is not None:
                left = [index for index in left if index != chosen]
                self._set(parameter, chosen)
        for index in left:
            self._left_over(index)

    def _as_one(self, left: list[int]) -> list[int]:
        """Put the remaining words together: free text goes on to the end of the line."""
        first, *rest = left
        self._words[first] = Word(" ".join(self._words[i].text for i in left))
        for index in rest:
            self._words[index] = Word("")
        return [first]

    def _best(self, parameter: Parameter, left: list[int]) -> int | None:
        """Return the word that fits a loose parameter best: one that reads, else one that could be a typo."""
        if parameter.kind is Kind.TEXT:
            return left[0]
        for index in left:
            try:
                values.read(parameter, self._words[index].text, self._markets)
            except UserError:
                continue
            return index
        return next((i for i in left if values.looks_like(parameter, self._words[i].text)), None)

    def _set(self, parameter: Parameter, index: int) -> None:
        word = self._words[index]
        try:
            self._read[parameter.name] = values.read(parameter, word.text, self._markets)
        except NearMiss as error:
            raise error.within(lambda piece: self._line(index, Word(piece, name=word.name))) from None
        except UserError as error:
            example = parameter.examples[0] if parameter.examples else ""
            mended = self._line(index, Word(example, name=word.name)) if example else ""
            raise UserError(error.message, example=error.example or self._working(mended)) from None

    def _working(self, line: str) -> str:
        """Return a line if it works as it stands, else the command's own example."""
        if not self._offers:
            return ""
        found = _pieces(self._command, split(line)[1 + bool(self._command.verb) :])
        try:
            _Binding(self._command, found, self._markets, offers=False).call()
        except UserError:
            return self._example()
        return line

    def _require(self) -> None:
        missing = [p for p in self._command.parameters if p.required and p.name not in self._read]
        if missing:
            noun = {Kind.SYMBOL: _("a market"), Kind.ID: _("a number")}.get(missing[0].kind, missing[0].name)
            raise Incomplete(
                self._told(_("/{name} needs {noun}.").format(name=self._command.name, noun=noun)),
                command=self._command,
                given={p.name: values.typed(p, self._read[p.name]) for p in self._given()},
                example=self._example(),
            )

    def _given(self) -> list[Parameter]:
        return [p for p in self._command.parameters if p.name in self._read]

    def _left_over(self, index: int) -> None:
        """Give a word whose form told nothing to what is still needed; raise what is wrong with it."""
        word = self._words[index].text
        free = self._free()
        for parameter in free:
            timed = parameter.kind is Kind.DURATION and word[:1].isdigit()
            wanted = parameter.required and parameter.kind not in values.LOOSE
            if timed or wanted:
                self._set(parameter, index)
                return
        raise self._misfit(index, free)

    def _misfit(self, index: int, free: list[Parameter]) -> UserError:
        """Say what is wrong with a word that fits nowhere."""
        word = self._words[index].text
        near = self._near(word, free)
        if near:
            name, value = near
            line = self._line(index, Word(value, name=name))
            return NearMiss(
                _("I do not know {word}. Did you mean {value}?").format(
                    word=quoted(word), value=value or name
                ),
                lines=(line,),
            )
        if any(p.kind is Kind.SYMBOL and p.name in self._read for p in self._command.parameters):
            try:
                symbols.resolve(word, self._markets)
            except UserError:
                pass
            else:
                return UserError(_("One market at a time: {word} is one too many.").format(word=quoted(word)))
        return UserError(
            _("I do not know what {word} means in /{name}.").format(
                word=quoted(word), name=self._command.name
            )
        )

    def _near(self, word: str, free: list[Parameter]) -> tuple[str, str] | None:
        """Return the free parameter and the choice of it that a word is almost."""
        table = {choice: p.name for p in free for choice in (*p.choice_values(), *p.words)}
        table |= {p.name: p.name for p in free if p.kind is Kind.BOOL}
        table |= {venue: p.name for p in free if p.kind is Kind.VENUES for venue in self._markets.venues}
        found = process.extractOne(word.lower(), list(table), scorer=fuzz.ratio, score_cutoff=_ALIKE)
        if not found:
            return None
        return (table[found[0]], "on") if table[found[0]] == found[0] else (table[found[0]], found[0])

    def _unknown_name(self, index: int) -> UserError:
        word = self._words[index]
        names = [p.name for p in self._command.parameters]
        found = process.extractOne(word.name, names, scorer=fuzz.ratio, score_cutoff=60)
        if found:
            line = self._line(index, Word(word.text, name=found[0]))
            return NearMiss(
                _("/{name} has no {name2}. Did you mean {found}?").format(
                    name=self._command.name, name2=word.name, found=found[0]
                ),
                lines=(line,),
            )
        takes = _("It takes {names}.").format(names=joined(names)) if names else _("It takes nothing.")
        return UserError(
            _("/{name} has no {name2}. {takes}").format(
                name=self._command.name, name2=quoted(word.name), takes=takes
            )
        )

    def _line(self, index: int, word: Word) -> str:
        """Return the whole line with one word put right."""
        mended = [*self._words[:index], word, *self._words[index + 1 :]]
        if any(p.kind is Kind.WORDS for p in self._command.parameters):
            mended = self._in_order(mended)
        return " ".join([f"/{self._command.name}", *(w.typed() for w in mended if w.text)])

    def _in_order(self, found: list[Word]) -> list[Word]:
        """Return words as a sentence is typed: what is required, the sentence, what stands beside it."""
        ranks = {p.name: 0 if p.required else 1 for p in self._command.parameters if not p.named}
        ordered = sorted(found, key=lambda word: ranks.get(word.name, 2))
        return [
            piece
            for word in ordered
            for piece in ([word] if word.name not in ranks else split(word.text) or [Word(word.text)])
        ]

    def _told(self, message: str) -> str:
        """Return an error with what was understood, so that nothing has to be guessed."""
        known = [
            f"{p.name} {values.show(p, self._read[p.name])}"
            for p in self._command.parameters
            if p.name in self._read and p.kind not in (Kind.TEXT, Kind.WORDS)
        ]
        return (
            _("{message} I understood {known}.").format(message=message, known=joined(known))
            if known
            else message
        )

    def _example(self) -> str:
        return self._command.examples[0] if self._command.examples else f"/{self._command.name}"
