"""Answer `/alert history`: what became of each alert, and why."""

from dataclasses import replace

from bot.commands import ids
from bot.commands.alerts import ONE
from bot.commands.context import Context
from bot.commands.parts import rows
from bot.commands.reply import Button, Reply, Table
from bot.commands.services import Told
from bot.commands.spec import Call, Command, Kind, Parameter
from bot.render import text

PER_PAGE = 8
WORDS = {
    "send": "sent",
    "fold": "added to a message",
    "hold": "waiting",
    "digest": "in your digest",
    "suppress": "not sent",
    "void": "void: the replay was turned back",
}
PAGE = Parameter(
    name="page",
    kind=Kind.INTEGER,
    description="Which page, 1 is the newest",
    default=1,
    low=1,
    high=1000,
    unit="page",
    examples=("2",),
)


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with one page of the user's alerts, newest first, each with its reason."""
    page, number = call.whole("page"), call.whole("id")
    found = await ctx.services.alerting.history(
        ctx.caller.user_id, rule_id=number or None, limit=PER_PAGE + 1, offset=(page - 1) * PER_PAGE
    )
    of = f" of alert {number}" if number else ""
    if not found:
        return Reply(
            command="alert history",
            title=f"History{of}",
            text="Nothing on this page." if page > 1 else "Nothing yet: no zone you watch was near.",
            buttons=_turn(page, number, more=False),
        )
    table = Table(
        headings=("When", "Alert", "What became of it", "Why"),
        rows=tuple(_row(ctx, told) for told in found[:PER_PAGE]),
    )
    return Reply(
        command="alert history",
        title=f"History{of}" + (f", page {page}" if page > 1 else ""),
        table=table,
        buttons=_turn(page, number, more=len(found) > PER_PAGE),
    )


def _row(ctx: Context, told: Told) -> tuple[str, ...]:
    return (
        ctx.moment(told.market_ms),
        f"{text.base(told.symbol)} {told.severity}",
        WORDS.get(told.action, told.action),
        told.sentence,
    )


def _turn(page: int, number: int, *, more: bool) -> tuple[tuple[Button, ...], ...]:
    """Return the buttons that turn the page."""
    about = (f"id={number}",) if number else ()
    made = []
    if page > 1:
        made.append(
            Button(
                label="Newer", action=ids.action("alert", "history", f"page={page - 1}", *about, edits=True)
            )
        )
    if more:
        made.append(
            Button(
                label="Older", action=ids.action("alert", "history", f"page={page + 1}", *about, edits=True)
            )
        )
    return rows(made)


COMMANDS = (
    Command(
        noun="alert",
        verb="history",
        description="Show what became of your alerts, and why one was or was not sent",
        run=show,
        parameters=(
            PAGE,
            replace(ONE, required=False, description="Only this alert's; all if left out"),
        ),
        aliases=("history", "alert why"),
        examples=("/alert history", "/alert history page=2", "/alert history id=7"),
    ),
)
