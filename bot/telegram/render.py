"""Turn replies into messages of Telegram. Pure functions."""

from bot.commands.layout import lines_of
from bot.commands.lines import Line, Style, split
from bot.commands.reply import Button, Reply
from bot.delivery.telegram.keyboard import keyboard
from bot.delivery.telegram.lines import CAPTION, TEXT
from bot.delivery.telegram.parcel import Parcel
from bot.lang import _, speaking, speech_of

MAX_TOAST = 200


def parcels_of(reply: Reply) -> list[Parcel]:
    """Return the messages that a reply becomes, in order: what is too long for one goes on in the next.

    A picture carries the buttons, so that pressing them changes it; else the last message does.
    """
    lines = lines_of(reply)
    keys = keyboard(reply.buttons)
    if not reply.images and not reply.files:
        pages = [tuple(page) for page in split(lines, TEXT, TEXT)]
        last = len(pages) - 1
        return [Parcel(lines=page, keys=keys if i == last else None) for i, page in enumerate(pages)]
    caption, *further = split(lines, CAPTION, TEXT)
    files = [Parcel(lines=(), picture=image.png, name=image.name) for image in reply.images]
    files += [Parcel(lines=(), document=file.content, name=file.name) for file in reply.files]
    first = files[0]
    head = Parcel(
        lines=tuple(caption), picture=first.picture, document=first.document, name=first.name, keys=keys
    )
    return [head, *files[1:], *(Parcel(lines=tuple(page)) for page in further)]


def edit_of(reply: Reply) -> Parcel:
    """Return what a reply makes of the message whose button asked for it: one message, cut if need be."""
    picture = reply.images[0] if reply.images else None
    return Parcel(
        lines=tuple(lines_of(reply)),
        picture=picture.png if picture else None,
        name=picture.name if picture else "",
        keys=keyboard(reply.buttons),
    )


def toast_of(reply: Reply) -> str:
    """Return a reply in the few words that fit a note over the chat, which the asker alone sees."""
    if reply.failed:
        with speaking(speech_of(reply.language)):
            told = f"{reply.error} {_('Try: ')}{reply.example}" if reply.example else reply.error
    else:
        told = "\n".join(filter(None, (reply.title, reply.text, *(f"{k}: {v}" for k, v in reply.fields))))
    return told if len(told) <= MAX_TOAST else f"{told[: MAX_TOAST - 1].rstrip()}…"


def link_parcel(title: str, text: str, button: Button) -> Parcel:
    """Return a message with one button that leads elsewhere."""
    return Parcel(lines=(Line(title, Style.BOLD), Line(text)), keys=keyboard([[button]]))
