"""Answer `/top`: markets ranked by what was liquidated, by open interest that came or went, by funding."""

from collections.abc import Sequence

from adapters.venue import Feed
from bot.commands import ids, venues_asked, words
from bot.commands.amounts import HOUR_MS, MINUTE_MS
from bot.commands.context import Context
from bot.commands.liquidations import began, lower_bound, need_liquidations
from bot.commands.market_venues import rate
from bot.commands.parts import SHARE, behind, maybe_view, rows, window_of
from bot.commands.reply import Button, Reply, Table
from bot.commands.spec import Call, Choice, Command, Kind, Parameter, Visibility, Who
from bot.commands.venues_asked import EXCHANGE
from bot.lang import N_, _
from bot.render import text
from engine.errors import UserError
from storage.venue_reads import Asked, Carried, Paid, Ranked

WINDOWS = ("1h", "4h", "24h")
WINDOW = window_of(HOUR_MS, low_ms=10 * MINUTE_MS, examples=WINDOWS)
MOST_NAMED = 5
"""How many markets of a venue are named in a note."""
BY = Parameter(
    name="by",
    kind=Kind.CHOICE,
    description=N_("What markets are ranked by"),
    default="total",
    choices=(
        Choice(value="total", label=N_("liquidated, both sides")),
        Choice(value="long", label=N_("liquidated longs")),
        Choice(value="short", label=N_("liquidated shorts")),
        Choice(value="oi", label=N_("change of open interest")),
        Choice(value="funding", label=N_("funding rate")),
    ),
    aliases=("rank", "sort"),
)
COUNT = Parameter(
    name="count",
    kind=Kind.INTEGER,
    description=N_("How many markets"),
    default=10,
    low=1,
    high=25,
    unit="markets",
    examples=("5", "20"),
)
_TOLD = {
    "total": N_("most liquidated"),
    "long": N_("most longs liquidated"),
    "short": N_("most shorts liquidated"),
    "oi": N_("largest change of open interest"),
    "funding": N_("funding farthest from zero"),
}


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with the markets, first first."""
    by, window_ms, venues = call.text("by"), call.whole("window"), venues_asked.asked(call)
    notes: list[str] = []
    if by == "oi":
        table = await _open_interest(ctx, window_ms, venues, call.whole("count"))
    elif by == "funding":
        table, notes = await _funding(ctx, venues, call.whole("count"))
    else:
        need_liquidations(ctx)
        table = await _liquidated(ctx, call, Ranked(by))
        read = venues or ctx.services.market.venues
        since = await ctx.services.reports.recorded_since()
        notes = [began(ctx, since, read, ctx.now_ms - window_ms), lower_bound(read)]
    if not table.rows:
        notes.insert(0, _("Nothing was reported."))
    window = "" if by == "funding" else f", {words.span(window_ms)}"
    where = f", {venues_asked.titles(venues)}" if venues else ""
    return Reply(
        command="top",
        title=_("Top markets: {what}{window}{where}").format(what=_(_TOLD[by]), window=window, where=where),
        text="\n".join(note for note in notes if note),
        table=table if table.rows else None,
        buttons=_buttons(call, by, window_ms, venues),
    )


async def _liquidated(ctx: Context, call: Call, ranked: Ranked) -> Table:
    """Return the markets with the most liquidated dollars, and their part of all."""
    asked = Asked(venues=venues_asked.asked(call), t0=ctx.now_ms - call.whole("window"), t1=ctx.now_ms + 1)
    found = await ctx.services.reports.most_liquidated(asked, ranked, call.whole("count"))
    return Table(
        headings=(_("Market"), _("Liquidated"), _("Longs"), _("Shorts"), _("Longs' part")),
        rows=tuple(
            (
                text.base(each.name),
                text.money(each.total_usd),
                text.money(each.long_usd),
                text.money(each.short_usd),
                venues_asked.share(each.long_usd / each.total_usd),
            )
            for each in found
        ),
        numeric=(_("Liquidated"), _("Longs"), _("Shorts"), _("Longs' part")),
    )


async def _open_interest(ctx: Context, window_ms: int, venues: Sequence[str], count: int) -> Table:
    """Return the markets whose open interest changed by the most dollars at today's price."""
    found = await ctx.services.reports.open_interest_between(ctx.now_ms - window_ms, ctx.now_ms + 1)
    sums: dict[str, list[float]] = {}
    for each in found:
        if each.coins_before and _meant(each, venues):
            total = sums.setdefault(each.symbol, [0.0, 0.0])
            total[0], total[1] = total[0] + each.coins, total[1] + each.coins_before
    changes = []
    for symbol, (now, before) in sums.items():
        view = maybe_view(ctx, symbol)
        if view is not None and view.price > 0:
            changes.append((symbol, (now - before) * view.price, now / before - 1, now * view.price))
    changes.sort(key=lambda change: -abs(change[1]))
    return Table(
        headings=(_("Market"), _("Change"), "", _("Open interest")),
        rows=tuple(
            (text.base(symbol), _signed(usd), text.percent(part), text.money(stands))
            for symbol, usd, part, stands in changes[:count]
        ),
        numeric=(_("Change"), "", _("Open interest")),
    )


def _signed(usd: float) -> str:
    return f"{'+' if usd > 0 else ''}{text.money(usd)}"


def _meant(each: Carried | Paid, venues: Sequence[str]) -> bool:
    return not venues or each.venue in venues


async def _funding(ctx: Context, venues: Sequence[str], count: int) -> tuple[Table, list[str]]:
    """Return the markets whose funding is farthest from zero in a year, the mean of venues, and who is out.

    Of whom it is not known how often funding is paid, a year's is not known either.
    """
    if Feed.FUNDING not in ctx.services.market.feeds:
        source = _("this replay") if ctx.replaying else _("the venues read now")
        raise UserError(
            _("Funding is not available in {source}.").format(source=source), example="/top by=oi"
        )
    said = [each for each in await ctx.services.reports.funding_now(ctx.now_ms) if _meant(each, venues)]
    by_market: dict[str, list[Paid]] = {}
    for each in said:
        if each.apr is not None:
            by_market.setdefault(each.symbol, []).append(each)
    ranked = sorted(by_market.items(), key=lambda pair: -abs(_year(pair[1])))
    found = []
    for symbol, paid in ranked[:count]:
        most = max(paid, key=lambda each: abs(each.apr or 0.0))
        found.append(
            (text.base(symbol), text.change(_year(paid)), rate(most), venues_asked.title(most.venue))
        )
    table = Table(
        headings=(_("Market"), _("A year"), _("Farthest"), _("On")),
        rows=tuple(found),
        numeric=(_("A year"), _("Farthest")),
    )
    return table, _left_out([each for each in said if each.apr is None])


def _left_out(unknown: Sequence[Paid]) -> list[str]:
    """Return which markets of which venues are not in a table of years, and why."""
    by_venue: dict[str, list[str]] = {}
    for each in unknown:
        by_venue.setdefault(each.venue, []).append(text.base(each.symbol))
    told = []
    for venue, coins in by_venue.items():
        more = len(coins) - MOST_NAMED
        named = words.joined(
            [*coins[:MOST_NAMED], *([_("{more} more").format(more=more)] if more > 0 else [])]
        )
        told.append(_("{named} on {title}").format(named=named, title=venues_asked.title(venue)))
    if not told:
        return []
    return [
        _("Left out, because it is not known yet how often funding is paid there: {what}.").format(
            what="; ".join(told)
        )
    ]


def _year(paid: Sequence[Paid]) -> float:
    return sum(each.apr or 0.0 for each in paid) / len(paid)


def _buttons(call: Call, by: str, window_ms: int, venues: tuple[str, ...]) -> tuple[tuple[Button, ...], ...]:
    """Return two rows: windows where one counts and a fresh look, then what else to rank by."""
    count = call.whole("count")
    rest = [f"count={count}"] if count != COUNT.default else []
    rest += [venues_asked.word(venues)] if venues else []
    shown = words.duration_short(window_ms)

    def action(window: str, ranked: str, verb: str = "") -> str:
        return ids.action("top", verb, window, ranked, *rest, edits=True)

    windows = [
        Button(
            label=window,
            action=action(window, by),
            style="primary" if words.duration_short(_ms(window)) == shown else "plain",
        )
        for window in (WINDOWS if by != "funding" else ())
    ]
    others = [
        Button(label=label, action=action(shown, other))
        for other, label in (
            ("total", _("Liquidated")),
            ("oi", _("Open interest")),
            ("funding", _("Funding")),
        )
        if other != by
    ]
    refresh = Button(label=_("Refresh"), action=action(shown, by, "refresh"))
    return (*rows([*windows, refresh]), *rows(others))


def _ms(window: str) -> int:
    return int(window.removesuffix("h")) * HOUR_MS


_SHOW = Command(
    noun="top",
    description=N_("Rank markets by what was liquidated, by change of open interest, or by funding"),
    run=show,
    parameters=(WINDOW, BY, COUNT, EXCHANGE, SHARE),
    aliases=("leaders",),
    examples=("/top", "/top 24h by=long count=5", "/top 4h by=oi", "/top by=funding exchange=okx"),
    visibility=Visibility.SHAREABLE,
    who=Who.EVERYONE,
)
COMMANDS = (
    _SHOW,
    behind(_SHOW, "refresh", N_("Rank the same as it stands now")),
)
