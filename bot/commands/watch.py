"""Answer `/watch` and `/unwatch`: be told when price nears a dense zone, with good defaults in one step."""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from bot.commands import cards, ids, words
from bot.commands.amounts import DAY_MS, MINUTE_MS
from bot.commands.channel_words import own_place
from bot.commands.confirm import SURE, question
from bot.commands.context import Context
from bot.commands.parts import SIDE, SYMBOL, maybe_view, rows, side_of
from bot.commands.reply import Button, Reply, Tone
from bot.commands.server import shared_place
from bot.commands.spec import LOCAL_FRONTS, Call, Choice, Command, Kind, Parameter, Provider
from bot.lang import N_, _
from bot.render import text
from engine.errors import UserError
from engine.model import Side
from storage.rules import (
    OWN,
    ZONE_PROXIMITY,
    NewRule,
    RuleChanges,
    add_rule,
    count_rules,
    list_rules,
    remove_rule,
    to_watch,
    update_rule,
    watch_params,
)
from storage.tables import Rule

WITHIN = Parameter(
    name="within",
    kind=Kind.PERCENTS,
    description=N_("Distances that alert, nearest is critical, then warning, then info"),
    low=0.001,
    high=0.06,
    unit="% of price",
    examples=("1%,3%,5%", "0.5,2", "2%"),
)
MINIMUM = Parameter(
    name="min",
    kind=Kind.USD,
    description=N_("Smallest zone to tell about, in dollars; auto is the largest 5% of 21 days"),
    low=1_000,
    high=1e12,
    unit="USD",
    words=("auto",),
    examples=("auto", "10M", "$2,000,000"),
    aliases=("minimum", "size"),
)
COOLDOWN = Parameter(
    name="cooldown",
    kind=Kind.DURATION,
    description=N_("How long the same zone stays silent after an alert, 1m to 7d"),
    low=MINUTE_MS,
    high=7 * DAY_MS,
    unit="time",
    examples=("1h", "15m", "4h"),
)
TO = Parameter(
    name="to",
    kind=Kind.PLACE,
    description=N_("Where alerts go: a direct message to you, here, or a channel of yours by its number"),
    choices=(
        Choice(value="dm", label=N_("direct message to me")),
        Choice(value="here", label=N_("here, in this chat")),
        Choice(value="channel", label=N_("the channel set up for this server")),
    ),
    examples=("dm", "2"),
    suggest=Provider.CHANNELS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """What a watch came to: the rule, whether it was there before and woke up, how many there are."""

    rule: Rule
    existed: bool
    woken: bool
    count: int


async def watch(ctx: Context, call: Call) -> Reply:
    """Add the user's watch of a market, or change the one there is, and repeat it in full words."""
    symbol = call.text("symbol")
    place = await place_of(ctx, call, f"/watch {text.base(symbol).lower()} to=dm")
    wall_ms = ctx.services.wall_ms()
    now_ms = ctx.now_ms
    done = await ctx.services.state.run(lambda session: _save(session, ctx, call, place, (now_ms, wall_ms)))
    await ctx.services.alerting.rules_changed(symbol)
    base, view = text.base(symbol), maybe_view(ctx, symbol)
    lines = [_headline(base, done, call), cards.nearest(ctx, to_watch(done.rule))]
    most = ctx.services.defaults.most_rules
    used = _("{count}/{most} alerts, at most {daily_limit} messages a day").format(
        count=done.count, most=most, daily_limit=ctx.prefs.daily_limit
    )
    return Reply(
        command="watch",
        title=_("Changed your {base} watch").format(base=base)
        if done.existed and _changes(call)
        else _("Watching {base}").format(base=base),
        text="\n".join(lines),
        fields=(*cards.fields(ctx, done.rule), (_("Used"), used)),
        buttons=cards.buttons(ctx, done.rule),
        tone=Tone.GOOD,
        price=view.price if view else None,
    )


def _changes(call: Call) -> bool:
    return bool(call.given - {"symbol"})


def _headline(base: str, done: _Done, call: Call) -> str:
    if not done.existed:
        return _("You will be told when {base} comes near a dense liquidation zone.").format(base=base)
    woken = _(" It is on again.") if done.woken else ""
    if not _changes(call):
        return _("You were watching {base} already; there is still one alert.{woken}").format(
            base=base, woken=woken
        )
    changed = words.joined(sorted(call.given - {"symbol"}))
    return _("You were watching {base} already, so that alert was updated: {changed}.{woken}").format(
        base=base, changed=changed, woken=woken
    )


async def place_of(ctx: Context, call: Call, example: str) -> tuple[str, str]:
    """Return the channel and the place that alerts go to; an empty place is the user themself."""
    if call.text("to") not in ("", "dm", "here", "channel"):
        return await own_place(ctx, call.text("to"))
    if ctx.caller.front in LOCAL_FRONTS:
        return ("inapp", "")
    if call.text("to") not in ("here", "channel") or ctx.caller.private:
        return (ctx.caller.front.value, "")
    return await shared_place(ctx, call.text("to"), example)


def _save(
    session: Session, ctx: Context, call: Call, place: tuple[str, str], times: tuple[int, int]
) -> _Done:
    """Write the watch in one transaction, so that two at once never make two."""
    owner, symbol = ctx.caller.user_id, call.text("symbol")
    old = next((r for r in _watches(session, owner) if r.symbol == symbol and not r.params.get(OWN)), None)
    params = _params(ctx, call, old)
    cooldown_s = call.whole("cooldown") // 1000 if call.has("cooldown") else None
    if old is None:
        new = NewRule(
            symbol=symbol,
            params=params,
            cooldown_s=ctx.prefs.cooldown_s if cooldown_s is None else cooldown_s,
            to_channel=place[0],
            to_place=place[1],
        )
        most = ctx.services.defaults.most_rules
        rule = add_rule(session, owner, new, now_ms=times[0], wall_ms=times[1], limit=most)
        return _Done(rule=rule, existed=False, woken=False, count=count_rules(session, owner))
    woken = old.paused or (old.snoozed_until_ms or 0) > times[0]
    changes = RuleChanges(params=params, paused=False, snoozed_until_ms=None)
    if cooldown_s is not None:
        changes["cooldown_s"] = cooldown_s
    if call.has("to"):
        changes["to_channel"], changes["to_place"] = place
    changed = update_rule(session, owner, old.rule_id, **changes) or old
    return _Done(rule=changed, existed=True, woken=woken, count=count_rules(session, owner))


def _params(ctx: Context, call: Call, old: Rule | None) -> dict[str, object]:
    """Return the rule's parameters: what was given, over what it had, over the user's settings."""
    had = to_watch(old) if old else None
    within = ctx.prefs.steps(call.fractions("within"))
    if had is not None and not call.has("within"):
        within = dict(had.within)
    least = call.number("min") if call.has("min") or had is None else had.min_notional_usd
    side: Side | None = side_of(call.text("side")) if call.has("side") or had is None else had.side
    return watch_params(
        within,
        hysteresis=had.hysteresis if had else ctx.prefs.hysteresis,
        min_notional_usd=least,
        side=side,
        quiet_critical=had.quiet_critical if had else False,
    )


def _watches(session: Session, owner: str) -> list[Rule]:
    """Return the owner's alerts about zones one by one."""
    return [rule for rule in list_rules(session, owner) if rule.kind == ZONE_PROXIMITY]


async def unwatch(ctx: Context, call: Call) -> Reply:
    """Remove the user's watch of a market, or all of them."""
    owner, named = ctx.caller.user_id, call.text("symbol")
    if named == "all" and not call.flag("sure") and (asked := await _ask_all(ctx)) is not None:
        return asked

    def remove(session: Session) -> tuple[list[str], list[str]]:
        watches = _watches(session, owner)
        mine = list(dict.fromkeys(r.symbol for r in watches))
        gone = mine if named == "all" else [s for s in mine if s == named]
        for rule in watches:
            if rule.symbol in gone:
                remove_rule(session, owner, rule.rule_id)
        return gone, [s for s in mine if s not in gone]

    gone, left = await ctx.services.state.run(remove)
    if not gone:
        raise UserError(_not_watching(named, left), example="/watch btc" if not left else "/alert list")
    for symbol in gone:
        await ctx.services.alerting.rules_changed(symbol)
    names = words.joined([text.base(s) for s in gone])
    return Reply(
        command="unwatch",
        title=_("Stopped watching {names}").format(names=names),
        text=_("You still watch {value}.").format(value=words.joined([text.base(s) for s in left]))
        if left
        else _("You watch nothing now."),
        buttons=rows(
            [
                Button(
                    label=_("Watch {base} again").format(base=text.base(s)), action=ids.action("watch", "", s)
                )
                for s in gone[:3]
            ]
        ),
        tone=Tone.GOOD,
    )


async def _ask_all(ctx: Context) -> Reply | None:
    """Return the question whether all watches are to go; None where there is one at most."""
    watches = await ctx.services.state.read(lambda session: _watches(session, ctx.caller.user_id))
    names = list(dict.fromkeys(text.base(rule.symbol) for rule in watches))
    if len(names) < 2:
        return None
    return question(
        "unwatch",
        _("Stop watching {names}?").format(names=words.joined(names)),
        _("They go for good."),
        yes=(_("Yes, all"), ids.action("unwatch", "", "all", "sure=on", edits=True)),
        keep=ids.action("alert", "list", edits=True),
    )


def _not_watching(named: str, left: list[str]) -> str:
    if not left:
        return _("You are not watching anything.")
    return _("You are not watching {base}. You watch {value}.").format(
        base=text.base(named), value=words.joined([text.base(s) for s in left])
    )


_REQUIRED = replace(SYMBOL, required=True, description=N_("Market, such as btc, eth/usdt or SOL-PERP"))
COMMANDS = (
    Command(
        noun="watch",
        description=N_("Be told when price nears a dense liquidation zone; again to change it"),
        run=watch,
        parameters=(_REQUIRED, WITHIN, MINIMUM, SIDE, COOLDOWN, TO),
        aliases=("subscribe", "sub", "follow"),
        examples=("/watch btc", "/watch eth within=1%,3% min=10M", "/watch btc side=long cooldown=4h"),
    ),
    Command(
        noun="unwatch",
        description=N_("Stop being told about a market, or about all"),
        run=unwatch,
        parameters=(replace(_REQUIRED, words=("all",)), SURE),
        aliases=("unsubscribe", "unsub", "unfollow"),
        examples=("/unwatch btc", "/unwatch all"),
    ),
)
