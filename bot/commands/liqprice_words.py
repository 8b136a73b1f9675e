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
    told = (
        _("{base} {value} {leverage}x on {title}: no price liquidates it")
        if found.price is None
        else _("{base} {value} {leverage}x on {title}: liquidated at {exact}")
    )
    return told.format(
        base=text.base(question.symbol),
        value=words.side(leg.side),
        leverage=speech().figure(f"{question.leverage:g}"),
        title=question.rules.title,
        exact="" if found.price is None else exact(found.price),
    )


def fields(question: Question, found: Liquidation, price_now: float | None) -> tuple[tuple[str, str], ...]:
    """Return the figures, each with its label."""
    leg, table = question.leg, question.table
    made = [(_("Liquidation price"), _("none") if found.price is None else exact(found.price))]
    if found.price is not None and found.distance is not None:
        made.append((_("Distance"), _distance(question, found.price, found.distance, price_now)))
    entry = _("{price}, the price now") if question.live else "{price}"
    made.append((_("Entry"), entry.format(price=exact(leg.entry))))
    if question.sized:
        coins = f"{leg.quantity:,.6g} {text.base(question.symbol)}"
        made.append((_("Position"), f"{exact(leg.value(leg.entry))}, {coins}"))
        made.append((_("Margin"), f"{exact(found.margin)}, {_source(question, found)}"))
    if question.sized and found.price is not None:
        kept = _("{amount}, liquidation fee included") if question.rules.liquidation_fee else "{amount}"
        made.append((_("Maintenance there"), kept.format(amount=exact(found.maintenance))))
    made.append((_("Tier"), tier_words(table, found.tier, sliced=question.rules.sliced)))
    if found.entry_tier != found.tier:
        made.append((_("Tier at entry"), tier_words(table, found.entry_tier, sliced=question.rules.sliced)))
    made.append((_("Tiers as of"), f"{table.as_of}, {table.source}"))
    return tuple(made)


def _distance(question: Question, price: float, distance: float, price_now: float | None) -> str:
    """Return how far the price is from the entry and from the price now, or that it is there already."""
    if not price_now or question.live:
        told = _("{change} from entry")
    elif not beyond(question, price, price_now):
        told = _("{change} from entry, {change_now} from the price now")
    elif question.leg.side is Side.LONG:
        told = _("{change} from entry, and the price now is already at or below it")
    else:
        told = _("{change} from entry, and the price now is already at or above it")
    now = text.change(price / price_now - 1) if price_now else ""
    return told.format(change=text.change(distance), change_now=now)


def beyond(question: Question, price: float, price_now: float) -> bool:
    """Say whether the price now would liquidate the position: it stands at the price or past it."""
    return price_now <= price if question.leg.side is Side.LONG else price_now >= price


def _source(question: Question, found: Liquidation) -> str:
    if found.mode is Mode.ISOLATED:
        return _("entry value ÷ {leverage}").format(leverage=speech().figure(f"{found.leverage:g}"))
    if question.rules.closing_fee:
        return _("the wallet balance less the fee to close")
    return _("the wallet balance")


def tier_words(table: TierTable, tier: Tier, *, sliced: bool) -> str:
    """Return a tier: "$0 to $300,000: 0.4% maintenance, up to 150x, maintenance amount $0"."""
    told = (
        _("{span}: {percent} maintenance, up to {max_leverage}x, maintenance amount ${amount}")
        if sliced
        else _("{span}: {percent} maintenance, up to {max_leverage}x, on the whole position")
    )
    return told.format(
        span=span(table, tier),
        percent=percent(tier.rate),
        max_leverage=speech().figure(f"{tier.max_leverage:g}"),
        amount=speech().figure(f"{tier.amount:,.0f}"),
    )


def span(table: TierTable, tier: Tier) -> str:
    """Return the sizes of a tier: "$0 to $300,000", "10 to 50 BTC", "above $150,000,000"."""
    coins = table.unit is TierUnit.COINS
    unit = f" {text.base(table.symbol)}" if coins else ""
    sign = "" if coins else "$"
    if math.isinf(tier.cap):
        return (
            _("above {size}").format(size=f"{sign}{speech().figure(f'{tier.floor:,.0f}')}{unit}")
            if tier.floor
            else _("any size")
        )
    low = f"{sign}{speech().figure(f'{tier.floor:,.0f}')}"
    return _("{low} to {high}").format(low=low, high=_cap(table, tier))


def _cap(table: TierTable, tier: Tier) -> str:
    """Return the largest size of a tier."""
    coins = table.unit is TierUnit.COINS
    cap = speech().figure(f"{tier.cap:,.0f}")
    return f"{cap} {text.base(table.symbol)}" if coins else f"${cap}"


def already(question: Question, found: Liquidation, price_now: float | None) -> list[str]:
    """Return the sentence where such a position cannot stand any more, nothing where it can."""
    if found.price is None or not price_now or not beyond(question, found.price, price_now):
        return []
    told = (
        _(
            "The price now, {exact}, is already at or below the liquidation price: "
            "such a position would have been liquidated."
        )
        if question.leg.side is Side.LONG
        else _(
            "The price now, {exact}, is already at or above the liquidation price: "
            "such a position would have been liquidated."
        )
    )
    return [told.format(exact=exact(price_now))]


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
        if question.rules.closing_fee:
            return _(
                "Cross margin: the whole wallet stands behind it and nothing else is open. The chosen "
                "leverage does not move the price but for the fee set aside for closing; "
                "other positions would."
            )
        return _(
            "Cross margin: the whole wallet stands behind it and nothing else is open. The "
            "chosen leverage does not move the price; other positions would."
        )
    told = (
        _(
            "Isolated margin, alike in one-way and hedge mode: entry value ÷ {leverage}, nothing added "
            "since. Funding paid from it brings the price nearer."
        )
        if question.rules.hedge
        else _(
            "Isolated margin: entry value ÷ {leverage}, nothing added since. Funding paid "
            "from it brings the price nearer."
        )
    )
    return told.format(leverage=speech().figure(f"{question.leverage:g}"))


def _venue(question: Question) -> str:
    """Return what the venue counts that others do not."""
    rules = question.rules
    if rules.liquidation_fee:
        told = (
            _(
                "{title} adds a liquidation fee of {percent} to maintenance; "
                "large positions are cut to a lower tier first."
            )
            if rules.steps_down
            else _("{title} adds a liquidation fee of {percent} to maintenance.")
        )
        return told.format(title=rules.title, percent=percent(rules.liquidation_fee))
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
    told = _(
        "{title} does not document whether a tier's rate applies to the whole position, as taken here; "
        "charged slice by slice it would be {exact}."
    )
    return [told.format(title=question.rules.title, exact=exact(other))]


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
    last = table.tiers[-1]
    return span(table, last) if math.isinf(last.cap) else _cap(table, last)


def exact(value: float) -> str:
    """Return dollars to the cent; prices under $100 with seven digits that matter."""
    if abs(value) >= CENTS_FROM or value == 0:
        return f"${value:,.2f}"
    places = max(2, DIGITS - 1 - math.floor(math.log10(abs(value))))
    whole, _, rest = f"{value:,.{places}f}".partition(".")
    return f"${whole}.{rest[:2]}{rest[2:].rstrip('0')}"
