"""Make Discord's buttons of ours. Their ids are our grammar, so that they work after a restart."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import discord
from discord.ui import View

from bot.commands.reply import Button

MAX_ROWS = 5
MAX_IN_ROW = 5
MAX_ID = 100
MAX_LABEL = 80
MAX_URL = 512
STYLES = {"primary": discord.ButtonStyle.primary, "danger": discord.ButtonStyle.danger}


def view_of(rows: Iterable[Sequence[Button]]) -> View | None:
    """Return the buttons of a message; None where no button can be shown. Needs a running loop.

    The view is stopped at once: the library keeps nothing of it, and presses are read by their ids.
    """
    view = View(timeout=None)
    seen: set[str] = set()
    row_number = 0
    for row in rows:
        usable = [button for button in row if _usable(button) and button.action not in seen]
        for part in (usable[i : i + MAX_IN_ROW] for i in range(0, len(usable), MAX_IN_ROW)):
            if row_number == MAX_ROWS:
                break
            for button in part:
                view.add_item(_item(button, row_number))
            seen.update(button.action for button in part if button.action)
            row_number += 1
    view.stop()
    return view if row_number else None


def _item(button: Button, row: int) -> discord.ui.Button[View]:
    label = button.label[:MAX_LABEL] or "…"
    if button.action:
        style = STYLES.get(button.style, discord.ButtonStyle.secondary)
        return discord.ui.Button(label=label, custom_id=button.action, style=style, row=row)
    return discord.ui.Button(label=label, url=button.url, row=row)


def _usable(button: Button) -> bool:
    """Say whether Discord takes a button: one that it refuses would cost the whole message."""
    if button.action:
        return len(button.action) <= MAX_ID
    try:
        parts = urlsplit(button.url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and len(button.url) <= MAX_URL
