"""Answer `/alert add`: understand an alert, show what it would have done, save it once it is confirmed."""

from dataclasses import replace

from bot.commands import ids
from bot.commands.context import Context
from bot.commands.drafts import GONE, Prepared, offer, save_draft, told
from bot.commands.parts import rows
from bot.commands.reply import Button, Reply
from bot.commands.rule_parts import COMMON, FIELDS, MARKET, QUIET, TYPE, WHEN
from bot.commands.rule_read import (
    EXAMPLE,
    coin_alone,
    columns,
    feeds_of,
    given_of,
    line_of,
    market_of,
    typed_line,
    understood,
    with_common,
)
from bot.commands.spec import Call, Command, Incomplete, Kind, Parameter
from bot.commands.watch import place_of
from bot.lang import N_, _
from bot.render import text
from engine.errors import UserError
from engine.rules.expression import Spec
from storage.drafts import add_draft, drop_draft, get_draft

HEAD = "/alert add"
OFFERED = 4
"""How many markets are offered where none is named."""


async def add(ctx: Context, call: Call) -> Reply:
    """Show the alert that a line or fields make."""
    line = typed_line(call)
    if not line or (coin := coin_alone(ctx, line)):
        known = given_of(call) if not line else given_of(call) | {"symbol": coin}
        given = {name: value for name, value in known.items() if name != "when"}
        raise Incomplete(_("Say what has to happen."), command=call.command, given=given)
    found = understood(line, HEAD, ctx.now_ms, feeds_of(ctx))
    return await propose(ctx, call, with_common(ctx, call, found.spec), market_of(ctx, call, found.coin))


async def propose(ctx: Context, call: Call, spec: Spec, symbol: str) -> Reply:
    """Show a new alert on a market, or ask for the market."""
    if not symbol:
        return await _which(ctx, call)
    place = await place_of(ctx, call, line_of(call.command.name, given_of(call) | {"to": "dm"}))
    kind, params = columns(spec, quiet_critical=call.flag(QUIET.name))
    prepared = Prepared(
        symbol=symbol,
        kind=kind,
        params=params,
        note=spec.note,
        cooldown_s=call.whole("cooldown") // 1000 if call.has("cooldown") else ctx.prefs.cooldown_s,
        to_channel=place[0],
        to_place=place[1],
        asked=call.command.name,
        given=given_of(call),
    )
    return await offer(ctx, prepared, spec, at_once=call.flag("save"))


async def _which(ctx: Context, call: Call) -> Reply:
    """Ask on which market, with a button for each of the first ones."""
    known = ctx.services.market.symbols
    if not known:
        raise UserError(_("No market is being read yet; please try again in a moment."), example="/status")
    asked = Prepared(
        symbol="",
        kind="",
        params={},
        note="",
        cooldown_s=0,
        to_channel="",
        to_place="",
        asked=call.command.name,
        given=given_of(call),
    )
    draft_id = await _keep(ctx, asked)
    first = text.base(known[0])
    return Reply(
        command=call.command.name,
        title=_("On which market?"),
        text=_(
            "Name it in the line, as in {head} {example}, press one, or set your usual one: "
            "/settings set symbol={first}"
        ).format(head=HEAD, example=EXAMPLE, first=first.lower()),
        buttons=rows(
            [
                Button(
                    label=text.base(symbol),
                    action=ids.action("alert", "ask-again", draft_id, f"symbol={symbol}", edits=True),
                )
                for symbol in known[:OFFERED]
            ]
        ),
    )


async def _keep(ctx: Context, prepared: Prepared) -> str:
    owner, wall_ms = ctx.caller.user_id, ctx.services.wall_ms()
    return await ctx.services.state.run(lambda s: add_draft(s, owner, prepared.body(), wall_ms=wall_ms))


async def save(ctx: Context, call: Call) -> Reply:
    """Save what was shown last, or the draft that a button names."""
    prepared, saved = await ctx.services.state.run(lambda s: save_draft(s, ctx, call.text("draft")))
    return await told(ctx, saved, prepared)


async def cancel(ctx: Context, call: Call) -> Reply:
    """Drop a draft."""
    owner, draft_id = ctx.caller.user_id, call.text("draft")
    gone = await ctx.services.state.run(lambda s: drop_draft(s, owner, draft_id))
    if not gone:
        raise UserError(_(GONE), example="/alert list")
    return Reply(command="alert add", title=_("Nothing was saved"))


async def change(ctx: Context, call: Call) -> Reply:
    """Offer what is changed most, and the line to send anew."""
    prepared = await _draft(ctx, call)
    draft_id = call.text("draft")
    offered = [
        (label, name, value)
        for label, name, value in (
            (_("Critical"), "severity", "critical"),
            (_("Warning"), "severity", "warning"),
            (_("Info"), "severity", "info"),
            (_("Once"), "repeat", "once"),
            (_("Each time"), "repeat", "always"),
            (_("Held 5 min"), "for", "5m"),
            (_("Silent 4 h after"), "cooldown", "4h"),
            (_("Ends in 7 days"), "expires", "7d"),
        )
        if prepared.given.get(name) != value
    ]
    return Reply(
        command=prepared.asked,
        title=_("What should be otherwise?"),
        text=_("Press one, or send the line as you want it: {line}").format(line=prepared.line),
        buttons=rows(
            [
                Button(label=label, action=ids.action("alert", "ask-again", draft_id, f"{n}={v}", edits=True))
                for label, n, v in offered
            ]
            + [Button(label=_("As it was"), action=ids.action("alert", "ask-again", draft_id, edits=True))],
            width=4,
        ),
    )


async def ask_again(ctx: Context, call: Call) -> Reply:
    """Ask for a draft's alert again with one thing otherwise."""
    prepared = await _draft(ctx, call)
    name, _, value = call.text("other").partition("=")
    other = {name: value} if value else {}
    return await ctx.run(replace(prepared, given=prepared.given | other).line)


async def _draft(ctx: Context, call: Call) -> Prepared:
    """Return the user's draft of a button; UserError where it is not theirs, or gone."""
    owner, draft_id = ctx.caller.user_id, call.text("draft")
    found = await ctx.services.state.read(lambda s: get_draft(s, owner, draft_id))
    if found is None:
        raise UserError(_(GONE), example="/alert list")
    return Prepared(**found.body)


DRAFT = Parameter(
    name="draft",
    kind=Kind.TEXT,
    description=N_("Which draft; the one that was shown last if left out"),
)
_DRAFT = replace(DRAFT, required=True)
COMMANDS = (
    Command(
        noun="alert",
        verb="add",
        description=N_(
            "Be told when what you describe happens; it is shown first, with what it would have done"
        ),
        run=add,
        parameters=(WHEN, MARKET, TYPE, *FIELDS, *COMMON),
        aliases=("alert new", "alert create", "alert when", "alert if", "alert me"),
        examples=(
            f"{HEAD} {EXAMPLE}",
            f"{HEAD} btc falls 3% in 15m and oi drops 2% in 1h severity=critical cooldown=2h",
            f"{HEAD} btc below 60000 once expires=3d",
            f"{HEAD} eth volume above 10x held for 5m",
            f"{HEAD} btc type=price_change by=3% window=15m direction=down save=yes",
        ),
    ),
    Command(
        noun="alert",
        verb="save",
        description=N_("Save the alert that was shown last"),
        run=save,
        parameters=(DRAFT,),
        aliases=("alert confirm", "alert yes"),
        examples=("/alert save",),
    ),
    Command(
        noun="alert",
        verb="cancel",
        description=N_("Drop an alert that was shown"),
        run=cancel,
        parameters=(_DRAFT,),
        button_only=True,
    ),
    Command(
        noun="alert",
        verb="change",
        description=N_("Change an alert before it is saved"),
        run=change,
        parameters=(_DRAFT,),
        button_only=True,
    ),
    Command(
        noun="alert",
        verb="ask-again",
        description=N_("Show an alert again with one thing otherwise"),
        run=ask_again,
        parameters=(
            _DRAFT,
            Parameter(name="other", kind=Kind.WORDS, description=N_("What is otherwise, as name=value")),
        ),
        button_only=True,
    ),
)
