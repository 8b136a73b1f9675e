"""Make inline keyboards of buttons, in rows that a phone shows whole."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.commands.reply import Button

MAX_DATA = 64
MAX_LABEL = 64
MAX_BUTTONS = 100
ROW_WIDTH = 32
"""How many characters a row of equally wide buttons shows on a phone."""
STYLES = {"primary": "primary", "danger": "danger"}


def keyboard(rows: Iterable[Sequence[Button]]) -> InlineKeyboardMarkup | None:
    """Return the keyboard of rows of buttons; None where no button can be shown."""
    made = []
    left = MAX_BUTTONS
    for row in rows:
        for part in fold([b for b in row if _usable(b)][:left]):
            made.append([_key(button) for button in part])
            left -= len(part)
    return InlineKeyboardMarkup(made) if made else None


def fold(row: Sequence[Button]) -> list[Sequence[Button]]:
    """Break a row that is too wide for a phone into rows of nearly the same number of buttons."""
    if not row:
        return []
    widest = max(len(button.label) + 2 for button in row)
    fitting = max(1, ROW_WIDTH // widest)
    if len(row) <= fitting:
        return [row]
    count = -(-len(row) // fitting)
    size = -(-len(row) // count)
    return [row[i : i + size] for i in range(0, len(row), size)]


def _key(button: Button) -> InlineKeyboardButton:
    label = button.label[:MAX_LABEL] or MARKLESS
    style = STYLES.get(button.style)
    if button.action:
        return InlineKeyboardButton(label, callback_data=button.action, style=style)
    return InlineKeyboardButton(label, url=button.url, style=style)


MARKLESS = "…"
"""What a button without a label says: Telegram refuses an empty one."""


def _usable(button: Button) -> bool:
    """Say whether Telegram takes a button: one that it refuses would cost the whole message."""
    if button.action:
        return len(button.action.encode()) <= MAX_DATA
    return bool(button.url) and _reachable(button.url)


def _reachable(url: str) -> bool:
    """Say whether an address is one that others can open: Telegram refuses those of one's own machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    named = (
        "." in host and not host.replace(".", "").isdigit() and not host.endswith((".local", ".localhost"))
    )
    return parts.scheme in ("http", "https", "tg") and named
