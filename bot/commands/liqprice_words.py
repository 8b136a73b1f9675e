"""Say what `/liqprice` found in words: the price, the tier, and what it assumes."""

import math

from bot.commands import words
from bot.commands.liqprice_question import Question
from bot.commands.words import percent
from bot.lang import N_, _, speech
from bot.render import text
from engine.errors import LeverageError, MarginError
from engine.margin.model import Liquidation, Mode
from engine.margin.okx import OKX_SLICED
from engine.margin.tiers import Tier, TierTable, TierUnit
from engine.model import Side

CENTS_FROM = 100.0
DIGITS = 7
MARK = N_("The mark price triggers it, not the last trade.")


def title(question: Question, found: Liquidation) -> str:
    """Return the headline: the position and its price."""
    leg = question.leg
    what = _("{base} {value} {leverage}x on {title}").format(
        base=text.base(question.symbol),
        value=words.side(leg.side),
        leverage=speech().figure(f"{question.leverage:g}"),
        title=question.rules.title,
    )
    if found.price is None:
        return _("{what}: no price liquidates it").format(what=what)
    return _("{what}: liquidated at {exact}").format(what=what, exact=exact(found.price))


def fields(question: Question, found: Liquidation, price_now: float | None) -> tuple[tuple[str, str], ...]:
    """Return the figures, each with its label."""
    leg, table = question.leg, question.table
    made = [(_("Liquidation price"), _("none") if found.price is None else exact(found.price))]
    if found.price is not None and found.distance is not None:
        now = f", {_from_now(question, found.price, price_now)}" if price_now and not question.live else ""
        made.append(
            (_("Distance"), _("{change} from entry{now}").format(change=text.change(found.distance), now=now))
        )
    made.append((_("Entry"), exact(leg.entry) + (_(", the price now") if question.live else "")))
    if question.sized:
        coins = f"{leg.quantity:,.6g} {text.base(question.symbol)}"
        made.append((_("Position"), f"{exact(leg.value(leg.entry))}, {coins}"))
        made.append((_("Margin"), f"{exact(found.margin)}, {_source(question, found)}"))
    if question.sized and found.price is not None:
        fee = _(", liquidation fee included") if question.rules.liquidation_fee else ""
        made.append((_("Maintenance there"), exact(found.maintenance) + fee))
    made.append((_("Tier"), tier_words(table, found.tier, sliced=question.rules.sliced)))
    if found.entry_tier != found.tier:
        made.append((_("Tier at entry"), tier_words(table, found.entry_tier, sliced=question.rules.sliced)))
    made.append((_("Tiers as of"), f"{table.as_of}, {table.source}"))
    return tuple(made)


def _from_now(question: Question, price: float, price_now: float) -> str:
    """Return how far the price now has to go, or that it is there already."""
    if beyond(question, price, price_now):
        return _("and the price now is already {passed} it").format(passed=_passed(question))
    return _("{change} from the price now").format(change=text.change(price / price_now - 1))


def beyond(question: Question, price: float, price_now: float) -> bool:
    """Say whether the price now would liquidate the position: it stands at the price or past it."""
    return price_now <= price if question.leg.side is Side.LONG else price_now >= price


def _passed(question: Question) -> str:
    return _("at or below") if question.leg.side is Side.LONG else _("at or above")


def _source(question: Question, found: Liquidation) -> str:
    if found.mode is Mode.ISOLATED:
        return _("entry value ÷ {leverage}").format(leverage=speech().figure(f"{found.leverage:g}"))
    return _("the wallet balance") + (_(" less the fee to close") if question.rules.closing_fee else "")


def tier_words(table: TierTable, tier: Tier, *, sliced: bool) -> str:
    """Return a tier: "$0 to $300,000: 0.4% maintenance, up to 150x, maintenance amount $0"."""
    rate = _("{percent} maintenance, up to {max_leverage}x").format(
        percent=percent(tier.rate), max_leverage=speech().figure(f"{tier.max_leverage:g}")
    )
    amount = (
        _(", maintenance amount ${amount}").format(amount=speech().figure(f"{tier.amount:,.0f}"))
        if sliced
        else _(", on the whole position")
    )
    return f"{span(table, tier)}: {rate}{amount}"


def span(table: TierTable, tier: Tier) -> str:
    """Return the sizes of a tier: "$0 to $300,000", "10 to 50 BTC", "above $150,000,000"."""
    coins = table.unit is TierUnit.COINS
    unit = f" {text.base(table.symbol)}" if coins else ""
    sign = "" if coins else "$"
    if math.isinf(tier.cap):
        return (
            _("above {sign}{floor}{unit}").format(
                sign=sign, floor=speech().figure(f"{tier.floor:,.0f}"), unit=unit
            )
            if tier.floor
            else _("any size")
        )
    low = f"{tier.floor:,.0f}" if coins else f"${tier.floor:,.0f}"
    return _("{low} to {sign}{cap}{unit}").format(
        low=low, sign=sign, cap=speech().figure(f"{tier.cap:,.0f}"), unit=unit
    )


def already(question: Question, found: Liquidation, price_now: float | None) -> list[str]:
    """Return the sentence where such a position cannot stand any more, nothing where it can."""
    if found.price is None or not price_now or not beyond(question, found.price, price_now):
        return []
    passed = _("{exact}, is already {passed} the liquidation price").format(
        exact=exact(price_now), passed=_passed(question)
    )
    return [_("The price now, {passed}: such a position would have been liquidated.").format(passed=passed)]


def assumptions(question: Question, found: Liquidation) -> list[str]:
    """Return what the answer assumes, a sentence or two a line."""
    made = [_backing(question, found), f"{_(MARK)} {_venue(question)}"]
    if not question.sized:
        first = span(question.table, question.table.tiers[0])
        made.append(
            _(
                "No size given, so the first tier is taken ({first}); a larger position is liquidated sooner."
            ).format(first=first)
        )
    made += _readings(question, found)
    return made


def _backing(question: Question, found: Liquidation) -> str:
    if found.mode is Mode.CROSS:
        closing = _(" but for the fee set aside for closing") if question.rules.closing_fee else ""
        return _(
            "Cross margin: the whole wallet stands behind it and nothing else is open. The "
            "chosen leverage does not move the price{closing}; other positions would."
        ).format(closing=closing)
    modes = _(", alike in one-way and hedge mode") if question.rules.hedge else ""
    return _(
        "Isolated margin{modes}: entry value ÷ {leverage}, nothing added since. Funding paid "
        "from it brings the price nearer."
    ).format(modes=modes, leverage=speech().figure(f"{question.leverage:g}"))


def _venue(question: Question) -> str:
    """Return what the venue counts that others do not."""
    rules = question.rules
    if rules.liquidation_fee:
        fee = _("{title} adds a liquidation fee of {percent} to maintenance").format(
            title=rules.title, percent=percent(rules.liquidation_fee)
        )
        cut = _("; large positions are cut to a lower tier first.") if rules.steps_down else "."
        return fee + cut
    if rules.closing_fee:
        return _("{title} counts maintenance at the mark price (its formula of May 2026).").format(
            title=rules.title
        )
    return _("{title} counts no fee in it.").format(title=rules.title)


def _readings(question: Question, found: Liquidation) -> list[str]:
    """Return the other reading of rules that a venue leaves open, where it makes a difference."""
    if question.rules.sliced:
        return []
    other = question.answer(OKX_SLICED).price
    if other is None or found.price is None or exact(other) == exact(found.price):
        return []
    doubt = _("does not document whether a tier's rate applies to the whole position, as taken here")
    return [
        _("{title} {doubt}; charged slice by slice it would be {exact}.").format(
            title=question.rules.title, doubt=doubt, exact=exact(other)
        )
    ]


def too_much(question: Question, error: LeverageError) -> str:
    """Return why a leverage is refused, with the highest that is allowed."""
    table, leg = question.table, question.leg
    base, venue = text.base(question.symbol), question.rules.title
    if not question.sized or error.highest == error.any_size:
        return _("{venue} allows {any_size}x at most for {base}.").format(
            venue=venue, any_size=speech().figure(f"{error.any_size:g}"), base=base
        )
    size = exact(leg.value(leg.entry))
    first = span(table, table.tiers[0])
    return _("{venue} allows {highest}x at most for {size} of {base} ({any_size}x for {first}).").format(
        venue=venue,
        highest=speech().figure(f"{error.highest:g}"),
        size=size,
        base=base,
        any_size=speech().figure(f"{error.any_size:g}"),
        first=first,
    )


def refused(question: Question, error: MarginError) -> str:
    """Return why a position is refused."""
    table, leg = question.table, question.leg
    if table.size(leg.quantity, leg.entry) > table.largest:
        return _("{title}'s tiers for {base} end at {largest}.").format(
            title=question.rules.title, base=text.base(question.symbol), largest=largest(table)
        )
    return _("That position would be liquidated at once: {error}.").format(error=error)


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
