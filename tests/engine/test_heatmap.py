import math
import zlib
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import CandleError, DataError, GridError, UserError
from engine.heatmap import BIN_LOG, Heatmap, run
from engine.model import DAY_MS, STEP_MS, Candles, Side
from engine.presets import FLOW, Lifetime


def changed(candles, **fields):
    return replace(candles, **fields)


def flat(count, *, price=100.0, ts=0, volume=1.0):
    prices, unknown = np.full(count, price), np.full(count, np.nan)
    return Candles(
        ts=ts + np.arange(count, dtype=np.int64) * STEP_MS,
        open=prices,
        high=prices,
        low=prices,
        close=prices,
        volume=np.full(count, volume),
        quote_volume=unknown,
        taker_buy_volume=unknown,
        open_interest=unknown,
    )


def after(candles, **fields):
    """One dead candle that follows others, at their last close."""
    ts = int(candles.ts[-1]) + STEP_MS
    return changed(flat(1, price=float(candles.close[-1]), ts=ts, volume=0.0), **fields)


def flow_at_mean_volume():
    """`flow` after its norm is known and one candle of mean volume has entered."""
    heatmap = Heatmap(FLOW, usd_scale=3.4e6)
    heatmap.feed(flat(864, volume=5.0))
    return heatmap, heatmap.advance(flat(1, ts=864 * STEP_MS, volume=5.0))


def test_nothing_enters_before_three_days_are_known():
    heatmap = Heatmap(FLOW)
    assert not heatmap.feed(flat(864)).long.any()
    assert heatmap.mean_quote_volume == pytest.approx(100.0)
    assert heatmap.feed(flat(1, ts=864 * STEP_MS)).long.any()


def test_a_candle_at_mean_volume_is_34000_dollars_at_one_percent_times_the_lifetimes_share():
    _, fed = flow_at_mean_volume()
    index = math.floor(math.log(100.0) / BIN_LOG) - math.floor(math.log(99.0) / BIN_LOG)
    long = fed.columns.long[0]
    assert long[index - 1 : index + 2].sum() == pytest.approx(34_000 * (1.67 + 0.33), rel=1e-6)
    assert fed.columns.short[0].sum() == pytest.approx(3.4e6 * 2.0 * sum(FLOW.distances), rel=1e-6)
    assert fed.events.entered[0] == pytest.approx([3.4e6 * 2.0 * sum(FLOW.distances)] * 2)


def test_mass_is_the_volume_over_its_mean_to_the_power():
    first, _ = flow_at_mean_volume()
    fed = first.advance(flat(1, ts=865 * STEP_MS, volume=80.0))
    assert fed.events.entered[0, 0] == pytest.approx(16**0.75 * 3.4e6 * 2.0 * sum(FLOW.distances))


def test_what_enters_is_not_swept_in_its_own_candle_but_in_the_next():
    heatmap, _ = flow_at_mean_volume()
    wide = flat(1, ts=865 * STEP_MS, volume=5.0)
    fed = heatmap.advance(changed(wide, low=np.array([90.0]), high=np.array([111.0])))
    assert fed.columns.long[0].sum() == pytest.approx(fed.events.entered[0, 0], rel=1e-6)
    assert (fed.events.swept[0] > 0).all()
    again = heatmap.advance(flat(1, ts=866 * STEP_MS, volume=0.0, price=99.0))
    assert again.events.swept[0, 0] > 0
    assert again.events.swept[0, 1] == 0


def test_a_level_that_the_close_has_passed_does_not_enter():
    heatmap, before = flow_at_mean_volume()
    fall = flat(1, ts=865 * STEP_MS)
    to = np.array([98.0])
    fed = heatmap.advance(changed(fall, low=to, close=to, quote_volume=np.array([500.0])))
    middle = 0.5 * (math.log(100) + math.log(98))
    entering = [d for d in FLOW.distances if middle + math.log1p(-d) < math.log(98)]
    assert 0 < len(entering) < len(FLOW.distances)
    assert fed.events.entered[0, 0] == pytest.approx(3.4e6 * 2.0 * sum(entering))
    assert before.events.entered[0, 1] == pytest.approx(fed.events.entered[0, 1])


def test_the_gap_between_a_close_and_the_next_open_counts_as_traded():
    heatmap, _ = flow_at_mean_volume()
    fed = heatmap.advance(flat(1, ts=865 * STEP_MS, volume=0.0, price=98.5))
    near = sum(d for d in FLOW.distances if d < 0.015)
    kept = 1.67 + 0.33
    assert fed.events.swept[0, 0] == pytest.approx(3.4e6 * kept * near, rel=1e-6)


def test_mass_leaves_in_profit_beyond_the_margin():
    heatmap, _ = flow_at_mean_volume()
    inside = heatmap.advance(flat(1, ts=865 * STEP_MS, volume=0.0, price=100 * math.exp(0.0055)))
    assert inside.events.taken[0, 0] == 0
    beyond = heatmap.advance(flat(1, ts=866 * STEP_MS, volume=0.0, price=100 * math.exp(0.0065)))
    assert heatmap.totals()[Side.LONG].standing == 0
    assert beyond.events.taken[0, 0] > 0
    assert not heatmap.column().long.any()


def test_missing_candles_fade_by_the_time_that_passed_and_leave_the_norm_alone():
    heatmap, fed = flow_at_mean_volume()
    mean = heatmap.mean_quote_volume
    later = heatmap.advance(flat(1, ts=(864 + 12) * STEP_MS, volume=5.0))
    share = 1.67 * 0.25 + 0.33 * 0.5 ** (1 / 48)
    entered = fed.events.entered[0, 0]
    assert later.events.decayed[0, 0] == pytest.approx(entered * (1 - share / 2.0))
    assert later.events.entered[0, 0] == pytest.approx(entered)
    assert heatmap.mean_quote_volume == pytest.approx(mean)
    assert heatmap.gaps == ((865 * STEP_MS, 875 * STEP_MS),)
    assert heatmap.history_days == pytest.approx(866 / 288)


def test_gaps_are_told_while_they_are_in_the_norm():
    heatmap = Heatmap(FLOW)
    heatmap.feed(flat(2))
    heatmap.feed(flat(2, ts=10 * STEP_MS))
    assert heatmap.gaps == ((2 * STEP_MS, 9 * STEP_MS),)
    heatmap.feed(flat(1, ts=40 * DAY_MS))
    assert heatmap.gaps == ((12 * STEP_MS, 40 * DAY_MS - STEP_MS),)
    heatmap.feed(flat(1, ts=71 * DAY_MS))
    assert len(heatmap.gaps) == 1


def test_history_is_warm_after_seven_days():
    heatmap = Heatmap(FLOW)
    assert (heatmap.first_ts, heatmap.last_ts, heatmap.count, heatmap.warm) == (None, None, 0, False)
    assert math.isnan(heatmap.mean_quote_volume)
    assert len(heatmap.column()) == 0
    heatmap.feed(flat(7 * 288 - 1, ts=STEP_MS))
    assert not heatmap.warm
    heatmap.feed(flat(1, ts=7 * DAY_MS))
    assert heatmap.warm
    assert (heatmap.first_ts, heatmap.last_ts) == (STEP_MS, 7 * DAY_MS)
    assert (heatmap.count, heatmap.history_days) == (7 * 288, 7.0)


def test_a_price_that_walks_far_away_loses_nothing(market, small):
    preset = replace(small, take_profit=None, lifetimes=(Lifetime(half_life_h=math.inf, amplitude=1.0),))
    candles = market(600, volatility=0.0005)
    climb = np.exp(np.linspace(0, 3, 600))
    prices = {n: getattr(candles, n) * climb for n in ("open", "high", "low", "close")}
    heatmap = Heatmap(preset)
    heatmap.feed(changed(candles, **prices))
    totals = heatmap.totals()[Side.LONG]
    assert totals.standing + totals.swept == pytest.approx(totals.entered, rel=1e-12)
    assert totals.standing > 0.9 * totals.entered
    assert Heatmap.load(preset, heatmap.dump()).totals() == heatmap.totals()


def test_a_new_scale_holds_from_then_on(market, small):
    heatmap = Heatmap(small, usd_scale=2.0)
    before = heatmap.feed(market(50))[-1:]
    heatmap.usd_scale = 4.0
    np.testing.assert_allclose(heatmap.column().long, before.long * 2, rtol=1e-6)
    assert Heatmap.load(small, heatmap.dump()).usd_scale == 4.0


BAD = [
    ({"ts": 7}, "its time is not a multiple of 300000 ms"),
    ({"ts": 0}, "it is out of order, the one before is of 1970-01-01 00:05:00 UTC"),
    ({"ts": STEP_MS}, "it was given twice"),
    ({"low": 101.0}, "low 101 is above high 100"),
    ({"close": 0.0}, "a price is not a positive number (open 100, high 100, low 100, close 0)"),
    ({"open": -1.0}, "a price is not a positive number"),
    ({"high": math.inf}, "a price is not a positive number"),
    ({"low": math.nan}, "a price is not a positive number"),
    ({"volume": -1.0}, "volume -1 is not a number of 0 or more"),
    ({"volume": math.nan}, "volume nan is not a number of 0 or more"),
    ({"volume": 1e40}, "quote volume 1e+42 (volume 1e+40) is impossible"),
    ({"quote_volume": -5.0}, "quote volume -5 (volume 1) is impossible"),
    ({"quote_volume": math.inf}, "quote volume inf"),
    ({"taker_buy_volume": -1.0}, "a value is negative or infinite (taker_buy_volume -1, open_interest nan)"),
    ({"open_interest": math.inf}, "a value is negative or infinite"),
]


@pytest.mark.parametrize(("wrong", "reason"), BAD)
def test_a_bad_candle_is_named_and_nothing_changes(small, wrong, reason):
    heatmap = Heatmap(small)
    heatmap.feed(flat(2))
    before = heatmap.dump()
    block = flat(2, ts=2 * STEP_MS)
    single = flat(1, ts=4 * STEP_MS)
    bad = changed(
        single, **{name: np.array([value], getattr(single, name).dtype) for name, value in wrong.items()}
    )
    if "ts" in wrong and not wrong["ts"] % STEP_MS:
        with pytest.raises(CandleError) as caught:
            heatmap.feed(bad)
    else:
        with pytest.raises(CandleError) as caught:
            heatmap.feed(block.concat(bad))
        assert "candle 2 (1970-01-01 00:" in str(caught.value)
    assert reason in str(caught.value)
    assert heatmap.dump() == before


def test_a_candle_out_of_order_within_a_block_names_the_one_before(small):
    block = flat(3, ts=2 * STEP_MS)
    with pytest.raises(
        CandleError, match=r"candle 1 \(1970-01-01 00:05:00 UTC\): it is out of order.*00:10:00 UTC"
    ):
        Heatmap(small).feed(changed(block, ts=np.array([2, 1, 3]) * STEP_MS))


def test_times_beyond_the_calendar_are_named_as_numbers(small):
    with pytest.raises(CandleError, match=r"candle 0 \(ts -1\)"):
        Heatmap(small).feed(flat(1, ts=-1))


def test_arrays_of_different_lengths_are_refused(small):
    with pytest.raises(CandleError, match=r"volume has shape \(1,\) for 3 times"):
        Heatmap(small).feed(changed(flat(3), volume=np.ones(1)))


def test_read_only_and_strided_arrays_are_taken(market, small):
    candles = market(40)
    strided = {n: np.repeat(getattr(candles, n), 2)[::2] for n in ("open", "high", "low", "close", "volume")}
    for values in strided.values():
        values.flags.writeable = False
    assert (
        Heatmap(small).feed(changed(candles, **strided)).long.tolist()
        == Heatmap(small).feed(candles).long.tolist()
    )


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: b"", "not a stored heatmap"),
        (lambda data: b"XXXX" + data[4:], "not a stored heatmap"),
        (lambda data: data[:-20], "incomplete"),
        (lambda data: data[:4] + b"rubbish", "Error -3"),
    ],
)
def test_a_spoilt_state_is_refused(market, small, spoil, reason):
    heatmap = Heatmap(small)
    heatmap.feed(market(50))
    with pytest.raises(DataError, match=reason):
        Heatmap.load(small, spoil(heatmap.dump()))


def test_a_state_of_another_version_or_length_is_refused(market, small):
    heatmap = Heatmap(small)
    heatmap.feed(market(50))
    data = heatmap.dump()
    raw = zlib.decompress(data[4:])
    for other, reason in ((b"\x09" + raw[1:], "version 9"), (raw + bytes(8), "longer than it should be")):
        with pytest.raises(DataError, match=reason):
            Heatmap.load(small, data[:4] + zlib.compress(other))


def test_the_state_of_other_parts_is_refused(small):
    with pytest.raises(DataError, match="other parts than those of flow"):
        Heatmap.load(FLOW, Heatmap(small).dump())


def test_no_candles_give_no_columns():
    assert len(Heatmap(FLOW).feed(Candles.empty())) == 0
    result = run(Candles.empty(), FLOW, 10)
    assert result.long.shape == (0, 10)
    assert result.edges.shape == (11,)


@pytest.mark.parametrize("bins", [0, -1])
def test_fewer_than_one_bin_is_refused_and_nothing_is_fed(bins):
    with pytest.raises(GridError, match=f"^{bins} bins cannot hold a heatmap: 1 or more are wanted"):
        run(flat(20), FLOW, bins)
    heatmap = Heatmap(FLOW)
    with pytest.raises(GridError):
        heatmap.tabulate(flat(20), bins=bins)
    assert heatmap.count == 0


def test_a_shipped_model_may_be_named():
    candles = flat(4 * 288)
    named, given = run(candles, "flow", 50), run(candles, FLOW, 50)
    assert named.long.any()
    assert np.array_equal(named.long, given.long)
    assert np.array_equal(named.edges, given.edges)
    with pytest.raises(UserError, match="no model 'flaw'; there are: flow, leverage, simple"):
        run(candles, "flaw")
