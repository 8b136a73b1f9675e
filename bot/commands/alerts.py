"""Answer `/alert …`: look after the alerts one has, and see why one was or was not told."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy.orm import Session

from bot.alerting.history import Happened, history
from bot.alerting.history import show as whole
from bot.commands import cards, ids, rule_words, words
from bot.commands.amounts import DAY_MS, HOUR_MS, MINUTE_MS
from bot.commands.context import Context
from bot.commands.fire_way import verdict, whole_way
from bot.commands.paging import PAGE, of_pages, paged, turns
from bot.commands.parts import RULE, rows, sent_today
from bot.commands.reply import Button, Reply, Table, Tone
from bot.commands.spec import Call, Command, Kind, NotOnes, Parameter
from bot.lang import N_, _
from bot.render import text
from engine.errors import UserError
from engine.model import RuleId
from storage.rules import check_room, get_rule, list_rules, to_watch, update_rule
from storage.tables import Rule

ONE = replace(RULE, words=(), examples=("7",), description=N_("Number of the alert, as /alert list shows it"))
FOR = Parameter(
    name="for",
    kind=Kind.DURATION,
    description=N_("How long to stay silent, 1m to 30d"),
    default=HOUR_MS,
    low=MINUTE_MS,
    high=30 * DAY_MS,
    unit="time",
    examples=("1h", "8h", "1d"),
)

Change = Callable[[Session, str, Rule], Rule | None]
PER_PAGE = 8
"""How many alerts a list shows at a time."""


async def listing(ctx: Context, call: Call) -> Reply:
    """Answer with the user's alerts, one line each."""
    owner = ctx.caller.user_id
    mine, sent = await ctx.services.state.read(
        lambda session: (list_rules(session, owner), sent_today(session, ctx))
    )
    if not mine:
        return _none_listed(ctx)
    shown, page, pages = paged(mine, call.whole("page"), PER_PAGE)
    table = Table(
        headings=(_("No."), _("Market"), _("Tells you when"), _("Severity"), _("State"), _("Goes to")),
        rows=tuple(_row(ctx, rule) for rule in shown),
        numeric=(_("No."),),
    )
    return Reply(
        command="alert list",
        title=_("Your alerts, {sum}/{most}").format(
            sum=sum(r.ended_ms is None for r in mine), most=_most(ctx)
        )
        + of_pages(page, pages),
        text=_("Messages today: {sent}/{daily_limit}.").format(sent=sent, daily_limit=ctx.prefs.daily_limit),
        table=table,
        buttons=(
            *rows([_opens(rule) for rule in shown], 4),
            *rows([Button(label=_("New alert"), action=ids.action("alert", "add", edits=True))]),
            *turns("alert", "list", page, pages),
        ),
    )


def _opens(rule: Rule) -> Button:
    """Return the button that shows an alert in the place of the list, with all that can be done with it."""
    return Button(
        label=f"{rule.rule_id} {text.base(rule.symbol)}",
        action=ids.action("alert", "show", str(rule.rule_id), edits=True),
    )


def _none_listed(ctx: Context) -> Reply:
    return Reply(
        command="alert list",
        title=_("No alerts yet, 0/{most}").format(most=_most(ctx)),
        text=_(
            "Watch a market and you are told when price nears a dense liquidation zone; or say "
            "what else should happen: /alert add btc falls 3% in 15m"
        ),
        buttons=rows(
            [
                Button(label=_("Watch {base}").format(base=text.base(s)), action=ids.action("watch", "", s))
                for s in _first(ctx)
            ]
        ),
    )


def _first(ctx: Context) -> tuple[str, ...]:
    return tuple(ctx.services.market.symbols[:3])


def _most(ctx: Context) -> int:
    return ctx.services.defaults.most_rules


def _row(ctx: Context, rule: Rule) -> tuple[str, ...]:
    return (
        str(rule.rule_id),
        text.base(rule.symbol),
        rule_words.brief(rule),
        rule_words.severities(rule),
        rule_words.state(ctx, rule),
        cards.destination(rule),
    )


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with one alert in full words, and with what became of it when it fired last."""
    owner, number = ctx.caller.user_id, call.whole("id")

    def read(session: Session) -> tuple[Rule | None, Happened | None]:
        fired = history(session, owner, rule_id=number, limit=1)
        last = whole(session, owner, fired[0].alert_id) if fired else None
        return get_rule(session, owner, number), last

    rule, last = await ctx.services.state.read(read)
    if rule is None:
        raise unknown(number)
    card = _card(
        ctx,
        rule,
        "alert show",
        _("Alert {rule_id}, {base}").format(rule_id=rule.rule_id, base=text.base(rule.symbol)),
        Tone.PLAIN,
    )
    if last is None:
        return card
    told = _("Fired last {moment}: {verdict}. Its whole way is below.").format(
        moment=ctx.moment(last.market_ms), verdict=verdict(ctx, last)
    )
    return replace(card, text=f"{card.text}\n{told}", table=whole_way(ctx, last))


def _card(ctx: Context, rule: Rule, command: str, title: str, tone: Tone) -> Reply:
    near = cards.nearest(ctx, to_watch(rule)) if rule_words.is_watch(rule) else ""
    return Reply(
        command=command,
        title=title,
        text="\n".join(filter(None, (rule_words.says(ctx, rule), near))),
        fields=cards.fields(ctx, rule),
        buttons=cards.buttons(ctx, rule),
        tone=tone,
    )


def unknown(number: int) -> UserError:
    """Return the refusal of a number that is not one of the user's, whoever else's it may be."""
    return NotOnes(_("You have no alert {number}.").format(number=number), example="/alert list")


async def pause(ctx: Context, call: Call) -> Reply:
    """Silence alerts until they are resumed."""
    return await _changed(
        ctx, call, _("Paused {}"), lambda s, owner, r: update_rule(s, owner, r.rule_id, paused=True)
    )


async def resume(ctx: Context, call: Call) -> Reply:
    """Let paused and snoozed alerts speak again."""
    return await _changed(
        ctx,
        call,
        _("Resumed {}"),
        lambda s, owner, r: _woken(ctx, s, owner, r),
    )


def _woken(ctx: Context, session: Session, owner: str, rule: Rule) -> Rule | None:
    """Let an alert speak again: one that told what it was to tell once begins anew."""
    if rule.ended_ms is None:
        return update_rule(session, owner, rule.rule_id, paused=False, snoozed_until_ms=None)
    check_room(session, owner, _most(ctx))
    ends = rule_words.spec(rule).expires_ms
    if ends is not None and ends <= ctx.now_ms:
        raise UserError(
            _("Alert {rule_id} ended {moment}; give it a new end, or none.").format(
                rule_id=rule.rule_id, moment=ctx.moment(ends)
            ),
            example=f"/alert edit {rule.rule_id} expires=7d",
        )
    return update_rule(
        session, owner, rule.rule_id, paused=False, snoozed_until_ms=None, params=dict(rule.params)
    )


async def snooze(ctx: Context, call: Call) -> Reply:
    """Silence alerts for a while, in market time."""
    until_ms = ctx.now_ms + call.whole("for")
    told = _("Snoozed {{}} for {duration}, until {moment}").format(
        duration=words.duration(call.whole("for")), moment=ctx.moment(until_ms)
    )
    return await _changed(
        ctx, call, told, lambda s, owner, r: update_rule(s, owner, r.rule_id, snoozed_until_ms=until_ms)
    )


async def _changed(ctx: Context, call: Call, told: str, change: Change) -> Reply:
    """Change one alert or all in one transaction, and show what became of it."""
    owner, number = ctx.caller.user_id, call.whole("id")

    def work(session: Session) -> list[Rule]:
        chosen = list_rules(session, owner)
        if number or call.text("id") != "all":
            chosen = [r for r in chosen if r.rule_id == number]
        return [changed for rule in chosen if (changed := change(session, owner, rule))]

    rules = await ctx.services.state.run(work)
    if not rules:
        raise unknown(number) if call.text("id") != "all" else none_yet()
    for symbol in dict.fromkeys(rule.symbol for rule in rules):
        await ctx.services.alerting.rules_changed(symbol)
    if len(rules) == 1:
        title = told.format(
            _("alert {rule_id} on {base}").format(rule_id=rules[0].rule_id, base=text.base(rules[0].symbol))
        )
        return _card(ctx, rules[0], call.command.name, title, Tone.GOOD)
    listed = words.joined([f"{r.rule_id} {text.base(r.symbol)}" for r in rules])
    return Reply(
        command=call.command.name,
        title=told.format(_("{count} alerts").format(count=len(rules))),
        text=f"{listed}.",
        tone=Tone.GOOD,
    )


def none_yet() -> UserError:
    """Return the refusal of somebody who has no alerts."""
    return UserError(_("You have no alerts yet."), example="/watch btc")


async def test(ctx: Context, call: Call) -> Reply:
    """Send a marked test alert the way a real one goes."""
    owner = ctx.caller.user_id
    mine = await ctx.services.state.read(lambda session: list_rules(session, owner))
    if not mine:
        raise none_yet()
    number = call.whole("id") or mine[-1].rule_id
    rule = next((r for r in mine if r.rule_id == number), None)
    if rule is None:
        raise unknown(number)
    await ctx.services.alerting.send_test(owner, RuleId(rule.rule_id))
    return Reply(
        command="alert test",
        title=_("Test alert {rule_id} is on its way").format(rule_id=rule.rule_id),
        text=_(
            "It goes the way of a real one: {destination}.\nIf it does not arrive, look at /alert "
            "history and /status."
        ).format(destination=cards.destination(rule)),
        tone=Tone.GOOD,
    )


COMMANDS = (
    Command(
        noun="alert",
        verb="list",
        description=N_("List your alerts with their numbers and limits"),
        run=listing,
        parameters=(PAGE,),
        aliases=("alert", "alerts", "alert ls", "watches", "watchlist"),
        examples=("/alert list",),
    ),
    Command(
        noun="alert",
        verb="show",
        description=N_("Show one alert in full"),
        run=show,
        parameters=(ONE,),
        examples=("/alert show 7",),
    ),
    Command(
        noun="alert",
        verb="pause",
        description=N_("Silence an alert, or all, until you resume it"),
        run=pause,
        parameters=(RULE,),
        aliases=("alert stop", "alert off"),
        examples=("/alert pause 7", "/alert pause all"),
    ),
    Command(
        noun="alert",
        verb="resume",
        description=N_("Let a paused or snoozed alert, or all, speak again"),
        run=resume,
        parameters=(RULE,),
        aliases=("alert unpause", "alert start", "alert on"),
        examples=("/alert resume 7", "/alert resume all"),
    ),
    Command(
        noun="alert",
        verb="snooze",
        description=N_("Silence an alert, or all, for a while"),
        run=snooze,
        parameters=(RULE, FOR),
        aliases=("alert mute", "snooze", "mute"),
        examples=("/alert snooze 7", "/alert snooze all for=8h"),
    ),
    Command(
        noun="alert",
        verb="test",
        description=N_("Send yourself a test alert, the way a real one goes"),
        run=test,
        parameters=(
            replace(ONE, required=False, description=N_("Number of the alert; your newest if left out")),
        ),
        examples=("/alert test", "/alert test 7"),
    ),
)
