"""Answer `/liqprice`: where a position is liquidated, exactly, with the tier used and what is assumed."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from bot.commands import ids, liqprice_words
from bot.commands.context import Context
from bot.commands.liqprice_question import DEFAULT_VENUE, MAX_LEVERAGE, Question, read_question
from bot.commands.parts import SHARE, SYMBOL, maybe_view, rows, stale_notice, symbol_of
from bot.commands.reply import Button, Reply
from bot.commands.spec import Call, Choice, Command, Kind, NearMiss, Parameter, Visibility, Who
from bot.commands.words import joined
from bot.lang import N_, _
from bot.render import text
from config.tiers import TierBook
from engine.errors import LeverageError, MarginError, UserError
from engine.margin.model import Liquidation, Mode
from engine.margin.tiers import TierTable
from engine.margin.venues import RULES

POSITION_SIDE = Parameter(
    name="side",
    kind=Kind.CHOICE,
    description=N_("Long or short"),
    required=True,
    choices=(Choice(value="long", label=N_("long")), Choice(value="short", label=N_("short"))),
)
ENTRY = Parameter(
    name="entry",
    kind=Kind.PRICE,
    description=N_("Price the position is opened at; the price now if left out"),
    examples=("113,000", "0.1684"),
)
LEVERAGE = Parameter(
    name="leverage",
    kind=Kind.LEVERAGE,
    description=N_("Leverage of the position (needed)"),
    low=1.0,
    high=MAX_LEVERAGE,
    examples=("10x", "25x"),
    aliases=("lev",),
)
SIZE = Parameter(
    name="size",
    kind=Kind.USD,
    description=N_("What the position is worth at its entry; in the first tier if left out"),
    examples=("50k", "$2,000,000"),
)
QUANTITY = Parameter(
    name="qty",
    kind=Kind.NUMBER,
    description=N_("The same in coins, instead of size"),
    examples=("0.5", "12"),
    aliases=("coins", "quantity"),
)
EXCHANGE = Parameter(
    name="exchange",
    kind=Kind.CHOICE,
    description=N_("Whose rules and tiers"),
    default=DEFAULT_VENUE,
    choices=tuple(Choice(value=venue, label=rules.title) for venue, rules in RULES.items()),
    aliases=("venue",),
)
MODE = Parameter(
    name="mode",
    kind=Kind.CHOICE,
    description=N_("Margin of its own, or the whole wallet behind it (then say balance)"),
    default=Mode.ISOLATED.value,
    choices=(
        Choice(value=Mode.ISOLATED.value, label=N_("isolated margin")),
        Choice(value=Mode.CROSS.value, label=N_("cross margin")),
    ),
)
BALANCE = Parameter(
    name="balance",
    kind=Kind.USD,
    description=N_("Wallet balance behind a cross position, nothing else being open"),
    examples=("5k", "$20,000"),
    aliases=("wallet",),
)


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with the price, the distance, the tier and every assumption, in words."""
    symbol = symbol_of(ctx, call)
    view = maybe_view(ctx, symbol)
    tables = await asyncio.to_thread(_tables, ctx.services.tiers, symbol)
    question = read_question(call, symbol, view, _table(tables, call.text("exchange"), symbol))
    found = _answer(question)
    price = view.price if view else None
    return Reply(
        command="liqprice",
        title=liqprice_words.title(question, found),
        text="\n".join(
            [
                *liqprice_words.already(question, found, price),
                *liqprice_words.assumptions(question, found),
            ]
        ),
        fields=liqprice_words.fields(question, found, price),
        buttons=rows(_elsewhere(question, tables)),
        price=price,
        notice=stale_notice(ctx, view) if view and question.live else "",
    )


def _tables(book: TierBook, symbol: str) -> dict[str, TierTable]:
    """Return the tiers of a market on every venue that has some."""
    found = {venue: book.table(venue, symbol) for venue in book.venues if venue in RULES}
    return {venue: table for venue, table in found.items() if table is not None}


def _table(tables: Mapping[str, TierTable], venue: str, symbol: str) -> TierTable:
    """Return the tiers of one venue. Raise UserError that says where else there are some."""
    if venue in tables:
        return tables[venue]
    base, title = text.base(symbol), RULES[venue].title
    if not tables:
        raise UserError(
            _("I have no margin tiers for {base} on any exchange.").format(base=base),
            example="/liqprice btc long 10x",
        )
    raise UserError(
        _("I have no margin tiers of {title} for {base}, only of {value}.").format(
            title=title, base=base, value=joined([RULES[o].title for o in tables])
        ),
        example=f"/liqprice {base.lower()} long 10x {next(iter(tables))}",
    )


def _answer(question: Question) -> Liquidation:
    """Return the liquidation. Raise UserError where the venue would not allow such a position."""
    try:
        return question.answer()
    except LeverageError as error:
        words = replace(question, leverage=error.highest).words()
        line = " ".join(["/liqprice", *words])
        raise NearMiss(liqprice_words.too_much(question, error), lines=(line,)) from None
    except MarginError as error:
        message = liqprice_words.refused(question, error)
        raise UserError(message, example="/liqprice btc long 10x size=50k") from None


def _elsewhere(question: Question, tables: Mapping[str, TierTable]) -> list[Button]:
    """Return buttons that ask the same of the other venues that have tiers for the market."""
    others = [RULES[venue] for venue in tables if venue != question.rules.venue]
    return [
        Button(
            label=rules.title,
            action=ids.action("liqprice", "", *replace(question, rules=rules).words(), edits=True),
        )
        for rules in others
    ]


COMMANDS = (
    Command(
        noun="liqprice",
        description=N_("Say at which price a position is liquidated, exactly, with the margin tier used"),
        run=show,
        parameters=(
            replace(SYMBOL, required=True, description=N_("Market, such as btc, eth/usdt or SOL-PERP")),
            POSITION_SIDE,
            ENTRY,
            LEVERAGE,
            SIZE,
            EXCHANGE,
            MODE,
            BALANCE,
            QUANTITY,
            SHARE,
        ),
        aliases=("liq",),
        examples=(
            "/liqprice btc long 113000 10x",
            "/liqprice btc short 25x size=2M exchange=bybit",
            "/liqprice btc long 10x qty=0.5 mode=cross balance=20k",
        ),
        visibility=Visibility.SHAREABLE,
        who=Who.EVERYONE,
    ),
)
