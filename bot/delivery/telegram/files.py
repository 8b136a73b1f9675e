"""Remember under which name Telegram has a file, so that the same picture is uploaded once for everybody."""

import hashlib
from collections import OrderedDict

KEPT = 2_000
"""Files remembered; the one unused for longest is forgotten first."""


class FileNames:
    """The names of files by their kind (`photo`, `document`) and content."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._names: OrderedDict[tuple[str, bytes], str] = OrderedDict()

    def get(self, kind: str, content: bytes) -> str | None:
        """Return the name of a file that was sent before, or None."""
        key = _key(kind, content)
        name = self._names.get(key)
        if name is not None:
            self._names.move_to_end(key)
        return name

    def put(self, kind: str, content: bytes, name: str) -> None:
        """Remember what Telegram called a file."""
        self._names[_key(kind, content)] = name
        while len(self._names) > self._kept:
            self._names.popitem(last=False)

    def forget(self, kind: str, content: bytes) -> bool:
        """Forget a name that Telegram knows no more; say whether there was one."""
        return self._names.pop(_key(kind, content), None) is not None


def _key(kind: str, content: bytes) -> tuple[str, bytes]:
    return kind, hashlib.sha256(content).digest()
