"""Make links that do one thing for whoever holds them, are signed, and expire; and read them again.

A link's token is `payload.signature`: a JSON list of kind, end (s since 1970, UTC) and facts, then 128 bits
of HMAC-SHA256 over it. Links are only made where there is a public address of the page.
"""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from bot.delivery.channel import OutMessage
from bot.lang import _
from engine.errors import UserError

DAY_S = 86_400
SIGNATURE_BYTES = 16
LONGEST = 1000
PRESSABLE = ("v1:alert:snooze:", "v1:alert:pause:")
"""What a link in a message may do: nothing but silence the alert that it came with."""


class Kind(StrEnum):
    """What a link is for; its value stands in the address."""

    PICTURE = "picture"
    STOP = "unsubscribe"
    PRESS = "press"


LIFE_S = {Kind.PICTURE: 7 * DAY_S, Kind.STOP: 400 * DAY_S, Kind.PRESS: 2 * DAY_S}


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do next: a label, and the address that does it."""

    label: str
    url: str


class Links:
    """Make and read links below `public_url`; `key` is lasting and known to this installation alone."""

    def __init__(self, public_url: str, key: bytes, *, clock_s: Callable[[], float] = time.time) -> None:
        self._base = public_url.rstrip("/")
        self._key = hmac.new(key, b"liqwatch links", hashlib.sha256).digest()
        self._clock_s = clock_s

    def picture(self, message: OutMessage) -> str:
        """Return the address of a message's picture."""
        return self._url(Kind.PICTURE, str(message.delivery_id)) + ".png"

    def stop(self, channel: str, destination: str) -> str:
        """Return the address that ends messages to a destination."""
        return self._url(Kind.STOP, channel, destination)

    def steps(self, message: OutMessage) -> list[Step]:
        """Return what a message's reader can do by a link: look at the chart, silence the alert."""
        symbol = quote(message.symbol, safe="", errors="replace")
        chart = [Step(_("Open the chart"), f"{self._base}/?symbol={symbol}")] if symbol else []
        buttons = [button for row in message.buttons for button in row if button[1].startswith(PRESSABLE)]
        press = [Step(label, self._url(Kind.PRESS, message.user_id, action)) for label, action in buttons]
        return [*chart, *press]

    def read(self, kind: Kind, token: str) -> tuple[str, ...]:
        """Return the facts of a link. Raise UserError for one that is not ours, or has expired."""
        payload, _unused, signature = token.partition(".")
        right = len(token) <= LONGEST and hmac.compare_digest(
            self._sign(kind, payload).encode(), signature.encode("utf-8", "replace")
        )
        if not right:
            raise UserError(_("This link is not complete: open it from the message again."))
        _unused, until_s, *facts = json.loads(urlsafe_b64decode(payload))
        if until_s < self._clock_s():
            raise UserError(_("This link has expired. What it did can be done in the chat: /help"))
        return tuple(facts)

    def _url(self, kind: Kind, *facts: str) -> str:
        content = json.dumps([kind, int(self._clock_s()) + LIFE_S[kind], *facts], separators=(",", ":"))
        payload = urlsafe_b64encode(content.encode()).decode()
        return f"{self._base}/{kind}/{payload}.{self._sign(kind, payload)}"

    def _sign(self, kind: Kind, payload: str) -> str:
        text = f"{kind} {payload}".encode("utf-8", "replace")
        digest = hmac.new(self._key, text, hashlib.sha256).digest()
        return urlsafe_b64encode(digest[:SIGNATURE_BYTES]).decode().rstrip("=")
