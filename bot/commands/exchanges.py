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
from bot.lang import N_, _, ngettext, speech
from bot.live.health import Past, last_day, scrubbed
from engine.errors import UserError

UNKNOWN = "–"
MOST_NAMED = 8
"""How many reasons or topics are named in one line."""

VENUE = Parameter(
    name="venue",
    kind=Kind.TEXT,
    description=N_("One venue, such as okx; all of them if left out"),
    examples=("okx", "binance"),
    aliases=("exchange",),
)


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with a row for each venue, and how much of liquidations each publishes."""
    venues = snapshots_of(ctx.services.market)
    told = [line for venue in venues for line in venue_words.remarks(ctx, venue)]
    reporting = [venue.venue for venue in venues if Feed.LIQUIDATIONS in venue.ages_s]
    headings = (
        _("Venue"),
        _("State"),
        _("Prices"),
        _("Candles"),
        _("Liquidated"),
        _("Msg/s"),
        _("Markets"),
        _("Seen"),
    )
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
                Button(label=_("Refresh"), action=ids.action("exchanges", "show", edits=True)),
                Button(label=_("Last 24 hours"), action=ids.action("exchanges", "health")),
                Button(label=_("Status"), action=ids.action("status", "")),
            ]
        ),
        tone=_tone(venues),
    )


def _title(venues: list[HealthSnapshot]) -> str:
    if len(venues) == 1:
        return _("{title} is the only venue").format(title=title(venues[0].venue))
    return _("{sum} of {count} venues are up").format(
        sum=sum(venue.ok for venue in venues), count=len(venues)
    )


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
        _("{has} of {count}").format(has=has, count=len(views)),
        _(venue_words.SEEN[coverage(venue.venue).kind]) if reports else UNKNOWN,
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
        told.append(_("Nothing is kept of the last 24 hours: recorded data has no connections."))
    return Reply(
        command="exchanges health",
        title=_("Venues in the last 24 hours"),
        text="\n".join(told),
        table=Table(
            headings=(_("Venue"), _("Now"), _("Up"), _("Reconnects"), _("Longest silence")),
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
            numeric=(_("Up"), _("Reconnects"), _("Longest silence")),
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
    read = words.joined([title(venue.venue) for venue in venues]) or _("none")
    example = f"/exchanges health {venues[0].venue}" if venues else "/exchanges"
    raise UserError(
        _("I read no venue {asked}. I read {read}.").format(asked=quoted(asked), read=read), example=example
    )


async def _day(ctx: Context, venue: HealthSnapshot) -> Past:
    return await last_day(ctx.services.venue_past, venue.venue, ctx.now_ms)


async def _one(ctx: Context, venue: HealthSnapshot) -> Reply:
    """Answer with everything about one venue."""
    fields = [*_now(ctx, venue), *_counts(ctx, venue), (_("Last 24 hours"), _told(await _day(ctx, venue)))]
    if Feed.LIQUIDATIONS in venue.ages_s:
        fields.append((_("Liquidations seen"), _(coverage(venue.venue).sentence)))
    return Reply(
        command="exchanges health",
        title=_("{title} is {state}").format(title=title(venue.venue), state=venue_words.state(venue)),
        text=f"{venue_words.sentence(venue)}." if venue.note else "",
        fields=tuple((name, value) for name, value in fields if value),
        buttons=rows(
            [
                Button(label=_("Refresh"), action=ids.action("exchanges", "health", venue.venue, edits=True)),
                Button(label=_("All venues"), action=ids.action("exchanges", "show")),
            ]
        ),
        tone=_tone([venue]),
    )


def _now(ctx: Context, venue: HealthSnapshot) -> list[tuple[str, str]]:
    """Return what a venue's connections say now."""
    if not venue_words.measured(venue):
        return [(_("Source"), venue_words.brief(venue, ctx.now_ms))]
    skew = venue.skew_ms
    again = _(", reconnected {reconnects}×").format(reconnects=venue.reconnects) if venue.reconnects else ""
    ahead = ""
    if skew is not None:
        said = _("{lag} ms ahead of ours") if skew >= 0 else _("{lag} ms behind ours")
        ahead = said.format(lag=words.count(round(abs(skew))))
    return [
        (_("Newest data"), venue_words.ages(venue, tuple(venue_words.FEED_NAMES))),
        (
            _("Messages"),
            _("{messages}, {messages_per} a second").format(
                messages=speech().figure(f"{venue.messages:,}"),
                messages_per=speech().figure(f"{venue.messages_per_s:,.1f}"),
            ),
        ),
        (
            _("Connections"),
            _("{lines_up} of {lines} up{again}").format(
                lines_up=venue.lines_up, lines=venue.lines, again=again
            ),
        ),
        (_("Gaps filled"), words.count(venue.gaps_filled)),
        (_("Its clock"), ahead),
    ]


def _counts(ctx: Context, venue: HealthSnapshot) -> list[tuple[str, str]]:
    """Return what is used, dropped, refused and silent; names of topics and errors only for the operator."""
    limits = [
        _("{name} {used} of {budget}").format(
            name=name, used=speech().figure(f"{use.used:,}"), budget=speech().figure(f"{use.budget:,}")
        )
        for name, use in sorted(venue.limits.items())
    ]
    dropped = sorted(venue.dropped.items(), key=lambda pair: -pair[1])
    here = ctx.caller.front in LOCAL_FRONTS
    refused = [f"{topic} ({scrubbed(why)})" for topic, why in venue.refused.items()]
    count = _topics(len(venue.refused))
    since = sorted(venue.silent.items(), key=lambda pair: pair[1])
    silent = [
        _("{topic} for {ago}").format(topic=topic, ago=words.ago(max(0, ctx.now_ms - ms)))
        for topic, ms in since
    ]
    muted = _topics(len(silent))
    return [
        (_("Limits used"), _some(limits)),
        (_("Not understood"), _some([f"{reason} {number:,}×" for reason, number in dropped])),
        (_("Refused"), _some(refused) if here else count),
        (_("Silent"), _some(silent) if here else muted),
        (_("Last error"), scrubbed(venue.last_error) if here else ""),
    ]


def _topics(count: int) -> str:
    """Return how many topics there are; empty for none."""
    return ngettext("{count} topic", "{count} topics", count).format(count=count) if count else ""


def _some(items: list[str]) -> str:
    """Return items in one line, the first of them where there are many."""
    told = ", ".join(items[:MOST_NAMED])
    return (
        _("{what} and {count} more").format(what=told, count=len(items) - MOST_NAMED)
        if len(items) > MOST_NAMED
        else told
    )


def _told(day: Past) -> str:
    """Return the last day in one line."""
    if not day.watched_ms:
        return _("nothing kept")
    watched = words.ago(day.watched_ms)
    silence = venue_words.silence(day)
    again = ngettext("{count} reconnect", "{count} reconnects", day.reconnects)
    filled = ngettext("{count} gap filled", "{count} gaps filled", day.gaps_filled)
    return _("up {uptime} of {watched} watched, {reconnects}, {gaps}, longest silence {silence}").format(
        uptime=venue_words.uptime(day),
        watched=watched,
        reconnects=again.format(count=words.count(day.reconnects)),
        gaps=filled.format(count=words.count(day.gaps_filled)),
        silence=silence,
    )


COMMANDS = (
    Command(
        noun="exchanges",
        verb="show",
        description=N_("Show which venues are read, how fresh each feed is, and what is only sampled"),
        run=show,
        aliases=("exchanges", "venues", "exchange"),
        examples=("/exchanges",),
        who=Who.EVERYONE,
    ),
    Command(
        noun="exchanges",
        verb="health",
        description=N_("Show how venues did in the last 24 hours, or everything about one"),
        run=health,
        parameters=(VENUE,),
        aliases=("venues health", "exchange health"),
        examples=("/exchanges health", "/exchanges health okx"),
        who=Who.EVERYONE,
    ),
)
