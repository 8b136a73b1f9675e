"""Share what several commands have in common: parameters, the market they are about, and small replies."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from bot.commands import words
from bot.commands.amounts import DAY_MS
from bot.commands.context import Context
from bot.commands.reply import Button
from bot.commands.spec import Call, Choice, Command, Handler, Kind, Parameter, Provider
from bot.lang import N_, _, said
from bot.live.health import lacking
from bot.live.view import SymbolView
from bot.render import text
from bot.render.request import Without
from engine.errors import UserError
from engine.model import Side
from storage.alert_state import sent_on
from storage.epochs import current_epoch

NOT_ADVICE = N_("Estimates from public data, not advice.")
STALE_MS = 60_000
"""A live price older than this is called old."""

SYMBOL = Parameter(
    name="symbol",
    kind=Kind.SYMBOL,
    description=N_("Market, such as btc, eth/usdt or SOL-PERP; your default one if left out"),
    examples=("btc", "eth"),
    suggest=Provider.SYMBOLS,
    aliases=("coin", "market", "pair"),
)
SIDE = Parameter(
    name="side",
    kind=Kind.CHOICE,
    description=N_("Longs (liquidated below the price), shorts (above it), or both"),
    default="both",
    choices=(
        Choice(value="both", label=N_("both sides")),
        Choice(value="long", label=N_("longs, below the price")),
        Choice(value="short", label=N_("shorts, above the price")),
    ),
)
SHARE = Parameter(
    name="share",
    kind=Kind.BOOL,
    description=N_("Show the answer to everybody here instead of to you alone"),
    default=False,
)
RULE = Parameter(
    name="id",
    kind=Kind.ID,
    description=N_("Number of the alert, as /alert list shows it, or all"),
    required=True,
    words=("all",),
    examples=("7", "all"),
    suggest=Provider.RULES,
)


def window_of(default_ms: int, *, low_ms: int, examples: tuple[str, ...]) -> Parameter:
    """Return the parameter that says how far back a command looks: from `low_ms` to 30 days."""
    return Parameter(
        name="window",
        kind=Kind.DURATION,
        description=said("How far back to look, {low} to 30d", low=words.duration_short(low_ms)),
        default=default_ms,
        low=low_ms,
        high=30 * DAY_MS,
        unit="time",
        examples=examples,
        aliases=("period", "last"),
    )


def behind(command: Command, verb: str, description: str, run: Handler | None = None) -> Command:
    """Return what a button under a command's answer does: asked as that one, but neither typed nor shared."""
    return replace(
        command,
        verb=verb,
        description=description,
        run=run or command.run,
        parameters=tuple(each for each in command.parameters if each is not SHARE),
        aliases=(),
        examples=(),
        button_only=True,
    )


def symbol_of(ctx: Context, call: Call) -> str:
    """Return the market that a call names, else the user's default one, else the first that is served."""
    known = ctx.services.market.symbols
    for symbol in (call.text("symbol"), ctx.prefs.symbol):
        if symbol in known:
            return symbol
    if not known:
        raise UserError(_("No market is being read yet; please try again in a moment."), example="/status")
    return known[0]


def view_of(ctx: Context, symbol: str) -> SymbolView:
    """Return one market as it stands now; UserError while it has no price yet."""
    view = ctx.services.market.view(symbol)
    if not view.price > 0:
        raise UserError(
            _("{base} has no price yet; please try again in a moment.").format(base=text.base(symbol)),
            example="/status",
        )
    return view


async def view_among(ctx: Context, symbol: str, venues: tuple[str, ...]) -> SymbolView:
    """Return one market as it stands on some venues, or all; UserError while it has no price yet."""
    if not venues:
        return view_of(ctx, symbol)
    view = await ctx.services.market.view_among(symbol, venues)
    if not view.price > 0:
        raise UserError(
            _("{base} has no price there yet; please try again in a moment.").format(base=text.base(symbol))
        )
    return view


def shares_of(ctx: Context, view: SymbolView) -> tuple[tuple[str, float], ...]:
    """Return what part of the whole each venue of a view has that has any; nothing where one is all."""
    parts = ctx.services.market.shares(view.symbol)
    return tuple((venue, parts[venue]) for venue in view.venues if parts.get(venue)) if len(parts) > 1 else ()


def without_of(ctx: Context, view: SymbolView, venues: tuple[str, ...] = ()) -> Without:
    """Return which venues of a view give nothing now, or nothing yet; of some venues or all."""
    market = ctx.services.market
    awaited = [venue for venue in market.awaited(view.symbol) if not venues or venue in venues]
    return lacking(market, view.venues, ctx.now_ms, awaited)


def maybe_view(ctx: Context, symbol: str) -> SymbolView | None:
    """Return one market as it stands now, or None where nothing is known of it (yet)."""
    try:
        return ctx.services.market.view(symbol)
    except UserError:
        return None


def stale_notice(ctx: Context, view: SymbolView) -> str:
    """Return a line that says that a price is old, empty where it is fresh or recorded."""
    old_ms = ctx.now_ms - view.price_ts
    return (
        ""
        if ctx.replaying or old_ms < STALE_MS
        else _("The price is {ago} old.").format(ago=words.ago(old_ms))
    )


def side_of(name: str) -> Side | None:
    """Return a side by its choice; None for both."""
    return Side(name) if name in ("long", "short") else None


def rows(buttons: Sequence[Button], width: int = 5) -> tuple[tuple[Button, ...], ...]:
    """Return buttons in rows of at most `width`, those without action or address left out."""
    kept = [b for b in buttons if b.action or b.url]
    return tuple(tuple(kept[i : i + width]) for i in range(0, len(kept), width))


def dollars(value: float) -> str:
    """Return a price in dollars: "$113,204"."""
    return f"${text.price(value)}"


def sent_today(session: Session, ctx: Context) -> int:
    """Return how many messages counted towards the user's limit on this UTC day of market time."""
    day = f"{datetime.fromtimestamp(ctx.now_ms / 1000, UTC):%Y-%m-%d}"
    return sent_on(session, ctx.caller.user_id, day, epoch=current_epoch(session))
