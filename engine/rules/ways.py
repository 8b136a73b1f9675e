"""Name the ways that conditions can be asked for, the same for all of them."""

from enum import StrEnum

from engine.model import Side


class Level(StrEnum):
    """Which side of a level."""

    ABOVE = "above"
    BELOW = "below"
    EITHER = "either"


class Move(StrEnum):
    """Which way something moves."""

    UP = "up"
    DOWN = "down"
    EITHER = "either"


def whose(side: Side | None) -> str:
    """Return a word for positions of a side, with a blank after it; empty for both."""
    return f"{side.value} " if side else ""
