"""Hold one message as it is to be sent, before it becomes a call of Discord's API."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import discord

from bot.commands.lines import Line, fit
from bot.commands.reply import Button
from bot.delivery.discord.components import view_of
from bot.delivery.discord.faults import Fault
from bot.delivery.discord.marks import ALT, CONTENT, DESCRIPTION, FOOTER, TITLE, escaped, markdown


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file: its content, its name and, for a picture, what it shows in words."""

    content: bytes = field(repr=False)
    name: str
    alt: str = ""

    def file(self) -> discord.File:
        """Return the file as the library sends it."""
        return discord.File(io.BytesIO(self.content), filename=self.name, description=self.alt[:ALT] or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """An embed of lines with a title, a picture shown in it, files beside it, and buttons.

    `headline` stands above the embed: it is what a phone shows of the message before it is opened. `ping` is
    the one role that is called with it, 0 for none.
    """

    lines: tuple[Line, ...] = ()
    headline: str = ""
    title: str = ""
    footer: str = ""
    colour: int | None = None
    picture: Attachment | None = None
    files: tuple[Attachment, ...] = ()
    rows: Sequence[Sequence[Button]] = ()
    ping: int = 0

    @property
    def content(self) -> str | None:
        """Return the words above the embed, None where there are none."""
        called = f"<@&{self.ping}> " if self.ping else ""
        return f"{called}{escaped(self.headline)[:CONTENT]}" or None

    def mentions(self) -> discord.AllowedMentions:
        """Return whom the message may call: its role, and nobody else whatever stands in it."""
        roles = [discord.Object(self.ping)] if self.ping else False
        return discord.AllowedMentions(everyone=False, users=False, roles=roles, replied_user=False)

    def embed(self) -> discord.Embed:
        """Return the embed, no longer than Discord takes."""
        lines = list(self.lines)
        limit = DESCRIPTION
        while len(text := markdown(fit(lines, limit))) > DESCRIPTION:
            limit -= len(text) - DESCRIPTION  # marks that escape others count as well
        embed = discord.Embed(title=escaped(self.title)[:TITLE] or None, description=text or None)
        embed.colour = discord.Colour(self.colour) if self.colour is not None else None
        if self.footer:
            embed.set_footer(text=self.footer[:FOOTER])
        if self.picture is not None:
            embed.set_image(url=f"attachment://{self.picture.name}")
        return embed

    def attachments(self) -> list[discord.File]:
        """Return the files, each to be read once."""
        shown = [self.picture] if self.picture is not None else []
        return [attachment.file() for attachment in (*shown, *self.files)]

    def view(self) -> discord.ui.View | None:
        """Return the buttons, None where there are none."""
        return view_of(self.rows)

    def plainer(self, fault: Fault) -> "Parcel | None":
        """Return what may be sent where this was refused; None where that would not help."""
        if fault is Fault.TOO_LARGE and self.picture is not None:
            return replace(self, picture=None)
        return None
