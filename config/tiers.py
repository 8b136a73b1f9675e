"""Read margin tiers from text files: the ones that ship, or a directory of your own.

A file is a venue: lines of `key: value` (venue, as of, source, unit), then a line for each set of tiers:
`BTCUSDT BTCUSDC | 300000:0.004:150 800000:0.005:100`, markets before the bar, tiers after it as
`cap:rate:highest leverage`, smallest first; `inf` for a last tier without a cap, no rate for one of half the
initial margin. A line may begin with its own `@date`, where its markets were read on another day.
"""

import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ConfigError, MarginError
from engine.margin.tiers import TierTable, TierUnit, make_tiers

SHIPPED = Path(__file__).parent / "margin_tiers"
SUFFIX = ".tiers"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueTiers:
    """Everything one file says: the tables of a venue by symbol, and where they are from."""

    venue: str
    as_of: str
    source: str
    tables: Mapping[str, TierTable]


class TierBook:
    """Find the tier table of a market: one that was read anew, else that of a file.

    Files are read when first asked for, and kept. May be used by several threads.
    """

    def __init__(self, directory: Path = SHIPPED) -> None:
        self._directory = directory
        self._read: dict[str, VenueTiers] = {}
        self._renewed: dict[tuple[str, str], TierTable] = {}
        self._lock = threading.Lock()

    @property
    def venues(self) -> tuple[str, ...]:
        """Return the venues there are tables of."""
        with self._lock:
            renewed = {venue for venue, _ in self._renewed}
        return tuple(sorted({*self._files(), *renewed}))

    def venue(self, name: str) -> VenueTiers:
        """Return all tables of a venue's file. Raise MarginError where there are none, ConfigError if bad."""
        with self._lock:
            if name not in self._read:
                self._read[name] = self._load(name)
            return self._read[name]

    def table(self, venue: str, symbol: str) -> TierTable | None:
        """Return the tiers of a market, None where there are none of it. Raises as `venue` does."""
        with self._lock:
            renewed = self._renewed.get((venue, symbol))
        return renewed or self.venue(venue).tables.get(symbol)

    def filed(self, venue: str, symbol: str) -> TierTable | None:
        """Return the tiers of a market as a file has them, None where none does."""
        return self.venue(venue).tables.get(symbol) if venue in self._files() else None

    def renew(self, tables: Iterable[TierTable]) -> None:
        """Let tables win over those of files, and over those that were renewed before."""
        with self._lock:
            self._renewed |= {(table.venue, table.symbol): table for table in tables}

    def _files(self) -> frozenset[str]:
        return frozenset(path.stem for path in self._directory.glob(f"*{SUFFIX}"))

    def _load(self, name: str) -> VenueTiers:
        path = self._directory / f"{name}{SUFFIX}"
        if name not in self._files():
            raise MarginError(f"there are no margin tiers of {name}")
        return parse_tiers(path.read_text(encoding="utf-8").splitlines(), name=path.name)


def parse_tiers(lines: Iterable[str], *, name: str = "tiers") -> VenueTiers:
    """Return what a file says. Raise ConfigError that names the file and the line that is wrong."""
    head: dict[str, str] = {}
    tables: dict[str, TierTable] = {}
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            if "|" in text:
                tables |= _tables(text, head)
            else:
                key, _, value = text.partition(":")
                head[key.strip()] = value.strip()
        except (MarginError, ArithmeticError, ValueError, KeyError) as error:
            raise ConfigError(
                [f"{name}, line {number}: {error}; expected MARKET | cap:rate:leverage"]
            ) from None
    missing = [key for key in ("venue", "as of", "source", "unit") if key not in head]
    if missing:
        raise ConfigError([f"{name} does not say its {' and '.join(missing)}: add `{missing[0]}: …` on top"])
    return VenueTiers(venue=head["venue"], as_of=head["as of"], source=head["source"], tables=tables)


def _tables(text: str, head: Mapping[str, str]) -> dict[str, TierTable]:
    """Return the tables of one line."""
    names, _, tiers = text.partition("|")
    symbols = names.split()
    as_of = symbols.pop(0)[1:] if symbols and symbols[0].startswith("@") else head["as of"]
    made = make_tiers([_tier(word) for word in tiers.split()])
    unit = TierUnit(head["unit"])
    return {
        symbol: TierTable(
            venue=head["venue"], symbol=symbol, as_of=as_of, source=head["source"], tiers=made, unit=unit
        )
        for symbol in symbols
    }


def _tier(word: str) -> tuple[float, float, float]:
    cap, rate, leverage = word.split(":")
    return float(cap), float(rate) if rate else 1 / (2 * float(leverage)), float(leverage)


def fraction_rate(rate: float, initial_rate: float, max_leverage: float) -> float:
    """Return a maintenance rate as a fraction, whichever way a venue wrote it (.005 or 0.5 for 0.5 %).

    Bybit's documents show both. The initial rate times the highest leverage is 1 in fractions, 100 in
    percent. Raise MarginError where it is neither.
    """
    product = initial_rate * max_leverage
    for whole in (1.0, 100.0):
        if math.isclose(product, whole, rel_tol=0.05):
            return rate / whole
    raise MarginError(f"an initial rate of {initial_rate:g} does not go with a leverage of {max_leverage:g}")
