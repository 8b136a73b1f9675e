"""Answer `/symbols`: the markets that are read, with their prices."""

from collections.abc import Sequence

from bot.commands import ids, symbols, venues_asked, words
from bot.commands.amounts import quoted
from bot.commands.context import Context
from bot.commands.paging import PAGE, of_pages, paged, turns
from bot.commands.parts import dollars, maybe_view, rows
from bot.commands.reply import Button, Reply, Table
from bot.commands.spec import Call, Command, Kind, Parameter, Who
from bot.commands.symbols import Markets
from bot.lang import N_, _, ngettext
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
    shown, page, pages = paged(found, page, PER_PAGE)
    return Reply(
        command="symbols",
        title=ngettext("{count} market", "{count} markets", len(found)).format(count=words.count(len(found)))
        + of_pages(page, pages),
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
    said = ngettext(
        "{count} other can be read too: name one in any command, and it is from then on.",
        "{count} others can be read too: name one in any command, and it is from then on.",
        count,
    )
    return said.format(count=words.count(count))


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


def _buttons(shown: Sequence[str], query: str, page: int, pages: int) -> tuple[tuple[Button, ...], ...]:
    maps = [
        Button(label=_("{base} heatmap").format(base=text.base(s)), action=ids.action("heatmap", "", s))
        for s in shown[:5]
    ]
    about = (f"query={query}",) if query else ()
    return (*rows(maps), *turns("symbols", "", page, pages, *about))


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
