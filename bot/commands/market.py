"""Answer `/market`: what is known about one market right now, by venue, and what is not available."""

from adapters.venue import Feed
from bot.commands import ids, market_picture, market_venues, venues_asked, words
from bot.commands.context import Context
from bot.commands.parts import SHARE, SYMBOL, dollars, rows, stale_notice, symbol_of, view_among
from bot.commands.pictures import LAYOUT
from bot.commands.reply import Button, Reply
from bot.commands.spec import Call, Command, Cost, Visibility, Who
from bot.commands.venues_asked import EXCHANGE
from bot.lang import N_, _
from bot.live.view import SymbolView
from bot.render import text

NOT_RECORDED = {
    Feed.FUNDING: N_("funding"),
    Feed.LONG_SHORT: N_("the long/short ratio"),
    Feed.LIQUIDATIONS: N_("reported liquidations"),
}


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with price, change, range, volume, open interest and funding, and each venue's beside."""
    symbol = symbol_of(ctx, call)
    market = ctx.services.market
    venues = venues_asked.chosen(market, call, symbol)
    view = await view_among(ctx, symbol, venues)
    facts = await ctx.services.reports.facts(symbol, ctx.now_ms)
    lines = market_venues.lines_of(view, facts, market.ticks(symbol), market.shares(symbol))
    images, without = await market_picture.picture(ctx, view, lines, call.text("layout"))
    again = [word for word in (symbol, venues_asked.word(venues)) if word]
    return Reply(
        command="market",
        title=f"{text.base(symbol)} {dollars(view.price)}"
        + (f", {venues_asked.titles(venues)}" if venues else ""),
        text="\n".join(line for line in (_missing(ctx), *without) if line),
        images=images,
        fields=_fields(ctx, view, lines),
        table=market_venues.table(lines) if len(market.venues_of(symbol)) > 1 else None,
        buttons=rows(
            [
                Button(label=_("Refresh"), action=ids.action("market", "", *_words(again, call), edits=True)),
                Button(label=_("Heatmap"), action=ids.action("heatmap", "", *again)),
                Button(label=_("Zones"), action=ids.action("zones", "", *again)),
                Button(
                    label=_("Watch {base}").format(base=text.base(symbol)),
                    action=ids.action("watch", "", symbol),
                ),
            ]
        ),
        price=view.price,
        notice=stale_notice(ctx, view),
    )


def _words(again: list[str], call: Call) -> list[str]:
    """Return the words of a button that asks for the same."""
    return [*again, *([layout] if (layout := call.text("layout")) else [])]


def _fields(
    ctx: Context, view: SymbolView, lines: list[market_venues.VenueLine]
) -> tuple[tuple[str, str], ...]:
    unknown = _("not available")
    when = words.past(max(0, ctx.now_ms - view.price_ts))
    priced = _("{price}, interpolated, {when}") if view.interpolated else "{price}, {when}"
    bounds = unknown
    if view.low_24h is not None and view.high_24h is not None:
        bounds = _("{dollars} to {dollars2}").format(
            dollars=dollars(view.low_24h), dollars2=dollars(view.high_24h)
        )
    volume = market_venues.volume_usd(view, lines)
    return (
        (_("Price"), priced.format(price=dollars(view.price), when=when)),
        (_("24 h change"), unknown if view.change_24h is None else text.change(view.change_24h)),
        (_("24 h range"), bounds),
        (_("24 h volume"), unknown if volume is None else text.money(volume)),
        (_("Open interest"), _open_interest(view, lines) or unknown),
        *market_venues.funding_fields(ctx, lines),
    )


def _open_interest(view: SymbolView, lines: list[market_venues.VenueLine]) -> str:
    """Return open interest in dollars and coins, with its change; empty where it is not known."""
    found = market_venues.open_interest(view, lines)
    if found is None:
        return ""
    coins, change = found
    told = f"{text.money(coins * view.price)} ({words.count_short(coins, text.base(view.symbol))})"
    return (
        told
        if change is None
        else _("{what}, {change} in 24 h").format(what=told, change=text.change(change))
    )


def _missing(ctx: Context) -> str:
    """Return one sentence about what the source does not have; empty where it has everything."""
    have = ctx.services.market.feeds
    lacking = [_(name) for feed, name in NOT_RECORDED.items() if feed not in have]
    if not lacking:
        return ""
    source = _("this replay") if ctx.replaying else _("the venues read now")
    return _("Not available in {source}: {lacking}.").format(source=source, lacking=words.joined(lacking))


COMMANDS = (
    Command(
        noun="market",
        description=N_("Show price, 24 h change, range, volume, open interest and funding, by venue"),
        run=show,
        parameters=(SYMBOL, EXCHANGE, LAYOUT, SHARE),
        aliases=("price", "ticker", "p"),
        examples=("/market btc", "/market eth exchange=okx,bybit"),
        visibility=Visibility.SHAREABLE,
        cost=Cost.PICTURE,
        who=Who.EVERYONE,
    ),
)
