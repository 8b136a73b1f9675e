"""Share what `/report` and `/dashboard` have in common: parameters, where something is posted, its words."""

from dataclasses import dataclass, replace

from bot.commands import ids, words
from bot.commands.context import Context
from bot.commands.parts import SYMBOL, rows, window_of
from bot.commands.reply import Button
from bot.commands.server import server_of
from bot.commands.spec import Call, Choice, Kind, Parameter
from bot.commands.watch import TO, place_of
from bot.lang import N_, _
from bot.render import text
from engine.errors import UserError
from engine.model import DAY_MS, HOUR_MS
from storage.reports import DASHBOARD, PAUSED, Most
from storage.tables import Report

HOUR_S = 3600
EVERY = {
    "30m": 1800,
    "1h": HOUR_S,
    "2h": 2 * HOUR_S,
    "3h": 3 * HOUR_S,
    "4h": 4 * HOUR_S,
    "6h": 6 * HOUR_S,
    "8h": 8 * HOUR_S,
    "12h": 12 * HOUR_S,
    "daily": 24 * HOUR_S,
}
"""How often a report may come: what divides a day, so that it comes at the same times every day."""
FRESH = {"5m": 300, "10m": 600, "15m": 900, "30m": 1800, "1h": HOUR_S}
"""How often a dashboard may be refreshed."""
MARKET = replace(SYMBOL, required=True, description=N_("Market, such as btc, eth/usdt or SOL-PERP"))
HOW_OFTEN = Parameter(
    name="every",
    kind=Kind.CHOICE,
    description=N_("How often it is posted: from 30m to daily"),
    default="daily",
    choices=tuple(Choice(value=name, label=name) for name in EVERY),
)
REFRESH = Parameter(
    name="every",
    kind=Kind.CHOICE,
    description=N_("How often it is refreshed: from 5m to 1h"),
    default="5m",
    choices=tuple(Choice(value=name, label=name) for name in FRESH),
)
AT = Parameter(
    name="at",
    kind=Kind.TIMES,
    description=N_("The time of day it is counted from, such as 08:00; midnight if left out"),
    examples=("08:00", "18:30"),
)
KIND = Parameter(
    name="kind",
    kind=Kind.CHOICE,
    description=N_("What it shows"),
    default="heatmap",
    choices=(
        Choice(value="heatmap", label=N_("heatmap")),
        Choice(value="zones", label=N_("zones")),
        Choice(value="liquidations", label=N_("liquidations")),
        Choice(value=DASHBOARD, label=N_("a dashboard that refreshes itself")),
    ),
)
POST = Parameter(
    name="post",
    kind=Kind.CHOICE,
    description=N_("A new message each time, or edit the one before"),
    default="new",
    choices=(
        Choice(value="new", label=N_("new message")),
        Choice(value="edit", label=N_("edit the one before")),
    ),
)
WINDOW = replace(
    window_of(DAY_MS, low_ms=HOUR_MS, examples=("12h", "24h", "7d")),
    default=None,
    named=True,
    description=N_("How far back it looks, 1h to 30d; 24h, or its own pace for liquidations"),
)
WHERE = replace(TO, description=N_("Where it is posted: here, the channel set up, or a direct message"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where something is posted: the channel and the place, the server it is in, and the clock it goes by."""

    channel: str
    place: str
    server_id: str
    tz: str


async def spot_of(ctx: Context, call: Call, example: str) -> Spot:
    """Return where a report goes: where it is asked for, unless it says otherwise. Raises UserError."""
    caller = ctx.caller
    if not call.has("to") and caller.server and not caller.private:
        call = replace(call, values={**call.values, "to": "here"})
    channel, place = await place_of(ctx, call, example)
    shared = bool(place) and bool(caller.server) and channel == caller.front.value
    prefs = await server_of(ctx)
    tz = (prefs.tz if shared else "") or ctx.tz
    return Spot(channel=channel, place=place, server_id=caller.server if shared else "", tz=tz)


def most_of(ctx: Context) -> Most:
    """Return how many reports there may be here."""
    house = ctx.services.defaults
    return Most(owner=house.most_reports, server=house.most_reports_in_server)


def managed_server(ctx: Context) -> str:
    """Return the server whose reports the caller looks after, empty where there is none."""
    caller = ctx.caller
    return caller.server if (caller.manages or caller.may_post) and not caller.private else ""


def how_often(row: Report) -> str:
    """Return how often a report comes, the way it is typed."""
    names = {seconds: name for name, seconds in (FRESH | EVERY).items()}
    return names.get(row.every_s, words.duration_short(row.every_s * 1000))


def where(ctx: Context, row: Report) -> str:
    """Return where a report is posted, as its owner calls that."""
    if not row.to_place:
        return _("the app") if row.to_channel == "inapp" else _("direct message")
    if row.to_place == ctx.caller.place:
        return _("here")
    ground = ctx.services.grounds.get(row.to_channel)
    known = {each.key: f"#{each.title}" for each in ground.channels(row.server_id)} if ground else {}
    return known.get(row.to_place, row.to_place)


KINDS = {
    "heatmap": N_("heatmap"),
    "zones": N_("zones"),
    "liquidations": N_("liquidations"),
    DASHBOARD: N_("dashboard"),
}
"""What a report shows, in a word."""


def state(ctx: Context, row: Report) -> str:
    """Return when a report comes next, or why it rests."""
    if row.off_reason == PAUSED:
        return _("paused")
    if row.off_reason:
        return _("rests: {why}").format(why=_(row.off_reason))
    return ctx.moment(row.next_ms)


def fields(ctx: Context, row: Report) -> tuple[tuple[str, str], ...]:
    """Return what a report is, in label and value."""
    shown = {choice.value: choice.label for choice in KIND.choices}
    how = _("edited in place") if row.post == "edit" else _("a new message each time")
    return (
        (_("Shows"), f"{text.base(row.symbol)}, {_(shown.get(row.kind, row.kind))}"),
        (_("Every"), how_often(row)),
        (_("Where"), f"{where(ctx, row)}, {how}"),
        (_("Next"), state(ctx, row)),
    )


def buttons(row: Report) -> tuple[tuple[Button, ...], ...]:
    """Return what can be done with a report."""
    number = str(row.report_id)
    verb, label = ("resume", _("Resume")) if row.off_reason else ("pause", _("Pause"))
    gone = ids.action("report", "remove", number, edits=True)
    return rows(
        [
            Button(label=_("Post now"), action=ids.action("report", "now", number, edits=True)),
            Button(label=label, action=ids.action("report", verb, number, edits=True)),
            Button(label=_("Remove"), action=gone, style="danger"),
        ]
    )


def minutes_of(call: Call) -> int:
    """Return the minute of the day that a report is counted from. Raises UserError for several times."""
    times = call.values.get("at")
    if not isinstance(times, tuple) or not times:
        return 0
    if len(times) > 1:
        raise UserError(_("Say one time of day."), example="/report add btc daily at=08:00")
    hour, _colon, minute = str(times[0]).partition(":")
    return int(hour) * 60 + int(minute)
