"""Ask for the card of a market, from what `/market` knows of it."""

from collections.abc import Sequence
from dataclasses import replace

from bot.commands.amounts import DAY_MS
from bot.commands.context import Context
from bot.commands.market_venues import VenueLine, funding_year, open_interest, rate, volume_usd
from bot.commands.pictures import card, dressed
from bot.commands.reply import Image
from bot.live.view import SymbolView
from bot.render.market_request import MarketRequest, VenueFacts
from engine.errors import LiqwatchError
from engine.model import STEP_MS, Floats, Ints


async def picture(
    ctx: Context, view: SymbolView, lines: Sequence[VenueLine], layout: str
) -> tuple[tuple[Image, ...], tuple[str, ...]]:
    """Return the card, nothing where no price of the last day is known, or why there is no picture."""
    try:
        candles = await ctx.services.market.history(view.symbol, DAY_MS)
    except LiqwatchError:
        return (), ()
    ends: Ints = candles.ts + STEP_MS
    if not len(candles):
        return (), ()
    return await card(ctx, request_of(ctx, view, lines, (ends, candles.close), layout))


def request_of(
    ctx: Context,
    view: SymbolView,
    lines: Sequence[VenueLine],
    closes: tuple[Ints, Floats],
    layout: str,
) -> MarketRequest:
    """Return what the card is to show; `closes` are the times and prices of the day's closes."""
    carried = open_interest(view, lines)
    coins, change = carried if carried is not None else (None, None)
    return replace(
        dressed(ctx, MarketRequest.of(view, now_ms=ctx.now_ms), view, layout),
        ts=closes[0],
        closes=closes[1],
        low_24h=view.low_24h,
        high_24h=view.high_24h,
        volume_usd=volume_usd(view, lines),
        open_interest_usd=None if coins is None else coins * view.price,
        open_interest_change=change,
        funding_year=funding_year(lines),
        lines=tuple(_facts(line) for line in lines),
    )


def _facts(line: VenueLine) -> VenueFacts:
    carried, price = line.carried, line.price
    before = carried.coins_before if carried is not None else None
    return VenueFacts(
        venue=line.venue,
        price=price,
        volume_usd=line.volume_usd,
        open_interest_usd=carried.coins * price if carried is not None and price is not None else None,
        open_interest_change=carried.coins / before - 1 if carried is not None and before else None,
        funding="" if line.paid is None else rate(line.paid),
        ratio=line.ratio,
        share=line.share,
    )
