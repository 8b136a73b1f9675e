"""Turn replies into messages of Discord. Pure functions."""

from bot.commands.layout import body, done, heading, notice_of, trouble
from bot.commands.lines import split
from bot.commands.reply import Button, Reply, Tone
from bot.delivery.discord.marks import DESCRIPTION
from bot.delivery.discord.parcel import Attachment, Parcel

COLOURS = {
    Tone.PLAIN: 0x4C8DFF,
    Tone.GOOD: 0x30A46C,
    Tone.WARN: 0xF5A524,
    Tone.BAD: 0xE5484D,
    Tone.CRITICAL: 0xE5484D,
}
MAX_PAGES = 5
"""How many messages one answer may be: Discord allows five to an app that a person installed for themself."""
MAX_FILES = 10
CODE_WIDTH = 28
"""How many characters of a fixed width Discord shows in an embed on a phone."""


def parcels_of(reply: Reply) -> list[Parcel]:
    """Return the messages that a reply becomes, in order: what is too long for one goes on in the next.

    A picture carries the buttons, so that pressing them changes it; else the last message does.
    """
    lines = [*trouble(reply), *body(reply, CODE_WIDTH)]
    title = heading(reply)
    if not lines and not title:
        lines = [done(reply)]
    pages = split(lines, DESCRIPTION, DESCRIPTION)[:MAX_PAGES]
    last = len(pages) - 1
    carrier = 0 if reply.images else last
    shown = [Attachment(image.png, image.name, image.alt) for image in reply.images]
    files = [Attachment(file.content, file.name) for file in reply.files]
    return [
        Parcel(
            title=title if i == 0 else "",
            lines=tuple(page),
            footer=notice_of(reply) if i == last else "",
            colour=COLOURS[reply.tone],
            picture=shown[0] if shown and i == 0 else None,
            files=tuple([*shown[1:], *files][: MAX_FILES - 1]) if i == 0 else (),
            rows=buttons_of(reply) if i == carrier else (),
        )
        for i, page in enumerate(pages)
    ]


def buttons_of(reply: Reply) -> tuple[tuple[Button, ...], ...]:
    """Return the buttons of a reply; under a question also the one that opens its form, for typing."""
    if reply.form is None:
        return reply.buttons
    opens = Button(label=reply.form.label, action=reply.form.action)
    if not reply.buttons:
        return ((opens,),)
    return (*reply.buttons[:-1], (opens, *reply.buttons[-1]))
