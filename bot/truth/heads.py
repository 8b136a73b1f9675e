"""Say what to do about a CSV file that cannot be read because of how it begins."""

import gzip
from pathlib import Path

from adapters.importer import FORMS

LETTERS = 4_096
"""How much of the first line is looked at."""
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def advice(path: Path) -> str:
    """Return what is wrong with the first line and what to do; empty for a good one and what is no CSV."""
    line = _first_line(path)
    for mark, name in SEPARATORS.items():
        if line.count(mark) > line.count(","):
            return (
                f"{path}: its values are separated by {name}. Save it as CSV separated by commas, "
                "with a point in decimals."
            )
    if any(_is_number(field) for field in line.split(",")):
        return f"{path}: the first line holds values. Begin the file with a line of names: {_headers()}."
    return ""


def _first_line(path: Path) -> str:
    """Return the beginning of a CSV file, packed or not; empty where it has none."""
    endings = [ending.lower() for ending in path.suffixes]
    packed = endings[-1:] == [".gz"]
    if (endings[:-1] if packed else endings)[-1:] != [".csv"]:
        return ""
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            return file.readline(LETTERS).decode("utf-8-sig", errors="replace").strip()
    except (OSError, EOFError):
        return ""


def _is_number(field: str) -> bool:
    try:
        float(field.strip().strip('"'))
    except ValueError:
        return False
    return True


def _headers() -> str:
    """Return the header of every content: "ts,open,high,low,close,volume for candles"."""
    told = [f"{','.join(('ts', *form.required))} for {form.content.value}" for form in FORMS]
    return f"{'; '.join(told[:-1])}; or {told[-1]}"
