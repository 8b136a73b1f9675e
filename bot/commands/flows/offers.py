"""Offer answers: markets one asked for last, prices around the present one, one's own things."""

from dataclasses import replace

from bot.commands.complete import Completer
from bot.commands.context import Context
from bot.commands.parts import maybe_view
from bot.commands.spec import Choice, Command, Kind, Parameter
from bot.commands.symbols import Markets
from bot.lang import _
from bot.render import text

MOST = 8
"""How many answers are offered where there are many."""
STEPS = (-0.05, -0.02, -0.01, 0.01, 0.02, 0.05)
TYPICAL = (Kind.DURATION, Kind.PERCENT, Kind.PERCENTS, Kind.USD, Kind.LEVERAGE, Kind.HOURS)
"""Kinds whose examples are answers that many would give."""


def markets_of(ctx: Context) -> Markets:
    """Return the markets that may be named."""
    market = ctx.services.market
    return Markets(known=tuple(market.listed), aliases=ctx.services.aliases, venues=tuple(market.venues))


def popular(ctx: Context) -> tuple[Choice, ...]:
    """Return the user's usual market, those they asked for last, then the first that are read."""
    found = (ctx.prefs.symbol, *ctx.recent.of(ctx.caller.user_id), *ctx.services.market.symbols)
    listed = set(ctx.services.market.listed)
    known = [symbol for symbol in dict.fromkeys(found) if symbol in listed]
    return tuple(Choice(value=text.base(s).lower(), label=text.base(s)) for s in known[:MOST])


def around(ctx: Context, symbol: str, steps: tuple[float, ...] = STEPS) -> tuple[Choice, ...]:
    """Return prices near the present one of a market, each with how far away it is."""
    view = maybe_view(ctx, symbol)
    if view is None or not view.price > 0:
        return ()
    found = [(_rounded(view.price * (1 + step)), step) for step in steps]
    return tuple(
        Choice(value=value, label=f"{text.price(float(value))} ({step:+.0%})") for value, step in found
    )


def _rounded(price: float) -> str:
    """Return a price with four figures, as people choose levels."""
    return f"{float(f'{price:.4g}'):.15g}"


async def offered(ctx: Context, command: Command, parameter: Parameter, symbol: str) -> tuple[Choice, ...]:
    """Return answers to offer for one parameter of a command; `symbol` is the market, or empty."""
    if parameter.kind is Kind.SYMBOL:
        words = tuple(Choice(value=word, label=_("All markets")) for word in parameter.words if word == "all")
        return (*popular(ctx), *words)
    if parameter.kind in (Kind.CHOICE, Kind.PLACE) and parameter.suggest is None:
        return tuple(replace(each, label=_(each.label)) for each in parameter.offered())
    if parameter.kind is Kind.PRICE:
        return around(ctx, symbol) if symbol else ()
    if parameter.suggest is not None:
        completer = Completer(ctx.registry, ctx.services)
        return tuple((await completer.values(command.name, parameter.name, "", ctx.caller))[:MOST])
    if parameter.kind in TYPICAL:
        return tuple(Choice(value=each, label=each) for each in parameter.examples)
    return ()
