"""Say an alert in lines, for every chat: the headline with its mark, what it means, what else to know."""

from bot.commands.lines import Line, Style, of_text
from bot.delivery.channel import OutMessage
from bot.lang import _
from engine.model import Severity

MARKS = {Severity.CRITICAL: "🚨", Severity.WARNING: "🔶", Severity.INFO: "🔹"}
"""Severities told apart by shape, and not by colour alone."""
MINUTE_S = 60


def headline(message: OutMessage) -> str:
    """Return the one line that a phone shows of an alert before it is opened."""
    return f"{MARKS[message.severity]} {message.title}"


def details(message: OutMessage) -> list[Line]:
    """Return what follows the headline: what it means, where it comes from, what else to know."""
    extra = []
    if message.label and message.label not in message.text:
        extra.append(message.label)
    if message.late_s:
        extra.append(_("Late by {duration}.").format(duration=_duration(message.late_s)))
    if message.may_repeat:
        extra.append(_("You may have had this before: the first sending got no answer."))
    if message.note:
        extra.append(message.note)
    return [*of_text(message.text), *(Line(text, Style.ITALIC) for text in extra)]


def _duration(seconds: int) -> str:
    if seconds < MINUTE_S:
        return f"{seconds} s"
    minutes = seconds // MINUTE_S
    return (
        _("{minutes} min").format(minutes=minutes)
        if minutes < MINUTE_S
        else _("{minutes} h {minutes2} min").format(minutes=minutes // MINUTE_S, minutes2=minutes % MINUTE_S)
    )
