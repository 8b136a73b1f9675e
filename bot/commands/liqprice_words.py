"""Say what `/liqprice` found in words: the price, the tier, and what it assumes."""

import math

from bot.commands.liqprice_question import Question
from bot.commands.words import percent
from bot.render import text
from engine.errors import LeverageError, MarginError
from engine.margin.model import Liquidation, Mode
from engine.margin.okx import OKX_SLICED
from engine.margin.tiers import Tier, TierTable, TierUnit
from engine.model import Side

CENTS_FROM = 100.0
DIGITS = 7
MARK = "The mark price triggers it, not the last trade."


def title(question: Question, found: Liquidation) -> str:
    """Return the headline: the position and its price."""
    leg = question.leg
    what = f"{text.base(question.symbol)} {leg.side.value} {question.leverage:g}x on {question.rules.title}"
    if found.price is None:
        return f"{what}: no price liquidates it"
    return f"{what}: liquidated at {exact(found.price)}"


def fields(question: Question, found: Liquidation, price_now: float | None) -> tuple[tuple[str, str], ...]:
    """Return the figures, each with its label."""
    leg, table = question.leg, question.table
    made = [("Liquidation price", "none" if found.price is None else exact(found.price))]
    if found.price is not None and found.distance is not None:
        now = f", {_from_now(question, found.price, price_now)}" if price_now and not question.live else ""
        made.append(("Distance", f"{text.change(found.distance)} from entry{now}"))
    made.append(("Entry", exact(leg.entry) + (", the price now" if question.live else "")))
    if question.sized:
        coins = f"{leg.quantity:,.6g} {text.base(question.symbol)}"
        made.append(("Position", f"{exact(leg.value(leg.entry))}, {coins}"))
        made.append(("Margin", f"{exact(found.margin)}, {_source(question, found)}"))
    if question.sized and found.price is not None:
        fee = ", liquidation fee included" if question.rules.liquidation_fee else ""
        made.append(("Maintenance there", exact(found.maintenance) + fee))
    made.append(("Tier", tier_words(table, found.tier, sliced=question.rules.sliced)))
    if found.entry_tier != found.tier:
        made.append(("Tier at entry", tier_words(table, found.entry_tier, sliced=question.rules.sliced)))
    made.append(("Tiers as of", f"{table.as_of}, {table.source}"))
    return tuple(made)


def _from_now(question: Question, price: float, price_now: float) -> str:
    """Return how far the price now has to go, or that it is there already."""
    if beyond(question, price, price_now):
        return f"and the price now is already {_passed(question)} it"
    return f"{text.change(price / price_now - 1)} from the price now"


def beyond(question: Question, price: float, price_now: float) -> bool:
    """Say whether the price now would liquidate the position: it stands at the price or past it."""
    return price_now <= price if question.leg.side is Side.LONG else price_now >= price


def _passed(question: Question) -> str:
    return "at or below" if question.leg.side is Side.LONG else "at or above"


def _source(question: Question, found: Liquidation) -> str:
    if found.mode is Mode.ISOLATED:
        return f"entry value ÷ {found.leverage:g}"
    return "the wallet balance" + (" less the fee to close" if question.rules.closing_fee else "")


def tier_words(table: TierTable, tier: Tier, *, sliced: bool) -> str:
    """Return a tier: "$0 to $300,000: 0.4% maintenance, up to 150x, maintenance amount $0"."""
    rate = f"{percent(tier.rate)} maintenance, up to {tier.max_leverage:g}x"
    amount = f", maintenance amount ${tier.amount:,.0f}" if sliced else ", on the whole position"
    return f"{span(table, tier)}: {rate}{amount}"


def span(table: TierTable, tier: Tier) -> str:
    """Return the sizes of a tier: "$0 to $300,000", "10 to 50 BTC", "above $150,000,000"."""
    coins = table.unit is TierUnit.COINS
    unit = f" {text.base(table.symbol)}" if coins else ""
    sign = "" if coins else "$"
    if math.isinf(tier.cap):
        return f"above {sign}{tier.floor:,.0f}{unit}" if tier.floor else "any size"
    low = f"{tier.floor:,.0f}" if coins else f"${tier.floor:,.0f}"
    return f"{low} to {sign}{tier.cap:,.0f}{unit}"


def already(question: Question, found: Liquidation, price_now: float | None) -> list[str]:
    """Return the sentence where such a position cannot stand any more, nothing where it can."""
    if found.price is None or not price_now or not beyond(question, found.price, price_now):
        return []
    passed = f"{exact(price_now)}, is already {_passed(question)} the liquidation price"
    return [f"The price now, {passed}: such a position would have been liquidated."]


def assumptions(question: Question, found: Liquidation) -> list[str]:
    """Return what the answer assumes, a sentence or two a line."""
    made = [_backing(question, found), f"{MARK} {_venue(question)}"]
    if not question.sized:
        first = span(question.table, question.table.tiers[0])
        made.append(
            f"No size given, so the first tier is taken ({first}); a larger position is liquidated sooner."
        )
    made += _readings(question, found)
    return made


def _backing(question: Question, found: Liquidation) -> str:
    if found.mode is Mode.CROSS:
        closing = " but for the fee set aside for closing" if question.rules.closing_fee else ""
        return (
            "Cross margin: the whole wallet stands behind it and nothing else is open. "
            f"The chosen leverage does not move the price{closing}; other positions would."
        )
    modes = ", alike in one-way and hedge mode" if question.rules.hedge else ""
    return (
        f"Isolated margin{modes}: entry value ÷ {question.leverage:g}, nothing added since. "
        "Funding paid from it brings the price nearer."
    )


def _venue(question: Question) -> str:
    """Return what the venue counts that others do not."""
    rules = question.rules
    if rules.liquidation_fee:
        fee = f"{rules.title} adds a liquidation fee of {percent(rules.liquidation_fee)} to maintenance"
        cut = "; large positions are cut to a lower tier first." if rules.steps_down else "."
        return fee + cut
    if rules.closing_fee:
        return f"{rules.title} counts maintenance at the mark price (its formula of May 2026)."
    return f"{rules.title} counts no fee in it."


def _readings(question: Question, found: Liquidation) -> list[str]:
    """Return the other reading of rules that a venue leaves open, where it makes a difference."""
    if question.rules.sliced:
        return []
    other = question.answer(OKX_SLICED).price
    if other is None or found.price is None or exact(other) == exact(found.price):
        return []
    doubt = "does not document whether a tier's rate applies to the whole position, as taken here"
    return [f"{question.rules.title} {doubt}; charged slice by slice it would be {exact(other)}."]


def too_much(question: Question, error: LeverageError) -> str:
    """Return why a leverage is refused, with the highest that is allowed."""
    table, leg = question.table, question.leg
    base, venue = text.base(question.symbol), question.rules.title
    if not question.sized or error.highest == error.any_size:
        return f"{venue} allows {error.any_size:g}x at most for {base}."
    size = exact(leg.value(leg.entry))
    first = span(table, table.tiers[0])
    return (
        f"{venue} allows {error.highest:g}x at most for {size} of {base} ({error.any_size:g}x for {first})."
    )


def refused(question: Question, error: MarginError) -> str:
    """Return why a position is refused."""
    table, leg = question.table, question.leg
    if table.size(leg.quantity, leg.entry) > table.largest:
        return f"{question.rules.title}'s tiers for {text.base(question.symbol)} end at {largest(table)}."
    return f"That position would be liquidated at once: {error}."


def largest(table: TierTable) -> str:
    """Return the largest size of a table: "$1,800,000,000" or "19,400 BTC"."""
    return span(table, table.tiers[-1]).rpartition(" to ")[2]


def exact(value: float) -> str:
    """Return dollars to the cent; prices under $100 with seven digits that matter."""
    if abs(value) >= CENTS_FROM or value == 0:
        return f"${value:,.2f}"
    places = max(2, DIGITS - 1 - math.floor(math.log10(abs(value))))
    whole, _, rest = f"{value:,.{places}f}".partition(".")
    return f"${whole}.{rest[:2]}{rest[2:].rstrip('0')}"
