"""Deliver alerts by e-mail: subject, text, and a page with the picture in it."""

from dataclasses import replace
from typing import Protocol

from bot.commands import ids
from bot.commands.lines import Line, fit
from bot.delivery.addresses import Addresses, address_of
from bot.delivery.breaker import Breakers
from bot.delivery.channel import OutMessage, Rate, Receipt
from bot.delivery.email.letter import Letter
from bot.delivery.email.mailbox import Sender, mailbox
from bot.delivery.email.page import DISCLAIMER, Page, html
from bot.delivery.links import PRESSABLE, Links
from bot.delivery.plain import clean, one_line
from bot.delivery.trouble import Trouble, of_server
from bot.delivery.wording import details, headline
from bot.lang import N_, _, speech
from engine.errors import Permanent, UserError
from engine.model import Severity

CHANNEL = "email"
WHY = "v1:alert:why:"
"""How the button begins that says why an alert came: its answer is for the chat, and has no link."""
SUBJECT = 120
ALT = 600
TEXT = 6000
"""How much of a note a mail shows, in characters."""
MOST_AT_ONCE = 12
SHARES = 12
"""The pace of a minute is kept in twelfths, so that no mail waits long with its lease running."""


class Carrier(Protocol):
    """Take a mail to a mail server. `host` is what the circuit breaker counts by."""

    @property
    def host(self) -> str:
        """Return the server's name."""
        ...

    async def carry(self, letter: Letter) -> None:
        """Hand a mail over. Raise DeliveryError; TimeoutError where its end is unknown."""
        ...

    async def close(self) -> None:
        """Let the connections go."""
        ...


class EmailChannel:
    """The channel `email`: destinations are names that `addresses` knows mail addresses by.

    A mail cannot be changed once it is sent, so edits of a message are left out.
    """

    def __init__(
        self,
        carrier: Carrier,
        addresses: Addresses,
        *,
        sender: Sender,
        links: Links | None = None,
        per_minute: int = 60,
        breakers: Breakers | None = None,
    ) -> None:
        self._carrier = carrier
        self._addresses = addresses
        self._sender = sender
        self._links = links
        self._breakers = breakers or Breakers()
        count = max(1, per_minute // SHARES)
        self.name = CHANNEL
        self.overall = (Rate(count=count, period_s=60.0 * count / per_minute),)
        self.deduplicates_s = 0.0
        self.timeout_s = 40.0
        self.concurrency = min(MOST_AT_ONCE, max(2, count))

    def rates(self, _destination: str) -> tuple[Rate, ...]:
        """Return no further limits: the server's is the one that counts."""
        return ()

    def trouble(self) -> Trouble:
        """Return what keeps it from sending."""
        return of_server(self._breakers.shut())

    async def cost(self, _destination: str) -> int:
        """Return that a message is one mail."""
        return 1

    async def send(self, message: OutMessage, *, key: str, edit_of: str | None) -> Receipt:
        """Send a mail. Raises DeliveryError or TimeoutError."""
        if edit_of is not None:
            raise Permanent(N_("a mail cannot be changed"))
        address = await address_of(self._addresses, CHANNEL, message)
        try:
            to = mailbox(address.text)
        except UserError as error:
            raise Permanent(error.message) from None
        letter = letter_of(message, key=key, to=to, sender=self._sender, links=self._links)
        with self._breakers.through(self._carrier.host, message.user_id):
            await self._carrier.carry(letter)
        return Receipt()

    async def close(self) -> None:
        """Let the connections go."""
        await self._carrier.close()


def letter_of(message: OutMessage, *, key: str, to: str, sender: Sender, links: Links | None) -> Letter:
    """Return an alert as a mail."""
    steps = links.steps(message) if links else []
    stop_url = links.stop(CHANNEL, message.destination) if links else ""
    lines = fit([Line(clean(line.text), line.style, line.label) for line in details(message)], TEXT)
    picture = message.picture
    if picture is not None:
        picture = replace(picture, alt=one_line(picture.alt, ALT), name=one_line(picture.name, 80))
    bare = Letter(
        key=key,
        sender=sender,
        to=to,
        subject=one_line(headline(message), SUBJECT),
        text="",
        html="",
        picture=picture,
        stop_url=stop_url,
        urgent=message.severity is Severity.CRITICAL,
    )
    page = Page(
        severity=message.severity,
        symbol=one_line(message.symbol, 40),
        title=one_line(message.title, 2 * SUBJECT),
        lines=[line for line in lines if line.plain != message.label],
        figures=[(one_line(label, 30), one_line(value, 40)) for label, value in message.figures],
        steps=steps,
        hint=hint(message, linked=bool(steps)),
        source=one_line(message.label, 80),
        picture=picture,
        picture_id=bare.picture_id,
        stop_url=stop_url,
    )
    return replace(bare, text=text(page), html=html(page), bare_html=html(replace(page, picture=None)))


def text(page: Page) -> str:
    """Return the mail in words alone."""
    blocks = [
        f"{page.severity.value.upper()}: {page.title}",
        "\n".join(line.plain for line in page.lines),
        "\n".join(f"{label}: {value}" for label, value in page.figures),
        _("Picture: {alt}").format(alt=page.picture.alt) if page.picture else "",
        "\n".join(f"{step.label}: {step.url}" for step in page.steps),
        page.hint,
        "\n".join(
            [
                "-- ",
                _(DISCLAIMER),
                *(
                    [_("Stop these mails: {stop_url}").format(stop_url=page.stop_url)]
                    if page.stop_url
                    else []
                ),
            ]
        ),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def hint(message: OutMessage, *, linked: bool) -> str:
    """Return what can be typed, of what there is no link to: "type /alert pause 7 (Pause)"."""
    lines = []
    typed = (WHY,) if linked else (*PRESSABLE, WHY)
    for label, action in (button for row in message.buttons for button in row):
        if action.startswith(typed):
            press = ids.read(action)
            lines.append(f"/{' '.join([press.noun, press.verb, *press.args])} ({label})")
    told = _("Where you talk to Liqwatch, type {lines}.")
    return told.format(lines=speech().joined(lines, either=True)) if lines else ""
