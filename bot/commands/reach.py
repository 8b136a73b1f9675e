"""Say how likely price is to come to the nearest zones: by how far they are and how much price moves."""

import asyncio
from collections.abc import Sequence

from bot.commands import words
from bot.commands.context import Context
from bot.lang import _
from bot.live.view import SymbolView
from engine.errors import LiqwatchError
from engine.model import HOUR_MS, Candles, Side, Zone
from engine.touch import HORIZONS_H, WEEK_H, outlook, typical_moves

LEAST, MOST = 0.01, 0.99


async def reach(ctx: Context, view: SymbolView, zones: Sequence[Zone]) -> str:
    """Return a line on the nearest of these zones on each side that price is not in.

    Empty where there is none, or where too little is known of how price moved lately.
    """
    nearest = [zone for side in Side if (zone := _nearest(view, zones, side)) is not None]
    if not nearest:
        return ""
    try:
        candles = await ctx.services.market.history(view.symbol, WEEK_H * HOUR_MS)
        told = await asyncio.to_thread(_chances, candles, nearest, view.price, ctx.now_ms)
    except LiqwatchError:
        return ""
    hours = words.joined([f"{hours}" for hours in HORIZONS_H])
    return (
        _("Chance to reach the nearest within {hours} h, by recent moves alone: {what}.").format(
            hours=hours, what=told
        )
        if told
        else ""
    )


def _nearest(view: SymbolView, zones: Sequence[Zone], side: Side) -> Zone | None:
    """Return the nearest zone of a side that price has not come to."""
    away = [zone for zone in zones if zone.side is side and zone.distance(view.price) > 0]
    return min(away, key=lambda zone: zone.distance(view.price), default=None)


def _chances(candles: Candles, zones: Sequence[Zone], price: float, now_ms: int) -> str:
    """Return each zone's chances; empty where price has not moved at all. Raise DataError for too little."""
    moves = typical_moves(candles, now_ms=now_ms)
    if not (moves.day > 0 and moves.week > 0):
        return ""
    found = {zone.side: outlook(zone, price, moves) for zone in zones}
    return "; ".join(
        (_("longs") if side is Side.LONG else _("shorts"))
        + " "
        + ", ".join(_percent(each.chance) for each in rising)
        for side, rising in found.items()
    )


def _percent(chance: float) -> str:
    """Return a chance in whole percent, never as certain: it is an estimate."""
    if chance < LEAST:
        return "<1%"
    return ">99%" if chance > MOST else f"{chance:.0%}"
