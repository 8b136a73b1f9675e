"""Keep answers in memory up to a bound, each made once for all who ask for it at the same time."""

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import orjson
from pydantic import BaseModel

from bot.web.rest.problems import Problem, Refused

JSON = "application/json"
PACK_FROM = 1000
"""Bytes from which an answer is worth packing."""
PACK_LEVEL = 1
"""Hardly larger than level 6 on rows of numbers, in a fifth of the time."""
MOST_MAKING = 24
"""How many different answers may be in the making; who asks for one more is told to come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One answer, ready to send: its bytes, the same packed with gzip where that helps, and its ETag."""

    body: bytes = field(repr=False)
    packed: bytes | None = field(repr=False)
    media_type: str
    etag: str
    status: int = 200

    @classmethod
    def of(cls, body: bytes, media_type: str, *, pack: bool = True) -> "Kept":
        """Prepare an answer; call it in a thread where the body is large."""
        packed = gzip.compress(body, PACK_LEVEL, mtime=0) if pack and len(body) >= PACK_FROM else None
        etag = f'W/"{blake2b(body, digest_size=12).hexdigest()}"'
        return cls(body=body, packed=packed, media_type=media_type, etag=etag)

    @classmethod
    def json(cls, answer: BaseModel, *, status: int = 200) -> "Kept":
        """Prepare an answer's model."""
        kept = cls.of(orjson.dumps(answer.model_dump(), option=orjson.OPT_SERIALIZE_NUMPY), JSON)
        return kept if status == 200 else replace(kept, status=status)

    @property
    def size(self) -> int:
        """Return the bytes it takes."""
        return len(self.body) + len(self.packed or b"")


class Cache:
    """Hold answers by key, `most_bytes` in all, who was asked for longest ago goes first.

    A failure is told to all who wait for it, and not kept.
    """

    def __init__(self, most_bytes: int, *, most_making: int = MOST_MAKING) -> None:
        self._most_bytes = most_bytes
        self._most_making = most_making
        self._held: OrderedDict[Hashable, Kept] = OrderedDict()
        self._making: dict[Hashable, asyncio.Task[Kept]] = {}
        self.bytes = 0
        self.hits = 0
        """Answers that were there."""
        self.joined = 0
        """Answers that somebody else was waiting for already."""
        self.misses = 0
        """Answers that had to be made."""

    def __len__(self) -> int:
        return len(self._held)

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Kept]]) -> Kept:
        """Return the answer of a key; raise Refused (503) where too many are in the making."""
        if (kept := self._held.get(key)) is not None:
            self.hits += 1
            self._held.move_to_end(key)
            return kept
        task = self._making.get(key)
        if task is not None:
            self.joined += 1
        else:
            if len(self._making) >= self._most_making:
                problem = Problem(title="Busy", status=503, detail="Too much is being worked out; ask again.")
                raise Refused(problem, {"Retry-After": "2"})
            self.misses += 1
            task = self._making[key] = asyncio.create_task(self._make(key, make))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """End what is being made: it can be made again."""
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[Kept]]) -> Kept:
        try:
            kept = await make()
        finally:
            del self._making[key]
        self._hold(key, kept)
        return kept

    def _hold(self, key: Hashable, kept: Kept) -> None:
        self._held[key] = kept
        self.bytes += kept.size
        while self.bytes > self._most_bytes and self._held:
            self.bytes -= self._held.popitem(last=False)[1].size
