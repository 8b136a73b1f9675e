"""Answer `/alert history` and the Why? button: what became of each alert, and why."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy.orm import Session

from bot.alerting.history import Happened, history
from bot.alerting.history import show as whole
from bot.commands import ids, words
from bot.commands.alerts import ONE
from bot.commands.amounts import DAY_MS, HOUR_MS
from bot.commands.context import Context
from bot.commands.fire_way import verdict, whole_way
from bot.commands.paging import PAGE
from bot.commands.parts import rows, sent_today, window_of
from bot.commands.reply import Button, Reply, Table
from bot.commands.spec import Call, Command, Kind, Parameter
from bot.lang import N_, _
from engine.errors import UserError
from storage.alerts import EVER, Since

PER_PAGE = 8


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with one page of the user's alerts, newest first, each with its reason."""
    page, number = call.whole("page"), call.whole("id")
    owner, span_ms = ctx.caller.user_id, call.whole("window")
    since = Since(market_ms=ctx.now_ms - span_ms) if span_ms else EVER

    def read(session: Session) -> tuple[list[Happened], int]:
        found = history(
            session,
            owner,
            rule_id=number or None,
            since=since,
            limit=PER_PAGE + 1,
            offset=(page - 1) * PER_PAGE,
        )
        return found, sent_today(session, ctx)

    found, sent = await ctx.services.state.read(read)
    title = (
        _("History")
        + (_(" of alert {number}").format(number=number) if number else "")
        + (_(", last {span}").format(span=words.duration(span_ms)) if span_ms else "")
        + (_(", page {page}").format(page=page) if page > 1 else "")
    )
    turn = partial(_turn, page, _about(number, span_ms))
    if not found:
        nothing = (
            _("Nothing on this page.")
            if page > 1
            else _("Nothing in that time: none of your alerts became true.")
            if span_ms
            else _("Nothing yet: none of your alerts has become true.")
        )
        return Reply(command="alert history", title=title, text=nothing, buttons=turn(more=False))
    return Reply(
        command="alert history",
        title=title,
        text=_("Messages today: {sent}/{daily_limit}.").format(sent=sent, daily_limit=ctx.prefs.daily_limit),
        table=Table(
            headings=(_("When"), _("Alert"), _("What became of it"), _("Why")),
            rows=tuple(_row(ctx, told) for told in found[:PER_PAGE]),
        ),
        buttons=(*_whys(ctx, found[:PER_PAGE]), *turn(more=len(found) > PER_PAGE)),
    )


def _whys(ctx: Context, found: Sequence[Happened]) -> tuple[tuple[Button, ...], ...]:
    """Return a button for each alert of a page that shows its whole way."""
    return rows(
        [
            Button(
                label=_("Why? {moment}").format(moment=ctx.moment(told.market_ms)),
                action=ids.action("alert", "why", told.alert_id),
            )
            for told in found
        ]
    )


def _row(ctx: Context, told: Happened) -> tuple[str, ...]:
    return (
        ctx.moment(told.market_ms),
        f"{told.severity}: {told.headline}",
        verdict(ctx, told),
        told.sentence,
    )


def _about(number: int, span_ms: int) -> tuple[str, ...]:
    """Return the words of a button that asks for the same alerts."""
    one = (f"id={number}",) if number else ()
    return (*one, f"window={words.duration_short(span_ms)}") if span_ms else one


def _turn(page: int, about: tuple[str, ...], *, more: bool) -> tuple[tuple[Button, ...], ...]:
    """Return the buttons that turn the page."""
    turns = ((_("Newer"), page - 1, page > 1), (_("Older"), page + 1, more))
    return rows(
        [
            Button(label=label, action=ids.action("alert", "history", f"page={to}", *about, edits=True))
            for label, to, there in turns
            if there
        ]
    )


async def why(ctx: Context, call: Call) -> Reply:
    """Answer the Why? button of an alert with every stage's word on it."""
    owner, alert_id = ctx.caller.user_id, call.text("alert")
    told = await ctx.services.state.read(lambda session: whole(session, owner, alert_id))
    if told is None:
        raise UserError(_("That alert is not yours, or it is gone."), example="/alert history")
    return Reply(
        command="alert why",
        title=told.headline,
        text=f"{told.severity}, {ctx.moment(told.market_ms)}: {verdict(ctx, told)}. {told.sentence}",
        table=whole_way(ctx, told),
        buttons=rows(
            [
                Button(
                    label=_("Alert {rule_id}").format(rule_id=told.rule_id),
                    action=ids.action("alert", "show", str(told.rule_id)),
                ),
                Button(label=_("Heatmap"), action=ids.action("heatmap", "", told.symbol)),
            ]
        ),
    )


WINDOW = replace(
    window_of(DAY_MS, low_ms=HOUR_MS, examples=("1d", "7d")),
    default=None,
    description=N_("Only what became true within this time; all if left out"),
)
COMMANDS = (
    Command(
        noun="alert",
        verb="history",
        description=N_("Show what became of your alerts, and why one was or was not sent"),
        run=show,
        parameters=(
            PAGE,
            replace(ONE, required=False, description=N_("Only this alert's; all if left out")),
            WINDOW,
        ),
        aliases=("history",),
        examples=("/alert history", "/alert history page=2", "/alert history id=7 window=1d"),
    ),
    Command(
        noun="alert",
        verb="why",
        description=N_("Show the whole way of one alert"),
        run=why,
        parameters=(
            Parameter(name="alert", kind=Kind.TEXT, description=N_("Which alert it is about"), required=True),
        ),
        button_only=True,
    ),
)
