"""Answer `/cascade` and `/check`: what a move would sweep, and what stands between price and a stop."""

from collections.abc import Callable
from dataclasses import replace

import structlog

from bot.commands import ids, words
from bot.commands.context import Context
from bot.commands.parts import (
    SHARE,
    SYMBOL,
    dollars,
    rows,
    stale_notice,
    symbol_of,
    view_of,
    without_of,
)
from bot.commands.pictures import LAYOUT, drawn, image_of, layout_of
from bot.commands.reply import Button, Image, Reply, Table
from bot.commands.spec import Call, Command, Cost, Kind, Parameter, Visibility, Who
from bot.lang import N_, _
from bot.live.view import SymbolView
from bot.render import text
from bot.render.cascade_request import CascadeRequest
from bot.render.picture import Layout, Picture
from engine.errors import RenderError, UserError
from engine.model import Side
from engine.standing import AROUND, Check, Standing, Sweep, cascade, check

log = structlog.get_logger(__name__)

VALIDATED = 0.10
"""Beyond this distance nothing has been validated, and the surface ends soon after."""
NOT_A_FORECAST = N_("This is what stands there now, not where price goes.")
PRICE = Parameter(
    name="price",
    kind=Kind.PRICE,
    description=N_("The price to look at, such as your stop"),
    required=True,
    examples=("112000", "3,850.5"),
)
REQUIRED_SYMBOL = replace(SYMBOL, required=True, description=N_("Market, such as btc, eth/usdt or SOL-PERP"))


async def show_cascade(ctx: Context, call: Call) -> Reply:
    """Answer with the dollars that moves of 1, 2, 5 and 10 % would sweep, each way."""
    symbol = symbol_of(ctx, call)
    view = view_of(ctx, symbol)
    standing = ctx.services.market.standing(symbol)
    images, without = await _picture(ctx, view, standing, layout_of(ctx, call.text("layout")))
    sweeps = cascade(standing, view.price)
    largest = max(s.notional_usd for s in sweeps)
    table = Table(
        headings=(_("Move"), _("Price"), _("Swept"), ""),
        rows=tuple(
            (
                text.percent(s.move),
                text.price(s.target),
                _of(s.notional_usd, Side.SHORT if s.move > 0 else Side.LONG),
                _bar(s.notional_usd, largest),
            )
            for s in sweeps
        ),
        numeric=(_("Move"), _("Price"), _("Swept")),
    )
    return Reply(
        command="cascade",
        title=_("{base}: what a move would sweep").format(base=text.base(symbol)),
        text=" ".join(
            [
                _("From {dollars}, cumulatively, as the book stands.").format(dollars=dollars(view.price)),
                *_beyond(standing, sweeps),
                _(NOT_A_FORECAST),
                *without,
            ]
        ),
        table=table,
        images=images,
        buttons=_buttons(symbol, "cascade"),
        price=view.price,
        notice=stale_notice(ctx, view),
    )


def _beyond(standing: Standing, sweeps: tuple[Sweep, ...]) -> list[str]:
    """Return a sentence where a move goes beyond what is known to stand: its sum ends there."""
    low, high = standing.ends
    if any(not low <= sweep.target <= high for sweep in sweeps):
        return [
            _("What stands is known from {dollars} to {dollars2}; sums of moves beyond end there.").format(
                dollars=dollars(low), dollars2=dollars(high)
            )
        ]
    return []


async def _picture(
    ctx: Context, view: SymbolView, standing: Standing, layout: Layout
) -> tuple[tuple[Image, ...], tuple[str, ...]]:
    """Return the picture, or why there is none: the words and the table say the same."""
    request = replace(
        CascadeRequest.of(view, now_ms=ctx.now_ms),
        theme=ctx.prefs.drawing,
        layout=layout,
        tz=ctx.tz,
        source_label=ctx.services.market.label(),
        without=without_of(ctx, view),
    )
    request = replace(request, accuracy=ctx.services.accuracy.line(view.symbol, request.model))

    async def ask_for(may_draw: Callable[[], None]) -> Picture:
        def stands() -> Standing:
            may_draw()
            return standing

        return await ctx.services.pictures.cascade(request, stands)

    try:
        return (image_of(await drawn(ctx, ask_for, instead="/zones btc")),), ()
    except UserError as soon:
        return (), (str(soon),)
    except RenderError as error:
        log.warning("cascade_not_drawn", symbol=view.symbol, error=str(error))
        return (), (_("The picture could not be drawn this time."),)


async def show_check(ctx: Context, call: Call) -> Reply:
    """Answer with what lies between the price and another, and the nearest emptier place."""
    symbol = symbol_of(ctx, call)
    view = view_of(ctx, symbol)
    target = call.number("price") or 0.0
    away = target / view.price - 1
    if target == view.price or abs(away) > VALIDATED:
        low, high = view.price * (1 - VALIDATED), view.price * (1 + VALIDATED)
        raise UserError(
            _(
                "{dollars} is {percent} from the price; I look from {dollars2} to {dollars3}, but "
                "for {dollars4} itself."
            ).format(
                dollars=dollars(target),
                percent=text.percent(away),
                dollars2=dollars(low),
                dollars3=dollars(high),
                dollars4=dollars(view.price),
            ),
            example=f"/check {text.base(symbol).lower()} {view.price * 0.98:.6g}",
        )
    found = check(ctx.services.market.standing(symbol), view.price, target)
    return Reply(
        command="check",
        title=_("{base} at {dollars}, {percent} from here").format(
            base=text.base(symbol), dollars=dollars(target), percent=text.percent(away)
        ),
        text="\n".join([*_words(view, found, target), _(NOT_A_FORECAST)]),
        fields=(
            (
                _("On the way there"),
                _of(found.way_usd, found.side),
            ),
            (_("Within {around} of it").format(around=words.percent(AROUND)), text.money(found.at_usd)),
            (_("Nearest emptier price"), _emptier(found)),
        ),
        buttons=_buttons(symbol, "check", f"{target:.10g}"),
        price=view.price,
        notice=stale_notice(ctx, view),
    )


def _words(view: SymbolView, found: Check, target: float) -> list[str]:
    if found.side is Side.LONG:
        said = _("If price falls there, about {usd} of longs are swept first.")
    else:
        said = _("If price climbs there, about {usd} of shorts are swept first.")
    lines = [said.format(usd=text.money(found.way_usd))]
    zones = view.zones.zones if view.zones else ()
    inside = next((z for z in zones if z.side is found.side and z.low <= target <= z.high), None)
    if inside is not None:
        size = text.money(inside.notional_usd)
        lines.append(
            _("That price stands inside a dense zone of {size}: a stop there is in a crowd.").format(
                size=size
            )
        )
    return lines


def _of(usd: float, side: Side) -> str:
    said = _("{usd} of longs") if side is Side.LONG else _("{usd} of shorts")
    return said.format(usd=text.money(usd))


def _emptier(found: Check) -> str:
    if found.at_usd <= 0:
        return _("nothing stands at this one")
    if found.emptier is None:
        return _("none within 1.5%")
    return _("{dollars}, with {money} around it").format(
        dollars=dollars(found.emptier), money=text.money(found.emptier_usd)
    )


def _bar(usd: float, largest: float) -> str:
    return "█" * round(10 * usd / largest) if largest > 0 else ""


def _buttons(symbol: str, noun: str, *more: str) -> tuple[tuple[Button, ...], ...]:
    return rows(
        [
            Button(label=_("Refresh"), action=ids.action(noun, "", symbol, *more, edits=True)),
            Button(label=_("Heatmap"), action=ids.action("heatmap", "", symbol)),
            Button(label=_("Zones"), action=ids.action("zones", "", symbol)),
        ]
    )


COMMANDS = (
    Command(
        noun="cascade",
        description=N_("Show what moves of 1, 2, 5 and 10% would sweep, up and down"),
        run=show_cascade,
        parameters=(SYMBOL, LAYOUT, SHARE),
        aliases=("sweep",),
        examples=("/cascade btc",),
        visibility=Visibility.SHAREABLE,
        cost=Cost.PICTURE,
        who=Who.EVERYONE,
    ),
    Command(
        noun="check",
        description=N_("See what lies between here and a price, and where less stands: for placing a stop"),
        run=show_check,
        parameters=(REQUIRED_SYMBOL, PRICE, SHARE),
        aliases=("stop",),
        examples=("/check btc 112000",),
        visibility=Visibility.SHAREABLE,
        who=Who.EVERYONE,
    ),
)
