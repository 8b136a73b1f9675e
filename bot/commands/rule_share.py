"""Answer `/alert share` and `/alert import`: give an alert away by a code, and make a copy of one."""

from bot.commands import ids, rule_words
from bot.commands.alerts import ONE, unknown
from bot.commands.context import Context
from bot.commands.parts import rows
from bot.commands.reply import Button, Reply, Tone
from bot.commands.rule_add import propose
from bot.commands.rule_parts import COMMON, MARKET
from bot.commands.rule_read import market_of, with_common
from bot.commands.spec import Call, Command, Kind, Parameter
from bot.lang import N_, _
from bot.render import text
from engine.errors import UserError
from engine.rules.expression import from_share, to_share
from storage.rules import get_rule, to_watch
from storage.shares import share_rule, shared_rule

CODE = Parameter(
    name="code",
    kind=Kind.TEXT,
    description=N_("The code that /alert share gave"),
    required=True,
    examples=("9f86d081884c7d659a2feaa0c55ad015",),
)
NUMBERS = Parameter(
    name="when",
    kind=Kind.WORDS,
    description=N_("The market to put it on, such as btc; your default one if left out"),
    examples=("btc",),
)
NO_CODE = N_("There is no alert of that code.")


async def share(ctx: Context, call: Call) -> Reply:
    """Give one alert away: what it watches alone."""
    owner, number = ctx.caller.user_id, call.whole("id")
    rule = await ctx.services.state.read(lambda s: get_rule(s, owner, number))
    if rule is None:
        raise unknown(number)
    if rule_words.is_watch(rule) and len(to_watch(rule).within) > 1:
        raise UserError(
            _(
                "Alert {number} is a watch with a distance for each severity: who wants the same says /watch."
            ).format(number=number),
            example=f"/watch {text.base(rule.symbol).lower()}",
        )
    payload, wall_ms = to_share(rule_words.spec(rule)), ctx.services.wall_ms()
    code = await ctx.services.state.run(lambda s: share_rule(s, owner, payload, wall_ms=wall_ms))
    base = text.base(rule.symbol).lower()
    return Reply(
        command="alert share",
        title=_("Anybody can copy alert {number} with this").format(number=number),
        text=f"/alert import {code} {base}\n"
        "It carries what the alert watches, not your note, where it goes, when it ends, or who you are. "
        "A copy stands by itself: what you change later changes no copy.",
        buttons=rows(
            [
                Button(
                    label=_("Alert {number}").format(number=number),
                    action=ids.action("alert", "show", str(number)),
                )
            ]
        ),
        tone=Tone.GOOD,
    )


async def copy(ctx: Context, call: Call) -> Reply:
    """Show the alert of a code on a market, to be saved as one's own."""
    code = call.text("code")
    payload = await ctx.services.state.read(lambda s: shared_rule(s, code))
    if payload is None:
        raise UserError(_(NO_CODE), example="/alert templates")
    coins = call.text("when").split()
    if len(coins) > 1:
        raise UserError(_("Say the code and the market."), example=f"/alert import {code[:40]} btc")
    spec = with_common(ctx, call, from_share(payload))
    return await propose(ctx, call, spec, market_of(ctx, call, "".join(coins).lower()))


COMMANDS = (
    Command(
        noun="alert",
        verb="share",
        description=N_(
            "Get a code with which anybody can copy one of your alerts, and nothing else of yours"
        ),
        run=share,
        parameters=(ONE,),
        examples=("/alert share 7",),
    ),
    Command(
        noun="alert",
        verb="import",
        description=N_("Copy an alert that somebody shared; it is shown before it is saved"),
        run=copy,
        parameters=(CODE, NUMBERS, MARKET, *COMMON),
        aliases=("alert copy",),
        examples=("/alert import 9f86d081884c7d659a2feaa0c55ad015 btc",),
    ),
)
