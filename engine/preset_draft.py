"""Put one model of a file together: what is written over what its base has."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.preset_keys import MAX_REACH, NEAREST, Written
from engine.preset_values import Place
from engine.presets import LEVERAGES, MAINTENANCE_MARGIN_RATE, EntryPoint, Fuel, Level, Lifetime, Preset

_SAME = 1e-6
"""How far from 1 a sum of shares may be; what comes out sums to 1."""
_OF_VOLUME = ("volume_exponent", "norm_days", "norm_min_days")
_OF_OPEN_INTEREST = ("sides", "feedback")
_DAYS = ("norm_min_days", "norm_days", "warm_days")
_LADDER = ("leverages", "maintenance_margin_rate")
_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Draft:
    """Put what is written of a model over its base, and note at its place what does not go together."""

    place: Place
    base: Preset
    written: Written

    @property
    def _coins(self) -> bool:
        """Say whether mass is open interest."""
        return self.base.fuel is Fuel.OPEN_INTEREST

    def _number(self, name: str) -> float:
        """Return a number as written, else the base's."""
        return self.written.numbers.get(name, float(getattr(self.base, name)))

    def preset(self, name: str) -> Preset | None:
        """Return the model, None once something of it does not go with the rest."""
        before = len(self.place.problems)
        self._check()
        levels, lifetimes, entry = self._levels(), self._lifetimes(), self._entry()
        if len(self.place.problems) > before or self.written.refused:
            return None
        try:
            return replace(
                self.base,
                name=name,
                levels=levels,
                lifetimes=lifetimes,
                entry=entry,
                spread=self._spread(),
                sides=self.written.sides or self.base.sides,
                take_profit=self._take_profit(),
                volume_exponent=self._number("volume_exponent"),
                norm_days=self._number("norm_days"),
                norm_min_days=self._number("norm_min_days"),
                warm_days=self._number("warm_days"),
                reach=self._number("reach"),
                feedback=self._number("feedback"),
            )
        except ValueError as error:
            self.place.note(
                f"cannot be put together: {error}. Leave out what differs from its base, key by key."
            )
            return None

    def _check(self) -> None:
        """Note keys that the base has no use for, and days that cannot be."""
        unused = _OF_VOLUME if self._coins else _OF_OPEN_INTEREST
        told, others = ("open interest", '"flow"') if self._coins else ("volume", '"leverage" or "simple"')
        for name in unused:
            if self.written.has(name) or self.written.lacks(name):
                had = f"is not used on {self.base.name}, whose mass is made of {told}"
                self._note(name, f"{had}. Remove it, or take the base {others}.")
        if self._coins or self.written.lacks(*_DAYS):
            return
        least = self._number("norm_min_days")
        for name in ("norm_days", "warm_days"):
            most = self._number(name)
            if least > most:
                had = f"is {least:g}{self._of('norm_min_days')}, and {name} is {most:g}{self._of(name)}"
                self._note("norm_min_days", f"{had}. Write {most:g} or less.")

    def _levels(self) -> tuple[Level, ...]:
        """Return the levels with their weights; the base's where something is wrong with them."""
        if self.written.lacks(*_LADDER, "distances", "weights"):
            return self.base.levels
        before = len(self.place.problems)
        placed = self._placed()
        if len(self.place.problems) > before:
            return self.base.levels
        self._within_reach(placed)
        weights = self._weights(placed)
        return tuple(replace(level, weight=w) for level, w in zip(placed, weights, strict=True))

    def _placed(self) -> tuple[Level, ...]:
        """Return where the levels are; those of the base keep their weights."""
        written = self.written
        if "distances" in written.lists:
            for name in _LADDER:
                if written.has(name):
                    self._note(name, "does not go with distances. Remove one of the two.")
            distances = self._distinct("distances")
            return tuple(Level.at(distance, weight=0.0) for distance in distances)
        if "leverages" in written.lists:
            return self._ladder(self._distinct("leverages"))
        if not written.has("maintenance_margin_rate"):
            return self.base.levels
        if self._coins:
            return self._ladder(LEVERAGES)
        self._note(
            "maintenance_margin_rate", "belongs to leverages, and there are none. Add them, or remove it."
        )
        return ()

    def _ladder(self, leverages: Sequence[float]) -> tuple[Level, ...]:
        """Return the levels of leverages, none where a position would be liquidated at once."""
        rate = self.written.numbers.get("maintenance_margin_rate", MAINTENANCE_MARGIN_RATE)
        most = math.floor(1 / (rate + NEAREST * (1 - rate)))
        if max(leverages) > most:
            had = f"a leverage of {max(leverages):g} has no room above a maintenance margin rate of {rate:g}"
            name = "leverages" if self.written.has("leverages") else "maintenance_margin_rate"
            self._note(name, f"{had}. Write leverages of {most} or less, or a lower rate.")
            return ()
        return tuple(Level.rung(leverage, rate, weight=0.0) for leverage in leverages)

    def _distinct(self, name: str) -> list[float]:
        """Return a list, once it is noted what stands in it twice."""
        values = self.written.lists[name]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            self._note(name, f"names {', '.join(f'{v:g}' for v in twice)} more than once. Leave one of each.")
        return values

    def _within_reach(self, placed: Sequence[Level]) -> None:
        """Note a reach that ends before the farthest level: it would stand unseen."""
        reach, farthest = self._number("reach"), max(max(v.long_log, v.short_log) for v in placed)
        if farthest >= reach and not self.written.lacks("reach"):
            enough = min(math.ceil(farthest * 100 + 1) / 100, MAX_REACH)
            had = (
                f"is {reach:g}{self._of('reach')}, and in log price the farthest level is {farthest:.3f} away"
            )
            self._note("reach", f"{had}. Write {enough:g} or more, or leave that level out.")

    def _weights(self, placed: Sequence[Level]) -> list[float]:
        """Return a weight for each level, those they have where something is wrong with them."""
        given = self.written.lists.get("weights")
        kept = [level.weight for level in placed]
        if given is None:
            return kept if any(kept) else self._usual_weights(placed)
        if len(given) != len(placed):
            told = f"has {len(given)} for {len(placed)} levels. Write one a level, in their order."
            self._note("weights", told)
        elif not any(given):
            self._note("weights", "is 0 for every level, so nothing would be drawn. Raise one.")
        elif self._coins and sum(given) > 1 + _SAME:
            had = f"sums to {sum(given):.4g}, and on {self.base.name} weights are shares of what is opened"
            self._note("weights", f"{had}. Write shares that sum to 1 or less.")
        else:
            return given
        return kept

    def _usual_weights(self, placed: Sequence[Level]) -> list[float]:
        """Return the weights of levels that are not the base's: flow's go by distance."""
        if not self._coins:
            return [level.distance for level in placed]
        if not self.written.has("leverages") and not self.written.has("distances"):
            return list(self.base.weights)
        had = f"is missing: on {self.base.name} each level holds a share of what is opened"
        self._note("weights", f"{had}. Write {len(placed)} shares that sum to 1 or less.")
        return [0.0] * len(placed)

    def _lifetimes(self) -> tuple[Lifetime, ...]:
        """Return the lifetimes; the base's where there are none."""
        rows = self.written.rows.get("lifetimes")
        if rows is None:
            return self.base.lifetimes
        total = sum(row["amplitude"] for row in rows)
        if self._coins and abs(total - 1) > _SAME:
            had = f"has amplitudes that sum to {total:.4g}; on {self.base.name} they are shares"
            self._note("lifetimes", f"{had}. Write amplitudes that sum to 1.")
        whole = total if self._coins else 1.0
        return tuple(Lifetime(half_life_h=r["half_life_h"], amplitude=r["amplitude"] / whole) for r in rows)

    def _entry(self) -> tuple[EntryPoint, ...]:
        """Return the entry points: none with a spread, the base's where neither is written."""
        rows = self.written.rows.get("entry")
        if rows is None:
            return () if self.written.has("spread") else self.base.entry
        if self.written.has("spread"):
            self._note("spread", "does not go with entry. Remove one of the two.")
        shares = self._shares(rows)
        blends = [sum(row.get(price, 0.0) for price in _PRICES) for row in rows]
        for i, blend in enumerate(blends):
            if abs(blend - 1) > _SAME:
                had = f"is {blend:.4g} of prices in all"
                told = f"{had}. Write shares of {', '.join(_PRICES)} that sum to 1."
                self.place.key("entry").item(i).note(told)
        return tuple(
            _point(row, blend, share) for row, blend, share in zip(rows, blends, shares, strict=True)
        )

    def _shares(self, rows: Sequence[Mapping[str, float]]) -> list[float]:
        """Return what part of the mass each point takes: as much as the others where none says."""
        given = [row["share"] for row in rows if "share" in row]
        if not given:
            return [1 / len(rows)] * len(rows)
        if len(given) < len(rows):
            self._note("entry", "has a share in some of its points. Give each a share, or none.")
        elif abs(sum(given) - 1) > _SAME:
            self._note("entry", f"has shares that sum to {sum(given):.4g}. Write shares that sum to 1.")
        else:
            return [share / sum(given) for share in given]
        return [1 / len(rows)] * len(rows)

    def _spread(self) -> int:
        """Return how many points stand between low and high; none where there are entry points."""
        if self.written.has("spread"):
            return int(self.written.numbers["spread"])
        return 0 if self.written.has("entry") else self.base.spread

    def _take_profit(self) -> float | None:
        """Return the move in favour after which mass leaves, None for never."""
        move = self.written.numbers.get("take_profit")
        if move is None:
            return self.base.take_profit
        return None if math.isinf(move) else move

    def _note(self, name: str, problem: str) -> None:
        self.place.key(name).note(problem)

    def _of(self, name: str) -> str:
        """Say where a number is from that is not written."""
        return "" if self.written.has(name) else f" (of {self.base.name})"


def _point(row: Mapping[str, float], blend: float, share: float) -> EntryPoint:
    """Return a point whose prices sum to 1, where they do but for rounding."""
    at = {price: row.get(price, 0.0) / (blend or 1.0) for price in _PRICES}
    return EntryPoint(open=at["open"], high=at["high"], low=at["low"], close=at["close"], share=share)
