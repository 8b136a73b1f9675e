"""Answer `/grid`: the heatmaps of up to four markets in one picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.commands import ids, words
from bot.commands.amounts import DAY_MS, HOUR_MS
from bot.commands.context import Context
from bot.commands.parts import SHARE, SYMBOL, behind, rows, view_of, window_of
from bot.commands.pictures import LAYOUT, drawn, dressed, image_of
from bot.commands.reply import Button, File, Reply
from bot.commands.spec import Call, Command, Cost, Parameter, Visibility, Who
from bot.lang import N_, _
from bot.render import text
from bot.render.grid_request import MOST, GridRequest
from bot.render.picture import Picture
from bot.render.request import HeatmapRequest
from engine.errors import UserError
from engine.grid import Grid

WINDOWS = ("12h", "24h", "3d", "7d")
WINDOW = window_of(DAY_MS, low_ms=HOUR_MS, examples=WINDOWS)
REACH = 0.12
"""How far from the price levels are asked for: what is drawn of it depends on candles and zones."""
LEAST = 2


def _further(name: str, alias: str) -> Parameter:
    """Return the parameter of one more market."""
    return replace(SYMBOL, name=name, aliases=(alias,), description=N_("One more market"))


SYMBOLS = (
    replace(
        SYMBOL, description=N_("First of up to four markets, such as btc eth sol xrp; the first four if none")
    ),
    _further("second", "symbol2"),
    _further("third", "symbol3"),
    _further("fourth", "symbol4"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """One picture that is asked for."""

    symbols: tuple[str, ...]
    window_ms: int
    layout: str

    @classmethod
    async def of(cls, ctx: Context, call: Call) -> "_Ask":
        """Return what a call asks for; markets that are not read yet are read from now on."""
        named = [call.text(each.name) for each in SYMBOLS]
        named = list(dict.fromkeys(symbol for symbol in named if symbol))
        for symbol in named:
            await ctx.services.ensure(symbol, ctx.caller.user_id)
        known = ctx.services.market.symbols
        if len(named) < LEAST:
            named = list(dict.fromkeys([*named, *known]))
        if len(named) < LEAST:
            raise UserError(_("Two markets or more make a grid; only one is read here."), example="/heatmap")
        return cls(symbols=tuple(named[:MOST]), window_ms=call.whole("window"), layout=call.text("layout"))

    def words(self, window: str = "") -> tuple[str, ...]:
        """Return the words of a button that asks for the same, or for another window."""
        coins = [text.base(symbol) for symbol in self.symbols]
        chosen = (*coins, window or words.span_short(self.window_ms), self.layout)
        return tuple(word for word in chosen if word)


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with the picture, its caption, and buttons."""
    ask = await _Ask.of(ctx, call)
    picture = await _draw(ctx, ask)
    return Reply(
        command="grid",
        title=_title(ask),
        text=picture.alt,
        images=(image_of(picture),),
        buttons=_buttons(ask),
    )


async def hd(ctx: Context, call: Call) -> Reply:
    """Answer with the picture at twice the size, as a file that no platform shrinks."""
    ask = await _Ask.of(ctx, call)
    picture = await _draw(ctx, ask, large=True)
    return Reply(
        command="grid",
        title=f"{_title(ask)}, {picture.width}×{picture.height}",
        files=(File(content=picture.png, name=picture.name, media_type="image/png"),),
    )


def _title(ask: _Ask) -> str:
    coins = words.joined([text.base(symbol) for symbol in ask.symbols])
    return _("{coins} heatmaps, {span}").format(coins=coins, span=words.span(ask.window_ms))


async def _draw(ctx: Context, ask: _Ask, *, large: bool = False) -> Picture:
    request = GridRequest(panels=tuple(_panel(ctx, ask, symbol, large=large) for symbol in ask.symbols))

    async def ask_for(may_draw: Callable[[], None]) -> Picture:
        async def grids() -> Sequence[Grid]:
            may_draw()
            return [await _grid(ctx, panel) for panel in request.panels]

        return await ctx.services.pictures.panels(request, grids)

    return await drawn(ctx, ask_for, instead="/zones btc")


async def _grid(ctx: Context, panel: HeatmapRequest) -> Grid:
    low, high = panel.price * (1 - REACH), panel.price * (1 + REACH)
    return await ctx.services.market.grid(panel.symbol, panel.window_ms, low=low, high=high)


def _panel(ctx: Context, ask: _Ask, symbol: str, *, large: bool) -> HeatmapRequest:
    view = view_of(ctx, symbol)
    plain = HeatmapRequest.of(
        view, now_ms=ctx.now_ms, window_ms=ask.window_ms, window_label=words.span_short(ask.window_ms)
    )
    return replace(dressed(ctx, plain, view, ask.layout), hd=large)


def _buttons(ask: _Ask) -> tuple[tuple[Button, ...], ...]:
    """Return three rows: windows, what else can be done with the picture, and each market alone."""
    shown = words.span_short(ask.window_ms)
    windows = [
        Button(
            label=window,
            action=ids.action("grid", "", *ask.words(window), edits=True),
            style="primary" if window == shown else "plain",
        )
        for window in WINDOWS
    ]
    further = [
        Button(label=_("Refresh"), action=ids.action("grid", "refresh", *ask.words(), edits=True)),
        Button(label=_("HD file"), action=ids.action("grid", "hd", *ask.words())),
    ]
    alone = [
        Button(label=text.base(symbol), action=ids.action("heatmap", "", symbol, shown))
        for symbol in ask.symbols
    ]
    return (*rows(windows), *rows(further), *rows(alone))


_SHOW = Command(
    noun="grid",
    description=N_("Show the heatmaps of up to four markets in one picture"),
    run=show,
    parameters=(*SYMBOLS, WINDOW, LAYOUT, SHARE),
    aliases=("compare", "heatmaps"),
    examples=("/grid", "/grid btc eth sol xrp", "/grid btc eth 7d"),
    visibility=Visibility.SHAREABLE,
    cost=Cost.PICTURE,
    who=Who.EVERYONE,
)
COMMANDS = (
    _SHOW,
    behind(_SHOW, "refresh", N_("Draw the same picture as the markets stand now")),
    behind(_SHOW, "hd", N_("Send the picture at twice the size, as a file"), hd),
)
