"""Answer `/symbols`: the markets that are read, with their prices."""

from bot.commands import ids, symbols, venues_asked, words
from bot.commands.amounts import quoted
from bot.commands.context import Context
from bot.commands.history import PAGE
from bot.commands.parts import dollars, maybe_view, rows
from bot.commands.reply import Button, Reply, Table
from bot.commands.spec import Call, Command, Kind, Parameter, Who
from bot.commands.symbols import Markets
from bot.lang import N_, _
from bot.render import text
from engine.errors import UserError

PER_PAGE = 20
QUERY = Parameter(
    name="query",
    kind=Kind.TEXT,
    description=N_("Part of a name, such as eth; all markets if left out"),
    examples=("eth",),
)


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with one page of markets."""
    market = ctx.services.market
    query, page = call.text("query"), call.whole("page")
    found = _found(ctx, query)
    if not found:
        raise UserError(
            _("No market is like {query}. {available}").format(
                query=quoted(query), available=symbols.available(market.symbols)
            ),
            example="/symbols",
        )
    pages = -(-len(found) // PER_PAGE)
    page = min(page, pages)
    shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    return Reply(
        command="symbols",
        title=words.number(len(found), "market")
        + (_(", page {page} of {pages}").format(page=page, pages=pages) if pages > 1 else ""),
        text=_more(ctx) if not query else "",
        table=Table(
            headings=(_("Market"), _("Price"), "24 h", _("Venues")),
            rows=tuple(_row(ctx, symbol) for symbol in shown),
            numeric=(_("Price"), "24 h"),
        ),
        buttons=_buttons(shown, query, page, pages),
    )


def _more(ctx: Context) -> str:
    """Return a line on markets that are not read, empty where there are none."""
    market = ctx.services.market
    count = len(market.listed) - len(market.symbols)
    if count < 1:
        return ""
    return _("{words} can be read too: name one in any command, and it is from then on.").format(
        words=words.number(count, "other")
    )


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
        return (symbol, "–", "–", _("read once it is asked for"))
    change = "–" if view.change_24h is None else text.change(view.change_24h)
    return (symbol, dollars(view.price), change, venues_asked.listed(view.venues))


def _buttons(shown: list[str], query: str, page: int, pages: int) -> tuple[tuple[Button, ...], ...]:
    maps = [
        Button(label=_("{base} heatmap").format(base=text.base(s)), action=ids.action("heatmap", "", s))
        for s in shown[:5]
    ]
    about = (f"query={query}",) if query else ()
    turns = []
    if page > 1:
        turns.append(
            Button(
                label=_("Previous"), action=ids.action("symbols", "", f"page={page - 1}", *about, edits=True)
            )
        )
    if page < pages:
        turns.append(
            Button(label=_("Next"), action=ids.action("symbols", "", f"page={page + 1}", *about, edits=True))
        )
    return (*rows(maps), *rows(turns))


COMMANDS = (
    Command(
        noun="symbols",
        description=N_("List the markets that are read"),
        run=show,
        parameters=(PAGE, QUERY),
        aliases=("symbol", "markets", "pairs", "coins"),
        examples=("/symbols", "/symbols eth"),
        who=Who.EVERYONE,
    ),
)
