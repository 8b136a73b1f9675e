"""Answer `/status`: where the data comes from, how fresh it is, and how the parts are doing."""

from collections.abc import Sequence

from adapters.venue import VenueHealth
from bot.commands import ids, words
from bot.commands.context import Context
from bot.commands.reply import Button, Reply, Table, Tone
from bot.commands.spec import LOCAL_FRONTS, Call, Command, Who
from bot.render import text
from bot.supervisor import PartHealth

SLOW_MS = 100.0


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with the source, each venue, each part, and what is not configured."""
    venues = ctx.services.market.health()
    parts = ctx.services.health()
    ill = [part for part in parts if not part.well] + [venue for venue in venues if not venue.ok]
    return Reply(
        command="status",
        title="All is well" if not ill else "Something is not well",
        text="\n".join(_remarks(ctx, venues, parts)),
        fields=_fields(ctx, parts),
        table=Table(
            headings=("Part", "State", "Data age", "Messages"),
            rows=(*(_venue(ctx, v) for v in venues), *(_part(ctx, p) for p in parts)),
            numeric=("Data age", "Messages"),
        ),
        buttons=((Button(label="Refresh", action=ids.action("status", "", edits=True)),),),
        tone=Tone.GOOD if not ill else Tone.WARN,
    )


def _fields(ctx: Context, parts: object) -> tuple[tuple[str, str], ...]:
    market = ctx.services.market
    kind = "replay of recorded candles" if ctx.replaying else "live"
    replay = ctx.services.replay
    speed = ""
    if replay is not None:
        pace = "as fast as possible" if replay.speed is None else f"{replay.speed:g}× as fast"
        speed = ", ended" if replay.ended else ", paused" if replay.paused else f", {pace}"
    lag = ctx.services.loop_lag_ms()
    return (
        ("Source", f"{kind}{speed}"),
        ("Market time", ctx.moment(market.now_ms())),
        ("Markets", words.joined([text.base(s) for s in market.symbols]) or "none yet"),
        ("Response", f"{'slow' if lag > SLOW_MS else 'good'}, 99% of steps within {lag:.0f} ms"),
    )


def _remarks(ctx: Context, venues: list[VenueHealth], parts: Sequence[PartHealth]) -> list[str]:
    """Return what venues have to say and, to whoever runs this, what ails which part, and what is not set."""
    told = [f"{venue.venue}: {venue.detail}." for venue in venues if venue.detail]
    if ctx.caller.front in LOCAL_FRONTS:
        told += [f"{part.name}: {part.advice}" for part in parts if part.advice]
        told += [f"Not configured: {missing.name}: {missing.fix}" for missing in ctx.services.missing]
    return told


def _venue(ctx: Context, venue: VenueHealth) -> tuple[str, ...]:
    last = venue.last_event_ms
    age = "–" if last is None else words.ago(max(0, ctx.now_ms - last))
    again = f", reconnected {venue.reconnects}×" if venue.reconnects else ""
    return (venue.venue, f"{venue.state.value}{again}", age, f"{venue.messages:,}")


def _part(ctx: Context, part: PartHealth) -> tuple[str, ...]:
    """Return one part of the process; the text of an error is for the log, not for users."""
    again = f", restarted {part.restarts}×" if part.restarts else ""
    return (part.name, f"{part.state.value}{again}", "–", "–")


COMMANDS = (
    Command(
        noun="status",
        description="Show where the data comes from, how fresh it is, and how the service is doing",
        run=show,
        aliases=("health", "ping"),
        examples=("/status",),
        who=Who.EVERYONE,
    ),
)
