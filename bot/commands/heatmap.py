"""Answer `/heatmap`: the picture of where liquidations are expected, with buttons to look further."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from bot.commands import ids, venues_asked, words
from bot.commands.amounts import DAY_MS, HOUR_MS
from bot.commands.context import Context
from bot.commands.models import MODEL, WEIGHTS, Modelled, modelled
from bot.commands.parts import (
    SHARE,
    SIDE,
    SYMBOL,
    behind,
    rows,
    shares_of,
    side_of,
    stale_notice,
    symbol_of,
    view_among,
    window_of,
    without_of,
)
from bot.commands.pictures import LAYOUT, drawn, image_of, layout_of
from bot.commands.reply import Button, File, Reply
from bot.commands.spec import Call, Command, Cost, Kind, Parameter, Visibility, Who
from bot.commands.venues_asked import EXCHANGE
from bot.lang import N_, _
from bot.live.view import SymbolView
from bot.render import text
from bot.render.film_request import FilmRequest
from bot.render.picture import Picture
from bot.render.request import HeatmapRequest
from engine.errors import RenderError, UserError
from engine.grid import Grid

log = structlog.get_logger(__name__)

WINDOWS = ("12h", "24h", "3d", "7d", "30d")

WINDOW = window_of(DAY_MS, low_ms=HOUR_MS, examples=WINDOWS)
RANGE = Parameter(
    name="range",
    kind=Kind.PERCENT,
    description=N_("How far above and below the price to look, such as 5%; auto chooses"),
    default="auto",
    low=0.005,
    high=0.3,
    unit="% of price",
    words=("auto",),
    examples=("5%", "10%"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """One picture that is asked for, and the words that ask for it again; the `usual` model needs none."""

    symbol: str
    window_ms: int
    side: str
    layout: str
    reach: float | None
    model: str
    usual: str
    weights: str
    venues: tuple[str, ...]
    hd: bool

    @classmethod
    def of(cls, ctx: Context, call: Call, *, hd: bool = False) -> "_Ask":
        """Return what a call asks for, with the user's settings where it says nothing."""
        model, symbol = call.command.parameter(MODEL.name), symbol_of(ctx, call)
        return cls(
            symbol=symbol,
            window_ms=call.whole("window"),
            side=call.text("side"),
            layout=call.text("layout"),
            reach=call.number("range"),
            model=call.text("model"),
            usual=str(model.default) if model else "",
            weights=call.text("weights"),
            venues=venues_asked.chosen(ctx.services.market, call, symbol),
            hd=hd,
        )

    def words(self, window: str = "") -> tuple[str, ...]:
        """Return the words of a button that asks for the same, or for another window."""
        chosen = [self.symbol, window or words.span_short(self.window_ms)]
        chosen += [part for part in (self.side, self.layout) if part not in ("both", "")]
        chosen += [f"{self.reach * 100:g}%"] if self.reach else []
        chosen += [f"model={self.model}"] if self.model != self.usual else []
        chosen += [f"weights={self.weights}"] if self.weights else []
        chosen += [venues_asked.word(self.venues)] if self.venues else []
        return tuple(chosen)


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with the picture, its caption, and buttons."""
    ask = _Ask.of(ctx, call)
    view, picture = await _draw(ctx, ask)
    return Reply(
        command="heatmap",
        title=_title(ask),
        text=picture.alt,
        images=(image_of(picture),),
        buttons=_buttons(ctx, ask),
        price=view.price,
        notice=stale_notice(ctx, view),
    )


def _title(ask: _Ask) -> str:
    where = f", {venues_asked.titles(ask.venues)}" if ask.venues else ""
    return _("{base} heatmap, {span}{where}").format(
        base=text.base(ask.symbol), span=words.span(ask.window_ms), where=where
    )


async def hd(ctx: Context, call: Call) -> Reply:
    """Answer with the picture at twice the size, as a file that no platform shrinks."""
    ask = _Ask.of(ctx, call, hd=True)
    view, picture = await _draw(ctx, ask)
    return Reply(
        command="heatmap",
        title=f"{_title(ask)}, {picture.width}×{picture.height}",
        files=(File(content=picture.png, name=picture.name, media_type="image/png"),),
        price=view.price,
        notice=stale_notice(ctx, view),
    )


async def film(ctx: Context, call: Call) -> Reply:
    """Answer with how the picture came to be, as a file that moves."""
    ask = _Ask.of(ctx, call)
    try:
        view, picture = await _draw(ctx, ask, moving=True)
    except RenderError as error:
        log.warning("film_not_drawn", symbol=ask.symbol, error=str(error))
        told = _("No film can be drawn right now; please try again in a minute.")
        raise UserError(told, example=f"/heatmap {text.base(ask.symbol).lower()}") from None
    return Reply(
        command="heatmap",
        title=_("{title}, as a film").format(title=_title(ask)),
        text=picture.alt,
        files=(File(content=picture.png, name=picture.name, media_type="image/gif"),),
        price=view.price,
        notice=stale_notice(ctx, view),
    )


async def _draw(ctx: Context, ask: _Ask, *, moving: bool = False) -> tuple[SymbolView, Picture]:
    """Return the picture: from the cache for free, drawn where the user may have one drawn now."""
    view = await view_among(ctx, ask.symbol, ask.venues)
    chosen = await modelled(ctx, view, ask.model, ask.weights, ask.window_ms)
    request = _request(ctx, ask, view, chosen)
    low, high = request.price_range or (None, None)

    async def ask_for(may_draw: Callable[[], None]) -> Picture:
        async def grid() -> Grid:
            may_draw()
            market = ctx.services.market
            if chosen is None:
                return await market.grid(ask.symbol, ask.window_ms, low=low, high=high, venues=ask.venues)
            return await market.model_grid(
                ask.symbol, ask.window_ms, chosen.feed, low=low, high=high, venues=ask.venues
            )

        if moving:
            return await ctx.services.pictures.film(FilmRequest(last=request), grid)
        return await ctx.services.pictures.heatmap(request, grid)

    return view, await drawn(ctx, ask_for, instead="/zones btc")


def _request(ctx: Context, ask: _Ask, view: SymbolView, chosen: Modelled | None) -> HeatmapRequest:
    reach = ask.reach
    plain = HeatmapRequest.of(
        view, now_ms=ctx.now_ms, window_ms=ask.window_ms, window_label=words.span_short(ask.window_ms)
    )
    if chosen is not None:
        plain = replace(
            plain,
            model=chosen.short,
            weights=chosen.feed.preset.weights,
            about=chosen.about,
            zones=None,
            warm=chosen.warm,
            warm_days=chosen.feed.preset.warm_days,
            history_days=chosen.days,
        )
    return replace(
        plain,
        theme=ctx.prefs.drawing,
        layout=layout_of(ctx, ask.layout),
        hd=ask.hd,
        tz=ctx.tz,
        source_label=ctx.services.market.label(),
        without=without_of(ctx, view, ask.venues),
        accuracy=ctx.services.accuracy.line(ask.symbol, chosen.label if chosen else plain.model),
        side=side_of(ask.side),
        price_range=(view.price * (1 - reach), view.price * (1 + reach)) if reach else None,
        shares=shares_of(ctx, view),
    )


def _buttons(ctx: Context, ask: _Ask) -> tuple[tuple[Button, ...], ...]:
    """Return two rows: windows, then what else can be done with the picture."""
    shown = words.span_short(ask.window_ms)
    windows = [
        Button(
            label=window,
            action=ids.action("heatmap", "", *ask.words(window), edits=True),
            style="primary" if window == shown else "plain",
        )
        for window in WINDOWS
    ]
    further = [
        Button(label=_("Refresh"), action=ids.action("heatmap", "refresh", *ask.words(), edits=True)),
        Button(label=_("HD file"), action=ids.action("heatmap", "hd", *ask.words())),
        Button(label=_("Film"), action=ids.action("heatmap", "film", *ask.words())),
        Button(
            label=_("Watch {base}").format(base=text.base(ask.symbol)),
            action=ids.action("watch", "", ask.symbol),
        ),
        Button(label=_("Open chart"), url=ctx.services.chart_url(ask.symbol, ctx.caller.front)),
    ]
    return (*rows(windows), *rows(further))


_SHOW = Command(
    noun="heatmap",
    description=N_("Show where liquidations are expected, as a picture under the price"),
    run=show,
    parameters=(SYMBOL, WINDOW, SIDE, LAYOUT, RANGE, MODEL, WEIGHTS, EXCHANGE, SHARE),
    aliases=("hm", "map", "liqmap", "heat", "chart"),
    examples=(
        "/heatmap btc",
        "/heatmap eth 7d",
        "/heatmap btc 12h side=long range=5%",
        "/heatmap btc model=leverage",
        "/heatmap btc exchange=binance",
    ),
    visibility=Visibility.SHAREABLE,
    cost=Cost.PICTURE,
    who=Who.EVERYONE,
    asks="symbol",
)
COMMANDS = (
    _SHOW,
    behind(_SHOW, "refresh", N_("Draw the same picture as the market stands now")),
    behind(_SHOW, "hd", N_("Send the picture at twice the size, as a file"), hd),
    behind(_SHOW, "film", N_("Send how the picture came to be, as a film"), film),
)
