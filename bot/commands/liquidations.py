"""Answer `/liquidations`: what venues reported as liquidated, by side, venue and time, and the largest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from adapters.coverage import coverage
from adapters.venue import Feed
from bot.commands import ids, venues_asked, words
from bot.commands.amounts import DAY_MS, HOUR_MS, MINUTE_MS
from bot.commands.context import Context
from bot.commands.parts import SHARE, behind, dollars, rows, symbol_of, window_of
from bot.commands.pictures import LAYOUT, drawn, image_of, layout_of
from bot.commands.reply import Button, Image, Reply, Table
from bot.commands.spec import Call, Command, Cost, Kind, Parameter, Provider, Visibility, Who
from bot.commands.venues_asked import EXCHANGE
from bot.lang import N_, _, ngettext
from bot.render import text
from bot.render.liquidations_request import LiquidationsRequest
from bot.render.picture import Picture
from engine.errors import RenderError, UserError
from engine.model import Liquidation
from storage.venue_reads import Asked
from storage.venues import LiquidationReport

log = structlog.get_logger(__name__)

ALL = "all"
LARGEST = 8
"""How many of the largest are listed."""
WINDOWS = ("1h", "4h", "24h", "7d")
_STEPS = (
    (2 * HOUR_MS, MINUTE_MS, N_("1 min")),
    (6 * HOUR_MS, 5 * MINUTE_MS, N_("5 min")),
    (18 * HOUR_MS, 15 * MINUTE_MS, N_("15 min")),
    (36 * HOUR_MS, 30 * MINUTE_MS, N_("30 min")),
    (4 * DAY_MS, 2 * HOUR_MS, "2 h"),
    (10 * DAY_MS, 4 * HOUR_MS, "4 h"),
)
"""Up to which window bars are how long."""
_LONGEST = (12 * HOUR_MS, "12 h")

SYMBOL = Parameter(
    name="symbol",
    kind=Kind.SYMBOL,
    description=N_("Market, such as btc or SOL-PERP, or all; your default one if left out"),
    words=(ALL,),
    examples=("btc", ALL),
    suggest=Provider.SYMBOLS,
    aliases=("coin", "market", "pair"),
)
WINDOW = window_of(HOUR_MS, low_ms=10 * MINUTE_MS, examples=WINDOWS)
MIN = Parameter(
    name="min",
    kind=Kind.USD,
    description=N_("Only those of so many dollars and more"),
    low=0.0,
    high=1e12,
    unit="USD",
    examples=("100k", "$1,000,000"),
    aliases=("min_usd", "size"),
)
VENUES = replace(EXCHANGE, words=())
"""As everywhere, but that a plain "all" is all markets here."""


def need_liquidations(ctx: Context) -> None:
    """Raise UserError where the source has no reports of liquidations."""
    if Feed.LIQUIDATIONS in ctx.services.market.feeds:
        return
    if ctx.replaying:
        told = _(
            "This replay has candles only: what was liquidated then was not recorded, and none is made up."
        )
    else:
        told = _("No venue that is read now reports liquidations.")
    raise UserError(told, example="/zones btc")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """What one answer is about; no symbol stands for all markets, no venues for all of them."""

    symbol: str
    window_ms: int
    min_usd: float
    venues: tuple[str, ...]
    layout: str

    @classmethod
    def of(cls, ctx: Context, call: Call) -> "_Ask":
        every = call.text("symbol") == ALL
        symbol = "" if every else symbol_of(ctx, call)
        market = ctx.services.market
        named = venues_asked.asked(call) if every else venues_asked.chosen(market, call, symbol)
        return cls(
            symbol=symbol,
            window_ms=call.whole("window"),
            min_usd=call.number("min") or 0.0,
            venues=named,
            layout=call.text("layout"),
        )

    def words(self, window: str = "") -> tuple[str, ...]:
        """Return the words of a button that asks for the same, or for another window."""
        chosen = [self.symbol or ALL, window or words.duration_short(self.window_ms), self.layout]
        chosen += [f"min={self.min_usd:.15g}"] if self.min_usd else []
        return tuple(word for word in (*chosen, venues_asked.word(self.venues)) if word)

    @property
    def label(self) -> str:
        """Return the window the way its button says it."""
        return words.span_short(self.window_ms)

    @property
    def coin(self) -> str:
        """Return what it is about."""
        return text.base(self.symbol) if self.symbol else _("All")


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with totals, each venue's part, the largest ones, and a picture over time."""
    need_liquidations(ctx)
    ask = _Ask.of(ctx, call)
    asked = Asked(
        symbol=ask.symbol,
        venues=ask.venues,
        t0=ctx.now_ms - ask.window_ms,
        t1=ctx.now_ms + 1,
        min_usd=ask.min_usd,
    )
    report = await ctx.services.reports.liquidation_report(
        asked, step_ms=_step(ask.window_ms)[0], count=LARGEST
    )
    read = _read(ctx, ask)
    lines = [began(ctx, report.since, read, asked.t0), lower_bound(read)]
    images, without = await _picture(ctx, ask, report, _small(ctx, report, read, asked.t0))
    total = sum(each.total_usd for each in report.venues)
    where = f", {venues_asked.titles(ask.venues)}" if ask.venues else ""
    least = _(", {money} and more each").format(money=text.money(ask.min_usd)) if ask.min_usd else ""
    return Reply(
        command="liquidations",
        title=_("{coin} liquidations, {span}{where}: {money}{least}").format(
            coin=ask.coin, span=words.span(ask.window_ms), where=where, money=text.money(total), least=least
        ),
        text="\n".join(
            line for line in ("" if total else _("Nothing was reported."), *lines, *without) if line
        ),
        fields=_fields(report, total),
        table=_table(ctx, ask, report.largest) if report.largest else None,
        images=images,
        buttons=_buttons(ask),
    )


def _step(window_ms: int) -> tuple[int, str]:
    """Return how long bars are for a window, and how that is said."""
    return next(((step, told) for most, step, told in _STEPS if window_ms <= most), _LONGEST)


def _read(ctx: Context, ask: _Ask) -> tuple[str, ...]:
    """Return the venues that an answer is made from."""
    market = ctx.services.market
    return ask.venues or (market.venues_of(ask.symbol) if ask.symbol else market.venues)


def lower_bound(venues: tuple[str, ...]) -> str:
    """Return one line that says of which venues not everything is seen; empty where all is."""
    found = [(v, coverage(v)) for v in venues]
    partly = [f"{venues_asked.title(v)} ({_(each.short)})" for v, each in found if not each.full]
    return _("A lower bound, seen in part: {partly}.").format(partly=", ".join(partly)) if partly else ""


def began(ctx: Context, since: Mapping[str, int], venues: tuple[str, ...], t0: int) -> str:
    """Return from when on venues are recorded: of each that began after `t0`, else of all together."""
    known = {venue: since[venue] for venue in venues if venue in since}
    never = [venues_asked.title(v) for v in venues if v not in known]
    late: dict[str, list[str]] = {}
    for venue, ts in known.items():
        if ts > t0:
            late.setdefault(ctx.moment(ts), []).append(venue)
    told = []
    if late:
        each = [
            _("{titles} since {moment}").format(titles=venues_asked.titles(names), moment=moment)
            for moment, names in late.items()
        ]
        all_at_once = len(late) == 1 and sum(map(len, late.values())) == len(venues)
        when = (
            _("since {next}").format(next=next(iter(late)))
            if all_at_once
            else _("from {each}").format(each=", ".join(each))
        )
        told.append(_("Recorded {when}: what came before is not in here.").format(when=when))
    elif known:
        told.append(_("Recorded since {moment}.").format(moment=ctx.moment(max(known.values()))))
    if never:
        told.append(_("Nothing is recorded from {never} yet.").format(never=words.joined(never)))
    return " ".join(told)


def _small(ctx: Context, report: LiquidationReport, read: tuple[str, ...], t0: int) -> tuple[str, ...]:
    """Return the same two for a picture, which has little room."""
    late = [ts for venue, ts in report.since.items() if venue in read and ts > t0]
    never = [venue for venue in read if venue not in report.since]
    partly = [venue for venue in read if not coverage(venue).full]
    return (
        *((_("all recorded since {moment}").format(moment=ctx.moment(max(late))),) if late else ()),
        *((_("nothing recorded of {titles}").format(titles=venues_asked.titles(never)),) if never else ()),
        *(
            (_("a lower bound: {titles} in part").format(titles=venues_asked.titles(partly)),)
            if partly
            else ()
        ),
    )


def _fields(report: LiquidationReport, total: float) -> tuple[tuple[str, str], ...]:
    """Return each side's dollars and each venue's, with their parts of the whole."""
    if total <= 0:
        return ()
    long = sum(each.long_usd for each in report.venues)
    sides = ((_("Longs"), long), (_("Shorts"), total - long))
    fields = [(name, f"{text.money(usd)}, {venues_asked.share(usd / total)}") for name, usd in sides]
    for each in report.venues:
        part = f"{text.money(each.total_usd)}, {venues_asked.share(each.total_usd / total)}"
        said = ngettext(
            "{part}: longs {share}, {count} liquidation",
            "{part}: longs {share}, {count} liquidations",
            each.count,
        )
        longs = venues_asked.share(each.long_usd / each.total_usd)
        told = said.format(part=part, share=longs, count=words.count(each.count))
        fields.append((venues_asked.title(each.name), told))
    return tuple(fields)


def _table(ctx: Context, ask: _Ask, largest: tuple[Liquidation, ...]) -> Table:
    every = not ask.symbol
    headings = (_("Time"), *((_("Market"),) if every else ()), _("Venue"), _("Side"), _("Price"), "USD")
    return Table(
        headings=headings,
        rows=tuple(
            (
                ctx.moment(each.ts),
                *((text.base(each.symbol),) if every else ()),
                venues_asked.title(each.venue),
                words.side(each.side),
                dollars(each.price),
                text.money(each.notional_usd),
            )
            for each in largest
        ),
        numeric=(_("Price"), "USD"),
    )


async def _picture(
    ctx: Context, ask: _Ask, report: LiquidationReport, small: tuple[str, ...]
) -> tuple[tuple[Image, ...], tuple[str, ...]]:
    """Return the picture, or why there is none: the words say the same. Nothing at all has no picture."""
    total = sum(each.total_usd for each in report.venues)
    if total <= 0:
        return (), ()
    step_ms, step = _step(ask.window_ms)
    request = LiquidationsRequest(
        market=ask.symbol,
        window_ms=ask.window_ms,
        window_label=ask.label,
        now_ms=ctx.now_ms,
        step_ms=step_ms,
        step_label=step,
        ts=report.step_ts,
        usd=report.step_usd,
        parts=tuple((each.name, each.total_usd / total) for each in report.venues),
        small=small,
        theme=ctx.prefs.drawing,
        layout=layout_of(ctx, ask.layout),
        tz=ctx.tz,
        source_label=ctx.services.market.label(),
    )

    async def ask_for(may_draw: Callable[[], None]) -> Picture:
        return await ctx.services.pictures.liquidations(request, may_draw)

    try:
        return (image_of(await drawn(ctx, ask_for, instead="/top")),), ()
    except UserError as soon:
        return (), (str(soon),)
    except RenderError as error:
        log.warning("liquidations_not_drawn", symbol=ask.symbol, error=str(error))
        return (), (_("The picture could not be drawn this time."),)


def _buttons(ask: _Ask) -> tuple[tuple[Button, ...], ...]:
    """Return two rows: windows, then what else there is to see."""
    windows = [
        Button(
            label=window,
            action=ids.action("liquidations", "", *ask.words(window), edits=True),
            style="primary" if window == ask.label else "plain",
        )
        for window in WINDOWS
    ]
    market = [Button(label=_("Heatmap"), action=ids.action("heatmap", "", ask.symbol))] if ask.symbol else []
    further = [
        Button(label=_("Refresh"), action=ids.action("liquidations", "refresh", *ask.words(), edits=True)),
        *market,
        Button(label=_("Top markets"), action=ids.action("top", "", ask.label)),
    ]
    return (*rows(windows), *rows(further))


_SHOW = Command(
    noun="liquidations",
    description=N_("Show what was liquidated: by side, by venue, over time, and the largest ones"),
    run=show,
    parameters=(SYMBOL, WINDOW, MIN, VENUES, LAYOUT, SHARE),
    aliases=("liquidation", "liqd", "rekt"),
    examples=(
        "/liquidations btc",
        "/liquidations all 24h",
        "/liquidations eth 4h min=100k exchange=bybit",
    ),
    visibility=Visibility.SHAREABLE,
    cost=Cost.PICTURE,
    who=Who.EVERYONE,
)
COMMANDS = (
    _SHOW,
    behind(_SHOW, "refresh", N_("Show the same as it stands now")),
)
