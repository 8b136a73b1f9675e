"""Answer `/alert remove`: take one alert away, or all once confirmed."""

from sqlalchemy.orm import Session

from bot.commands import ids
from bot.commands.alerts import none_yet, unknown
from bot.commands.context import Context
from bot.commands.parts import RULE, rows
from bot.commands.reply import Button, Reply, Tone
from bot.commands.spec import Call, Command
from bot.lang import N_, _
from bot.render import text
from storage.rules import get_rule, list_rules, remove_rule
from storage.tables import Rule


async def remove(ctx: Context, call: Call) -> Reply:
    """Remove one alert; ask first where all are meant."""
    owner = ctx.caller.user_id
    if call.text("id") == "all":
        count = len(await ctx.services.state.read(lambda session: list_rules(session, owner)))
        if not count:
            raise none_yet()
        sure = Button(
            label=_("Yes, remove all {count}").format(count=count),
            action=ids.action("alert", "remove-all", edits=True),
            style="danger",
        )
        return Reply(
            command="alert remove",
            title=_("Remove all {count} alerts?").format(count=count),
            buttons=((sure,),),
            tone=Tone.WARN,
        )
    number = call.whole("id")

    def work(session: Session) -> Rule | None:
        rule = get_rule(session, owner, number)
        if rule is not None:
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


COMMANDS = (
    Command(
        noun="alert",
        verb="remove",
        description=N_("Remove an alert for good"),
        run=remove,
        parameters=(RULE,),
        aliases=("alert rm", "alert delete", "alert del"),
        examples=("/alert remove 7",),
    ),
    Command(
        noun="alert",
        verb="remove-all",
        description=N_("Remove every alert, once confirmed"),
        run=remove_all,
        button_only=True,
    ),
)
