import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render.layout import (
    SIZES,
    Box,
    Want,
    frame_of,
    freest,
    lines_of,
    price_view,
    stack,
    stack_around,
)
from bot.render.picture import Layout

wants = st.lists(
    st.builds(Want, y=st.floats(-500, 1500), height=st.floats(10, 60), weight=st.floats(0, 1e9)), max_size=14
)


def spans(found, places):
    return sorted(
        (y - w.height / 2, y + w.height / 2) for w, y in zip(found, places, strict=True) if y is not None
    )


@given(wants, st.floats(0, 12))
def test_labels_never_overlap_nor_leave_the_box(found, gap):
    boxes = spans(found, stack(found, top=80, bottom=600, gap=gap))
    assert all(a[1] + gap <= b[0] + 1e-6 for a, b in itertools.pairwise(boxes))
    assert all(low >= 80 - 1e-6 and high <= 600 + 1e-6 for low, high in boxes)


@given(wants)
def test_labels_keep_their_order(found):
    places = stack(found, top=80, bottom=600, gap=4)
    kept = sorted((w.y, y) for w, y in zip(found, places, strict=True) if y is not None)
    below = [y for _, y in kept]
    distinct = len({y for y, _ in kept}) == len(kept)
    assert below == sorted(below) or not distinct


@given(st.lists(st.floats(100, 580), min_size=1, max_size=4))
def test_a_label_with_room_stays_where_it_wants(ys):
    ys = sorted(ys)
    if any(b - a < 30 for a, b in itertools.pairwise(ys)):
        return
    found = [Want(y=y, height=20, weight=1) for y in ys]
    assert stack(found, top=80, bottom=600, gap=4) == pytest.approx(ys)


def test_the_heaviest_stay_where_room_is_short():
    found = [Want(y=50, height=40, weight=weight) for weight in (1, 9, 5, 7)]
    assert [y is not None for y in stack(found, top=0, bottom=86, gap=6)] == [False, True, False, True]


def test_no_room_no_labels():
    found = [Want(y=50, height=40, weight=1)]
    assert stack(found, top=40, bottom=60, gap=0) == [None]
    assert stack(found, top=60, bottom=40, gap=0) == [None]


@given(wants, st.floats(-50, 800))
def test_labels_keep_clear_of_the_price(found, line_y):
    box = Box(0, 80, 100, 600)
    places = stack_around(found, box=box, line_y=line_y, clear=5, gap=4)
    for want, y in zip(found, places, strict=True):
        if y is None:
            continue
        assert y + want.height / 2 <= line_y - 5 + 1e-6 or y - want.height / 2 >= line_y + 5 - 1e-6
        assert (y < line_y) is (want.y < line_y)
    boxes = spans(found, places)
    assert all(a[1] <= b[0] + 1e-6 for a, b in itertools.pairwise(boxes))


@pytest.mark.parametrize("layout", Layout)
def test_type_is_large_enough_for_a_phone(layout):
    sizes = SIZES[layout]
    main = (sizes.label, sizes.pill, sizes.title, sizes.change, sizes.price, sizes.symbol)
    assert min(main) >= 24
    assert sizes.small >= 20
    assert sizes.pill_height > sizes.pill


@pytest.mark.parametrize("layout", Layout)
def test_areas_fill_the_width(layout):
    frame = frame_of(layout, axis_width=118.4, strip_width=240.2)
    assert (frame.width, frame.height) == layout.size
    assert frame.plot.x1 == frame.strip.x0
    assert frame.strip.x1 == frame.axis.x0
    assert frame.axis.x1 == frame.width
    assert frame.plot.width > 500
    assert all(float(edge).is_integer() for edge in (frame.plot.x0, frame.plot.x1, frame.strip.x1))
    assert SIZES[layout].footer_ys[-1] < frame.height - SIZES[layout].small / 2


def test_lines_keep_order_and_width():
    items, widths = ["a", "b", "c", "d", "e"], [50, 40, 60, 95, 30]
    assert lines_of(items, widths, room=100, joint=10, count=3) == [["a", "b"], ["c"], ["d"]]
    assert lines_of(items, widths, room=100, joint=10, count=2) == [["a", "b"], ["c", "e"]]
    assert lines_of([], [], room=100, joint=10, count=2) == [[]]


def test_the_corner_with_fewer_candles_is_taken():
    xs, highs, lows = np.array([10.0, 20, 30]), np.array([5.0, 6, 7]), np.array([15.0, 16, 17])
    top, bottom = Box(0, 0, 25, 20), Box(0, 80, 25, 100)
    assert freest([top, bottom], xs, lows, highs) == 1
    assert freest([top, bottom], xs, lows + 80, highs + 80) == 0


@given(
    st.floats(1e-8, 1e6),
    st.floats(0, 0.3),
    st.floats(0, 0.3),
    st.lists(st.floats(0.7, 1.3), max_size=8),
)
def test_the_view_holds_candles_and_price(price, down, up, levels):
    low, high = price * (1 - down), price * (1 + up)
    bottom, top = price_view(low, high, price, [price * level for level in levels])
    assert 0 < bottom < low
    assert high < top
    assert bottom < price < top


def test_the_view_takes_in_near_zones_but_keeps_candles_readable():
    near = price_view(99.0, 101.0, 100.0, [102.5, 98.0])
    assert near[0] < 98
    assert near[1] > 102.5
    far = price_view(99.9, 100.1, 100.0, [92.5, 107.0])
    assert far[0] > 92.5
    assert far[1] < 107
