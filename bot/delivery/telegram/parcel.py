"""Hold one message as it is to be sent, before it becomes a call of the Bot API."""

from dataclasses import dataclass, field, replace

from telegram import InlineKeyboardMarkup

from bot.commands.lines import Line, fit
from bot.delivery.telegram.faults import Fault
from bot.delivery.telegram.lines import CAPTION, TEXT, clean, html


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Lines, and the picture or document whose caption they are.

    `reply_to` is the message that it answers; `marked` False sends the text without any marks.
    """

    lines: tuple[Line, ...]
    picture: bytes | None = field(default=None, repr=False)
    document: bytes | None = field(default=None, repr=False)
    name: str = "liqwatch.png"
    keys: InlineKeyboardMarkup | None = None
    silent: bool = False
    reply_to: int | None = None
    marked: bool = True

    @property
    def file(self) -> tuple[str, bytes] | None:
        """Return the kind and content of what is attached, or None."""
        if self.picture is not None:
            return "photo", self.picture
        return None if self.document is None else ("document", self.document)

    def text(self, *, caption: bool) -> str:
        """Return the words, no longer than Telegram takes."""
        safe = [clean(line, code=self.marked) for line in self.lines]
        lines = fit(safe, CAPTION if caption else TEXT)
        return html(lines) if self.marked else "\n".join(line.plain for line in lines)

    def plainer(self, fault: Fault) -> "Parcel | None":
        """Return what may be sent where this was refused; None where that would not help."""
        if fault is Fault.NO_PICTURE and self.picture is not None:
            return replace(self, picture=None)
        if fault is Fault.MARKUP and self.marked:
            return replace(self, marked=False)
        return None
