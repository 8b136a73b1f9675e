"""What a rule would have done on stored candles, against features and a plain loop over the same candles."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.features.market import MarketFeatures
from engine.features.past import History, points
from engine.model import (
    DAY_MS,
    STEP_MS,
    Candles,
    Funding,
    Liquidation,
    LongShortRatio,
    PriceKind,
    Side,
    Tick,
    Zone,
    ZoneChange,
    ZoneEvent,
    ZoneId,
)
from engine.rules.atom import PULSE_MS, Seen
from engine.rules.dry_run import STORM, DryRun, dry_run
from engine.rules.feature import Direction, Threshold
from engine.rules.text import read_rule

START = 1_764_547_200_000
LINES = (
    "btc falls 0.4% in 15m",
    "btc rises 0.4% in 15m",
    "btc moves 0.5% in 30m held for 7m",
    "btc crosses 100",
    "btc leaves 99.5 to 100.5",
    "btc makes 1h high",
    "btc pulls back 0.6% in 1h",
    "btc bounces 0.6% in 1h and btc oi rises 1% in 1h",
    "btc volatility above 45% in 1h",
    "btc volume above 3x in 1h",
    "btc oi moves 2% in 30m",
    "btc price up 0.1% while oi down 0.1% in 30m",
    "btc long liquidations above 2m in 15m or btc falls 1% in 1h",
    "btc short liquidations above 2m in 5m and btc rises 0.1% in 15m",
    "btc single long liquidation above 900k",
    "btc single liquidation above 500k and btc falls 0.1% in 15m",
    "btc cascade of 2x in 1h",
    "btc funding above 0.02%",
    "btc funding flips",
    "btc funding spread above 0.03%",
    "btc long short above 2",
)


def story(seed, count=500, *, missing=0.02):
    """Return a market of everything that can be stored."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.0015, count)))
    open_ = np.concatenate([[100.0], close[:-1]])
    wick = np.exp(np.abs(rng.normal(0, 0.001, (2, count))))
    ts = START + np.cumsum(np.where(rng.random(count) < missing, rng.integers(2, 20, count), 1)) * STEP_MS
    candles = Candles(
        ts=ts,
        open=open_,
        high=np.maximum(open_, close) * wick[0],
        low=np.minimum(open_, close) / wick[1],
        close=close,
        volume=rng.exponential(10.0, count),
        quote_volume=np.full(count, np.nan),
        taker_buy_volume=np.full(count, np.nan),
        open_interest=1_000 * np.exp(np.cumsum(rng.normal(0, 0.004, count))),
    )
    end = int(ts[-1])
    liquidations = tuple(
        Liquidation(
            venue="okx",
            symbol="BTCUSDT",
            side=Side(rng.choice(["long", "short"])),
            price=100.0,
            price_kind=PriceKind.FILL,
            quantity=usd / 100,
            notional_usd=usd,
            ts=when,
            received_ms=when,
            nth=n,
        )
        for n, (when, usd) in enumerate(
            zip(
                sorted(rng.integers(START, end, 300).tolist()),
                rng.exponential(3e5, 300).tolist(),
                strict=True,
            )
        )
    )
    hours = range(START, end, 3_600_000)
    return History(
        symbol="BTCUSDT",
        lead="binance",
        candles={"binance": candles},
        liquidations=liquidations,
        funding=tuple(
            Funding(
                venue=venue,
                symbol="BTCUSDT",
                ts=h,
                rate=float(rng.normal(0, 0.0002)),
                funding_ts=h + 1,
                interval_h=8.0,
            )
            for h in hours
            for venue in ("binance", "okx")
        ),
        ratios=tuple(
            LongShortRatio(
                venue="okx",
                symbol="BTCUSDT",
                ts=h,
                step_ms=STEP_MS,
                kind="accounts",
                ratio=float(np.exp(rng.normal(0.5, 0.3))),
            )
            for h in hours
        ),
    )


class Plain:
    """One rule looked at in a loop: every atom anew each time."""

    def __init__(self, spec):
        self.spec, self.branches = spec, spec.branches("BTCUSDT")
        self.atoms = {atom for branch in self.branches for atom in branch}
        self.true = dict.fromkeys(self.atoms, False)
        self.pulse = {}
        self.since = [None] * len(self.branches)
        self.judged = [False] * len(self.branches)
        self.skipped = [False] * len(self.branches)
        self.told = [False] * len(self.branches)
        self.fires = set()

    def look(self, now, value, events):
        known = {}
        for atom in self.atoms:
            if isinstance(atom, Threshold):
                v = value(atom.feature)
                known[atom] = v == v
                up = atom.direction is Direction.ABOVE
                if (v > atom.value) if up else (v < atom.value):
                    self.true[atom] = True
                elif (v <= atom.rearm) if up else (v >= atom.rearm):
                    self.true[atom] = False
            else:
                known[atom] = True
                hits = [e for e in events if atom.matches(Seen(event=e, known_ms=e.ts, price=1.0))]
                if hits:
                    self.pulse[atom] = now
                self.true[atom] = now - self.pulse.get(atom, -PULSE_MS) < PULSE_MS
        for number, branch in enumerate(self.branches):
            self.branch(number, branch, now, known)

    def branch(self, number, branch, now, known):
        if len(branch) == 1 and not isinstance(branch[0], Threshold):
            if self.pulse.get(branch[0]) == now:
                self.fires.add(now)
            return
        holds = all(self.true[atom] for atom in branch)
        if self.since[number] is not None and not self.told[number] and not self.skipped[number]:
            due = self.since[number] + self.spec.for_ms
            if now > due or (holds and now >= due):
                self.fires.add(due)
                self.told[number] = True
        if not holds:
            self.since[number], self.told[number], self.skipped[number] = None, False, False
        elif self.since[number] is None:
            self.since[number] = now
            self.skipped[number] = not self.judged[number]
            if not self.spec.for_ms and not self.skipped[number]:
                self.fires.add(now)
                self.told[number] = True
        self.judged[number] = self.judged[number] or all(known[atom] for atom in branch)


def fed(spec, history):
    """Return the fires of a loop that is fed what is stored, as it would have come."""
    features = MarketFeatures(lambda _: "binance")
    plain = Plain(spec)
    for atom in plain.atoms:
        if isinstance(atom, Threshold):
            features.register(atom.feature)
    candles = history.candles["binance"]
    bars = [
        (ts + STEP_MS, 0, candles.row(i, venue="binance", symbol="BTCUSDT"))
        for i, ts in enumerate(candles.ts.tolist())
    ]
    ticks = [
        (ts, 2, Tick(venue="binance", symbol="BTCUSDT", ts=ts, price=price))
        for ts, price in zip(*(a.tolist() for a in points(candles)), strict=True)
    ]
    wanted = {feed for leaf in [spec.when] for feed in feeds(leaf)}
    others = [
        (e.ts, 1, e)
        for name, events in (
            ("liquidations", history.liquidations),
            ("funding", history.funding),
            ("long_short", history.ratios),
        )
        if name in wanted
        for e in events
    ]
    stream = sorted([*bars, *ticks, *others], key=lambda e: e[:2])
    moments = sorted({ts for ts, order, _ in stream if order})
    at = 0
    for now in moments:
        events = []
        while at < len(stream) and stream[at][0] <= now:
            features.take(stream[at][2])
            events.append(stream[at][2])
            at += 1
        features.advance(now)
        plain.look(now, features.value, events)
    return sorted(plain.fires)


def feeds(node):
    parts = getattr(node, "parts", None)
    return node.condition.feeds if parts is None else {feed for part in parts for feed in feeds(part)}


@pytest.mark.parametrize("line", LINES)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_dry_run_is_what_features_and_a_plain_loop_say(line, seed):
    history, spec = story(seed), read_rule(line, now_ms=0).spec
    assert list(dry_run(spec, history).times) == [
        ts for ts in fed(spec, history) if ts < int(history.candles["binance"].ts[-1]) + STEP_MS
    ]


def test_each_of_those_rules_fires_somewhere():
    for line in LINES:
        spec = read_rule(line, now_ms=0).spec
        assert any(dry_run(spec, story(seed)).times for seed in range(8)), line


def test_a_rule_of_many_kinds_is_tried_on_the_thirty_days_that_were_recorded():
    table = pq.read_table(Path(__file__).parents[3] / "adapters" / "data" / "BTCUSDT.parquet")
    columns = {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}
    nothing = np.full(table.num_rows, np.nan)
    whole = Candles(
        ts=columns.pop("ts"),
        **{name: values.astype(float) for name, values in columns.items()},
        quote_volume=nothing,
        taker_buy_volume=nothing,
    )
    history = History(
        symbol="BTCUSDT", lead="binance", candles={"binance": whole[slice(len(whole) - 37 * 288, None)]}
    )
    line = (
        "btc volatility above 80% in 4h and oi drops 1% in 1h or volume above 8x in 7d or btc makes 24h high"
    )
    spec = read_rule(line, now_ms=0).spec
    found = dry_run(spec, history)
    assert found.days == 30.0
    assert "Over the 30 days stored this would have fired" in found.says()


def test_once_is_once_and_days_are_the_last_ones():
    history = story(3)
    always = read_rule("btc falls 0.4% in 15m", now_ms=0).spec
    times = dry_run(always, history).times
    assert len(times) > 1
    assert dry_run(read_rule("btc falls 0.4% in 15m once", now_ms=0).spec, history).times == times[:1]
    late = dry_run(always, history, days=1)
    assert late.times == tuple(ts for ts in times if ts >= late.until_ms - DAY_MS)


@pytest.mark.parametrize(
    ("prices", "line", "true"),
    [
        ([99, 101], "price btc above 100", True),
        ([101, 99], "price btc above 100", False),
        ([99, 101, 99.9], "price btc above 100", True),  # not given back yet
        ([99, 101, 101], "price btc above 100 held for 7m", True),
        ([99, 99, 101], "price btc above 100 held for 7m", False),
        ([99, 101], "price btc above 100 and btc price below 90", False),
        ([99, 101], "price btc above 200 or btc price below 102", True),
        ([99, 101], "btc falls 1% in 1h", None),  # nothing stood an hour ago
    ],
)
def test_whether_it_is_true_at_the_end(prices, line, true):
    history = History(symbol="BTCUSDT", lead="binance", candles={"binance": flat(prices)})
    assert dry_run(read_rule(line, now_ms=0).spec, history).true is true


def test_what_is_not_stored_is_said_and_never_counted_as_quiet():
    bare = replace(story(1), liquidations=(), funding=())
    found = dry_run(read_rule("btc funding above 0.01% or btc cascade", now_ms=0).spec, bare)
    assert found.lacking == ("funding", "liquidations")
    assert "Nothing is stored of funding and liquidations" in found.says()
    assert dry_run(read_rule("btc zone swept", now_ms=0).spec, bare).lacking == ("zones",)
    assert dry_run(read_rule("btc stale", now_ms=0).spec, bare).lacking == ("pauses between prices",)


def test_more_than_twenty_a_day_are_warned_about():
    quiet = DryRun(times=tuple(range(START, START + STORM)), since_ms=START, until_ms=START + DAY_MS)
    assert not quiet.storm()
    loud = replace(quiet, times=tuple(range(START, START + STORM + 1)))
    assert loud.storm()
    assert "storm" in loud.says()
    assert "fired 21 times, on 1 Dec (21)" in loud.says()


def zone_event(at, change, *, side=Side.SHORT, low=101.0, high=102.0, usd=5e7, fraction=0.0, updated=None):
    zone = Zone(
        zone_id=ZoneId("z"),
        venue="",
        symbol="BTCUSDT",
        side=side,
        low=low,
        high=high,
        peak=low,
        notional_usd=usd,
        share=0.1,
        percentile=99.0,
        born_ts=START,
        updated_ts=START + at * STEP_MS if updated is None else START + updated * STEP_MS,
    )
    return ZoneEvent(ts=START + at * STEP_MS, change=change, zone=zone, fraction=fraction)


def flat(prices):
    prices = np.array(prices, float)
    nothing = np.full(len(prices), np.nan)
    return Candles(
        ts=START + np.arange(len(prices)) * STEP_MS,
        open=prices,
        high=prices,
        low=prices,
        close=prices,
        volume=nothing,
        quote_volume=nothing,
        taker_buy_volume=nothing,
        open_interest=nothing,
    )


def test_zones_of_the_past_are_near_while_they_stood():
    candles = flat([99, 99, 99, 100.5, 99, 99, 100.5, 100.5])
    events = (zone_event(0, ZoneChange.BORN), zone_event(4, ZoneChange.GONE, updated=3))
    history = History(
        symbol="BTCUSDT", lead="binance", candles={"binance": candles}, zone_events=events, auto_min_usd=1e7
    )
    near = read_rule("btc near 1% zone", now_ms=0).spec
    assert dry_run(near, history).times == (START + 3 * STEP_MS,)
    assert dry_run(near, replace(history, auto_min_usd=1e8)).times == ()
    assert dry_run(read_rule("btc near 1% long zone", now_ms=0).spec, history).times == ()


def test_sweeps_of_the_past_are_told_when_their_candle_closed():
    events = (
        zone_event(0, ZoneChange.BORN),
        zone_event(2, ZoneChange.EATEN, fraction=0.3),
        zone_event(3, ZoneChange.EATEN, fraction=0.8, updated=2),
    )
    history = History(
        symbol="BTCUSDT",
        lead="binance",
        candles={"binance": flat([99] * 6)},
        zone_events=events,
        auto_min_usd=1e7,
    )
    assert dry_run(read_rule("btc zone swept", now_ms=0).spec, history).times == (START + 4 * STEP_MS,)
    assert dry_run(read_rule("btc long zone swept", now_ms=0).spec, history).times == ()
