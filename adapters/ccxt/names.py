"""Know which venues ccxt reads without importing it, which takes half a second and a hundred megabytes."""

from importlib.util import find_spec
from pathlib import Path

FOLDER = "async_support"
"""Where ccxt keeps a module for each venue, of the venue's name."""


def installed() -> bool:
    """Say whether ccxt is there."""
    return find_spec("ccxt") is not None


def names() -> tuple[str, ...]:
    """Return ccxt's names of all venues, in alphabetical order; none where it is not installed."""
    spec = find_spec("ccxt")
    places = spec.submodule_search_locations if spec is not None else None
    found = {file.stem for place in places or () for file in (Path(place) / FOLDER).glob("[a-z]*.py")}
    return tuple(sorted(found))
