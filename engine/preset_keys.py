"""Know every key of a model in a file: what each wants, and how far it may go."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.preset_values import Number, Numbers, Place, Rows
from engine.presets import Sides

MAX_LEVELS = 64
MAX_LIFETIMES = 8
MAX_POINTS = 16
MAX_REACH = 0.6
NEAREST = 0.0005
"""Distance of the nearest level that is allowed: a state bin is .0002 wide."""

_DISTANCE = Number(
    low=NEAREST, high=0.45, percent=True, wants='a fraction from 0.0005 to 0.45, such as 0.005 or "0.5%"'
)
_WEIGHT = Number(low=0, high=1000, percent=True, wants='a number from 0 to 1000, such as 0.25 or "25%"')
_LEVERAGE = Number(low=2.3, high=500, wants="a leverage from 2.3 to 500, such as 25")
_PRICE = Number(low=0, high=1, wants="the share of this price, from 0 to 1, such as 0.5")

LISTS: Mapping[str, Numbers] = {
    "distances": Numbers(
        each=_DISTANCE, most=MAX_LEVELS, wants='1 to 64 fractions of the entry price, such as [0.005, "1%"]'
    ),
    "weights": Numbers(
        each=_WEIGHT, most=MAX_LEVELS, wants="1 to 64 numbers, one a level, such as [0.4, 0.6]"
    ),
    "leverages": Numbers(each=_LEVERAGE, most=MAX_LEVELS, wants="1 to 64 leverages, such as [10, 25, 50]"),
}
ROWS: Mapping[str, Rows] = {
    "lifetimes": Rows(
        columns={
            "half_life_h": Number(
                low=0.05, high=8760, never=True, wants='hours from 0.05 to 8760, such as 48, or "never"'
            ),
            "amplitude": Number(low=0.001, high=1000, wants="a number from 0.001 to 1000, such as 1"),
        },
        needed=frozenset({"half_life_h", "amplitude"}),
        most=MAX_LIFETIMES,
        wants="1 to 8 lifetimes, such as [{half_life_h = 48, amplitude = 1}]",
    ),
    "entry": Rows(
        columns={
            **dict.fromkeys(("open", "high", "low", "close"), _PRICE),
            "share": Number(low=0.001, high=1, wants="a share of the mass from 0.001 to 1, such as 0.5"),
        },
        needed=frozenset(),
        most=MAX_POINTS,
        wants="1 to 16 points, such as [{open = 0.5, close = 0.5}]",
    ),
}
NUMBERS: Mapping[str, Number] = {
    "maintenance_margin_rate": Number(
        low=0, high=0.1, percent=True, wants='a fraction from 0 to 0.1, such as 0.004 or "0.4%"'
    ),
    "take_profit": Number(
        low=0.0005,
        high=MAX_REACH,
        percent=True,
        never=True,
        wants='a move in log price from 0.0005 to 0.6, such as 0.006 or "0.6%", or "never"',
    ),
    "volume_exponent": Number(low=0, high=2, wants="a number from 0 to 2, such as 0.75"),
    "norm_days": Number(low=1, high=60, wants="1 to 60 days, such as 30"),
    "norm_min_days": Number(low=0.25, high=60, wants="0.25 to 60 days, such as 3"),
    "warm_days": Number(low=1, high=60, wants="1 to 60 days, such as 7"),
    "reach": Number(low=0.01, high=MAX_REACH, wants="a log width of price from 0.01 to 0.6, such as 0.12"),
    "spread": Number(low=1, high=MAX_POINTS, whole=True, wants="a whole number from 1 to 16, such as 5"),
    "feedback": Number(low=0, high=1, percent=True, wants='a fraction from 0 to 1, such as 0.1 or "10%"'),
}
KEYS = ("base", *LISTS, *ROWS, *NUMBERS, "sides")
"""Every key of a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Hold what a model says, read; `refused` are the keys that could not be."""

    lists: Mapping[str, list[float]]
    rows: Mapping[str, list[dict[str, float]]]
    numbers: Mapping[str, float]
    sides: Sides | None
    refused: frozenset[str]

    def has(self, name: str) -> bool:
        """Say whether a key was read."""
        sided = name == "sides" and self.sides is not None
        return sided or name in self.lists or name in self.rows or name in self.numbers

    def lacks(self, *names: str) -> bool:
        """Say whether any of these keys is written, and was refused."""
        return bool(self.refused.intersection(names))


def read_keys(place: Place, table: Mapping[str, object]) -> Written:
    """Read every known key by itself; what goes together is judged later."""
    lists = {n: kind.read(place.key(n), table[n]) for n, kind in LISTS.items() if n in table}
    rows = {n: kind.read(place.key(n), table[n]) for n, kind in ROWS.items() if n in table}
    numbers = {n: kind.read(place.key(n), table[n]) for n, kind in NUMBERS.items() if n in table}
    sides = None
    if "sides" in table:
        sides = next((side for side in Sides if side.value == table["sides"]), None)
        if sides is None:
            place.key("sides").refuse(table["sides"], 'both or colour, such as "both"')
    read: dict[str, object] = {**lists, **rows, **numbers}
    if "sides" in table:
        read["sides"] = sides
    return Written(
        lists={n: v for n, v in lists.items() if v is not None},
        rows={n: v for n, v in rows.items() if v is not None},
        numbers={n: v for n, v in numbers.items() if v is not None},
        sides=sides,
        refused=frozenset(n for n, value in read.items() if value is None),
    )
