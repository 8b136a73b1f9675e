"""The desk of rules: events in, sightings out; zones looked at only where it matters, events one by one."""

import math
import random
from dataclasses import replace

import pytest

from engine.model import Liquidation, PriceKind, Side, Tick, Zone, ZoneId, ZoneSet
from engine.rules.account import account
from engine.rules.atom import OneLiquidation, Seen, ZoneNear
from engine.rules.desk import Desk
from engine.rules.happening import Happenings
from engine.rules.near import Nearness
from engine.rules.plan import Batch
from engine.rules.remembered import Remembered
from engine.rules.sighting import plan_of
from engine.rules.text import read_rule

BTC, T0 = "BTCUSDT", 1_760_126_400_000


def batch(*lines):
    specs = [read_rule(line, now_ms=T0).spec for line in lines]
    return Batch.of({number: plan_of(spec, BTC) for number, spec in enumerate(specs, 1)})


def tick(price, at_s, venue="binance"):
    return Tick(venue=venue, symbol=BTC, ts=T0 + round(at_s * 1000), price=price)


def zone(name, side, low, high, usd=20e6):
    return Zone(
        zone_id=ZoneId(name),
        venue="binance",
        symbol=BTC,
        side=side,
        low=low,
        high=high,
        peak=low,
        notional_usd=usd,
        share=0.1,
        percentile=99.0,
        born_ts=T0,
        updated_ts=T0,
    )


def zones(*made, least=10e6):
    return ZoneSet(
        venue="binance",
        symbol=BTC,
        ts=T0,
        price=100.0,
        zones=made,
        samples_h=500,
        threshold_ready=True,
        auto_min_usd=least,
    )


def liquidation(usd, at_ms=0, side=Side.LONG, venue="bybit"):
    return Liquidation(
        venue=venue,
        symbol=BTC,
        side=side,
        price=100.0,
        price_kind=PriceKind.FILL,
        quantity=usd / 100,
        notional_usd=usd,
        ts=T0 + at_ms,
        received_ms=T0 + at_ms,
    )


@pytest.fixture
def desk():
    """A desk that goes on from nothing, as one that has just begun."""

    def make(*lines):
        made = Desk(lambda _: "binance")
        made.add(batch(*lines))
        made.resume(Remembered(), {}, T0)
        return made

    return make


def fired(desk):
    found = [(s.hit.rule, s.hit.branch) for s in desk.sightings]
    desk.sightings.clear()
    return found


def test_a_price_of_another_venue_is_not_that_of_the_market(desk):
    made = desk("price btc above 100", "price btc above 100 on okx")
    for price, at in ((99.0, 0), (101.0, 1)):
        made.take(tick(price, at), leads=True)
    assert fired(made) == [(1, 0)]
    for price, at in ((99.0, 2), (101.0, 3)):
        made.take(tick(price, at, "okx"), leads=False)
    assert fired(made) == [(2, 0)]
    made.take(tick(99.0, 4, "okx"), leads=True)  # it stands for the market, for the lead is silent
    made.take(tick(101.0, 5, "okx"), leads=True)
    assert sorted(fired(made)) == [(1, 0), (2, 0)]


def test_each_liquidation_is_news_of_its_own_and_an_and_holds_for_a_minute(desk):
    made = desk("btc single liquidation above 1M", "btc single liquidation above 1M and price btc above 100")
    made.take(tick(99.0, 0), leads=True)
    made.take(liquidation(2e6, 1000))
    made.take(liquidation(3e6, 2000))
    assert fired(made) == [(1, 0), (1, 0)]
    made.take(tick(101.0, 30), leads=True)
    assert fired(made) == [(2, 0)]
    made.take(tick(99.0, 40), leads=True)
    made.take(tick(101.0, 70), leads=True)
    assert fired(made) == []


def test_what_is_long_over_alerts_nobody(desk):
    made = desk("btc single liquidation above 1M")
    made.take(tick(99.0, 3600), leads=True)
    made.take(liquidation(2e6))
    assert fired(made) == []


def test_nearness_by_calm_bands_is_what_looking_at_every_price_finds():
    rng = random.Random(5)
    atoms = [
        ZoneNear(symbol=BTC, side=side, within=within, give_back=within / 4, min_usd=least)
        for side in (None, Side.LONG, Side.SHORT)
        for within in (0.003, 0.01, 0.03)
        for least in (None, 30e6)
    ]
    near, was, looks = Nearness(), dict.fromkeys(atoms, False), 0
    for atom in atoms:
        near.add(atom)
    price, standing = 100.0, zones()
    for step in range(4_000):
        if step % 150 == 0:
            made = [
                zone(
                    f"z{n}", rng.choice(list(Side)), low, low + rng.uniform(0.1, 1.5), rng.uniform(5e6, 60e6)
                )
                for n, low in enumerate(rng.uniform(85, 115) for _ in range(8))
            ]
            standing = zones(*made)
        price *= math.exp(rng.gauss(0, 0.0008))
        changes = dict(near.look(standing, price))
        looks += bool(changes)
        truth = {atom: atom.holds(standing, price, was=was[atom]) for atom in atoms}
        assert changes.items() >= {a: t for a, t in truth.items() if t is not was[a] and step}.items()
        assert all(truth[atom] is on for atom, on in changes.items())
        was = truth
    assert looks > 100


def test_liquidations_are_asked_for_by_size():
    book = Happenings()
    sizes = [1e5, 5e5, 5e5, 2e6]
    atoms = [
        OneLiquidation(symbol=BTC, venue=venue, side=side, usd=usd)
        for usd in sizes
        for side in (None, Side.LONG)
        for venue in ("", "okx")
    ]
    for atom in atoms:
        book.add(atom)
    seen = Seen(event=liquidation(6e5), known_ms=T0, price=100.0)
    assert set(book.matching(seen)) == {atom for atom in atoms if atom.matches(seen)}
    assert book.matching(seen) == []  # the same again
    for atom in atoms[:4]:
        book.drop(atom)
    again = replace(seen, event=liquidation(6e5, 1))
    assert set(book.matching(again)) == {atom for atom in atoms[4:] if atom.matches(again)}


def test_a_jump_of_the_clock_makes_all_things_known_anew(desk):
    made = desk("price btc above 100", "btc within 1% of long zone", "price btc above 100 for=1m")
    standing = zones(zone("z", Side.LONG, 90.0, 99.0))
    made.take(tick(95.0, 0), leads=True)
    made.see(BTC, zones())
    made.take(tick(101.0, 1), leads=True)
    fired(made)
    made.restart(T0 - 3_600_000)
    made.take(tick(99.5, -3600), leads=True)
    made.see(BTC, standing)
    made.advance(T0)
    assert fired(made) == []
    made.take(tick(101.0, 2), leads=True)
    assert fired(made) == [(1, 0)]


def test_silence_is_told_though_no_price_ever_came():
    made = Desk(lambda _: "binance")
    made.features.now_ms = T0
    made.add(batch("btc stale for 60s"))
    made.resume(Remembered(), {}, T0)
    for at_ms in (30_000, 61_000, 62_000):
        assert fired(made) == []
        made.advance(T0 + at_ms)
        if at_ms == 61_000:
            assert fired(made) == [(1, 0)]
    assert fired(made) == []


def test_a_recording_is_never_silent():
    made = Desk(lambda _: "binance", recorded=True)
    made.add(batch("btc stale for 60s"))
    made.resume(Remembered(), {}, T0)
    made.take(tick(100.0, 0), leads=True)
    made.take(tick(100.0, 600), leads=True)
    made.advance(T0 + 3_600_000)
    assert fired(made) == []


def test_what_no_rule_looks_at_is_let_go_and_begins_anew(desk):
    made = desk("price btc above 100")
    made.take(tick(99.0, 0), leads=True)
    made.remove([1])
    assert (len(made.rules), len(made.features), made.symbols()) == (0, 0, set())
    made.take(tick(150.0, 1), leads=True)
    made.add(batch("price btc above 100"))
    made.take(tick(150.0, 2), leads=True)
    assert fired(made) == []


def test_an_account_of_a_rule_that_is_another_by_now_is_none(desk):
    made = desk("price btc above 100 or price btc below 90")
    made.take(tick(95.0, 0), leads=True)
    made.take(tick(89.0, 1), leads=True)
    (sighting,) = made.sightings
    other = read_rule("price btc above 100", now_ms=T0).spec
    assert account(other, sighting, "BTC", str) is None
    own = account(
        read_rule("price btc above 100 or price btc below 90", now_ms=T0).spec, sighting, "BTC", str
    )
    assert (own.sentence, own.direction) == ("BTC fell below 90", "down")
