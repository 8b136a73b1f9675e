import io
import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.render import compose
from bot.render.compose import scene_of
from bot.render.fonts import Weight, find_faces
from bot.render.heatmap import draw, prepare
from bot.render.ink import Ink
from bot.render.layout import SIZES, Box
from bot.render.palette import PALETTES, rgb
from bot.render.picture import Layout, Theme
from bot.render.pills import place_pills
from engine.model import STEP_MS, Gap, Severity, Side

FACES = find_faces()
COLUMNS = ("ts", "long", "short", "open", "high", "low", "close")


def pixels_of(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def rows_of(grid, rows):
    return replace(grid, **{name: getattr(grid, name)[rows] for name in COLUMNS})


class Recorder(Ink):
    """An ink that remembers where each text was written."""

    def __init__(self, *args):
        super().__init__(*args)
        self.written = []

    def text(self, at, words, size, colour, **rest):
        width = self.measure(words, size, rest.get("weight", Weight.MEDIUM))
        left = at[0] - {"left": 0, "center": 0.5, "right": 1}[rest.get("align", "left")] * width
        self.written.append((words, size, Box(left, at[1] - 0.4 * size, left + width, at[1] + 0.4 * size)))
        super().text(at, words, size, colour, **rest)


@pytest.fixture
def written(monkeypatch):
    """Draw a scene and return every text with its size and place."""
    inks = []

    def ink(*args):
        inks.append(Recorder(*args))
        return inks[-1]

    monkeypatch.setattr("bot.render.heatmap.Ink", ink)

    def run(scene):
        draw(scene, FACES)
        return inks[-1].written

    return run


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("layout", Layout)
def test_a_picture_has_its_size_its_ground_and_levels(request_for, make_grid, theme, layout):
    request = request_for(theme=theme, layout=layout)
    picture = pixels_of(draw(scene_of(request, make_grid()), FACES))
    assert picture.shape == (layout.size[1], layout.size[0], 3)
    ground = rgb(PALETTES[theme].ground)
    assert tuple(picture[2, 2]) == ground
    assert tuple(picture[-3, 3]) == ground
    sizes = SIZES[layout]
    plot = picture[sizes.plot_top : sizes.plot_bottom, sizes.margin : 600].reshape(-1, 3)
    assert len(np.unique(plot, axis=0)) > 60


def test_hd_has_twice_the_pixels_and_the_same_places(request_for, make_grid):
    once = pixels_of(draw(scene_of(request_for(), make_grid()), FACES)).astype(int)
    twice = pixels_of(draw(scene_of(request_for(hd=True), make_grid()), FACES)).astype(int)
    assert twice.shape == (1440, 2560, 3)
    halved = twice.reshape(720, 2, 1280, 2, 3).mean((1, 3))
    assert np.abs(halved - once).mean() < 6


@pytest.mark.parametrize("layout", Layout)
def test_every_label_is_there_and_legible(request_for, make_grid, written, layout):
    texts = written(
        scene_of(request_for(layout=layout, source_label="REPLAY 2025-10-10 20:35 UTC"), make_grid())
    )
    words = [word for word, _, _ in texts]
    for expected in (
        "BTC",
        "$116,000",
        "−3.35%",
        "REPLAY 2025-10-10 20:35 UTC",
        "now",
        "UTC",
        "$62M",
        "+0.80%",
    ):
        assert expected in words
    assert any(word.startswith("USD per $") for word in words)
    assert any("estimate, not advice" in word for word in words)
    sizes = SIZES[layout]
    assert min(size for _, size, _ in texts) >= 20
    small = {"UTC", "Liqwatch"}
    labels = [
        size
        for word, size, box in texts
        if box.y0 > sizes.plot_top and box.y1 < sizes.time_y and word not in small
    ]
    assert min(labels) >= 24


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    price=st.sampled_from([1.2e-8, 0.00001234, 0.5123, 1.0, 97.5, 2_973.75, 116_863.0, 1.17e9]),
    layout=st.sampled_from(Layout),
    distances=st.lists(st.floats(-0.055, 0.055).filter(lambda d: abs(d) > 1e-3), max_size=9, unique=True),
    cols=st.sampled_from([0, 1, 2, 48, 300]),
    change=st.sampled_from([None, -0.0335, 1.5]),
    tz=st.sampled_from(["UTC", "Asia/Kathmandu"]),
    lit=st.booleans(),
)
def test_no_text_ever_covers_another_or_leaves_the_picture(
    price, layout, distances, cols, change, tz, lit, request_for, make_grid, make_zone, make_zones
):
    zones = [make_zone(price, d, 10 ** (3 + 40 * abs(d) * 3), name=f"z{i}") for i, d in enumerate(distances)]
    request = request_for(
        price,
        symbol="1000000MOGUSDT" if price < 1e-6 else "BTCUSDT",
        zones=make_zones(price, *zones),
        layout=layout,
        change_24h=change,
        tz=tz,
        highlight=zones[0] if lit and zones else None,
        severity=Severity.CRITICAL,
        warm=False,
        source_label="REPLAY 2025-10-10 20:35 UTC",
        accuracy="explains 87 % of hourly liquidations on unseen data",
    )
    scene = scene_of(request, make_grid(price, cols=cols))
    recorder = []

    class Ink2(Recorder):
        def __init__(self, *args):
            super().__init__(*args)
            recorder.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.render.heatmap.Ink", Ink2)
        draw(scene, FACES)
    texts = recorder[0].written
    for word, _, box in texts:
        assert box.x0 >= -1, word
        assert box.x1 <= layout.size[0] + 1, word
        assert box.y0 >= 0, word
        assert box.y1 <= layout.size[1], word
    chips = {"REPLAY", "Book", "Zones", "Nothing", "Critical", "No"}
    plain = [(word, box) for word, _, box in texts if word.split(" ")[0].rstrip(":") not in chips]
    for (one, a), (two, b) in itertools.combinations(plain, 2):
        assert not a.overlaps(b), (one, two)


def test_pills_never_overlap_each_other_the_price_line_or_the_edges(
    request_for, make_grid, make_zone, make_zones
):
    zones = [
        make_zone(116_000.0, d, 1e6 + i) for i, d in enumerate([-0.002, -0.0021, -0.0022, 0.0005, 0.0006])
    ]
    scene = scene_of(request_for(zones=make_zones(116_000.0, *zones)), make_grid())
    drawing = prepare(scene, FACES)
    line_y = drawing.y_at(scene.price)
    ys = [drawing.y_at((band.low + band.high) / 2) for band in scene.bands]
    pills = place_pills(drawing.ink, scene, drawing.sizes, drawing.frame, line_y, ys)
    assert len(pills) == 5
    for one, two in itertools.combinations(pills, 2):
        assert not one.box.overlaps(two.box)
    for pill in pills:
        assert (pill.box.y0 > line_y) is pill.band.long
        assert pill.box.x1 <= drawing.frame.strip.x1
        assert pill.box.x1 <= drawing.frame.axis.x0
        assert drawing.frame.strip.y0 <= pill.box.y0
        assert pill.box.y1 <= drawing.frame.strip.y1


def test_zones_outside_the_view_point_to_where_they_are(
    request_for, make_grid, make_zone, make_zones, written
):
    zones = make_zones(116_000.0, make_zone(116_000.0, 0.058, 5e6), make_zone(116_000.0, -0.058, 5e6))
    words = [w for w, _, _ in written(scene_of(request_for(zones=zones), make_grid(reach=0.03)))]
    assert "↑ +5.8%" in words
    assert "↓ −5.8%" in words


def test_levels_end_where_price_took_them(request_for, make_grid):
    """A column is dark between its own low and high, however bright its neighbours are."""
    grid = make_grid(cols=4, reach=0.02)
    price = 116_000.0
    prices = {name: np.array(values) for name, values in {
        "open": [price] * 4,
        "close": [price] * 4,
        "high": [price * 1.001, price * 1.001, price * 1.008, price * 1.001],
        "low": [price * 0.999] * 4,
    }.items()}  # fmt: skip
    short = np.zeros_like(grid.short)
    level = int(np.searchsorted(grid.edges, price * 1.006)) - 1
    short[:2, level] = 5e6
    grid = replace(grid, long=np.zeros_like(grid.long), short=short, **prices)
    request = request_for(zones=None, window_ms=4 * STEP_MS, price_range=(price * 0.99, price * 1.01))
    scene = scene_of(request, grid)
    drawing = prepare(scene, FACES)
    picture = pixels_of(draw(scene, FACES)).astype(int)
    y = round(drawing.y_at((grid.edges[level] + grid.edges[level + 1]) / 2))
    quarter = drawing.frame.plot.width / 4
    brightness = [
        picture[y - 2 : y + 2, round(drawing.frame.plot.x0 + quarter * (i + 0.12))].sum(1).max()
        for i in range(4)
    ]
    assert min(brightness[:2]) > 300
    assert max(brightness[2:]) < 90


def test_short_history_and_gaps_are_hatched(request_for, make_grid):
    grid = rows_of(make_grid(), np.r_[20:30, 36:48])
    gap = Gap(
        venue="binance", symbol="BTCUSDT", first_ts=int(make_grid().ts[30]), last_ts=int(make_grid().ts[35])
    )
    scene = scene_of(request_for(gaps=(gap,)), grid)
    drawing = prepare(scene, FACES)
    picture = pixels_of(draw(scene, FACES))
    ground = np.array(rgb(PALETTES[Theme.INFERNO].ground))
    top, bottom = SIZES[Layout.LANDSCAPE].plot_top + 60, SIZES[Layout.LANDSCAPE].plot_bottom - 60
    for at in (scene.start_ms + STEP_MS * 5, int(make_grid().ts[33])):
        x = round(drawing.x_at(at))
        column = picture[top:bottom, x].astype(int)
        drawn = (np.abs(column - ground).sum(1) > 12).mean()
        assert 0.05 < drawn < 0.5


def test_side_shows_one_side(request_for, make_grid):
    grid = make_grid()
    assert np.array_equal(scene_of(request_for(side=Side.LONG), grid).heat.sum(1) > 0, grid.long.sum(1) > 0)
    only = scene_of(request_for(side=Side.SHORT), grid)
    assert {band.long for band in only.bands} == {False}
    assert only.title[0] == "Liquidation heatmap of shorts · 4h"


def test_at_most_200_candles(request_for, make_grid):
    from bot.render.plot import MOST_CANDLES, group_bars

    grid = make_grid(cols=900)
    grid = replace(grid, close=np.where(np.arange(900) % 50 == 0, np.nan, grid.close))
    drawing = prepare(scene_of(request_for(window_ms=900 * STEP_MS), grid), FACES)
    xs, ys = group_bars(drawing)
    assert 170 < len(xs) <= MOST_CANDLES
    assert ys.shape == (4, len(xs))
    assert (ys[1] <= ys[[0, 3]]).all()
    assert (ys[2] >= ys[[0, 3]]).all()
    assert drawing.y_at(float(np.nanmax(grid.high))) == pytest.approx(ys[1].min(), abs=1)


def test_more_columns_than_pixels_keep_the_brightest(request_for, make_grid):
    grid = make_grid(cols=3000, bins=40)
    long = np.zeros_like(grid.long)
    long[1500, 5] = 1e9
    grid = replace(grid, long=long, short=np.zeros_like(grid.short))
    request = request_for(window_ms=3000 * STEP_MS, zones=None, price_range=(grid.edges[0], grid.edges[-1]))
    scene = scene_of(request, grid)
    drawing = prepare(scene, FACES)
    picture = pixels_of(draw(scene, FACES)).astype(int)
    x, y = round(drawing.x_at(grid.ts[1500])), round(drawing.y_at((grid.edges[5] + grid.edges[6]) / 2))
    assert picture[y - 3 : y + 4, x - 2 : x + 3].sum(2).max() > 600


def test_the_alerts_zone_is_lit_and_always_shown(request_for, make_grid, make_zone, written):
    lit = make_zone(116_000.0, -0.015, 1_000.0, name="small")
    scene = scene_of(request_for(highlight=lit, severity=Severity.WARNING), make_grid())
    assert [band.lit for band in scene.bands].count(True) == 1
    assert scene.headline == "Warning: $1K of longs, 1.5% below"
    words = [word for word, _, _ in written(scene)]
    assert "$1K" in words
    assert scene.headline in words
    plain = pixels_of(draw(scene_of(request_for(), make_grid()), FACES)).astype(int)
    alert = pixels_of(draw(scene, FACES)).astype(int)
    warm = np.array(rgb("#ffb13d"))
    assert (np.abs(alert - warm).sum(2) < 6).sum() > (np.abs(plain - warm).sum(2) < 6).sum() + 2000


@pytest.mark.parametrize("cols", [0, 1, 2])
def test_hardly_any_data_still_makes_a_picture(request_for, make_grid, written, cols):
    words = [w for w, _, _ in written(scene_of(request_for(zones=None), make_grid(cols=cols)))]
    assert ("No data in this window yet" in words) is (cols == 0)
    assert "Zones not ready: no history judged yet" in words


def test_an_unvalidated_part_is_paler_and_said_so(request_for, make_grid):
    grid = make_grid(reach=0.12)
    wide = request_for(zones=None, price_range=(116_000 * 0.88, 116_000 * 1.12))
    scene = scene_of(wide, replace(grid, long=np.full_like(grid.long, 1e5), short=np.zeros_like(grid.short)))
    assert scene.pale
    assert "paler beyond 8%: not validated" in scene.footer
    drawing = prepare(scene, FACES)
    picture = pixels_of(draw(scene, FACES)).astype(int)
    x = round(drawing.frame.plot.x0 + 300)
    near, far = (picture[round(drawing.y_at(116_000 * k)), x].sum() for k in (0.95, 0.885))
    assert far < 0.75 * near
    assert not scene_of(request_for(), make_grid()).pale


def test_the_view_stays_inside_the_grid(request_for, make_grid):
    grid = make_grid(reach=0.01)
    low, high = scene_of(request_for(), grid).view
    assert grid.edges[0] <= low < high <= grid.edges[-1]
    beyond = scene_of(request_for(price_range=(1.0, 2.0)), grid)
    assert beyond.view == (grid.edges[0], grid.edges[-1])
    assert compose.NEARLY_ALL < 1


@pytest.mark.parametrize("layout", Layout)
def test_a_note_too_long_for_the_plot_goes_on_in_another_line(request_for, make_grid, written, layout):
    said = f"Model {'m' * 24}-99, 17 own weights: expected liquidations, zones not judged"
    texts = written(scene_of(request_for(layout=layout, zones=None, about=said), make_grid()))
    label = SIZES[layout].label
    lines = [(words, box) for words, size, box in texts if size == label and words and words in said]
    assert " ".join(words for words, _ in lines) == said
    assert len(lines) > 1
    for (_, above), (_, below) in itertools.pairwise(lines):
        assert above.x0 == below.x0
        assert above.y1 < below.y0
