"""Read the daily files that Binance publishes as they are: zipped or not, with or without a header.

- klines: candles with quote and taker-buy volume;
- metrics: open interest and ratios of longs to shorts every five minutes;
- aggTrades: turned into candles of one minute;
- liquidationSnapshot (withdrawn, but people have them): single liquidations, at most one a second.

Quantities and prices are taken as they are, in the units of the symbol that the file is of. A file is read
in pieces, however long it is. Where its `.CHECKSUM` lies beside a zip, it must fit.
"""

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from adapters.binance_daily_kinds import KINDS, KLINES, RATIOS, TRADES, Kind, Part, joined
from engine.errors import DataError
from engine.model import Floats, Ints

LARGEST_BYTES = 64 << 30
PIECE_BYTES = 1 << 20
"""How much text is read at a time; a few pieces are read ahead."""
_FIRST_LINE = 64 << 10
_NAMED = re.compile(r"(?P<symbol>[^/\\]+?)-[A-Za-z0-9]+-\d{4}-\d\d(-\d\d)?\.csv$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """What a daily file says: `kind` as in the module's list, times (n,) in ms, columns by name (n,).

    `side` is 0 for longs and 1 for shorts. `ratios` holds longs over shorts by kind (n,), NaN where nothing
    is said. `symbols` are those that the file names, as the venue writes them.
    """

    kind: str
    ts: Ints
    columns: dict[str, Floats]
    step_ms: int | None
    ratios: dict[str, Floats] = field(default_factory=dict)
    symbols: frozenset[str] = frozenset()


def read_daily(path: Path) -> Daily | None:
    """Return what a daily file of Binance says, None for a file of another kind.

    Raise DataError where it is one and cannot be read.
    """
    try:
        with _opened(path) as found:
            return None if found is None else _read(path, *found)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        why = (str(error) or "it ends too soon").splitlines()[0].rstrip(".")
        raise DataError(f"{path}: cannot be read: {why}. It is not whole: download it again.") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error


@contextmanager
def _opened(path: Path) -> Iterator[tuple[str, IO[bytes]] | None]:
    """Open the text of a file, or of the one file in a zip, with its name; None for what is neither."""
    ending = path.suffix.lower()
    if ending == ".csv":
        with path.open("rb") as text:
            yield path.name, text
    elif ending == ".zip":
        _check_sum(path)
        with zipfile.ZipFile(path) as packed:
            found = [each for each in packed.infolist() if each.filename.lower().endswith(".csv")]
            if len(found) != 1:
                raise DataError(f"{path}: holds {len(found)} CSV files, and one is wanted")
            if found[0].file_size > LARGEST_BYTES:
                raise DataError(f"{path}: {found[0].filename} is larger than {LARGEST_BYTES >> 30} GiB")
            with packed.open(found[0]) as text:
                yield found[0].filename, text
    else:
        yield None


def _check_sum(path: Path) -> None:
    """Refuse a zip that its checksum, where that was downloaded too, does not fit."""
    beside = path.with_name(path.name + ".CHECKSUM")
    if not beside.is_file():
        return
    told = beside.read_text(encoding="utf-8", errors="replace").split()
    with path.open("rb") as file:
        is_that = hashlib.file_digest(file, "sha256").hexdigest()
    if not told or told[0].lower() != is_that:
        raise DataError(f"{path}: its SHA-256 is not the one in {beside.name}. Download both again.")


def _read(path: Path, name: str, text: IO[bytes]) -> Daily | None:
    """Return what the text of a file says, None for one of another kind."""
    first = text.readline(_FIRST_LINE)
    names, header = _names(first)
    kind = next((k for k in KINDS if set(k.wanted) <= set(names)), None)
    if kind is None:
        if path.suffix.lower() == ".zip":
            raise DataError(f"{path}: of zips only {', '.join(k.name for k in KINDS)} of Binance are read")
        return None
    if not header:
        text.seek(0)
    if not text.read(1):
        raise DataError(f"{path}: has no rows")
    text.seek(len(first) if header else 0)
    symbols = {found["symbol"]} if (found := _NAMED.search(name)) else set()
    parts: list[Part] = []
    for piece in _pieces(text, names, kind):
        if "symbol" in piece.column_names:
            symbols.update(str(each) for each in pc.unique(piece.column("symbol")).to_pylist())
        parts.append(kind.part(piece))
    ts, columns = kind.whole(joined(parts))
    return Daily(
        kind=kind.name,
        ts=ts,
        columns={name: values for name, values in columns.items() if name not in RATIOS},
        step_ms=kind.step_ms(ts),
        ratios={kept: columns[name] for name, kept in RATIOS.items() if name in columns},
        symbols=frozenset(symbols),
    )


def _names(line: bytes) -> tuple[tuple[str, ...], bool]:
    """Return the columns' names, and whether the file's first line says them."""
    first = tuple(cell.strip(' "').lower() for cell in line.decode("utf-8-sig").strip().split(","))
    if first and first[0] and not first[0].lstrip("-").isdigit():
        return first, True
    by_count = {len(KLINES): KLINES, len(TRADES): TRADES}
    return by_count.get(len(first), first), False


def _pieces(text: IO[bytes], names: Sequence[str], kind: Kind) -> Iterator[pa.Table]:
    """Yield the columns that are wanted, some rows at a time; times and truths are read as they come."""
    wanted = (*kind.wanted, *(name for name in kind.optional if name in names))
    types = {name: pa.string() if name in ("side", "symbol") else pa.float64() for name in wanted}
    for inferred in ("open_time", "create_time", "transact_time", "time", "is_buyer_maker"):
        types.pop(inferred, None)
    reader = pa_csv.open_csv(
        text,
        read_options=pa_csv.ReadOptions(column_names=list(names), block_size=PIECE_BYTES, use_threads=False),
        convert_options=pa_csv.ConvertOptions(include_columns=list(wanted), column_types=types),
    )
    with reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])
