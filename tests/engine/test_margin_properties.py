"""What holds at every liquidation price, on the shipped tiers of every venue and on made-up ones."""

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from config.tiers import TierBook
from engine.margin.cross import Wallet, book_of, cross, hedged
from engine.margin.isolated import isolated
from engine.margin.model import Leg, sign
from engine.margin.okx import OKX, OKX_SLICED
from engine.margin.solve import charge, maintenance_of
from engine.margin.tiers import TierTable, TierUnit, make_tiers
from engine.margin.venues import RULES
from engine.model import Side

BOOK = TierBook()
VENUES = {name: (rules, BOOK.table(name, "BTCUSDT")) for name, rules in RULES.items()}
VENUES["okx, sliced"] = (OKX_SLICED, VENUES["okx"][1])
EPS = 1e-11
SIDES = st.sampled_from(list(Side))
every_venue = pytest.mark.parametrize("venue", VENUES)


@st.composite
def legs(draw, table, *, share_of_largest=1.0):
    """Positions of any size that the table allows, from dust to its end, at any price."""
    entry = 10 ** draw(st.floats(-4, 5.5))
    most = table.largest if math.isfinite(table.largest) else 1e9
    size = 10 ** draw(st.floats(-3, math.log10(most * share_of_largest * 0.999)))
    quantity = size / entry if table.unit is TierUnit.VALUE else size
    return Leg(side=draw(SIDES), quantity=quantity, entry=entry)


@st.composite
def allowed(draw, table):
    """A position with a leverage that its tier allows."""
    leg = draw(legs(table))
    most = table.tier_at(table.size(leg.quantity, leg.entry)).max_leverage
    return leg, draw(st.floats(1.0, most))


@st.composite
def tables(draw):
    """Tables whose tiers grow as venues' do: the rate is at most half the initial margin."""
    count = draw(st.integers(1, 8))
    caps = sorted(draw(st.lists(st.floats(1e3, 1e9), min_size=count, max_size=count, unique=True)))
    levers = sorted(draw(st.lists(st.floats(1, 200), min_size=count, max_size=count)), reverse=True)
    share = draw(st.floats(0.1, 0.5))
    rows = [(cap, share / lever, lever) for cap, lever in zip(caps, levers, strict=True)]
    return TierTable(venue="v", symbol="X", as_of="", source="", tiers=make_tiers(rows))


def balance(leg: Leg, margin: float, price: float) -> float:
    """Margin balance, worked out here from its definition."""
    return margin + sign(leg.side) * leg.quantity * (price - leg.entry)


def maintenance(rules, table, leg, price: float) -> float:
    """Maintenance margin, worked out here slice by slice or whole, as the venue counts it."""
    value = leg.quantity * price
    fee = value * rules.liquidation_fee
    size = value if table.unit is TierUnit.VALUE else leg.quantity
    to_value = 1.0 if table.unit is TierUnit.VALUE else price
    if not rules.sliced:
        return value * next((t.rate for t in table.tiers if size <= t.cap), table.tiers[-1].rate) + fee
    last = table.tiers[-1]
    slices = [(t.floor, math.inf if t is last else t.cap, t.rate) for t in table.tiers]
    return fee + sum(r * max(0.0, min(size, cap) - floor) * to_value for floor, cap, r in slices)


@every_venue
@given(st.data())
def test_at_the_liquidation_price_balance_is_maintenance(venue, data):
    rules, table = VENUES[venue]
    leg, leverage = data.draw(allowed(table))
    found = isolated(rules, table, leg, leverage=leverage)
    if found.price is None:
        assert leg.side is Side.LONG
        assert leverage < 1.1
        return
    margin = leg.quantity * leg.entry / leverage
    value = leg.quantity * max(leg.entry, found.price)
    assert balance(leg, margin, found.price) == pytest.approx(
        maintenance(rules, table, leg, found.price), abs=EPS * value
    )
    assert found.maintenance == pytest.approx(balance(leg, margin, found.price), abs=EPS * value)


@every_venue
@given(st.data())
def test_longs_are_liquidated_below_their_entry_and_shorts_above(venue, data):
    rules, table = VENUES[venue]
    leg, leverage = data.draw(allowed(table))
    found = isolated(rules, table, leg, leverage=leverage)
    if found.price is not None:
        assert (leg.entry - found.price) * sign(leg.side) > 0
        before = (found.price - found.bankruptcy) * sign(leg.side)  # the margin is gone
        assert before > -EPS * leg.entry


@every_venue
@given(st.data())
def test_more_leverage_is_nearer(venue, data):
    rules, table = VENUES[venue]
    leg, high = data.draw(allowed(table))
    low = data.draw(st.floats(1.0, high))
    assume(high / low > 1 + 1e-9)
    near = isolated(rules, table, leg, leverage=high).price
    far = isolated(rules, table, leg, leverage=low).price
    if near is None:
        assert far is None
    elif far is not None:
        assert (near - far) * sign(leg.side) > 0


@every_venue
@given(st.data())
def test_a_larger_position_is_never_further(venue, data):
    rules, table = VENUES[venue]
    leg, leverage = data.draw(allowed(table))
    smaller = replace(leg, quantity=leg.quantity * data.draw(st.floats(0.01, 1)))
    near = isolated(rules, table, leg, leverage=leverage).distance
    far = isolated(rules, table, smaller, leverage=leverage).distance
    assert abs(near if near is not None else 1) <= abs(far if far is not None else 1) * (1 + 1e-9)


@every_venue
@given(st.data())
def test_the_tier_used_holds_the_position_at_the_liquidation_price(venue, data):
    rules, table = VENUES[venue]
    leg, leverage = data.draw(allowed(table))
    found = isolated(rules, table, leg, leverage=leverage)
    assume(found.price is not None)
    size = table.size(leg.quantity, found.price)
    last = found.tier is table.tiers[-1]
    assert found.tier.floor <= size * (1 + EPS)
    assert last or size <= found.tier.cap * (1 + EPS)
    if rules is OKX:
        assert found.tier is found.entry_tier


@every_venue
@given(st.data())
def test_it_is_the_published_formula_with_that_tier(venue, data):
    """Each venue's formula as it prints it, with the tier that was found put in."""
    rules, table = VENUES[venue]
    leg, leverage = data.draw(allowed(table))
    found = isolated(rules, table, leg, leverage=leverage)
    assume(found.price is not None)
    s, q, e = sign(leg.side), leg.quantity, leg.entry
    rate, cum = found.tier.rate, found.tier.amount
    margin = q * e / leverage
    if rules.venue == "binance":
        price = (margin + cum - s * q * e) / (q * rate - s * q)
    elif rules.venue == "bybit":
        price = (e * q - s * (margin + cum)) / (q - s * q * rate)
    elif rules.venue == "hyperliquid":
        available = margin - (q * e * rate - cum)
        price = e - s * available / (q * (1 - rate * s))
    elif rules.sliced:
        price = (e - s * margin / q) / (1 - s * (rate - cum / q + 0.0005))
    else:
        price = (e - s * margin / q) / (1 - s * (rate + 0.0005))
    assert found.price == pytest.approx(price, abs=EPS * max(e, found.price))


@given(st.data(), tables())
def test_no_other_tier_gives_a_price_that_falls_into_it(data, table):
    """The rule of Binance's page: only the tier that its own price falls into is the right one."""
    rules = RULES["binance"]
    leg, leverage = data.draw(allowed(table))
    found = isolated(rules, table, leg, leverage=leverage)
    assume(found.price is not None)
    s, q = sign(leg.side), leg.quantity
    for tier in table.tiers:
        price = (q * leg.entry / leverage + tier.amount - s * q * leg.entry) / (q * tier.rate - s * q)
        inside = tier.floor * (1 + 1e-9) < q * price < tier.cap * (1 - 1e-9)
        assert not inside or price == pytest.approx(found.price, rel=1e-9)


@every_venue
@given(st.data())
def test_cross_with_the_isolated_margin_as_balance_is_isolated(venue, data):
    rules, table = VENUES[venue]
    leg, leverage = data.draw(allowed(table))
    alone = isolated(rules, table, leg, leverage=leverage)
    closing = leg.quantity * leg.entry * (1 - sign(leg.side) / leverage) * rules.closing_fee
    wallet = Wallet(alone.margin + 7.0 + closing, other_pnl=-3.0, other_maintenance=4.0)
    crossed = cross(rules, table, leg, wallet=wallet, leverage=leverage)
    assert (crossed.price or 0.0) == pytest.approx(alone.price or 0.0, rel=1e-9, abs=1e-9 * leg.entry)


@pytest.mark.parametrize("venue", [name for name, (rules, _) in VENUES.items() if rules.hedge])
@given(st.data())
def test_a_hedged_account_is_liquidated_where_its_surplus_ends(venue, data):
    rules, table = VENUES[venue]
    long = replace(data.draw(legs(table, share_of_largest=0.1)), side=Side.LONG)
    short = replace(long, side=Side.SHORT, quantity=long.quantity * data.draw(st.floats(0.01, 3)))
    legs_ = (long, short)
    value = sum(leg.quantity * leg.entry for leg in legs_)
    wallet = Wallet(value * data.draw(st.floats(0.3, 2)))
    book = book_of(rules, table, legs_, wallet)
    assume(book.surplus(long.entry) > 0)
    bounds = hedged(rules, table, legs_, wallet, price=long.entry)
    for price in bounds:
        if price is not None:
            worth = value + sum(leg.quantity * price for leg in legs_)
            assert book.surplus(price) == pytest.approx(0, abs=EPS * worth)
    below, above = bounds
    assert (below or 0) < long.entry < (above or math.inf)
    for share in (0.01, 0.3, 0.99):  # nothing ends in between
        low = below or 0.0
        high = above or 10 * long.entry
        assert book.surplus(low + share * (high - low)) > -EPS * value


@every_venue
@given(st.data())
def test_maintenance_never_jumps_where_slices_are_charged(venue, data):
    rules, table = VENUES[venue]
    leg = data.draw(legs(table))
    if not rules.sliced:
        return
    for tier in table.tiers[1:5]:
        edge = tier.floor / leg.quantity if table.unit is TierUnit.VALUE else leg.entry
        quantity = leg.quantity if table.unit is TierUnit.VALUE else tier.floor
        below = maintenance_of(rules, table, quantity * (1 - 1e-12), edge)
        above = maintenance_of(rules, table, quantity * (1 + 1e-12), edge)
        assert above == pytest.approx(below, rel=1e-9)


def test_a_charge_never_exceeds_the_whole_position():
    for rules, table in VENUES.values():
        for tier in table.tiers:
            rate, amount = charge(rules, table, max(tier.floor, 1) / 100, 100.0)
            assert 0 < rate < 1
            assert amount >= 0
