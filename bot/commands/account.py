"""Answer `/account`: what an address truly holds on Hyperliquid, and where the venue liquidates it."""

from adapters.hyperliquid.account import Account, Position
from bot.commands import words
from bot.commands.context import Context
from bot.commands.liqprice_words import exact
from bot.commands.reply import Reply, Table
from bot.commands.spec import Call, Command, Kind, Parameter, Visibility, Who
from bot.lang import N_, _, ngettext
from bot.render import text
from engine.errors import UserError
from engine.margin.model import Mode

SHOWN = 20
HEADINGS = (
    N_("Market"),
    N_("Side"),
    N_("Size"),
    N_("Entry"),
    N_("Leverage"),
    N_("Worth"),
    N_("Profit"),
    N_("Liquidated at"),
    N_("Distance"),
)
NUMERIC = (
    N_("Size"),
    N_("Entry"),
    N_("Leverage"),
    N_("Worth"),
    N_("Profit"),
    N_("Liquidated at"),
    N_("Distance"),
)
EXAMPLE = "/account 0x0000000000000000000000000000000000000001"
ADDRESS = Parameter(
    name="address",
    kind=Kind.TEXT,
    description=N_("Address on Hyperliquid: 0x and 40 hexadecimal digits"),
    required=True,
    examples=("0x0000000000000000000000000000000000000001",),
    aliases=("user", "wallet"),
)


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with every position as the venue has it, the largest first. Nothing of it is stored."""
    accounts = ctx.services.accounts
    if accounts is None:
        raise UserError(_why_not(ctx), example="/liqprice btc long 10x")
    wait_s = ctx.limits.venue_wait_s(ctx.caller.user_id)
    if wait_s:
        raise UserError(
            _("Hyperliquid was just asked for you. Try again in {wait} s.").format(wait=max(1, round(wait_s)))
        )
    found = await accounts.account(call.text("address"))
    who = _("{user} on Hyperliquid").format(user=f"{found.user[:6]}…{found.user[-4:]}")
    if not found.positions:
        return Reply(
            command="account",
            title=_("{who}: nothing is open").format(who=who),
            text="\n".join(_about(ctx, found)),
        )
    positions = sorted(found.positions, key=lambda each: -each.notional_usd)
    worth = text.money(sum(each.notional_usd for each in positions))
    said = ngettext("{who}: {count} position, {usd}", "{who}: {count} positions, {usd}", len(positions))
    return Reply(
        command="account",
        title=said.format(who=who, count=words.count(len(positions)), usd=worth),
        text="\n".join(_about(ctx, found)),
        table=Table(
            headings=tuple(map(_, HEADINGS)),
            rows=tuple(_row(each) for each in positions[:SHOWN]),
            numeric=tuple(map(_, NUMERIC)),
        ),
    )


def _why_not(ctx: Context) -> str:
    if ctx.replaying:
        return _("What addresses hold is only known live: a recording has none of it.")
    return _("Hyperliquid is not among the venues that are read here (LIQWATCH_VENUES).")


def _about(ctx: Context, found: Account) -> list[str]:
    """Return what goes for the whole account."""
    made = [
        _("The account is worth {usd_full}, as of {moment}.").format(
            usd_full=words.usd_full(found.value_usd), moment=ctx.moment(found.ts)
        )
    ]
    if len(found.positions) > SHOWN:
        made.append(_("The {shown} largest are shown.").format(shown=SHOWN))
    if any(each.mode is Mode.CROSS for each in found.positions):
        made.append(
            _("Cross positions share one margin: each one's liquidation price moves with the others.")
        )
    if found.positions:
        made.append(_("Sizes, prices and liquidation prices are the venue's own, by the mark price."))
    if lost := sum(found.dropped.values()):
        made.append(_("{lost} more could not be read.").format(lost=lost))
    return made


def _row(each: Position) -> tuple[str, ...]:
    base = text.base(each.symbol)
    return (
        base,
        words.side(each.side),
        f"{each.quantity:,.6g} {base}",
        exact(each.entry),
        f"{each.leverage:g}x {each.mode.value}",
        text.money(each.notional_usd),
        _("not said") if each.pnl_usd is None else _signed(each.pnl_usd),
        _("no price") if each.liquidation is None else exact(each.liquidation),
        "" if each.distance is None else text.change(each.distance),
    )


def _signed(usd: float) -> str:
    sign = "+" if usd > 0 else "−" if usd < 0 else ""
    return f"{sign}{text.money(abs(usd))}"


COMMANDS = (
    Command(
        noun="account",
        description=N_("Show an address's true positions on Hyperliquid, with its liquidation prices"),
        run=show,
        parameters=(ADDRESS,),
        examples=(EXAMPLE,),
        visibility=Visibility.PRIVATE,
        who=Who.EVERYONE,
    ),
)
