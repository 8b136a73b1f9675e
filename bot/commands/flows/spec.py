"""Say what a dialogue asks: steps with choices and checks, and the line that its answers make.

A flow ends in a line that could have been typed, so that it can do nothing that a typed line cannot.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.commands.reply import Field
from bot.commands.spec import Choice

if TYPE_CHECKING:
    from bot.commands.context import Context

Answers = Mapping[str, str]
"""What is known so far, as it is typed, by the name of its step."""

MAX_FIELDS = 5
"""How many fields a form has at most: Discord shows no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question as it is asked now: a sentence, how to type an answer, and what may be pressed instead.

    `free` says that anything may be typed; else it is one of the choices.
    """

    text: str
    hint: str = ""
    choices: tuple[Choice, ...] = ()
    free: bool = True


def always(_: Answers) -> bool:
    """Ask whatever was answered before."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to know.

    `check` returns an answer as it is kept, or raises UserError that says what is wrong; `wanted` says
    whether it is asked at all, after what was answered before; `label` names it, `say` shows an answer.
    """

    name: str
    label: str
    ask: "Callable[[Context, Answers], Awaitable[Question]]"
    check: "Callable[[Context, Answers, str], Awaitable[str]]"
    wanted: Callable[[Answers], bool] = always
    say: Callable[[str], str] = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One dialogue: `steps` in their order, `line` that the answers make.

    `command` is the one it is for, `title` what a form is called. `fields` are those of a form, and `filled`
    makes answers of what was filled in, or raises UserError; both are of the steps where they are left out.
    `opens` says that a front that has forms shows one at once.
    """

    name: str
    command: Callable[[Answers], str]
    title: Callable[[Answers], str]
    steps: "Callable[[Context, Answers], tuple[Step, ...]]"
    line: Callable[[Answers], str]
    fields: "Callable[[Context, Answers], Awaitable[tuple[Field, ...]]] | None" = None
    filled: "Callable[[Context, Answers, Answers], Awaitable[dict[str, str]]] | None" = None
    opens: bool = False


def next_step(steps: tuple[Step, ...], answers: Answers) -> Step | None:
    """Return the first step that is still to be asked; None where all is known."""
    return next((step for step in steps if step.name not in answers and step.wanted(answers)), None)


def asked_last(steps: tuple[Step, ...], answers: Answers) -> Step | None:
    """Return the step that was answered last, None where none was."""
    known = [step for step in steps if step.name in answers and step.wanted(answers)]
    return known[-1] if known else None
