"""Zones: what they are, what always holds, and how they live on."""

import math
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.columns import Columns
from engine.errors import DataError
from engine.model import HOUR_MS, STEP_MS, Candles, Side, ZoneChange, ZoneSet
from engine.presets import BIN_LOG
from engine.zones import ZoneBook, ZoneParams

WIDTH = 340
QUICK = ZoneParams(days=1, min_hours=3, auto_min_hours=2)
T0 = 1_760_000_400_000 // HOUR_MS * HOUR_MS


def walk(seed: int, rows: int, *, step: float = 1.5e-3) -> Columns:
    """Return columns of a made-up market: lumps enter at a distance, fade, and are swept by the close."""
    rng = np.random.default_rng(seed)
    log_close = math.log(100_000.0) + np.cumsum(rng.normal(0, step, rows))
    bins = np.floor(log_close / BIN_LOG).astype(np.int64)
    base = int(bins.min()) - WIDTH - 10
    books = rng.gamma(0.3, 1e4, (2, int(bins.max()) - base + WIDTH + 20))
    near = np.zeros((2, rows, WIDTH), np.float32)
    for row in range(rows):
        at = int(bins[row]) - base
        books *= 0.99
        for side, sign in enumerate((-1, 1)):
            spot = at + sign * int(rng.integers(5, WIDTH - 20))
            books[side, max(0, spot - 3) : spot + 4] += rng.gamma(1.0, 4e4)
        books[0, at:] = 0.0
        books[1, : at + 1] = 0.0
        near[0, row] = books[0, at - WIDTH + 1 : at + 1][::-1]
        near[1, row] = books[1, at : at + WIDTH]
    ts = T0 + np.arange(rows, dtype=np.int64) * STEP_MS
    return Columns(ts=ts, close=np.exp(log_close), close_bin=bins, long=near[0], short=near[1])


def flat(rows: int, lumps: dict[int, float], *, start: int = 0, close: float = 100_000.0) -> Columns:
    """Return columns at one price with one dollar a bin, plus short lumps at given state bins."""
    short = np.ones((rows, WIDTH), np.float32)
    for place, usd in lumps.items():
        short[:, place] += usd
    ts = T0 + np.arange(start, start + rows, dtype=np.int64) * STEP_MS
    at = np.full(rows, math.floor(math.log(close) / BIN_LOG), np.int64)
    return Columns(
        ts=ts, close=np.full(rows, close), close_bin=at, long=np.ones((rows, WIDTH), np.float32), short=short
    )


def bars(columns: Columns, *, low: float, high: float) -> Candles:
    """Return candles of columns that traded from `low` to `high` times their close."""
    unknown = np.full(len(columns), np.nan)
    return Candles(
        ts=columns.ts,
        open=columns.close,
        high=columns.close * high,
        low=columns.close * low,
        close=columns.close,
        volume=unknown,
        quote_volume=unknown,
        taker_buy_volume=unknown,
        open_interest=unknown,
    )


def seasoned(lumps: dict[int, float] | None = None) -> ZoneBook:
    """Return a book that has seen four hours at one price, so that it judges."""
    book = ZoneBook("binance", "BTCUSDT", QUICK)
    book.update(flat(48, lumps or {}))
    return book


def shorts(zones: ZoneSet) -> list[float]:
    return [z.notional_usd for z in zones.by_side(Side.SHORT)]


@settings(deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_always_holds(zone_oracle: Any, seed: int) -> None:
    columns = walk(seed, 110)
    book = ZoneBook("binance", "BTCUSDT", QUICK)
    standing: set[str] = set()
    ended: set[str] = set()
    some = 0
    for row in range(len(columns)):
        zones, events = book.update(columns[row : row + 1])
        now = {z.zone_id for z in zones.zones}
        some += len(now)
        assert len(now) == len(zones.zones)
        came = Counter(e.zone.zone_id for e in events if e.change in {ZoneChange.BORN, ZoneChange.SPLIT})
        went = Counter(
            e.zone.zone_id
            for e in events
            if e.change in {ZoneChange.MERGED, ZoneChange.GONE, ZoneChange.EATEN}
            and e.zone.zone_id not in now
        )
        assert came == Counter(now - standing)
        assert went == Counter(standing - now)
        ended |= standing - now
        assert not now & ended
        others = {e.other for e in events if e.other is not None}
        assert others <= now | standing
        standing = now
        check_dollars(zone_oracle, columns, row, zones)
    assert some


def check_dollars(zone_oracle: Any, columns: Columns, row: int, zones: ZoneSet) -> None:
    """Assert side, order and dollars of every zone against the surface itself."""
    pair = dict(zip(Side, zone_oracle.surfaces(columns, row), strict=True))
    totals = dict.fromkeys(Side, 0.0)
    for zone in zones.zones:
        assert re.fullmatch(r"[A-Za-z0-9-]{1,24}", zone.zone_id)
        assert zone.low < zone.peak < zone.high
        on_its_side = zone.high <= zones.price if zone.side is Side.LONG else zone.low >= zones.price
        assert on_its_side or math.isclose(zone.distance(zones.price), 0.0, abs_tol=1e-12)
        summed = pair[zone.side].between(np.log(np.array([zone.low])), np.log(np.array([zone.high])))[0]
        assert zone.notional_usd > 0
        assert zone.notional_usd == pytest.approx(float(summed), rel=1e-6)
        assert 80.0 <= zone.percentile <= 100.0
        assert zone.distance(zones.price) <= 0.0625
        assert zone.born_ts <= zone.updated_ts == zones.ts
        totals[zone.side] += zone.share
    assert all(0.0 <= share <= 1.0 + 1e-9 for share in totals.values())


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 99))
def test_blocks_and_restarts_change_nothing(seed: int, cut: int) -> None:
    columns = walk(seed, 100)
    whole = ZoneBook("binance", "BTCUSDT", QUICK)
    zones, events = whole.update(columns)
    parts = ZoneBook("binance", "BTCUSDT", QUICK)
    _, first = parts.update(columns[:cut])
    parts = ZoneBook.load(parts.dump(), QUICK)
    again, second = parts.update(columns[cut:])
    assert again == zones
    assert first + second == events
    assert parts.dump() == whole.dump()


def test_ids_depend_on_market_and_moment_only() -> None:
    columns = walk(3, 60)
    zones = [ZoneBook(v, "BTCUSDT", QUICK).update(columns)[0].zones for v in ("binance", "binance", "okx")]
    ids = [{z.zone_id for z in one} for one in zones]
    assert ids[0] == ids[1]
    assert ids[0]
    assert not ids[0] & ids[2]


def test_nothing_is_judged_before_there_are_enough_hours() -> None:
    book = ZoneBook("binance", "BTCUSDT", QUICK)
    early, events = book.update(flat(36, {100: 1e6}))
    assert (early.zones, events, early.threshold_ready, early.samples_h) == ((), [], False, 2)
    ready, _ = book.update(flat(1, {100: 1e6}, start=36))
    assert ready.threshold_ready
    assert math.isnan(ready.auto_min_usd)


def test_default_asks_for_48_hours_of_21_days() -> None:
    params = ZoneParams()
    assert (params.min_hours, params.days, params.bins, params.quantile) == (48, 21, 120, 0.8)


def test_nothing_denser_than_usual_is_an_answer() -> None:
    zones, events = seasoned().update(flat(1, {}, start=48))
    assert (zones.zones, events) == ((), [])


def test_a_lump_is_a_zone_with_its_dollars_and_neighbours() -> None:
    zones, events = seasoned().update(flat(1, {101: 1e6}, start=48))
    (zone,) = zones.zones
    assert zone.side is Side.SHORT
    assert zone.notional_usd == pytest.approx(1e6 + 7.5, rel=1e-6)
    assert zone.percentile == 100.0
    assert math.log(zone.high / zone.low) == pytest.approx(3 * QUICK.bin_log)
    assert zone.venue_share == (("binance", 1.0),)
    assert [e.change for e in events] == [ZoneChange.BORN]


def test_current_hour_does_not_judge_itself() -> None:
    book = seasoned()
    inside = [book.update(flat(1, {101: 1e6}, start=48 + k))[0] for k in range(12)]
    assert all(len(z.zones) == 1 for z in inside)
    # From the next hour on the lump is part of what this distance usually has.
    for k in range(12, 36):
        later, _ = book.update(flat(1, {101: 1e6}, start=48 + k))
    assert later.zones == ()


def test_samples_older_than_the_window_are_forgotten() -> None:
    book = ZoneBook("binance", "BTCUSDT", QUICK)
    book.update(flat(12 * 30, {}))
    assert book.current is not None
    assert book.current.samples_h == 24


def test_growth_is_reported_once_each_half() -> None:
    book = seasoned()
    book.update(flat(1, {101: 1e6}, start=48))
    _, little = book.update(flat(1, {101: 1.4e6}, start=49))
    zones, much = book.update(flat(1, {101: 1.6e6}, start=50))
    _, same = book.update(flat(1, {101: 1.7e6}, start=51))
    assert (little, same) == ([], [])
    assert [(e.change, round(e.fraction, 2)) for e in much] == [(ZoneChange.GROWN, 0.6)]
    assert much[0].zone == zones.zones[0]


def test_merging_and_splitting_say_into_and_from_what() -> None:
    book = seasoned()
    two, _ = book.update(flat(1, {100: 1e6, 120: 2e6}, start=48))
    small, big = sorted(two.zones, key=lambda z: z.notional_usd)
    one, merged = book.update(flat(1, dict.fromkeys(range(100, 121), 2e5), start=49))
    survivor = one.zones[0].zone_id
    ended = small if survivor == big.zone_id else big
    assert {survivor, ended.zone_id} == {small.zone_id, big.zone_id}
    assert (ZoneChange.MERGED, ended.zone_id, survivor) in [
        (e.change, e.zone.zone_id, e.other) for e in merged
    ]
    split, events = book.update(flat(1, {100: 1e6, 120: 2e6}, start=50))
    heir = max(split.zones, key=lambda z: z.notional_usd)
    other = min(split.zones, key=lambda z: z.notional_usd)
    assert (heir.zone_id, heir.born_ts) == (survivor, T0 + 48 * STEP_MS)
    assert [(e.change, e.zone.zone_id, e.other) for e in events if e.change is ZoneChange.SPLIT] == [
        (ZoneChange.SPLIT, other.zone_id, survivor)
    ]


def test_a_zone_that_moves_off_is_another() -> None:
    book = seasoned()
    before, _ = book.update(flat(1, {101: 1e6}, start=48))
    after, events = book.update(flat(1, {131: 1e6}, start=49))
    assert before.zones[0].zone_id != after.zones[0].zone_id
    assert sorted(e.change for e in events) == [ZoneChange.BORN, ZoneChange.GONE]


def test_eaten_is_told_from_gone_by_what_was_traded() -> None:
    lump = flat(1, {101: 1e6}, start=48)
    cleared = flat(1, {}, start=49)
    for high, change in ((1.03, ZoneChange.EATEN), (1.001, ZoneChange.GONE)):
        book = seasoned()
        book.update(lump)
        _, events = book.update(cleared, bars(cleared, low=1.0, high=high))
        assert [(e.change, e.fraction) for e in events] == [(change, 1.0 if high > 1.01 else 0.0)]


def test_a_zone_eaten_in_part_lives_on() -> None:
    book = seasoned()
    wide = dict.fromkeys(range(100, 140), 1e5)
    zones, _ = book.update(flat(1, wide, start=48))
    left = flat(1, dict.fromkeys(range(110, 140), 1e5), start=49)
    at = math.exp((110.5) * BIN_LOG)
    after, events = book.update(left, bars(left, low=1.0, high=at))
    assert after.zones[0].zone_id == zones.zones[0].zone_id
    assert [e.change for e in events] == [ZoneChange.EATEN]
    assert events[0].fraction == pytest.approx(0.25, abs=0.03)


def test_long_side_is_eaten_from_above() -> None:
    def mirrored(columns: Columns) -> Columns:
        return replace(columns, long=columns.short, short=columns.long)

    book = seasoned()
    book.update(mirrored(flat(1, {101: 1e6}, start=48)))
    cleared = mirrored(flat(1, {}, start=49))
    _, events = book.update(cleared, bars(cleared, low=0.97, high=1.0))
    assert [(e.change, e.zone.side) for e in events] == [(ZoneChange.EATEN, Side.LONG)]


def test_closes_alone_tell_what_was_traded_where_no_bars_are_given() -> None:
    book = seasoned()
    book.update(flat(1, {101: 1e6}, start=48))
    _, events = book.update(flat(1, {}, start=49, close=103_000.0))
    assert [e.change for e in events if e.fraction == 1.0] == [ZoneChange.EATEN]


def test_auto_is_the_95th_percentile_of_the_zones_of_the_window() -> None:
    params = replace(QUICK, days=20)
    book = ZoneBook("binance", "BTCUSDT", params)
    book.update(flat(48, {}))
    rng = np.random.default_rng(5)
    usd = []
    for hour in range(60):
        size = float(rng.uniform(1e5, 1e6))
        place = 20 + 5 * int(rng.integers(0, 55))
        zones, _ = book.update(flat(12, {place: size}, start=48 + 12 * hour))
        usd.append(shorts(zones))
    known = sorted(v for hour in usd[:-1] for v in hour)
    assert len(known) > 20
    expected = known[math.ceil(0.95 * len(known)) - 1]
    assert zones.auto_min_usd == pytest.approx(expected, rel=1e-6)


def test_what_cannot_be_used_is_refused() -> None:
    book = ZoneBook("binance", "BTCUSDT", QUICK)
    with pytest.raises(DataError, match="one column"):
        book.update(flat(0, {}))
    columns = flat(2, {})
    with pytest.raises(DataError, match="same times"):
        book.update(columns, bars(columns[:1], low=1.0, high=1.0))
    assert ZoneBook.load(book.dump(), QUICK).current is None
    with pytest.raises(DataError, match="cannot be read"):
        ZoneBook.load(b"not a book")
    with pytest.raises(DataError, match="other distance bins"):
        ZoneBook.load(book.dump(), replace(QUICK, within=0.03))
    narrow = replace(columns, long=columns.long[:, :-1], short=columns.short[:, :-1])
    book.update(columns)
    with pytest.raises(DataError, match="another width"):
        book.update(replace(narrow, ts=narrow.ts + HOUR_MS))


def test_another_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = seasoned().dump()
    monkeypatch.setattr("engine.zones.FORMAT", 99)
    with pytest.raises(DataError, match="another version"):
        ZoneBook.load(data, QUICK)
