"""Answer `/exchanges`: which venues are read, how fresh each feed is, and how the last day went."""

import asyncio

from adapters.coverage import coverage, limits_of
from adapters.health import HealthSnapshot, snapshots_of
from adapters.titles import title
from adapters.venue import Feed
from bot.commands import ids, venue_words, words
from bot.commands.amounts import quoted
from bot.commands.context import Context
from bot.commands.parts import maybe_view, rows
from bot.commands.reply import Button, Reply, Table, Tone
from bot.commands.spec import LOCAL_FRONTS, Call, Command, Kind, Parameter, Who
from bot.live.health import Past, last_day, scrubbed
from engine.errors import UserError

UNKNOWN = "–"
MOST_NAMED = 8
"""How many reasons or topics are named in one line."""

VENUE = Parameter(
    name="venue",
    kind=Kind.TEXT,
    description="One venue, such as okx; all of them if left out",
    examples=("okx", "binance"),
    aliases=("exchange",),
)


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with a row for each venue, and how much of liquidations each publishes."""
    venues = snapshots_of(ctx.services.market)
    told = [line for venue in venues for line in venue_words.remarks(ctx, venue)]
    reporting = [venue.venue for venue in venues if Feed.LIQUIDATIONS in venue.ages_s]
    headings = ("Venue", "State", "Prices", "Candles", "Liquidated", "Msg/s", "Markets", "Seen")
    return Reply(
        command="exchanges show",
        title=_title(venues),
        text="\n".join([*told, *limits_of(reporting)]),
        table=Table(
            headings=headings,
            rows=tuple(_row(ctx, venue) for venue in venues),
            numeric=headings[2:7],
        ),
        buttons=rows(
            [
                Button(label="Refresh", action=ids.action("exchanges", "show", edits=True)),
                Button(label="Last 24 hours", action=ids.action("exchanges", "health")),
                Button(label="Status", action=ids.action("status", "")),
            ]
        ),
        tone=_tone(venues),
    )


def _title(venues: list[HealthSnapshot]) -> str:
    if len(venues) == 1:
        return f"{title(venues[0].venue)} is the only venue"
    return f"{sum(venue.ok for venue in venues)} of {len(venues)} venues are up"


def _tone(venues: list[HealthSnapshot]) -> Tone:
    return Tone.GOOD if all(venue.ok for venue in venues) else Tone.WARN


def _row(ctx: Context, venue: HealthSnapshot) -> tuple[str, ...]:
    market = ctx.services.market
    views = [maybe_view(ctx, symbol) for symbol in market.symbols]
    has = sum(view is not None and venue.venue in view.venues for view in views)
    known = venue_words.measured(venue)
    ages = [_age(venue, feed) for feed in venue_words.USUAL]
    reports = Feed.LIQUIDATIONS in venue.ages_s
    return (
        title(venue.venue),
        venue_words.state(venue),
        *ages,
        f"{venue.messages_per_s:,.1f}" if known else UNKNOWN,
        f"{has} of {len(views)}",
        coverage(venue.venue).kind.value if reports else UNKNOWN,
    )


def _age(venue: HealthSnapshot, feed: Feed) -> str:
    if feed not in venue.ages_s or not venue_words.measured(venue):
        return UNKNOWN
    return venue_words.age_short(venue.ages_s[feed])


async def health(ctx: Context, call: Call) -> Reply:
    """Answer with the last 24 hours of each venue, or with everything about one."""
    venues = snapshots_of(ctx.services.market)
    asked = call.text("venue").strip().lower()
    if asked:
        return await _one(ctx, _named(venues, asked))
    days = await asyncio.gather(*(_day(ctx, venue) for venue in venues))
    told = [line for venue in venues for line in venue_words.remarks(ctx, venue)]
    if not any(day.watched_ms for day in days):
        told.append("Nothing is kept of the last 24 hours: recorded data has no connections.")
    return Reply(
        command="exchanges health",
        title="Venues in the last 24 hours",
        text="\n".join(told),
        table=Table(
            headings=("Venue", "Now", "Up", "Reconnects", "Longest silence"),
            rows=tuple(
                (
                    title(venue.venue),
                    venue_words.state(venue),
                    venue_words.uptime(day),
                    f"{day.reconnects:,}",
                    venue_words.silence(day),
                )
                for venue, day in zip(venues, days, strict=True)
            ),
            numeric=("Up", "Reconnects", "Longest silence"),
        ),
        buttons=rows(
            [
                Button(label=title(venue.venue), action=ids.action("exchanges", "health", venue.venue))
                for venue in venues[:10]
            ]
        ),
        tone=_tone(venues),
    )


def _named(venues: list[HealthSnapshot], asked: str) -> HealthSnapshot:
    """Return the venue of a name; raise UserError that names those that are read."""
    for venue in venues:
        if venue.venue == asked:
            return venue
    read = words.joined([title(venue.venue) for venue in venues]) or "none"
    example = f"/exchanges health {venues[0].venue}" if venues else "/exchanges"
    raise UserError(f"I read no venue {quoted(asked)}. I read {read}.", example=example)


async def _day(ctx: Context, venue: HealthSnapshot) -> Past:
    return await last_day(ctx.services.venue_past, venue.venue, ctx.now_ms)


async def _one(ctx: Context, venue: HealthSnapshot) -> Reply:
    """Answer with everything about one venue."""
    fields = [*_now(ctx, venue), *_counts(ctx, venue), ("Last 24 hours", _told(await _day(ctx, venue)))]
    if Feed.LIQUIDATIONS in venue.ages_s:
        fields.append(("Liquidations seen", coverage(venue.venue).sentence))
    return Reply(
        command="exchanges health",
        title=f"{title(venue.venue)} is {venue_words.state(venue)}",
        text=f"{venue_words.sentence(venue)}." if venue.note else "",
        fields=tuple((name, value) for name, value in fields if value),
        buttons=rows(
            [
                Button(label="Refresh", action=ids.action("exchanges", "health", venue.venue, edits=True)),
                Button(label="All venues", action=ids.action("exchanges", "show")),
            ]
        ),
        tone=_tone([venue]),
    )


def _now(ctx: Context, venue: HealthSnapshot) -> list[tuple[str, str]]:
    """Return what a venue's connections say now."""
    if not venue_words.measured(venue):
        return [("Source", venue_words.brief(venue, ctx.now_ms))]
    skew = venue.skew_ms
    again = f", reconnected {venue.reconnects}×" if venue.reconnects else ""
    ahead = "" if skew is None else f"{abs(skew):,.0f} ms {'ahead of' if skew >= 0 else 'behind'} ours"
    return [
        ("Newest data", venue_words.ages(venue, tuple(venue_words.FEED_NAMES))),
        ("Messages", f"{venue.messages:,}, {venue.messages_per_s:,.1f} a second"),
        ("Connections", f"{venue.lines_up} of {venue.lines} up{again}"),
        ("Gaps filled", f"{venue.gaps_filled:,}"),
        ("Its clock", ahead),
    ]


def _counts(ctx: Context, venue: HealthSnapshot) -> list[tuple[str, str]]:
    """Return what is used, dropped, refused and silent; names of topics and errors only for the operator."""
    limits = [f"{name} {use.used:,} of {use.budget:,}" for name, use in sorted(venue.limits.items())]
    dropped = sorted(venue.dropped.items(), key=lambda pair: -pair[1])
    here = ctx.caller.front in LOCAL_FRONTS
    refused = [f"{topic} ({scrubbed(why)})" for topic, why in venue.refused.items()]
    count = words.number(len(venue.refused), "topic") if venue.refused else ""
    since = sorted(venue.silent.items(), key=lambda pair: pair[1])
    silent = [f"{topic} for {words.ago(max(0, ctx.now_ms - ms))}" for topic, ms in since]
    muted = words.number(len(silent), "topic") if silent else ""
    return [
        ("Limits used", _some(limits)),
        ("Not understood", _some([f"{reason} {number:,}×" for reason, number in dropped])),
        ("Refused", _some(refused) if here else count),
        ("Silent", _some(silent) if here else muted),
        ("Last error", scrubbed(venue.last_error) if here else ""),
    ]


def _some(items: list[str]) -> str:
    """Return items in one line, the first of them where there are many."""
    told = ", ".join(items[:MOST_NAMED])
    return f"{told} and {len(items) - MOST_NAMED} more" if len(items) > MOST_NAMED else told


def _told(day: Past) -> str:
    """Return the last day in one line."""
    if not day.watched_ms:
        return "nothing kept"
    watched = words.ago(day.watched_ms)
    silence = venue_words.silence(day)
    return (
        f"up {venue_words.uptime(day)} of {watched} watched, {words.number(day.reconnects, 'reconnect')}, "
        f"{words.number(day.gaps_filled, 'gap')} filled, longest silence {silence}"
    )


COMMANDS = (
    Command(
        noun="exchanges",
        verb="show",
        description="Show which venues are read, how fresh each feed is, and what is only sampled",
        run=show,
        aliases=("exchanges", "venues", "exchange"),
        examples=("/exchanges",),
        who=Who.EVERYONE,
    ),
    Command(
        noun="exchanges",
        verb="health",
        description="Show how venues did in the last 24 hours, or everything about one",
        run=health,
        parameters=(VENUE,),
        aliases=("venues health", "exchange health"),
        examples=("/exchanges health", "/exchanges health okx"),
        who=Who.EVERYONE,
    ),
)
