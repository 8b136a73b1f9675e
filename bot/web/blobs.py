"""Keep pictures and documents of replies and alerts for a short while, under addresses nobody can guess."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.model import UserId

LIFETIME_S = 3600.0
LARGEST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """One document: whose it is, what it is, and until when (monotonic seconds) it can be fetched."""

    owner: UserId
    content: bytes = field(repr=False)
    name: str
    media_type: str
    until_s: float


class BlobStore:
    """Hold documents in memory, the oldest first to go, `limit_bytes` in all."""

    def __init__(
        self,
        *,
        limit_bytes: int = LARGEST_BYTES,
        lifetime_s: float = LIFETIME_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit_bytes = limit_bytes
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._blobs: OrderedDict[str, Blob] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._blobs)

    def put(self, owner: UserId, content: bytes, *, name: str, media_type: str) -> str:
        """Keep a document and return the key it can be fetched by."""
        self._make_room(len(content))
        key = secrets.token_urlsafe(24)
        until_s = self._clock() + self._lifetime_s
        self._blobs[key] = Blob(
            owner=owner, content=content, name=name, media_type=media_type, until_s=until_s
        )
        self._bytes += len(content)
        return key

    def get(self, owner: UserId, key: str) -> Blob | None:
        """Return a document of this owner; None where there is none, or no longer."""
        self._make_room(0)
        blob = self._blobs.get(key)
        return blob if blob is not None and blob.owner == owner else None

    def forget(self, owner: UserId) -> None:
        """Drop everything of one owner."""
        for key in [k for k, blob in self._blobs.items() if blob.owner == owner]:
            self._drop(key)

    def _make_room(self, size: int) -> None:
        now_s = self._clock()
        while self._blobs:
            key, oldest = next(iter(self._blobs.items()))
            if oldest.until_s > now_s and self._bytes + size <= self._limit_bytes:
                break
            self._drop(key)

    def _drop(self, key: str) -> None:
        self._bytes -= len(self._blobs.pop(key).content)
