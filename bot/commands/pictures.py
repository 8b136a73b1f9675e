"""Have pictures drawn for commands: from the cache for free, anew only where the user may have one now."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import structlog

from bot.commands.context import Context
from bot.commands.limits import PICTURE_EVERY_S
from bot.commands.parts import shares_of, without_of
from bot.commands.reply import Front, Image
from bot.commands.spec import Choice, Kind, Parameter
from bot.lang import N_, _, speech
from bot.live.view import SymbolView
from bot.render.market_request import MarketRequest
from bot.render.picture import Card, Layout, Picture
from bot.render.request import HeatmapRequest
from bot.render.zones_request import ZonesRequest
from engine.errors import LiqwatchError, RenderError, UserError

log = structlog.get_logger(__name__)

Dressed = TypeVar("Dressed", ZonesRequest, MarketRequest, HeatmapRequest)
NOT_DRAWN = N_("The picture could not be drawn this time.")

LAYOUT = Parameter(
    name="layout",
    kind=Kind.CHOICE,
    description=N_("Shape of the picture; auto suits where you are"),
    choices=(
        Choice(value="auto", label=N_("auto")),
        Choice(value="landscape", label=N_("landscape, for desktops")),
        Choice(value="portrait", label=N_("portrait, for phones")),
    ),
)

PATIENCE_S = 3.0
"""Up to how long a picture is waited for instead of refused: nobody has to ask for it twice."""


class _TooSoon(LiqwatchError):
    """Stop a drawing because the user it would be for has just had one."""

    def __init__(self, user_id: str, wait_s: float) -> None:
        super().__init__(user_id)
        self.user_id = user_id
        self.wait_s = wait_s


async def drawn(
    ctx: Context,
    ask: Callable[[Callable[[], None]], Awaitable[Picture]],
    *,
    instead: str,
    aside: bool = False,
) -> Picture:
    """Return a picture that `ask` gets; it calls what it is given before anything is drawn anew.

    Where the user has just had one drawn it comes a little later, and where that were long it is refused by
    UserError; `instead` is a line that works meanwhile. A picture that comes `aside`, with words that nobody
    asked it for, delays no other.
    """
    me = f"{ctx.caller.user_id} aside" if aside else ctx.caller.user_id

    def may_draw() -> None:
        if (wait_s := ctx.limits.picture_wait_s(me)) > 0:
            raise _TooSoon(me, wait_s)
        ctx.limits.picture_drawn(me)

    waited = False
    while True:
        try:
            return await ask(may_draw)
        except _TooSoon as soon:
            if soon.user_id != me:
                continue  # somebody else was waiting for the same picture: ask for oneself
            if waited or soon.wait_s > PATIENCE_S:
                raise UserError(_wait(soon.wait_s), example=instead) from None
        waited = True
        await asyncio.sleep(_soon_s(ctx, me))


def _soon_s(ctx: Context, user_id: str) -> float:
    """Return how long to wait until a user may have a picture, a little more than that."""
    return ctx.limits.picture_wait_s(user_id) + 0.01


def _wait(wait_s: float) -> str:
    return _("One new picture every {picture_every} s: the next in {ceil} s.").format(
        picture_every=speech().figure(f"{PICTURE_EVERY_S:.0f}"), ceil=math.ceil(wait_s)
    )


async def card(ctx: Context, request: Card) -> tuple[tuple[Image, ...], tuple[str, ...]]:
    """Return the picture of a request that has all it shows, or why there is none: the words say the same."""

    async def ask_for(may_draw: Callable[[], None]) -> Picture:
        return await ctx.services.pictures.card(request, may_draw)

    try:
        return (image_of(await drawn(ctx, ask_for, instead="/help", aside=True)),), ()
    except UserError as soon:
        return (), (str(soon),)
    except RenderError as error:
        log.warning("card_not_drawn", file=request.file_name, error=str(error))
        return (), (_(NOT_DRAWN),)


def dressed(ctx: Context, request: Dressed, view: SymbolView, layout: str) -> Dressed:
    """Return a request with what the user chose, and with what is known of the view's data."""
    return replace(
        request,
        theme=ctx.prefs.drawing,
        layout=layout_of(ctx, layout),
        tz=ctx.tz,
        source_label=ctx.services.market.label(),
        without=without_of(ctx, view),
        accuracy=ctx.services.accuracy.line(view.symbol, request.model),
        shares=shares_of(ctx, view),
    )


def layout_of(ctx: Context, asked: str) -> Layout:
    """Return the shape: what was asked for, else what was set, else what suits the front."""
    chosen = asked or ctx.prefs.layout
    if chosen in ("landscape", "portrait"):
        return Layout(chosen)
    return Layout.PORTRAIT if ctx.caller.front is Front.TELEGRAM else Layout.LANDSCAPE


def image_of(picture: Picture) -> Image:
    """Return a picture as part of a reply."""
    return Image(
        png=picture.png, name=picture.name, alt=picture.alt, width=picture.width, height=picture.height
    )
