"""Answer `/status`: where the data comes from, how fresh it is, and how the parts are doing."""

from collections.abc import Sequence

from adapters.health import HealthSnapshot, snapshots_of
from adapters.titles import title
from bot.commands import ids, venue_words, venues_asked, words
from bot.commands.context import Context
from bot.commands.parts import maybe_view, shares_of
from bot.commands.reply import Button, Reply, Table, Tone
from bot.commands.spec import LOCAL_FRONTS, Call, Command, Who
from bot.commands.venues_asked import EXCHANGE
from bot.lang import N_, _, speech
from bot.render import text
from bot.supervisor import PartHealth, PartState

SLOW_MS = 100.0
NOT_STORED = N_("Something cannot be stored now; it is tried again until it can.")
STATES = {
    PartState.RUNNING: N_("running"),
    PartState.RESTARTING: N_("restarting"),
    PartState.FINISHED: N_("finished"),
    PartState.STOPPED: N_("stopped"),
}
"""Where a part stands in its life, in a word."""
MOST_VENUES = 8
"""How many venues get a line of their own; the others are counted."""
MOST_MARKETS = 3
"""Of how many markets the venues' parts are told; the others are counted."""


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with the source, each venue or those asked for, each part; of all, what is not configured."""
    asked = venues_asked.asked(call)
    venues = [each for each in snapshots_of(ctx.services.market) if not asked or each.venue in asked]
    parts, faults = ctx.services.health(), ctx.services.faults()
    well = all(part.well for part in parts) and all(venue.ok for venue in venues) and not faults
    again = [venues_asked.word(asked)] if asked else []
    return Reply(
        command="status",
        title=(_("All is well") if well else _("Something is not well"))
        + (f", {venues_asked.titles(asked)}" if asked else ""),
        text="\n".join([*_remarks(ctx, venues, parts, faults), *([] if asked else _missing(ctx))]),
        fields=(*_fields(ctx, asked), *_venues(ctx, venues), *_shares(ctx, asked)),
        table=Table(headings=(_("Part"), _("State")), rows=tuple(_part(p) for p in parts)),
        buttons=(
            (
                Button(label=_("Refresh"), action=ids.action("status", "", *again, edits=True)),
                Button(label=_("Exchanges"), action=ids.action("exchanges", "show")),
            ),
        ),
        tone=Tone.GOOD if well else Tone.WARN,
    )


def _read(ctx: Context, asked: Sequence[str]) -> list[str]:
    """Return the markets that are read from any of some venues, or from any at all."""
    market = ctx.services.market
    return [each for each in market.symbols if not asked or {*market.venues_of(each)} & {*asked}]


def _meant(venue: str, asked: Sequence[str]) -> bool:
    return not asked or venue in asked


def _shares(ctx: Context, asked: Sequence[str]) -> list[tuple[str, str]]:
    """Return what part of the whole each venue has of the first few markets that several venues trade."""
    several = []
    for symbol in _read(ctx, asked):
        view = maybe_view(ctx, symbol)
        parts = dict(shares_of(ctx, view)) if view is not None else {}
        told = [venues_asked.shares({venue: part for venue, part in parts.items() if _meant(venue, asked)})]
        waited = ctx.services.market.awaited(symbol) if parts else ()
        told += [
            _("{title} too little yet").format(title=title(venue)) for venue in waited if _meant(venue, asked)
        ]
        if any(told):
            several.append(
                (
                    _("Share of {base}").format(base=text.base(symbol)),
                    ", ".join(each for each in told if each),
                )
            )
    left = len(several) - MOST_MARKETS
    return [
        *several[:MOST_MARKETS],
        *([(_("More shares"), _("{left} markets: /market").format(left=left))] if left > 0 else []),
    ]


def _fields(ctx: Context, asked: Sequence[str]) -> tuple[tuple[str, str], ...]:
    market = ctx.services.market
    kind = _("replay of recorded candles") if ctx.replaying else _("live")
    replay = ctx.services.replay
    speed = ""
    if replay is not None:
        pace = (
            _("as fast as possible")
            if replay.speed is None
            else _("{speed}× as fast").format(speed=speech().figure(f"{replay.speed:g}"))
        )
        speed = _(", ended") if replay.ended else _(", paused") if replay.paused else f", {pace}"
    lag = ctx.services.loop_lag_ms()
    slow = lag > SLOW_MS
    response = _("slow, 99% of steps within {lag} ms") if slow else _("good, 99% of steps within {lag} ms")
    return (
        (_("Source"), f"{kind}{speed}"),
        (_("Market time"), ctx.moment(market.now_ms())),
        (_("Markets"), words.joined([text.base(s) for s in _read(ctx, asked)]) or _("none yet")),
        (_("Response"), response.format(lag=f"{lag:.0f}")),
    )


def _venues(ctx: Context, venues: Sequence[HealthSnapshot]) -> list[tuple[str, str]]:
    """Return a line for each venue, those in trouble first where there are too many."""
    shown = venues
    if len(venues) > MOST_VENUES:
        shown = sorted(venues, key=lambda venue: venue.ok)[:MOST_VENUES]
    told = [(title(venue.venue), venue_words.brief(venue, ctx.now_ms)) for venue in shown]
    left = len(venues) - len(shown)
    return [*told, (_("More"), _("{left} venues: /exchanges").format(left=left))] if left else told


def _remarks(
    ctx: Context, venues: Sequence[HealthSnapshot], parts: Sequence[PartHealth], faults: Sequence[str]
) -> list[str]:
    """Return what venues have to say and, to whoever runs this, what ails which part."""
    told = [line for venue in venues for line in venue_words.remarks(ctx, venue)]
    if ctx.caller.front not in LOCAL_FRONTS:
        return [*told, _(NOT_STORED)] if faults else told
    told += [_("Not stored: {fault}").format(fault=fault) for fault in faults]
    return told + [f"{part.name}: {part.advice}" for part in parts if part.advice]


def _missing(ctx: Context) -> list[str]:
    """Return, to whoever runs this, what is not set."""
    if ctx.caller.front not in LOCAL_FRONTS:
        return []
    return [
        _("Not configured: {name}: {fix}").format(name=missing.name, fix=missing.fix)
        for missing in ctx.services.missing
    ]


def _part(part: PartHealth) -> tuple[str, str]:
    """Return one part of the process; the text of an error is for the log, not for users."""
    again = _(", restarted {restarts}×").format(restarts=part.restarts) if part.restarts else ""
    return (part.name, f"{_(STATES[part.state])}{again}")


COMMANDS = (
    Command(
        noun="status",
        description=N_("Show where the data comes from, how fresh it is, and how the service is doing"),
        run=show,
        parameters=(EXCHANGE,),
        aliases=("health", "ping"),
        examples=("/status", "/status exchange=binance,okx"),
        who=Who.EVERYONE,
    ),
)
