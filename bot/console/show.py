"""Render a reply for a terminal: text, tables, pictures as half-blocks, buttons as numbered choices."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.style import Style
from rich.table import Table as RichTable
from rich.text import Text

from bot.commands.reply import Button, Image, Reply, Table, Tone
from bot.lang import _, speaking, speech_of

COLOURS = {
    Tone.PLAIN: "white",
    Tone.GOOD: "green",
    Tone.WARN: "yellow",
    Tone.BAD: "red",
    Tone.CRITICAL: "bold red",
}
SEVERITY_COLOURS = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
WIDEST = 120


def show(console: Console, reply: Reply, saved: list[Path], *, pictures: bool = True) -> tuple[Button, ...]:
    """Print one reply and return its buttons in the order of their numbers."""
    parts: list[RenderableType] = []
    if reply.title:
        parts.append(Text(reply.title, style=f"bold {COLOURS[reply.tone]}"))
    if reply.error:
        parts.append(Text(reply.error, style="red"))
        if reply.example:
            with speaking(speech_of(reply.language)):
                example = _("For example: {example}").format(example=reply.example)
            parts.append(Text(example, style="dim"))
    if reply.text:
        parts.append(Text(reply.text))
    parts.extend(_fields(reply))
    if reply.table is not None:
        parts.append(_table(reply.table))
    if pictures and console.is_terminal:
        parts.extend(half_blocks(image.png, width=min(console.width, WIDEST)) for image in reply.images)
    parts.extend(Text(f"saved {path}", style="dim") for path in saved)
    buttons = tuple(b for row in reply.buttons for b in row if b.action)
    if buttons and console.is_terminal:
        parts.append(_choices(buttons))
    if reply.notice:
        parts.append(Text(reply.notice, style="black on yellow"))
    console.print(Group(*parts))
    return buttons


def show_alert(console: Console, alert: dict[str, Any]) -> None:
    """Print one alert that arrived while the terminal was listening."""
    colour = SEVERITY_COLOURS.get(str(alert.get("severity", "")), "white")
    body = Text(str(alert.get("text", "")))
    console.print(
        Panel(body, title=Text(str(alert.get("title", "Alert"))), border_style=colour, title_align="left")
    )


def plain(reply: Reply) -> str:
    """Return a reply's words without any decoration, as `--json` and logs of a script want them."""
    lines = [reply.title, reply.text, *(f"{name}: {value}" for name, value in reply.fields)]
    if reply.table is not None:
        lines.append("\t".join(reply.table.headings))
        lines.extend("\t".join(row) for row in reply.table.rows)
    return "\n".join(line for line in lines if line)


def save(images: tuple[Image, ...], directory: Path, *, prefix: str) -> list[Path]:
    """Write pictures into `directory` and return their paths."""
    if not images:
        return []
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for image in images:
        path = directory / f"{prefix}{image.name}"
        path.write_bytes(image.png)
        paths.append(path)
    return paths


def half_blocks(png: bytes, *, width: int) -> Text:
    """Return a picture as text: each character shows two pixels, one above the other."""
    from PIL import Image as Pillow

    with Pillow.open(io.BytesIO(png)) as opened:
        rows = max(2, round(opened.height / opened.width * width / 2) * 2)
        pixels = np.asarray(opened.convert("RGB").resize((width, rows), Pillow.Resampling.LANCZOS))
    text = Text(no_wrap=True, end="")
    for upper, lower in zip(pixels[0::2], pixels[1::2], strict=True):
        for (r, g, b), (s, h, c) in zip(upper.tolist(), lower.tolist(), strict=True):
            style = Style(color=f"#{r:02x}{g:02x}{b:02x}", bgcolor=f"#{s:02x}{h:02x}{c:02x}")
            text.append("▀", style)
        text.append("\n")
    return text


def _fields(reply: Reply) -> list[RenderableType]:
    if not reply.fields:
        return []
    grid = RichTable.grid(padding=(0, 2))
    for name, value in reply.fields:
        grid.add_row(Text(name, style="dim"), Text(value))
    return [grid]


def _table(table: Table) -> RichTable:
    shown = RichTable(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for heading in table.headings:
        shown.add_column(heading, justify="right" if heading in table.numeric else "left")
    for row in table.rows:
        shown.add_row(*(Text(cell) for cell in row))
    return shown


def _choices(buttons: tuple[Button, ...]) -> Text:
    return Text("  ".join(f"[{n}] {b.label}" for n, b in enumerate(buttons, 1)), style="cyan")
