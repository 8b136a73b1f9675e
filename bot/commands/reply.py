"""Define what a command is given and what it answers, in plain data that every front renders its own way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from engine.model import UserId


class Front(StrEnum):
    """Where a command came from."""

    PANEL = "panel"
    CONSOLE = "console"
    DISCORD = "discord"
    TELEGRAM = "telegram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, and from where. `place` is the channel or chat; `private` is False where others read along.

    `server` is the server or group that is asked in, whose members share its turns; empty alone with the bot.
    `may_post` says that the caller may make the bot post into `place`; `manages` that they run the server
    or group itself, `able` that the bot can post there, `roles` which roles of the server they have;
    `operator` that the caller runs this installation (only ever true for the terminal console on the
    machine itself). `language` is what the platform says that they read ("pt-BR"), empty where it says
    nothing.
    """

    user_id: UserId
    front: Front
    place: str = ""
    server: str = ""
    private: bool = True
    may_post: bool = False
    manages: bool = False
    able: bool = False
    roles: tuple[str, ...] = ()
    operator: bool = False
    tz: str = "UTC"
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """One thing to press. `action` is the id grammar `v1:noun:verb:arg…`, at most 64 bytes; or `url`."""

    label: str
    action: str = ""
    url: str = ""
    style: str = "plain"  # plain, primary, danger


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One picture: PNG bytes, a file name, its alt text, its size in pixels, and how to get it in HD."""

    png: bytes = field(repr=False)
    name: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One document, such as a data export."""

    content: bytes = field(repr=False)
    name: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under headings. `numeric` names the columns to align right.

    `brief` names those that are enough where a picture beside the table shows the others; empty for all.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[str, ...] = ()
    brief: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing that a form asks for: `value` is what it holds, `choices` (value, label) what it may hold.

    `hint` says how to type it; `required` that it may not be left empty.
    """

    name: str
    label: str
    hint: str = ""
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Several things asked at once, five at most, where a front can show that; `action` is what is submitted.

    `opens` says that it is shown at once, and not only when somebody presses `label`.
    """

    title: str
    label: str
    action: str
    fields: tuple[Field, ...]
    opens: bool = False


class Tone(StrEnum):
    """How a reply is meant, so that a front can colour it."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. Text is plain (no markup of any platform); fronts escape and decorate it.

    `title` one line; `text` one or more short paragraphs split by newlines; `fields` short label and value
    pairs; `notice` the line about source and staleness ("REPLAY 2025-10-10 20:35 UTC"), shown by every front;
    `ephemeral` for the asker's eyes alone where others read along; `edits` True where a button's answer
    should replace the message that carried it; `error` the sentence of a failure, with `example` a line
    that works.
    `form` says that the reply is a question: its text and buttons ask it step by step, the form all at once.
    `source`, `now_ms` and `price` say what the answer was made from (market time, last price or None);
    `language` what it is told in, for the words that a front adds.
    """

    command: str
    title: str = ""
    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    table: Table | None = None
    images: tuple[Image, ...] = ()
    files: tuple[File, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()
    notice: str = ""
    tone: Tone = Tone.PLAIN
    ephemeral: bool = True
    edits: bool = False
    error: str = ""
    example: str = ""
    form: Form | None = None
    source: str = ""
    now_ms: int = 0
    price: float | None = None
    language: str = "en"

    @property
    def failed(self) -> bool:
        """Say whether the command did not do what was asked."""
        return bool(self.error)


Dispatch = Callable[[str, Caller], Awaitable[Reply]]
"""`dispatch(line, caller)`: run a typed line or a button's action; never raises, but for cancellation."""
