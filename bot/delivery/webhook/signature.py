"""Sign requests by Standard Webhooks 1.0.0 (standardwebhooks.com). Pure functions, but for `new_secret`."""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from binascii import Error as BadBase64

from engine.errors import UserError

PREFIX = "whsec_"
EXAMPLE = "whsec_$(openssl rand -base64 32)"
SECRET_BYTES = 32
SHORTEST, LONGEST = 24, 64
"""How many bytes a secret has, by the standard."""


def new_secret() -> str:
    """Return a new secret, in the form in which it is shown to whoever receives the requests."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def secret_bytes(text: str) -> bytes:
    """Return the key of a secret. Raise UserError for anything but `whsec_` and 24 to 64 bytes of base64."""
    try:
        key = b64decode(text.strip().removeprefix(PREFIX), validate=True)
    except (BadBase64, ValueError):
        key = b""
    if not text.strip().startswith(PREFIX) or not SHORTEST <= len(key) <= LONGEST:
        raise UserError("A webhook's secret is whsec_ and 24 to 64 bytes in base64.", example=EXAMPLE)
    return key


def sign(key: bytes, *, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Return the three headers that a receiver checks a request by."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }
