"""Write files that the command line names: refused before the work, and afterwards whole or not there."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import DataError, UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """Say what a file is written as, the endings its name may have, and a command that names one."""

    name: str
    endings: tuple[str, ...]
    example: str


PREDICTIONS = Format(
    name="Parquet",
    endings=(".parquet", ".pq"),
    example="liqwatch accuracy BTCUSDT --export predictions.parquet",
)
PICTURE = Format(name="PNG", endings=(".png",), example="liqwatch accuracy BTCUSDT --picture report.png")


def check(path: Path | None, form: Format) -> None:
    """Raise UserError where no file can be written there, or its name promises another format."""
    if path is None:
        return
    if path.suffix.lower() not in form.endings:
        raise UserError(
            f"{path} would hold {form.name}: end its name in {form.endings[0]}.", example=form.example
        )
    if path.is_dir():
        raise UserError(f"{path} cannot be written: it is a directory. Name a file.", example=form.example)
    folder = path.parent
    if not folder.is_dir():
        wrong = "is not a directory" if folder.exists() else "does not exist"
        raise UserError(
            f"{path} cannot be written: {folder} {wrong}. Make it, or name a file elsewhere.",
            example=form.example,
        )
    if not os.access(folder, os.W_OK):
        raise UserError(
            f"{path} cannot be written: {folder} may not be written to. Name a file elsewhere.",
            example=form.example,
        )


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield where to write; what is there afterwards takes its place as `path`, if nothing went wrong.

    Raise DataError where it cannot be written.
    """
    made = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        yield made
        made.replace(path)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else "the system refused it"
        raise DataError(f"{path} cannot be written: {why}.") from error
    finally:
        made.unlink(missing_ok=True)
