"""Seal what must not be read from the database: addresses and secrets of users. AES-256-GCM.

A sealed text is `v1.<key id>.<nonce and ciphertext, base64>`. It is bound to what it is about (whose it is,
of which channel), so that moving it to another row breaks it. Keys come from `LIQWATCH_SECRET_KEY` by HKDF
(RFC 5869); keys of before still open what they sealed, and nothing is sealed with them any more.
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from engine.errors import SealBroken, SealUnknown

VERSION = "v1"
NONCE_BYTES = 12
KEY_BYTES = 32
ID_BYTES = 6
PURPOSE = b"liqwatch sealed "


class Sealer:
    """Seal with the present key, open with that one and those of before."""

    def __init__(self, key: SecretStr, before: Sequence[SecretStr] = ()) -> None:
        self._keys = {_key_id(one): AESGCM(_derived(one, b"key", KEY_BYTES)) for one in (*before, key)}
        self.key_id = _key_id(key)
        self._mark_key = _derived(key, b"mark", KEY_BYTES)

    def seal(self, text: str, *, about: Sequence[str]) -> str:
        """Return a text sealed; `about` names what it belongs to, and is needed to open it."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        hidden = self._keys[self.key_id].encrypt(nonce, text.encode(), _bound(self.key_id, about))
        return f"{VERSION}.{self.key_id}.{urlsafe_b64encode(nonce + hidden).decode()}"

    def open(self, sealed: str, *, about: Sequence[str]) -> str:
        """Return what was sealed.

        Raise SealUnknown where the key is not there, SealBroken where the text was changed or is about
        something else.
        """
        version, key_id, body = _parts(sealed)
        if version != VERSION:
            raise SealBroken("what was stored is not sealed in a way that is known here")
        if key_id not in self._keys:
            raise SealUnknown(key_id)
        try:
            content = urlsafe_b64decode(body.encode("ascii"))
            text = self._keys[key_id].decrypt(
                content[:NONCE_BYTES], content[NONCE_BYTES:], _bound(key_id, about)
            )
            return text.decode()
        except (InvalidTag, BadBase64, ValueError):
            raise SealBroken("what was stored was changed, or belongs to something else") from None

    def mark(self, *facts: str) -> str:
        """Return a fingerprint of facts, 64 characters that tell nothing of them without the key."""
        content = b"".join(len(fact.encode()).to_bytes(4) + fact.encode() for fact in facts)
        return hmac.digest(self._mark_key, content, "sha256").hex()

    def knows(self, sealed: str) -> bool:
        """Say whether the key of a sealed text is there."""
        return _parts(sealed)[1] in self._keys

    def is_old(self, sealed: str) -> bool:
        """Say whether a text was sealed with a key of before, and should be sealed anew."""
        return _parts(sealed)[1] != self.key_id


def _parts(sealed: str) -> tuple[str, str, str]:
    version, _, rest = sealed.partition(".")
    key_id, _, body = rest.partition(".")
    return version, key_id, body


def _bound(key_id: str, about: Sequence[str]) -> bytes:
    """Return what a seal is bound to: each part with its length, so that no two lists are the same."""
    parts = [VERSION, key_id, *about]
    return b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)


def _key_id(key: SecretStr) -> str:
    """Return a name of a key that tells nothing about it."""
    return _derived(key, b"name", ID_BYTES).hex()


def _derived(key: SecretStr, purpose: bytes, size: int) -> bytes:
    derive = HKDF(algorithm=SHA256(), length=size, salt=None, info=PURPOSE + purpose)
    return derive.derive(key.get_secret_value().encode())
