"""Show a form as Discord's modal, and read what was filled in. Pure functions."""

from collections.abc import Mapping, Sequence
from typing import Any

import discord
from discord.ui import Label, Modal, Select, TextInput

from bot.commands.reply import Field, Form

MAX_TITLE = 45
MAX_LABEL = 45
MAX_HINT = 100
MAX_TYPED = 400
MAX_OPTIONS = 25
MAX_OPTION = 100


def modal_of(form: Form) -> Modal:
    """Return a form as a modal, stopped at once: what is submitted is read by its ids, restart or not."""
    modal = Modal(title=_cut(form.title, MAX_TITLE), custom_id=form.action, timeout=None)
    for field in form.fields:
        modal.add_item(_label(field))
    modal.stop()
    return modal


def _label(field: Field) -> Label[Modal]:
    return Label(
        text=_cut(field.label, MAX_LABEL),
        description=_cut(field.hint, MAX_HINT) or None,
        component=_select(field) if field.choices else _input(field),
    )


def _select(field: Field) -> Select[Modal]:
    options = [
        discord.SelectOption(label=_cut(label, MAX_OPTION), value=value, default=value == field.value)
        for value, label in field.choices[:MAX_OPTIONS]
    ]
    return Select(custom_id=field.name, options=options, required=field.required)


def _input(field: Field) -> TextInput[Modal]:
    return TextInput(
        custom_id=field.name,
        default=field.value[:MAX_TYPED] or None,
        required=field.required,
        max_length=MAX_TYPED,
    )


def filled_in(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what was filled in, by the name of its field; what was left out is not there."""
    found: dict[str, str] = {}
    for part in _controls(data.get("components", ())):
        values = part.get("values")
        value = values[0] if values else part.get("value")
        if isinstance(value, str) and value.strip():
            found[str(part.get("custom_id", ""))] = value.strip()
    return found


def _controls(components: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the controls of a modal, out of their labels."""
    return [part.get("component", part) for part in components]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
