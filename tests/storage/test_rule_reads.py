"""What rules are tried on comes as it was stored; of many liquidations the small ones come summed up."""

from collections import Counter

import numpy as np
import pytest

from engine.model import Liquidation, PriceKind, Side, Zone, ZoneChange, ZoneEvent, ZoneId
from storage import rule_reads
from storage.market import MarketStore
from storage.venues import VenueStore

BTC, STEP_MS = "BTCUSDT", 300_000


@pytest.fixture
async def store(tmp_path):
    opened = await MarketStore.open(tmp_path / "market.duckdb")
    yield opened
    await opened.close()


def forced(nth, ts, usd):
    return Liquidation(
        venue=("binance", "bybit")[nth % 2],
        symbol=BTC,
        side=Side.LONG if nth % 3 else Side.SHORT,
        price=2.0,
        price_kind=PriceKind.FILL,
        quantity=usd / 2.0,
        notional_usd=usd,
        ts=ts,
        received_ms=ts,
        nth=nth,
    )


def sums(events):
    found = Counter()
    for each in events:
        found[each.venue, each.side, each.ts // STEP_MS] += each.notional_usd
    return {key: pytest.approx(usd) for key, usd in found.items()}


async def test_small_liquidations_are_summed_up_and_nothing_looks_larger(store):
    chance = np.random.default_rng(3)
    times, sizes = chance.integers(0, 10 * STEP_MS, 400).tolist(), chance.lognormal(8, 2, 400).tolist()
    events = [forced(nth, ts, usd) for nth, (ts, usd) in enumerate(zip(times, sizes, strict=True))]
    await VenueStore(store).add_liquidations(events)
    await store.flush()
    every = await store.read(lambda c: rule_reads.liquidations(c, BTC, 0, 10 * STEP_MS))
    assert sorted(every, key=lambda e: e.nth) == events
    few = await store.read(lambda c: rule_reads.liquidations(c, BTC, 0, 10 * STEP_MS, 25))
    largest = sorted(sizes, reverse=True)
    assert sums(few) == sums(events)
    assert [each.ts for each in few] == sorted(each.ts for each in few)
    assert sorted((e.notional_usd for e in few), reverse=True)[:25] == largest[:25]
    assert all(e.notional_usd <= largest[25] * (1 + 1e-9) or e.notional_usd in largest[:25] for e in few)
    assert await store.read(lambda c: rule_reads.liquidations(c, "ETHUSDT", 0, 10 * STEP_MS)) == []


async def test_zone_events_are_those_that_were_stored(store):
    zone = Zone(
        zone_id=ZoneId("z1"),
        venue="all",
        symbol=BTC,
        side=Side.SHORT,
        low=1.0,
        high=2.0,
        peak=1.5,
        notional_usd=5e6,
        share=0.5,
        percentile=90.0,
        born_ts=0,
        updated_ts=STEP_MS,
    )
    made = ZoneEvent(ts=STEP_MS, change=ZoneChange.SPLIT, zone=zone, fraction=0.25, other=ZoneId("z0"))
    await store.add_zone_events([made])
    await store.flush()
    [found] = await store.read(lambda c: rule_reads.zone_events(c, "all", BTC, 0, 10 * STEP_MS))
    assert (found.ts, found.change, found.fraction, found.other) == (STEP_MS, ZoneChange.SPLIT, 0.25, "z0")
    names = ("zone_id", "side", "low", "high", "peak", "notional_usd", "born_ts", "updated_ts")
    assert [getattr(found.zone, n) for n in names] == [getattr(zone, n) for n in names]
    assert await store.read(lambda c: rule_reads.zone_events(c, "all", BTC, 0, STEP_MS)) == []
