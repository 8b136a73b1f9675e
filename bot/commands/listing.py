"""Answer `/symbols`: the markets that are read, with their prices."""

from bot.commands import ids, symbols, venues_asked, words
from bot.commands.amounts import quoted
from bot.commands.context import Context
from bot.commands.history import PAGE
from bot.commands.parts import dollars, maybe_view, rows
from bot.commands.reply import Button, Reply, Table
from bot.commands.spec import Call, Command, Kind, Parameter, Who
from bot.commands.symbols import Markets
from bot.render import text
from engine.errors import UserError

PER_PAGE = 20
QUERY = Parameter(
    name="query",
    kind=Kind.TEXT,
    description="Part of a name, such as eth; all markets if left out",
    examples=("eth",),
)


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with one page of markets."""
    market = ctx.services.market
    query, page = call.text("query"), call.whole("page")
    found = _found(ctx, query)
    if not found:
        raise UserError(
            f"No market is like {quoted(query)}. {symbols.available(market.symbols)}", example="/symbols"
        )
    pages = -(-len(found) // PER_PAGE)
    page = min(page, pages)
    shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    return Reply(
        command="symbols",
        title=words.number(len(found), "market") + (f", page {page} of {pages}" if pages > 1 else ""),
        text=_more(ctx) if not query else "",
        table=Table(
            headings=("Market", "Price", "24 h", "Venues"),
            rows=tuple(_row(ctx, symbol) for symbol in shown),
            numeric=("Price", "24 h"),
        ),
        buttons=_buttons(shown, query, page, pages),
    )


def _more(ctx: Context) -> str:
    """Return a line on markets that are not read, empty where there are none."""
    market = ctx.services.market
    count = len(market.listed) - len(market.symbols)
    if count < 1:
        return ""
    return f"{words.number(count, 'other')} can be read too: name one in any command, and it is from then on."


def _found(ctx: Context, query: str) -> list[str]:
    """Return the markets that begin with, contain or resemble a query; all for none."""
    bare = query.upper().lstrip("$#").strip()
    if not bare:
        return list(ctx.services.market.symbols)
    known = tuple(ctx.services.market.listed)
    starts = [s for s in known if s.startswith(bare)]
    within = [s for s in known if bare in s]
    near = symbols.nearest(query, Markets(known=known, aliases=ctx.services.aliases), limit=8)
    return list(dict.fromkeys([*starts, *within, *near]))


def _row(ctx: Context, symbol: str) -> tuple[str, ...]:
    view = maybe_view(ctx, symbol)
    if view is None:
        return (symbol, "–", "–", "read once it is asked for")
    change = "–" if view.change_24h is None else text.change(view.change_24h)
    return (symbol, dollars(view.price), change, venues_asked.listed(view.venues))


def _buttons(shown: list[str], query: str, page: int, pages: int) -> tuple[tuple[Button, ...], ...]:
    maps = [Button(label=f"{text.base(s)} heatmap", action=ids.action("heatmap", "", s)) for s in shown[:5]]
    about = (f"query={query}",) if query else ()
    turns = []
    if page > 1:
        turns.append(
            Button(label="Previous", action=ids.action("symbols", "", f"page={page - 1}", *about, edits=True))
        )
    if page < pages:
        turns.append(
            Button(label="Next", action=ids.action("symbols", "", f"page={page + 1}", *about, edits=True))
        )
    return (*rows(maps), *rows(turns))


COMMANDS = (
    Command(
        noun="symbols",
        description="List the markets that are read",
        run=show,
        parameters=(PAGE, QUERY),
        aliases=("symbol", "markets", "pairs", "coins"),
        examples=("/symbols", "/symbols eth"),
        who=Who.EVERYONE,
    ),
)
