"""Answer `/swept`: the zone that price went through last, before and after."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.commands import ids, words
from bot.commands.amounts import DAY_MS, HOUR_MS
from bot.commands.context import Context
from bot.commands.parts import SHARE, SYMBOL, rows, stale_notice, symbol_of, view_of
from bot.commands.pictures import LAYOUT, drawn, dressed, image_of
from bot.commands.reply import Button, Reply
from bot.commands.spec import Call, Command, Cost, Visibility, Who
from bot.lang import N_, _
from bot.live.view import SymbolView
from bot.render import text
from bot.render.picture import Picture
from bot.render.request import HeatmapRequest
from bot.render.swept_request import SweptRequest
from engine.errors import UserError
from engine.grid import Grid
from engine.model import Side, ZoneEvent
from engine.rules.atom import usd_before, usd_swept

HALF = 0.5
"""How much of a zone has to be swept to count: less is a touch."""
MATTERS = 0.2
"""A sweep of less than this share of the day's largest is passed over for a larger one before it."""
LEAST_WINDOW_MS = 4 * HOUR_MS
BEFORE_AND_AFTER = 3
"""How many times the time since the sweep the picture shows."""


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with two heatmaps of the same prices: as price came to the zone, and now."""
    symbol = symbol_of(ctx, call)
    view = view_of(ctx, symbol)
    event = _chosen(await ctx.services.reports.swept(view.venue, symbol, ctx.now_ms - DAY_MS, ctx.now_ms + 1))
    if event is None:
        raise UserError(
            _("No zone of {coin} was swept in the last 24 hours.").format(coin=text.base(symbol)),
            example=f"/zones {text.base(symbol).lower()}",
        )
    picture = await _draw(ctx, call, view, event)
    return Reply(
        command="swept",
        title=_("{coin}: before and after a sweep").format(coin=text.base(symbol)),
        text=picture.alt,
        images=(image_of(picture),),
        buttons=rows(
            [
                Button(label=_("Refresh"), action=ids.action("swept", "", symbol, edits=True)),
                Button(label=_("Heatmap"), action=ids.action("heatmap", "", symbol)),
                Button(label=_("Zones"), action=ids.action("zones", "", symbol)),
            ]
        ),
        price=view.price,
        notice=stale_notice(ctx, view),
    )


def _chosen(events: Sequence[ZoneEvent]) -> ZoneEvent | None:
    """Return the newest sweep that matters, the largest of those in its candle."""
    swept = [event for event in events if event.fraction >= HALF]
    most = max(map(usd_swept, swept), default=0.0)
    matter = [event for event in swept if usd_swept(event) >= MATTERS * most and most > 0]
    return max(matter, key=lambda event: (event.ts, usd_swept(event)), default=None)


async def _draw(ctx: Context, call: Call, view: SymbolView, event: ZoneEvent) -> Picture:
    since_ms = ctx.now_ms - event.ts
    window_ms = min(max(BEFORE_AND_AFTER * since_ms, LEAST_WINDOW_MS), DAY_MS)
    plain = HeatmapRequest.of(
        view, now_ms=ctx.now_ms, window_ms=window_ms, window_label=words.span_short(window_ms)
    )
    level = view.level
    factor = 1.0 if level is None else level.long if event.zone.side is Side.LONG else level.short
    request = SweptRequest(
        now=dressed(ctx, plain, view, call.text("layout")),
        zone=replace(event.zone, notional_usd=usd_before(event) * factor),
        swept_usd=usd_swept(event) * factor,
        swept_ts=event.ts,
    )

    async def ask_for(may_draw: Callable[[], None]) -> Picture:
        async def grids() -> Sequence[Grid]:
            may_draw()
            return [await ctx.services.market.grid(view.symbol, window_ms)]

        return await ctx.services.pictures.panels(request, grids)

    return await drawn(ctx, ask_for, instead="/zones btc")


COMMANDS = (
    Command(
        noun="swept",
        description=N_("Show the zone that price went through last, before and after"),
        run=show,
        parameters=(SYMBOL, LAYOUT, SHARE),
        aliases=("before-after", "aftermath"),
        examples=("/swept btc",),
        visibility=Visibility.SHAREABLE,
        cost=Cost.PICTURE,
        who=Who.EVERYONE,
    ),
)
