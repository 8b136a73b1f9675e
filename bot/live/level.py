"""Correct what a model expects by what was reported: a factor for each symbol and side, applied when read.

Books and the store keep what the model says at its fixed scale, so that history and the judgement of zones do
not jump when a factor does. Which bins are zones does not depend on a factor; their dollars do.
"""

from dataclasses import replace

from bot.live.view import Level
from engine.columns import Columns
from engine.grid import Grid
from engine.model import Side, Zone, ZoneEvent, ZoneSet
from engine.standing import Standing


class Levels:
    """Hold the factors and apply them; a symbol without one is left as it is."""

    def __init__(self) -> None:
        self._held: dict[str, Level] = {}
        self._zones: dict[str, tuple[ZoneSet, Level, ZoneSet]] = {}

    def of(self, symbol: str) -> Level | None:
        """Return the factor of a symbol, None where there is none."""
        return self._held.get(symbol)

    def put(self, symbol: str, level: Level | None) -> bool:
        """Set the factor of a symbol, or take it away; return whether dollars change by it."""
        before = self._held.pop(symbol, None)
        if level is not None:
            self._held[symbol] = level
        return (before and (before.long, before.short)) != (level and (level.long, level.short))

    def standing(self, symbol: str, standing: Standing) -> Standing:
        """Return what stands, corrected."""
        level = self.of(symbol)
        if level is None:
            return standing
        return replace(standing, long=standing.long * level.long, short=standing.short * level.short)

    def columns(self, symbol: str, columns: Columns) -> Columns:
        """Return columns, corrected by the factor of now."""
        level = self.of(symbol)
        if level is None:
            return columns
        long, short = (factor * columns.long.dtype.type(1) for factor in (level.long, level.short))
        return replace(columns, long=columns.long * long, short=columns.short * short)

    def grid(self, grid: Grid) -> Grid:
        """Return a grid, corrected all over by the factor of now: a level keeps its shade as it ages."""
        level = self.of(grid.symbol)
        if level is None:
            return grid
        return replace(
            grid,
            long=grid.long * grid.long.dtype.type(level.long),
            short=grid.short * grid.short.dtype.type(level.short),
        )

    def zones(self, symbol: str, zones: ZoneSet | None) -> ZoneSet | None:
        """Return zones, corrected; what `min=auto` asks for is over both sides, and so is its factor."""
        level = self.of(symbol)
        if level is None or zones is None:
            return zones
        made = self._zones.get(symbol)
        if made is None or made[0] is not zones or made[1] != level:
            corrected = replace(
                zones,
                zones=tuple(_zone(zone, level) for zone in zones.zones),
                auto_min_usd=zones.auto_min_usd * (level.long + level.short) / 2,
            )
            made = self._zones[symbol] = (zones, level, corrected)
        return made[2]

    def events(self, symbol: str, events: list[ZoneEvent]) -> list[ZoneEvent]:
        """Return what happened to zones, corrected."""
        level = self.of(symbol)
        if level is None:
            return events
        return [replace(event, zone=_zone(event.zone, level)) for event in events]


def _zone(zone: Zone, level: Level) -> Zone:
    factor = level.long if zone.side is Side.LONG else level.short
    return replace(zone, notional_usd=zone.notional_usd * factor)
