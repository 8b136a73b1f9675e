"""Lead from a group to the private chat: links that open it and say what is wanted there."""

import re
from collections.abc import Sequence

from bot.commands.reply import Button
from bot.commands.start import LINKS
from bot.lang import _
from bot.render import text

_WORD = re.compile(r"[A-Za-z0-9]+")
MAX_PAYLOAD = 64
ADDING = frozenset({"alert add"})
"""Links that begin something new: only for who asked for that."""


def payload_of(name: str, words: Sequence[str] = ()) -> str:
    """Return what a link says to ask for a command with plain words; as many of them as it can carry."""
    known = (
        name
        if name in LINKS
        else next((link for link in sorted(LINKS - ADDING) if _noun(link) == _noun(name)), "")
    )
    if not known:
        return "help"
    parts = known.split()
    for word in words:
        if known != name or not _WORD.fullmatch(word) or len("_".join([*parts, word])) > MAX_PAYLOAD:
            break
        parts.append(word)
    return "_".join(parts)


def link(bot_name: str, payload: str) -> str:
    """Return the address that opens a private chat with the bot."""
    return f"https://t.me/{bot_name}?start={payload}"


def button(bot_name: str, payload: str) -> Button:
    """Return the button that opens a private chat, and says what for."""
    return Button(label=_label(payload), url=link(bot_name, payload), style="primary")


def _label(payload: str) -> str:
    noun, _unused, rest = payload.partition("_")
    if noun == "watch" and rest:
        return _("Watch {base} in private").format(base=text.base(rest.upper()))
    return _("Open private chat")


def _noun(name: str) -> str:
    return name.split(maxsplit=1)[0]
