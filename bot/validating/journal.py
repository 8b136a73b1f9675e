"""Keep a validation in a file of JSON lines: appended to, on disk line by line, readable after a kill.

Lines are of a kind: `run` first, then `predicted` and `scored` for each closed candle, `summary` at the end.
Times are ms UTC.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from engine.errors import DataError
from engine.model import HOUR_MS

FORMAT = 1
FOLDER = "validate"
Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be recorded: a venue's symbols for hours."""

    venue: str
    symbols: tuple[str, ...]
    hours: float


@dataclass
class Journal:
    """One run's file. `lines` are those after the first; made by `begun` or `unfinished`."""

    path: Path
    wish: Wish
    begin_ms: int
    lines: list[Line] = field(default_factory=list)

    @property
    def until_ms(self) -> int:
        """Return when recording ends."""
        return self.begin_ms + round(self.wish.hours * HOUR_MS)

    @classmethod
    def begun(cls, directory: Path, wish: Wish, now_ms: int, **more: object) -> Self:
        """Begin a new file in a directory; `more` goes into its first line. Raise DataError."""
        stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%S")
        path = directory / FOLDER / f"{wish.venue}-{stamp}.jsonl"
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.open("x").close()
        except OSError as error:
            raise DataError(f"{path} cannot be written: {error.strerror or error}.") from error
        journal = cls(path=path, wish=wish, begin_ms=now_ms)
        head = {"kind": "run", "format": FORMAT, **_plain(wish), "begin_ms": now_ms}
        journal._append({**head, "until_ms": journal.until_ms, **more})
        return journal

    @classmethod
    def unfinished(cls, directory: Path, wish: Wish) -> Self | None:
        """Return the newest run of a wish that has no summary yet, None where there is none."""
        for path in sorted((directory / FOLDER).glob(f"{wish.venue}-*.jsonl"), reverse=True):
            lines = list(_read(path))
            if not lines or lines[0].get("kind") != "run" or lines[0].get("format") != FORMAT:
                continue
            if any(lines[0].get(name) != value for name, value in _plain(wish).items()):
                continue
            if any(line.get("kind") == "summary" for line in lines):
                return None
            _mend(path)
            return cls(path=path, wish=wish, begin_ms=int(lines[0]["begin_ms"]), lines=lines[1:])
        return None

    def write(self, line: Line) -> None:
        """Append a line; it is on disk when this returns. Raise DataError. Not for the event loop."""
        self._append(line)
        self.lines.append(line)

    def _append(self, line: Line) -> None:
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, allow_nan=False, separators=(",", ":")) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DataError(f"{self.path} cannot be written: {error.strerror or error}.") from error

    def of(self, kind: str) -> list[Line]:
        """Return the lines of a kind, oldest first."""
        return [line for line in self.lines if line.get("kind") == kind]


def _plain(wish: Wish) -> dict[str, str | float | Sequence[str]]:
    return {"venue": wish.venue, "symbols": list(wish.symbols), "hours": wish.hours}


def _read(path: Path) -> Iterator[Line]:
    """Yield the lines of a file as far as they are whole: a kill may have cut the last one."""
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line


def _mend(path: Path) -> None:
    """End a line that a kill cut, so that the next one begins anew."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                file.write(b"\n")
