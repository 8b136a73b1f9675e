"""Ask the standing surface what a move of price would sweep, and where less stands.

Everything here is about the surface as it stands: what price does next is not claimed.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from engine.columns import Columns
from engine.errors import GridError
from engine.model import Floats, Side
from engine.presets import BIN_LOG

MOVES = (0.01, 0.02, 0.05, 0.10)
AROUND = 0.001
"""Half the width over which the dollars at a price are counted, as a fraction of it."""
STEP = 0.0005
SEARCH = 0.015
"""How far from a price an emptier one is looked for."""
EMPTIER = 0.5
"""What counts as emptier: half of what stands around the price asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands at one candle's close: dollars by log-price bin, longs below the price and shorts above.

    `long[i]` covers log prices from `(close_bin - i) * BIN_LOG` one bin upwards, `short[i]` from
    `(close_bin + i) * BIN_LOG`; both have shape (width,), in USD.
    """

    ts: int
    close_bin: int
    long: Floats
    short: Floats

    @classmethod
    def of(cls, columns: Columns) -> "Standing":
        """Return the newest row of columns; GridError where there is none."""
        if not len(columns.ts):
            raise GridError("there is no candle yet")
        return cls(
            ts=int(columns.ts[-1]),
            close_bin=int(columns.close_bin[-1]),
            long=columns.long[-1].astype(np.float64),
            short=columns.short[-1].astype(np.float64),
        )

    @property
    def ends(self) -> tuple[float, float]:
        """Return the lowest and the highest price up to which it is known what stands."""
        return (
            float(np.exp((self.close_bin + 1 - len(self.long)) * BIN_LOG)),
            float(np.exp((self.close_bin + len(self.short)) * BIN_LOG)),
        )

    def after(self, low: float, high: float) -> "Standing":
        """Return what is left once price has traded from `low` to `high`: longs below it, shorts above."""
        at = np.arange(len(self.long))
        long = np.where(self.close_bin - at < math.floor(math.log(low) / BIN_LOG), self.long, 0.0)
        short = np.where(self.close_bin + at > math.floor(math.log(high) / BIN_LOG), self.short, 0.0)
        return replace(self, long=long, short=short)

    def between(self, side: Side, low: float, high: float) -> float:
        """Return the dollars of one side from price `low` to `high`; bins cut by an edge count pro rata."""
        if not 0 < low <= high:
            raise GridError(f"the range from {low} to {high} is no range of prices")
        depth = self._depth(side, np.array([low, high]))
        return float(abs(depth[1] - depth[0]))

    def within(self, side: Side, edges: Floats) -> Floats:
        """Return the dollars of one side between each two of `edges`, prices that rise; shape (n - 1,)."""
        return np.abs(np.diff(self._depth(side, np.maximum(edges, edges[-1] * 1e-12))))

    def swept(self, price: float, target: float) -> float:
        """Return the dollars that a move from `price` to `target` would sweep: longs down, shorts up."""
        return float(self.swept_at(price, np.array([target]))[0])

    def swept_at(self, price: float, targets: Floats) -> Floats:
        """Return the dollars that a move from `price` to each of `targets` would sweep, of their shape."""
        if not (price > 0 and (targets > 0).all()):
            raise GridError("a move goes from one price above 0 to another")
        depth = [np.abs(self._depth(s, targets) - self._depth(s, np.array([price]))) for s in Side]
        swept: Floats = np.where(targets < price, *depth)
        return swept

    def _depth(self, side: Side, prices: Floats) -> Floats:
        """Return the dollars of one side between the close and prices, nothing before it or past the end."""
        bins = self.long if side is Side.LONG else self.short
        at = np.log(prices) / BIN_LOG
        away = self.close_bin + 1 - at if side is Side.LONG else at - self.close_bin
        total = np.concatenate([[0.0], np.cumsum(bins)])
        return np.asarray(np.interp(away, np.arange(total.size), total))

    def around(self, side: Side, price: float) -> float:
        """Return the dollars of one side within a tenth of a percent of a price."""
        return self.between(side, price * (1 - AROUND), price * (1 + AROUND))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What one move would sweep: the move as a signed fraction, the price there, the dollars on the way."""

    move: float
    target: float
    notional_usd: float


def cascade(standing: Standing, price: float, moves: tuple[float, ...] = MOVES) -> tuple[Sweep, ...]:
    """Return what moves up and down would sweep, cumulatively, from the largest rise to the largest fall."""
    signed = [*sorted(moves, reverse=True), *(-move for move in sorted(moves))]
    return tuple(
        Sweep(move=m, target=price * (1 + m), notional_usd=standing.swept(price, price * (1 + m)))
        for m in signed
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What lies between the price and a target, and the nearest price where half as little stands.

    `way_usd` is swept on the way there, `at_usd` stands around the target itself; `emptier` is None where
    nothing stands at the target, or nothing near it is emptier. All of one side: longs below, shorts above.
    """

    side: Side
    way_usd: float
    at_usd: float
    emptier: float | None
    emptier_usd: float


def check(standing: Standing, price: float, target: float) -> Check:
    """Look at a target, such as a stop; raise GridError for the present price itself."""
    if target == price or target <= 0:
        raise GridError("the price to look at must be above 0 and differ from the present one")
    side = Side.LONG if target < price else Side.SHORT
    at_usd = standing.around(side, target)
    found = _emptier(standing, side, (price, target), at_usd * EMPTIER) if at_usd > 0 else None
    return Check(
        side=side,
        way_usd=standing.swept(price, target),
        at_usd=at_usd,
        emptier=found,
        emptier_usd=standing.around(side, found) if found is not None else 0.0,
    )


def _emptier(standing: Standing, side: Side, prices: tuple[float, float], limit_usd: float) -> float | None:
    """Return the price nearest to the target with at most `limit_usd` around it, on its side of price."""
    price, target = prices
    for step in range(1, round(SEARCH / STEP) + 1):
        for away in (step, -step):
            candidate = target * (1 + away * STEP)
            beyond = (
                candidate * (1 + AROUND) < price if side is Side.LONG else candidate * (1 - AROUND) > price
            )
            if beyond and standing.around(side, candidate) <= limit_usd:
                return candidate
    return None
