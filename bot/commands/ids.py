"""Write and read button ids: `v1:noun:verb:arg…`, 64 bytes at most, with no memory behind them.

A command without verb has `-` there. A verb that ends in `!` asks that the answer replace the message that
carried the button. Arguments are the words of a typed line, in order, positional or `name=value`; what is not
plain in them is percent-encoded.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import quote, unquote

from engine.errors import UserError

VERSION = "v1"
MAX_BYTES = 64
NO_VERB = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button, understood: the command it stands for and the words it gives it."""

    noun: str
    verb: str
    args: tuple[str, ...]
    edits: bool


def action(noun: str, verb: str = "", *args: str, edits: bool = False) -> str:
    """Return a button id, or an empty text where it would be longer than platforms allow."""
    head = (verb or NO_VERB) + ("!" if edits else "")
    made = ":".join([VERSION, noun, head, *(quote(arg, safe="=,$+") for arg in args)])
    return made if len(made.encode()) <= MAX_BYTES else ""


def read(text: str) -> Press:
    """Return what a button id says. Raise UserError for anything that is not one of ours."""
    parts = text.split(":")
    if len(text.encode("utf-8", "replace")) > MAX_BYTES or len(parts) < 3 or not all(parts[:3]):
        raise UserError("I do not know that button.", example="/help")
    if parts[0] != VERSION:
        raise UserError("That button is from another version of Liqwatch; ask again for a fresh one.")
    verb = parts[2].removesuffix("!")
    return Press(
        noun=parts[1],
        verb="" if verb == NO_VERB else verb,
        args=tuple(unquote(part) for part in parts[3:]),
        edits=parts[2].endswith("!"),
    )


def sign(key: bytes, *facts: str) -> str:
    """Return a short signature (72 bits) over facts, for a button that only one person may press."""
    digest = hmac.new(key, "\x1f".join(facts).encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest[:9]).decode()


def signed(key: bytes, signature: str, *facts: str) -> bool:
    """Say whether a signature belongs to the facts."""
    return hmac.compare_digest(sign(key, *facts).encode(), signature.encode("utf-8", "replace"))
