"""Answer `/market`: what is known about one market right now, and what is not available."""

from adapters.venue import Feed
from bot.commands import ids, words
from bot.commands.context import Context
from bot.commands.parts import SHARE, SYMBOL, dollars, rows, stale_notice, symbol_of, view_of
from bot.commands.reply import Button, Reply
from bot.commands.spec import Call, Command, Visibility, Who
from bot.live.view import SymbolView
from bot.render import text

NOT_RECORDED = {
    Feed.FUNDING: "funding",
    Feed.LONG_SHORT: "the long/short ratio",
    Feed.LIQUIDATIONS: "reported liquidations",
}


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with price, change, range, volume and open interest."""
    symbol = symbol_of(ctx, call)
    view = view_of(ctx, symbol)
    return Reply(
        command="market",
        title=f"{text.base(symbol)} {dollars(view.price)}",
        text=_missing(ctx),
        fields=_fields(ctx, view),
        buttons=rows(
            [
                Button(label="Refresh", action=ids.action("market", "", symbol, edits=True)),
                Button(label="Heatmap", action=ids.action("heatmap", "", symbol)),
                Button(label="Zones", action=ids.action("zones", "", symbol)),
                Button(label=f"Watch {text.base(symbol)}", action=ids.action("watch", "", symbol)),
            ]
        ),
        price=view.price,
        notice=stale_notice(ctx, view),
    )


def _fields(ctx: Context, view: SymbolView) -> tuple[tuple[str, str], ...]:
    unknown = "not available"
    age = ctx.age(view.price_ts)
    when = age if age == "just now" else f"{age} ago"
    bounds = unknown
    if view.low_24h is not None and view.high_24h is not None:
        bounds = f"{dollars(view.low_24h)} to {dollars(view.high_24h)}"
    return (
        ("Price", f"{dollars(view.price)}, {'interpolated, ' if view.interpolated else ''}{when}"),
        ("24 h change", unknown if view.change_24h is None else text.change(view.change_24h)),
        ("24 h range", bounds),
        ("24 h volume", unknown if view.volume_24h_usd is None else text.money(view.volume_24h_usd)),
        ("Open interest", _open_interest(view) or unknown),
        ("Venues", ", ".join(view.venues)),
    )


def _open_interest(view: SymbolView) -> str:
    """Return open interest in dollars and coins, with its change; empty where it is not known."""
    usd = view.open_interest_usd
    if usd is None or view.open_interest is None:
        return ""
    told = f"{text.money(usd)} ({words.count_short(view.open_interest, text.base(view.symbol))})"
    return told if view.oi_change_24h is None else f"{told}, {text.change(view.oi_change_24h)} in 24 h"


def _missing(ctx: Context) -> str:
    """Return one sentence about what the source does not have; empty where it has everything."""
    have = ctx.services.market.feeds
    lacking = [name for feed, name in NOT_RECORDED.items() if feed not in have]
    if not lacking:
        return ""
    source = "this replay" if ctx.replaying else "the venues read now"
    return f"Not available in {source}: {words.joined(lacking)}."


COMMANDS = (
    Command(
        noun="market",
        description="Show price, 24 h change, range, volume and open interest of one market",
        run=show,
        parameters=(SYMBOL, SHARE),
        aliases=("price", "ticker", "p"),
        examples=("/market btc", "/market eth"),
        visibility=Visibility.SHAREABLE,
        who=Who.EVERYONE,
    ),
)
