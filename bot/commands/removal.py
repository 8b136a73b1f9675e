"""Answer `/alert remove`: take one alert away, or all, once confirmed."""

from sqlalchemy.orm import Session

from bot.commands import ids, rule_words
from bot.commands.alerts import ONE, none_yet, unknown
from bot.commands.confirm import SURE, question
from bot.commands.context import Context
from bot.commands.parts import RULE, rows
from bot.commands.reply import Button, Reply, Tone
from bot.commands.spec import Call, Command, Kind, Parameter
from bot.lang import N_, _
from bot.render import text
from storage.rules import get_rule, list_rules, remove_rule
from storage.tables import Rule


async def remove(ctx: Context, call: Call) -> Reply:
    """Ask whether one alert, or all, is to go; where that is sure already, remove it."""
    owner, number = ctx.caller.user_id, call.whole("id")
    mine = await ctx.services.state.read(lambda session: list_rules(session, owner))
    if call.text("id") == "all":
        if len(mine) != 1 or call.flag("sure"):
            return await (remove_all(ctx, call) if call.flag("sure") else _ask_all(len(mine)))
        number = mine[0].rule_id
    found = next((rule for rule in mine if rule.rule_id == number), None)
    if found is None:
        raise unknown(number)
    if call.flag("sure"):
        return await _remove(ctx, number)
    return question(
        "alert remove",
        _("Remove alert {rule_id}, {base}?").format(rule_id=number, base=text.base(found.symbol)),
        rule_words.says(ctx, found),
        yes=(
            _("Yes, remove it"),
            ids.action("alert", "remove-now", str(number), f"{found.created_ms:x}", edits=True),
        ),
        keep=ids.action("alert", "show", str(number), edits=True),
    )


async def _ask_all(count: int) -> Reply:
    if not count:
        raise none_yet()
    return question(
        "alert remove",
        _("Remove all {count} alerts?").format(count=count),
        _("They go for good."),
        yes=(
            _("Yes, remove all {count}").format(count=count),
            ids.action("alert", "remove-all", edits=True),
        ),
        keep=ids.action("alert", "list", edits=True),
    )


async def remove_now(ctx: Context, call: Call) -> Reply:
    """Remove the alert that was asked about, after its owner said yes."""
    return await _remove(ctx, call.whole("id"), call.text("made"))


async def _remove(ctx: Context, number: int, made: str = "") -> Reply:
    """Remove an alert; of a number that another one has by now, nothing."""
    owner = ctx.caller.user_id

    def work(session: Session) -> Rule | None:
        rule = get_rule(session, owner, number)
        if rule is None or (made and f"{rule.created_ms:x}" != made):
            return None
        remove_rule(session, owner, number)
        return rule

    gone = await ctx.services.state.run(work)
    if gone is None:
        raise unknown(number)
    return await _removed(ctx, [gone])


async def remove_all(ctx: Context, call: Call) -> Reply:
    """Remove every alert of the user, after they said yes."""
    owner = ctx.caller.user_id

    def work(session: Session) -> list[Rule]:
        mine = list_rules(session, owner)
        for rule in mine:
            remove_rule(session, owner, rule.rule_id)
        return mine

    gone = await ctx.services.state.run(work)
    if not gone:
        raise none_yet()
    return await _removed(ctx, gone)


async def _removed(ctx: Context, gone: list[Rule]) -> Reply:
    symbols = list(dict.fromkeys(rule.symbol for rule in gone))
    for symbol in symbols:
        await ctx.services.alerting.rules_changed(symbol)
    what = (
        _("alert {rule_id}, {base}").format(rule_id=gone[0].rule_id, base=text.base(gone[0].symbol))
        if len(gone) == 1
        else _("{count} alerts").format(count=len(gone))
    )
    again = [
        Button(label=_("Watch {base} again").format(base=text.base(s)), action=ids.action("watch", "", s))
        for s in symbols[:3]
    ]
    return Reply(
        command="alert remove",
        title=_("Removed {what}").format(what=what),
        buttons=rows(again),
        tone=Tone.GOOD,
    )


MADE = Parameter(name="made", kind=Kind.TEXT, description=N_("When it was made"), required=True)
COMMANDS = (
    Command(
        noun="alert",
        verb="remove",
        description=N_("Remove an alert for good"),
        run=remove,
        parameters=(RULE, SURE),
        aliases=("alert rm", "alert delete", "alert del"),
        examples=("/alert remove 7", "/alert remove all"),
    ),
    Command(
        noun="alert",
        verb="remove-now",
        description=N_("Remove an alert, once confirmed"),
        run=remove_now,
        parameters=(ONE, MADE),
        button_only=True,
    ),
    Command(
        noun="alert",
        verb="remove-all",
        description=N_("Remove every alert, once confirmed"),
        run=remove_all,
        button_only=True,
    ),
)
