import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render import raster
from bot.render.raster import Span

GROUND = np.array([10, 13, 26], np.uint8)
LUT = np.stack([np.arange(256)] * 3, 1).astype(np.uint8)


def test_the_scale_is_absolute():
    heat = np.arange(1, 10_001, dtype=np.float32).reshape(100, 100)
    span = raster.scale_of(heat)
    assert span.top == pytest.approx(9_992, abs=2)
    assert span.bottom == pytest.approx(span.top / 250)
    assert raster.scale_of(np.zeros((3, 3), np.float32)).empty
    assert raster.scale_of(np.empty((0, 5), np.float32)).empty


def test_shades_follow_dollars():
    span = Span(4.0, 1000.0)
    shade = raster.shades(np.array([[0.0, 4.0, 60.0, 300.0, 1000.0, 9e9]], np.float32), span)[0]
    assert shade[0] == shade[1] == 0
    assert list(shade) == sorted(shade)
    assert shade[-1] == shade[-2] == 255
    middle = (np.log(60 / 4) / np.log(250)) ** 2.1 * 255
    assert shade[2] == pytest.approx(middle, abs=1)
    assert raster.shades(np.ones((2, 2), np.float32), Span(0, 0)).max() == 0


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_bright_bin_is_never_lost_when_shrunk(bins, rows):
    cells = np.zeros((1, bins), np.uint8)
    cells[0, bins // 2] = 200
    out = raster.rows_at(cells, np.linspace(0, bins, rows + 1))
    assert out.shape == (1, rows)
    if rows <= bins:
        assert out.max() == 200


def test_rows_run_smoothly_between_bins():
    cells = np.array([[0, 100, 0]], np.uint8)
    out = raster.rows_at(cells, np.linspace(0, 3, 31))[0]
    assert out[15] == pytest.approx(95, abs=6)
    assert abs(np.diff(out.astype(int))).max() <= 11
    assert out[0] == 0


def test_softening_keeps_dollars_and_stops_at_price():
    heat = np.zeros((1, 21), np.float32)
    heat[0, 10] = 64.0
    soft = raster.soften(heat, np.zeros_like(heat, bool), 2)
    assert soft.sum() == pytest.approx(64)
    assert soft[0, 8:13] == pytest.approx([4, 16, 24, 16, 4])
    traded = np.zeros_like(heat, bool)
    traded[0, 11:] = True
    assert raster.soften(heat, traded, 2)[0, 11:].max() == 0
    tiny = np.ones((2, 2), np.float32)
    assert raster.soften(tiny, np.zeros_like(tiny, bool)) is tiny


def test_columns_stand_until_the_next_and_gaps_have_none():
    ts = np.array([0, 10, 40], np.int64)
    index, there = raster.columns_at(np.array([-1.0, 0, 9, 10, 19, 20, 39, 40, 49, 50]), ts, 10)
    assert list(there) == [False, True, True, True, True, False, False, True, True, False]
    assert list(index[there]) == [0, 0, 1, 1, 2, 2]
    assert not raster.columns_at(np.array([1.0]), np.empty(0, np.int64), 10)[1].any()


def test_paint_looks_up_opaque_colours():
    pixels = raster.paint(LUT, np.array([[0, 7], [255, 3]], np.uint8))
    assert pixels.shape == (2, 2, 4)
    assert pixels[..., 0].tolist() == [[0, 7], [255, 3]]
    assert (pixels[..., 3] == 255).all()


def test_far_levels_are_paler_and_near_ones_untouched():
    pixels = np.full((3, 4, 4), 200, np.uint8)
    away = np.array([[0.01], [0.09], [0.2]], np.float32) * np.ones((1, 4), np.float32)
    raster.pale(pixels, away, GROUND)
    assert (pixels[0, :, :3] == 200).all()
    assert 10 < pixels[2, 0, 0] < pixels[1, 0, 0] < 200
    assert (pixels[..., 3] == 200).all()


def test_what_stands_fades_to_the_right():
    pixels = np.full((2, 50, 4), 255, np.uint8)
    raster.fade(pixels, GROUND)
    row = pixels[0, :, 0].astype(int)
    assert row[0] == 255
    assert (np.diff(row) <= 0).all()
    assert row[-1] < 110


def test_gaps_are_hatched():
    pixels = np.zeros((40, 60, 4), np.uint8)
    mask = np.zeros(60, bool)
    mask[20:40] = True
    raster.hatch(pixels, mask, np.array([255, 255, 255], np.uint8), 1)
    assert pixels[:, 20:40, :3].any()
    assert not pixels[:, :20, :3].any()
    assert not pixels[:, 40:, :3].any()
    raster.hatch(pixels, np.zeros(60, bool), GROUND, 1)
