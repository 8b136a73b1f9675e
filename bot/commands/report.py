"""Answer `/report …`: pictures with figures, posted again and again where they are wanted."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from bot.commands import ids
from bot.commands.confirm import SURE, question
from bot.commands.context import Context
from bot.commands.liquidations import need_liquidations
from bot.commands.parts import rows
from bot.commands.reply import Button, Reply, Table, Tone
from bot.commands.report_parts import (
    AT,
    EVERY,
    HOW_OFTEN,
    KIND,
    KINDS,
    MARKET,
    POST,
    WHERE,
    WINDOW,
    buttons,
    fields,
    how_often,
    managed_server,
    minutes_of,
    most_of,
    spot_of,
    state,
    where,
)
from bot.commands.spec import Call, Command, Handler, Kind, Parameter, Provider, Who
from bot.lang import N_, _
from bot.render import text
from bot.when import next_due_ms
from engine.errors import UserError
from engine.model import DAY_MS
from storage import reports
from storage.reports import DASHBOARD, EDIT, PAUSED, NewReport
from storage.tables import Report

FRESH_S = 300
SHOWN_BUTTONS = 5
NUMBER = Parameter(
    name="id",
    kind=Kind.ID,
    description=N_("Number of the report, as /report list shows it"),
    required=True,
    examples=("3",),
    suggest=Provider.REPORTS,
)


async def add(ctx: Context, call: Call) -> Reply:
    """Add a report, and say what was understood and when it comes first."""
    kind, symbol = call.text("kind"), call.text("symbol")
    if kind == "liquidations":
        need_liquidations(ctx)
    spot = await spot_of(ctx, call, f"/report add {text.base(symbol).lower()} every=4h to=dm")
    fresh = kind == DASHBOARD
    every_s = FRESH_S if fresh and not call.has("every") else EVERY[call.text("every")]
    at_min, now_ms = minutes_of(call), ctx.now_ms
    usual_ms = every_s * 1000 if kind == "liquidations" else DAY_MS
    new = NewReport(
        kind=kind,
        symbol=symbol,
        window_ms=call.whole("window") or usual_ms,
        every_s=every_s,
        at_min=at_min,
        to_channel=spot.channel,
        to_place=spot.place,
        post=EDIT if fresh else call.text("post"),
        next_ms=now_ms if fresh else next_due_ms(every_s, at_min, spot.tz, now_ms),
        server_id=spot.server_id,
    )
    return await added(ctx, new)


async def added(ctx: Context, new: NewReport) -> Reply:
    """Keep a report, and answer with its card."""
    owner, wall_ms, most = ctx.caller.user_id, ctx.services.wall_ms(), most_of(ctx)
    row = await ctx.services.state.run(
        lambda session: reports.add_report(
            session, owner, new, most, wall_ms=wall_ms, manages=managed_server(ctx)
        )
    )
    title = _("Dashboard on") if row.kind == DASHBOARD else _("Report {id} added").format(id=row.report_id)
    return _card(ctx, row, title)


def _card(ctx: Context, row: Report, title: str, tone: Tone = Tone.GOOD) -> Reply:
    return Reply(command="report add", title=title, fields=fields(ctx, row), buttons=buttons(row), tone=tone)


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with the caller's reports, and those of the server that they manage."""
    owner, server = ctx.caller.user_id, managed_server(ctx)
    found = await ctx.services.state.read(lambda session: reports.list_reports(session, owner, server))
    if not ctx.caller.private:
        found = [row for row in found if row.server_id == ctx.caller.server]  # others read along
    if not found:
        return Reply(
            command="report list",
            title=_("No reports yet"),
            text=_("Have one posted: /report add btc every=4h\nOr a dashboard: /dashboard on btc"),
        )
    table = Table(
        headings=("#", _("Shows"), _("Every"), _("Where"), _("Next")),
        rows=tuple(
            (
                str(row.report_id),
                f"{text.base(row.symbol)} {_(KINDS.get(row.kind, row.kind))}",
                how_often(row),
                where(ctx, row),
                state(ctx, row),
            )
            for row in found
        ),
    )
    shown = [
        Button(label=f"#{row.report_id}", action=ids.action("report", "show", str(row.report_id)))
        for row in found[:SHOWN_BUTTONS]
    ]
    return Reply(command="report list", title=_("Reports"), table=table, buttons=rows(shown))


async def card(ctx: Context, call: Call) -> Reply:
    """Answer with one report and what can be done with it."""
    row = await _changed(ctx, call, lambda _row: None)
    return _card(ctx, row, _("Report {id}").format(id=row.report_id), Tone.PLAIN)


async def remove(ctx: Context, call: Call) -> Reply:
    """Ask whether a report is to go; where that is sure already, remove it."""
    owner, server, number = ctx.caller.user_id, managed_server(ctx), call.whole("id")
    if not call.flag(SURE.name):
        if await ctx.services.state.read(lambda s: reports.get_report(s, owner, number, server)) is None:
            raise _unknown(number)
        return question(
            "report remove",
            _("Remove report {id}?").format(id=number),
            _("It goes for good; /report pause lets it rest."),
            yes=(_("Yes, remove it"), ids.action("report", "remove", str(number), "sure=on", edits=True)),
            keep=ids.action("report", "list", edits=True),
        )
    gone = await ctx.services.state.run(lambda session: reports.remove_report(session, owner, number, server))
    if not gone:
        raise _unknown(number)
    return Reply(command="report remove", title=_("Report {id} removed").format(id=number), tone=Tone.GOOD)


async def pause(ctx: Context, call: Call) -> Reply:
    """Let a report rest."""

    def rest(row: Report) -> None:
        row.off_reason = PAUSED

    row = await _changed(ctx, call, rest)
    return _card(ctx, row, _("Report {id} paused").format(id=row.report_id))


async def resume(ctx: Context, call: Call) -> Reply:
    """Let a report go on, from its next time on."""
    tz, now_ms = ctx.tz, ctx.now_ms

    def wake(row: Report) -> None:
        row.off_reason, row.alert_id = "", None
        row.next_ms = now_ms if row.kind == DASHBOARD else next_due_ms(row.every_s, row.at_min, tz, now_ms)

    row = await _changed(ctx, call, wake)
    return _card(ctx, row, _("Report {id} goes on").format(id=row.report_id))


async def now(ctx: Context, call: Call) -> Reply:
    """Post a report now, besides its times."""
    now_ms = ctx.now_ms

    def soon(row: Report) -> None:
        row.off_reason, row.next_ms = "", now_ms

    row = await _changed(ctx, call, soon)
    return _card(ctx, row, _("Report {id} is posted within a minute").format(id=row.report_id))


async def _changed(ctx: Context, call: Call, change: Callable[[Report], None]) -> Report:
    """Change a report of the caller's or of the server that they manage. Raises UserError for any other."""
    owner, server, number = ctx.caller.user_id, managed_server(ctx), call.whole("id")

    def work(session: Session) -> Report | None:
        row = reports.get_report(session, owner, number, server)
        if row is not None:
            change(row)
            session.flush()
        return row

    row = await ctx.services.state.run(work)
    if row is None:
        raise _unknown(number)
    return row


def _unknown(number: int) -> UserError:
    return UserError(_("There is no report {id} of yours.").format(id=number), example="/report list")


def _on_one(verb: str, description: str, run: Handler, *more: Parameter, typed: bool = True) -> Command:
    """Return a command about one report."""
    return Command(
        noun="report",
        verb=verb,
        description=description,
        run=run,
        parameters=(NUMBER, *more),
        examples=(f"/report {verb} 3",) if typed else (),
        who=Who.PLACE,
        button_only=not typed,
    )


COMMANDS = (
    Command(
        noun="report",
        verb="add",
        description=N_("Have a picture with figures posted again and again"),
        run=add,
        parameters=(MARKET, HOW_OFTEN, AT, KIND, WHERE, POST, WINDOW),
        examples=(
            "/report add btc every=4h",
            "/report add btc daily at=08:00 kind=zones",
            "/report add eth every=1h kind=liquidations post=edit",
        ),
        who=Who.PLACE,
    ),
    Command(
        noun="report",
        verb="list",
        description=N_("List your reports, and those of the server you manage"),
        run=show,
        aliases=("report", "reports"),
        examples=("/report list",),
        who=Who.PLACE,
    ),
    _on_one("remove", N_("Remove a report"), remove, SURE),
    _on_one("pause", N_("Let a report rest"), pause),
    _on_one("resume", N_("Let a report go on"), resume),
    _on_one("show", N_("Show one report"), card, typed=False),
    _on_one("now", N_("Post a report now"), now, typed=False),
)
