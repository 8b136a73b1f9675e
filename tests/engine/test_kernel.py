"""Compare every compiled function with the Python it was compiled from."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest

from engine import kernel, state
from engine.heatmap import Heatmap
from engine.kernel import LONG, SHORT
from engine.presets import LEVERAGE

BAR = np.array([23026.2, 23031.5, 23020.4, 23027.9, 23020.4, 23031.5])


def copied(book):
    return kernel.Book(*(array.copy() for array in book))


def parts_and_book(market, preset, *, count=60):
    heatmap = Heatmap(preset)
    heatmap.feed(market(count, volatility=0.003))
    return heatmap._parts, copied(heatmap._state.book)


def equal(first, second):
    if isinstance(first, tuple):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            equal(one, other)
    elif first is None or (isinstance(first, np.ndarray) and first.dtype.kind == "i"):
        assert np.array_equal(first, second)
    else:
        np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-12)


def both(function, *arguments):
    """Call the compiled function and the Python one on copies; return what it gave and left."""
    compiled, plain = copy.deepcopy(arguments), copy.deepcopy(arguments)
    given = function(*compiled)
    equal(given, function.py_func(*plain))
    equal(compiled, plain)
    return given, compiled


@pytest.mark.parametrize("side", [LONG, SHORT])
@pytest.mark.parametrize("z", [12.0, 12.5, -0.25, -3.0])
def test_side_bin(side, z):
    given, _ = both(kernel.side_bin, side, z)
    assert given == (math.floor(z) if side == SHORT else -1 - math.floor(z))


def test_extent_and_vacate(market, small):
    _, book = parts_and_book(market, small)
    (lowest, highest), _ = both(kernel.extent, book, LONG)
    assert lowest < highest
    for level in range(3):
        _, (book, *_) = both(kernel.vacate, book, LONG, level)
    assert kernel.extent(book, LONG) == (kernel.NOWHERE, -kernel.NOWHERE)


@pytest.mark.parametrize("part", [-5, 0.3, 5])
def test_sweep(market, small, part):
    _, book = parts_and_book(market, small)
    lowest, highest = kernel.extent(book, LONG)
    last = round(lowest + part * (highest - lowest))
    swept, (after, *_) = both(kernel.sweep, book, LONG, last)
    before = (book.mass[LONG] * book.scale[LONG]).sum()
    assert swept == pytest.approx(before - (after.mass[LONG] * after.scale[LONG]).sum(), abs=1e-12)
    assert (swept > 0) == (part > 0)
    assert kernel.extent(after, LONG)[0] > last


def test_clear_cell(market, small):
    parts, book = parts_and_book(market, small)
    cell, level = np.argwhere(book.mass[SHORT, :, :, 1] > 0)[0]
    taken, (_, after, *_) = both(kernel.clear_cell, parts, book, SHORT, int(cell), int(level))
    assert taken > 0
    assert after.mass[SHORT, cell, level].sum() == 0
    again, _ = both(kernel.clear_cell, parts, after, SHORT, int(cell), int(level))
    assert again == 0


def test_what_remains_of_a_cell_is_exact(small):
    parts, book = state.parts_of(small), state.grown(state.new_book(small), np.array([[0, 9], [0, 9]]))
    for level, amount in ((0, 1.0), (1, 1e-9)):
        book.mass[LONG, 5, level] = amount
        book.surface[LONG, :, 5] += amount
    kernel.clear_cell(parts, book, LONG, 5, 0)
    assert (book.surface[LONG, :, 5] == 1e-9).all()
    kernel.clear_cell(parts, book, LONG, 5, 1)
    assert (book.surface[LONG, :, 5] == 0).all()


@pytest.mark.parametrize("part", [-500.0, 0.0, 20.0, 500.0])
def test_take_profit(market, small, part):
    parts, book = parts_and_book(market, small)
    best = kernel.extent(book, SHORT)[0] - parts.take_profit - part
    taken, (_, after, *_) = both(kernel.take_profit, parts, book, SHORT, best)
    before = (book.mass[SHORT] * book.scale[SHORT]).sum()
    left = (after.mass[SHORT] * after.scale[SHORT]).sum()
    assert taken == pytest.approx(before - left, abs=1e-12)
    never, _ = both(kernel.take_profit, parts._replace(take_profit=math.inf), book, SHORT, best)
    assert never == 0


def test_rewrite_keeps_what_stands(market, small):
    _, book = parts_and_book(market, small)
    book.mass[LONG, np.argwhere(book.mass[LONG, :, 0, 0] > 0)[0, 0], 0, 0] = 1e-101
    _, (after, *_) = both(kernel.rewrite, book, LONG, 0)
    assert after.scale[LONG, 0] == 1.0
    stood = book.mass[LONG, :, :, 0].sum() * book.scale[LONG, 0]
    assert after.mass[LONG, :, :, 0].sum() == pytest.approx(stood)
    np.testing.assert_allclose(after.surface[LONG, 0], after.mass[LONG, :, :, 0].sum(axis=1))
    assert after.standing[LONG, 0] == pytest.approx(stood)
    assert not ((after.mass > 0) & (after.mass <= kernel.GONE)).any()


@pytest.mark.parametrize("elapsed_ms", [0, 300_000, 10**9, 10**12])
def test_decay(market, small, elapsed_ms):
    parts, book = parts_and_book(market, small)
    decayed, (_, after, *_) = both(kernel.decay, parts, book, LONG, elapsed_ms)
    before = (book.mass[LONG] * book.scale[LONG]).sum()
    assert decayed == pytest.approx(before - (after.mass[LONG] * after.scale[LONG]).sum(), abs=1e-12)
    assert (after.scale >= kernel.FAINT).all()


def test_entry_at(small, variants):
    for preset in variants:
        parts = state.parts_of(preset)
        for point in range(len(preset.entry)):
            z, _ = both(kernel.entry_at, parts, BAR, SHORT, point)
            assert BAR[2] <= z <= BAR[1]
            assert kernel.entry_at(parts, BAR, LONG, point) == -z


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_enter(market, small, side):
    parts, book = parts_and_book(market, small)
    entered, (_, after, *_) = both(kernel.enter, parts, book, side, BAR, 2.0)
    assert entered == pytest.approx(2.0 * 2.0 * sum(small.weights))
    gained = (after.mass[side] * after.scale[side]).sum() - (book.mass[side] * book.scale[side]).sum()
    assert gained == pytest.approx(entered)
    np.testing.assert_allclose(after.surface[side].T, after.mass[side].sum(axis=1), rtol=1e-12, atol=1e-15)


def test_enter_leaves_out_levels_that_the_close_has_passed(market, small):
    parts, book = parts_and_book(market, small)
    fell = BAR.copy()
    fell[kernel.CLOSE] = BAR[kernel.OPEN] - 60
    entered, _ = both(kernel.enter, parts, book, LONG, fell, 1.0)
    assert entered == pytest.approx(2.0 * sum(small.weights[1:]))
    nearly = BAR.copy()
    nearly[kernel.CLOSE] = nearly[kernel.OPEN] = math.floor(BAR[0]) + 0.2
    close_bin = kernel.side_bin(LONG, nearly[kernel.CLOSE])
    tight = parts._replace(offset=np.full((2, 3), 0.1))
    _, (_, after, *_) = both(kernel.enter, tight, book, LONG, nearly, 1.0)
    assert kernel.extent(after, LONG)[0] >= min(close_bin, kernel.extent(book, LONG)[0])


def bars_of(candles):
    prices = np.array([candles.open, candles.high, candles.low, candles.close])
    return kernel.Bars(
        ts=candles.ts,
        prices=prices,
        mass=np.full(len(candles), 0.5),
        vwap=candles.close.copy(),
        open_interest=np.full(len(candles), np.nan),
    )


def test_traded(market, small):
    parts, book = parts_and_book(market, small)
    bars = bars_of(market(3, price=110.0))
    bar, _ = both(kernel.traded, parts, book, bars, 1)
    assert bar[kernel.BOTTOM] == book.last[kernel.LAST_Z]
    assert bar[kernel.TOP] == bar[kernel.HIGH]
    book.last[:] = np.nan
    bar, _ = both(kernel.traded, parts, book, bars, 1)
    assert bar[kernel.BOTTOM] == bar[kernel.LOW]


def test_leave_and_arrive(market, small):
    parts, book = parts_and_book(market, small)
    ts = int(book.clock[kernel.LAST_TS]) + small.step_ms
    moved = np.zeros((2, 5))
    _, (_, left, _, _, out) = both(kernel.leave, parts, book, ts, BAR, moved)
    assert left.clock[kernel.HALFWAY] == 1
    assert out[:, kernel.DECAYED].all()
    bars = bars_of(market(1))
    _, (_, done, *_) = both(kernel.arrive, parts, left, BAR, bars, 0, out)
    assert done.clock[kernel.HALFWAY] == 0
    assert done.last[kernel.LAST_Z] == BAR[kernel.CLOSE]
    none = bars._replace(mass=np.zeros(1))
    _, (_, idle, *_) = both(kernel.arrive, parts, left, BAR, none, 0, out)
    assert idle.totals[LONG, kernel.ENTERED] == left.totals[LONG, kernel.ENTERED]
    _, (_, first, *_) = both(kernel.leave, parts, state.grown(state.new_book(small), need()), ts, BAR, moved)
    assert first.clock[kernel.FIRST_TS] == ts


def need():
    return np.array([[-23100, -22900], [22900, 23300]])


def test_has_room(market, small):
    parts, book = parts_and_book(market, small)
    room, _ = both(kernel.has_room, parts, book, BAR, np.zeros((2, 2), np.int64))
    assert room
    far = BAR + 50_000
    room, (_, _, _, wanted) = both(kernel.has_room, parts, book, far, np.zeros((2, 2), np.int64))
    assert not room
    assert wanted[SHORT, 1] > far[kernel.HIGH]
    assert wanted[SHORT, 0] == kernel.extent(book, SHORT)[0]


def test_step_stops_for_room_and_goes_on_where_it_was(market, small):
    parts = state.parts_of(small)
    bars, wanted, moved = bars_of(market(1)), np.zeros((2, 2), np.int64), np.zeros((2, 5))
    stopped, (_, book, _, _, moved, wanted) = both(
        kernel.step, parts, state.new_book(small), bars, 0, moved, wanted
    )
    assert stopped == kernel.NO_ROOM
    close_bin, (_, book, *_) = both(kernel.step, parts, state.grown(book, wanted), bars, 0, moved, wanted)
    assert close_bin == math.floor(math.log(bars.prices[kernel.CLOSE, 0]) / 2e-4)
    assert book.clock[kernel.COUNT] == 1


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_pour_near(market, small, side):
    parts, book = parts_and_book(market, small)
    close_bin = math.floor(book.last[kernel.LAST_Z])
    _, (*_, row) = both(kernel.pour_near, parts, book, side, close_bin, 3.0, np.zeros(150, np.float32))
    assert row.sum() == pytest.approx(3.0 * (book.mass[side] * book.scale[side]).sum(), rel=1e-6)
    empty = state.grown(state.new_book(small), need())
    _, (*_, row) = both(kernel.pour_near, parts, empty, side, close_bin, 3.0, np.zeros(150, np.float32))
    assert not row.any()


@pytest.mark.parametrize("side", [LONG, SHORT])
@pytest.mark.parametrize(("first", "per"), [(22900, 1), (22903, 7), (23020, 3)])
def test_pour_fixed(market, small, side, first, per):
    _, book = parts_and_book(market, small)
    prices = 100.0 + np.arange(60 * per)
    for priced in (prices[:0], prices):
        out = fixed(first, per, 60)._replace(prices=np.stack([priced[::-1], priced]))
        _, (*_, row) = both(kernel.pour_whole, book, side, out, np.zeros(60, np.float32))
        np.testing.assert_allclose(row, poured(book, side, out), rtol=1e-5, atol=1e-9)
    empty = state.grown(state.new_book(small), need())
    for pour in (kernel.pour_whole, kernel.pour_changed):
        _, (*_, row) = both(pour, empty, side, fixed(first, per, 60), np.zeros(60, np.float32))
        assert not row.any()


def poured(book, side, out):
    """Return what a row of 60 fixed bins holds, one cell after the other."""
    expected, priced = np.zeros(60), out.prices[side if side == SHORT else LONG]
    for cell, value in enumerate((book.mass[side] * book.scale[side]).sum(axis=(1, 2))):
        b = int(cell + book.base[side])
        place = (b if side == SHORT else -1 - b) - out.first
        if 0 <= place < 60 * out.per:
            at = place if side == SHORT else 60 * out.per - 1 - place
            expected[place // out.per] += value * (priced[at] if len(priced) else 1.0)
    return expected


@pytest.mark.parametrize("side", [LONG, SHORT])
@pytest.mark.parametrize(("first", "per"), [(22900, 1), (22903, 7), (22400, 17)])
def test_bins_where_nothing_changed_are_not_added_up_again(market, side, first, per):
    parts, book, bars = coins_and_book(market, LEVERAGE)
    prices = 100.0 + np.arange(60 * per)
    out = fixed(first, per, 60)._replace(prices=np.stack([prices[::-1], prices]))
    book.dirty[:] = 1
    _, (book, _, out, row) = both(kernel.pour_changed, book, side, out, np.zeros(60, np.float32))
    np.testing.assert_allclose(row, poured(book, side, out), rtol=1e-5, atol=1e-9)
    assert not book.dirty[side].any()
    for t in range(3):
        moved, wanted = np.zeros((2, 5)), np.zeros((2, 2), np.int64)
        assert kernel.step(parts, book, bars, t, moved, wanted) != kernel.NO_ROOM
        assert not book.dirty[side].all()
        _, (book, _, out, row) = both(kernel.pour_changed, book, side, out, np.zeros(60, np.float32))
        np.testing.assert_allclose(row, poured(book, side, out), rtol=1e-5, atol=1e-9)


def fixed(first, per, bins, *, count=0):
    return kernel.Fixed(
        first=first,
        per=per,
        prices=np.zeros((2, 0)),
        cells=np.zeros(per * bins),
        sums=np.zeros((2, bins)),
        rows=np.zeros((2, count, bins), np.float32),
        need=np.zeros((2, 2), np.int64),
    )


def coins_and_book(market, preset, *, count=60):
    """Return a preset of open interest, what it holds after some candles, and candles to come."""
    candles = market(count + 3, volatility=0.003)
    rng = np.random.default_rng(5)
    known = replace(candles, open_interest=1e4 + np.cumsum(rng.normal(0, 50, count + 3)))
    heatmap = Heatmap(preset)
    heatmap.feed(known[:count])
    return heatmap._parts, copied(heatmap._state.book), bars_of(known[count:])


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_pour_near_prices_coins_where_they_stand(market, side):
    parts, book, _ = coins_and_book(market, LEVERAGE)
    close_bin = math.floor(book.last[kernel.LAST_Z])
    row = np.zeros(LEVERAGE.width, np.float32)
    _, (*_, row) = both(kernel.pour_near, parts, book, side, close_bin, 1.0, row)
    coins = (book.mass[side] * book.scale[side]).sum(axis=(1, 2))
    cells = np.arange(len(coins)) + book.base[side] + 0.5
    worth = coins * np.exp((cells if side == SHORT else -cells) * 2e-4)
    assert row.sum() == pytest.approx(worth.sum(), rel=1e-5)
    _, (*_, priced) = both(kernel.price_bins, parts, side, int(book.base[side]), coins)
    np.testing.assert_allclose(priced, worth)


def test_a_triangle_has_its_top_at_the_vwap():
    parts = state.parts_of(LEVERAGE)
    for vwap in (20.0, 22.5, 30.0):
        bar = np.array([22.0, 30.0, 20.0, 26.0, 20.0, 30.0, vwap])
        heights = [both(kernel.spread_at, parts, bar, point)[0] for point in range(5)]
        middles = [21.0, 23.0, 25.0, 27.0, 29.0]
        assert int(np.argmax(heights)) == int(np.argmin([abs(m - vwap) for m in middles]))
        assert all(0 <= height <= 1 for height in heights)
        assert both(kernel.spread_sum, parts, bar)[0] == pytest.approx(sum(heights))
    still = np.full(7, 22.0)
    assert [both(kernel.spread_at, parts, still, p)[0] for p in range(5)] == [1.0] * 5


def test_open_interest_that_rises_is_opened_and_that_falls_closes_in_proportion(market):
    parts, book, bars = coins_and_book(market, LEVERAGE)
    before = book.last[kernel.LAST_OPEN_INTEREST]
    left = before - book.last[kernel.LIQUIDATED + LONG]
    (closed, opened), _ = both(kernel.settle, book, LONG, left + 7.0)
    assert (closed, opened) == (0.0, pytest.approx(7.0))
    stood = (book.standing[LONG] * book.scale[LONG]).sum()
    (closed, opened), (after, *_) = both(kernel.settle, book, LONG, 0.75 * left)
    assert (closed, opened) == (pytest.approx(0.25 * stood), 0.0)
    assert (after.standing[LONG] * after.scale[LONG]).sum() == pytest.approx(0.75 * stood)
    for unknown, of in ((math.nan, book), (5.0, book._replace(last=np.full(5, np.nan)))):
        assert both(kernel.settle, of, LONG, unknown)[0] == (0.0, 0.0)
    gone, (faint, *_) = both(kernel.shrink, book, LONG, 1e-70)
    assert gone == pytest.approx(stood)
    assert (faint.scale[LONG] == 1.0).all()
    bars.open_interest[:] = before + 100.0
    mass, (*_, moved) = both(kernel.fuel, parts, book, bars, 0, SHORT, np.zeros((2, 5)))
    assert mass > 0
    assert moved[SHORT, kernel.CLOSED] == 0
    one_sided = parts._replace(one_sided=True)
    rising = bars.prices[kernel.CLOSE, 0] >= bars.prices[kernel.OPEN, 0]
    opened = [
        both(kernel.fuel, one_sided, book, bars, 0, side, np.zeros((2, 5)))[0] for side in (LONG, SHORT)
    ]
    assert opened[SHORT if rising else LONG] == 0.0 < opened[LONG if rising else SHORT]


def test_a_step_of_open_interest(market):
    parts, book, bars = coins_and_book(market, LEVERAGE)
    bars.open_interest[:] = book.last[kernel.LAST_OPEN_INTEREST] + 100.0
    _, (_, after, *_) = both(kernel.step, parts, book, bars, 0, np.zeros((2, 5)), np.zeros((2, 2), np.int64))
    assert after.last[kernel.LAST_OPEN_INTEREST] == bars.open_interest[0]
    _, (*_, wanted) = both(kernel.has_room, parts, book, kernel.traded(parts, book, bars, 0) + 5e4, need())
    assert wanted[SHORT, 1] > 60_000


def test_add_scaled():
    _, (_, _, out) = both(kernel.add_scaled, np.arange(3.0), 2.0, np.ones(3))
    assert out.tolist() == [1.0, 3.0, 5.0]


def test_walks_stop_where_there_is_no_room(market, small):
    parts, bars = state.parts_of(small), bars_of(market(30))
    wanted = np.zeros((2, 2), np.int64)
    near = kernel.Near(
        usd_scale=2.0,
        rows=np.zeros((2, 30, small.width), np.float32),
        close_bin=np.zeros(30, np.int64),
        moved=np.zeros((30, 2, 5)),
        need=wanted,
    )
    for walk, out in ((kernel.walk_near, near), (kernel.walk_fixed, fixed(22000, 10, 300, count=30))):
        stopped, (_, book, _, _, partial) = both(walk, parts, state.new_book(small), bars, 0, out)
        assert stopped == 0
        ended, (_, _, _, _, written) = both(walk, parts, state.grown(book, partial.need), bars, 0, partial)
        assert ended == 30
        assert (written.rows[:, 1:].sum(axis=2) > 0).all()
