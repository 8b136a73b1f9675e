"""Answer the links that messages carry: a picture, the end of messages to an address, a button.

Opening a link changes nothing, because mail programs open links by themselves; a press on the page that it
shows does. Mail programs that offer "unsubscribe" post at once (RFC 8058).
"""

from collections.abc import Awaitable, Callable
from html import escape
from typing import Protocol

from aiohttp import web

from bot.commands.reply import Caller, Front
from bot.delivery.channel import Picture
from bot.delivery.links import Kind, Links
from bot.web.ports import Commands
from engine.errors import UserError
from engine.model import UserId

NAMED = r"{token:[A-Za-z0-9_=.-]{1,1000}}"
PICTURE_CACHE = "private, max-age=3600"
ASKS = {
    Kind.STOP: ("Stop these messages?", "Every alert that comes to this address is paused.", "Stop them"),
    Kind.PRESS: ("Do this?", "", "Yes"),
}


class Linked(Protocol):
    """Be what links lead to."""

    async def picture(self, delivery_id: int) -> Picture | None:
        """Return the picture of a message, None where there is none."""

    async def stop(self, channel: str, destination: str) -> int:
        """End messages to a destination; return how many alerts were paused."""


class LinkPages:
    """The pages behind signed links."""

    def __init__(self, links: Links, linked: Linked, commands: Commands) -> None:
        self._links = links
        self._linked = linked
        self._commands = commands

    def routes(self) -> list[web.RouteDef]:
        """Return the addresses that links lead to."""
        return [
            web.get(rf"/{Kind.PICTURE}/{NAMED}.png", self.picture),
            web.get(rf"/{Kind.STOP}/{NAMED}", self._asking(Kind.STOP)),
            web.post(rf"/{Kind.STOP}/{NAMED}", self.stop),
            web.get(rf"/{Kind.PRESS}/{NAMED}", self._asking(Kind.PRESS)),
            web.post(rf"/{Kind.PRESS}/{NAMED}", self.press),
        ]

    async def picture(self, request: web.Request) -> web.Response:
        """Answer the picture of a message."""
        (delivery,) = self._facts(Kind.PICTURE, request)
        picture = await self._linked.picture(int(delivery))
        if picture is None:
            raise web.HTTPNotFound(text="There is no picture to this message.")
        headers = {"Cache-Control": PICTURE_CACHE, "Cross-Origin-Resource-Policy": "cross-origin"}
        return web.Response(body=picture.png, content_type="image/png", headers=headers)

    async def stop(self, request: web.Request) -> web.Response:
        """End messages to an address, for a press on the page or on a mail program's own button."""
        try:
            channel, destination = self._facts(Kind.STOP, request)
        except UserError as error:
            return _page("That did not work", error.message, status=400)
        paused = await self._linked.stop(channel, destination)
        told = (
            f"{paused} alert{'' if paused == 1 else 's'} paused."
            if paused
            else "No alert comes there any more."
        )
        return _page("Stopped", f"{told} /alert resume, where you talk to Liqwatch, lets them speak again.")

    async def press(self, request: web.Request) -> web.Response:
        """Do what a button of a message does, as the one whom the message was for."""
        try:
            user_id, action = self._facts(Kind.PRESS, request)
        except UserError as error:
            return _page("That did not work", error.message, status=400)
        reply = await self._commands.press(action, Caller(user_id=UserId(user_id), front=Front.PANEL))
        if reply.failed:
            return _page("That did not work", reply.error, status=400)
        return _page(reply.title or "Done", reply.text)

    def _asking(self, kind: Kind) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Return the handler of the page that asks before anything is done."""

        async def ask(request: web.Request) -> web.Response:
            title, text, button = ASKS[kind]
            try:
                facts = self._facts(kind, request)
            except UserError as error:
                return _page("That did not work", error.message, status=400)
            if kind is Kind.PRESS:
                title = title_of(facts[1])
            return _page(title, text, button=button)

        return ask

    def _facts(self, kind: Kind, request: web.Request) -> tuple[str, ...]:
        return self._links.read(kind, request.match_info["token"])


def title_of(action: str) -> str:
    """Return what a button's action is, as a question: "Pause alert 7?"."""
    verb, _, number = action.removeprefix("v1:alert:").partition(":")
    return f"{verb.capitalize()} alert {number.partition(':')[0]}?"


def _page(title: str, text: str, *, button: str = "", status: int = 200) -> web.Response:
    """Return a small page. Its form posts to the address that it was opened at."""
    form = f'<form method="post"><button type="submit">{escape(button)}</button></form>' if button else ""
    lines = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line.strip())
    whole = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)} · Liqwatch</title>"
        '<link rel="icon" href="/static/icons/liqwatch.svg" type="image/svg+xml">'
        '<link rel="stylesheet" href="/static/link.css"></head>'
        f"<body><main><small>Liqwatch</small><h1>{escape(title)}</h1>{lines}{form}</main></body></html>"
    )
    return web.Response(text=whole, content_type="text/html", status=status)
