"""Hold one mail as it is to be sent, and write it as a MIME message."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.policy import EmailPolicy
from typing import Any

from bot.delivery.channel import Picture
from bot.delivery.email.mailbox import Sender

WHOLE = frozenset({"list-unsubscribe", "message-id", "content-id"})
"""Headers with one long word, which the library would encode, and no mail program would understand then."""


class _Policy(EmailPolicy):
    """Write mails as RFC 5322 has them, with long words left whole."""

    def fold_binary(self, name: str, value: Any) -> bytes:  # noqa: ANN401 - as in the library
        """Return a header as it goes over the wire."""
        if name.lower() in WHOLE:
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


POLICY = _Policy(linesep="\r\n", cte_type="7bit")
ONE_CLICK = "List-Unsubscribe=One-Click"
"""What a mail program posts to the address of List-Unsubscribe (RFC 8058)."""
PICTURE_ID = "picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail. `key` is the same for every sending of it; `stop_url` ends mails to this address.

    `bare_html` is the page without the picture.
    """

    key: str
    sender: Sender
    to: str = field(repr=False)
    subject: str
    text: str
    html: str = field(repr=False)
    bare_html: str = field(default="", repr=False)
    picture: Picture | None = field(default=None, repr=False)
    stop_url: str = field(default="", repr=False)
    urgent: bool = False

    @property
    def message_id(self) -> str:
        """Return the Message-ID: made of the key, so that a repeat can be told by it."""
        return f"<{self.key[:40]}@{self.sender.domain}>"

    @property
    def picture_id(self) -> str:
        """Return the Content-ID of the picture, without brackets."""
        return f"{PICTURE_ID}.{self.key[:40]}@{self.sender.domain}"

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers besides those that every mail has."""
        found = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
        if self.urgent:
            found |= {"Importance": "high", "X-Priority": "1"}
        if self.stop_url:
            found |= {"List-Unsubscribe": f"<{self.stop_url}>", "List-Unsubscribe-Post": ONE_CLICK}
        return found

    def plainer(self) -> "Letter | None":
        """Return the mail without its picture, None where it has none."""
        return None if self.picture is None else replace(self, picture=None, html=self.bare_html)

    def mime(self, *, date: datetime) -> bytes:
        """Return the mail as it goes over the wire: text, HTML, and the picture that the HTML shows."""
        message = EmailMessage(policy=POLICY)
        message["From"] = Address(self.sender.name, addr_spec=self.sender.address)
        message["To"] = Address(addr_spec=self.to)
        message["Subject"] = self.subject
        message["Date"] = date
        message["Message-ID"] = self.message_id
        for name, value in self.headers.items():
            message[name] = value
        message.set_content(self.text, charset="utf-8")
        message.add_alternative(self.html, subtype="html", charset="utf-8")
        if self.picture is not None:
            shown: MIMEPart = message.get_payload()[1]  # type: ignore[index,assignment]  # the HTML part
            shown.add_related(
                self.picture.png,
                maintype="image",
                subtype="png",
                cid=f"<{self.picture_id}>",
                filename=self.picture.name,
                disposition="inline",
            )
        return message.as_bytes(policy=POLICY)
