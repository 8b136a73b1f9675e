"""Pictures of several heatmaps: of four markets, and of one zone before and after price went through it."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.render import panels as module
from bot.render.fonts import find_faces
from bot.render.grid_request import GridRequest
from bot.render.panels import draw_panels
from bot.render.picture import Layout, Theme
from bot.render.swept_request import SweptRequest, standing_usd
from engine.model import Side

HOUR_MS = 3_600_000
NOW_MS = 1_760_128_500_000
FACES = find_faces()
PRICES = (113_204.5, 3_994.99, 0.00001234, 97.5)
SYMBOLS = ("BTCUSDT", "ETHUSDT", "1000000BOBUSDT", "SOLUSDT")


@pytest.fixture
def written(record_ink):
    """Draw a scene and return every text with its size and place."""
    inks = record_ink(module)

    def run(scene):
        draw_panels(scene, FACES)
        return inks[-1].written

    return run


@pytest.fixture
def grid_of(request_for, make_grid):
    """Return a maker of a request about some markets, and of its grids."""

    def make(count=4, prices=PRICES, **changes):
        panels = [
            request_for(price, symbol=symbol, **changes)
            for symbol, price in zip(SYMBOLS[:count], prices, strict=False)
        ]
        return GridRequest(panels=tuple(panels)), [make_grid(price) for price in prices[:count]]

    return make


@pytest.fixture
def swept(request_for, make_grid, make_zone):
    """Return a request about a zone of longs that price went through an hour ago, and its grid."""

    def make(**changes):
        price = 110_000.0
        grid = make_grid(price, cols=48)
        zone = make_zone(price, 0.02, 40e6)
        zone = replace(zone, side=Side.LONG, born_ts=NOW_MS - 3 * HOUR_MS)
        inside = (grid.edges[1:] > zone.low) & (grid.edges[:-1] < zone.high)
        grid.long[:36, inside], grid.long[36:, inside], grid.short[:, inside] = 1e6, 0.0, 0.0
        grid.close[:36] = price * 1.03
        now = request_for(price, **changes)
        return SweptRequest(now=now, zone=zone, swept_usd=38e6, swept_ts=int(grid.ts[36])), grid

    return make


@pytest.mark.parametrize("layout", Layout)
def test_every_market_has_its_own_panel(grid_of, written, layout):
    request, grids = grid_of(layout=layout)
    scene = request.scene(grids)
    texts = written(scene)
    words = [each for each, _, _ in texts]
    for coin, price in (
        ("BTC", "$113,204"),
        ("ETH", "$3,994.99"),
        ("1000000BOB", "$0.00001234"),
        ("SOL", "$97.500"),
    ):
        assert coin in words
        assert price in words
    assert "4 markets" in words
    assert words.count("−3.35%") == 4
    assert sum(bool(re.match(r"to \$\S+", each)) for each in words) == 4
    assert scene.columns == (2 if layout is Layout.LANDSCAPE else 1)


def test_a_panel_names_the_largest_zones_of_each_side(grid_of, written):
    request, grids = grid_of(2, layout=Layout.PORTRAIT)
    scene = request.scene(grids)
    assert [band.usd for band in scene.panels[0].bands] == [41e6, 39e6, 62e6, 55e6]
    words = [each for each, _, _ in written(scene)]
    assert "$41M" in words
    assert "$35M" not in words


def test_the_price_leaves_room_for_labels_on_both_sides(grid_of):
    request, grids = grid_of(2)
    low = replace(grids[0], edges=grids[0].edges)
    for panel, grid in zip(request.scene([low, grids[1]]).panels, grids, strict=True):
        share = (panel.price - panel.view[0]) / (panel.view[1] - panel.view[0])
        assert 0.2 < share < 0.8
        assert panel.view[0] >= grid.edges[0]


def test_the_words_name_every_market(grid_of):
    request, _ = grid_of(source_label="REPLAY 2025")
    words = request.alt()
    assert words.startswith(
        "Liquidation heatmaps, last 4h. BTC $113,204 (−3.35%), shorts above: $41M at +3.5%,"
    )
    assert "1000000BOB $0.00001234" in words
    assert "REPLAY 2025. Binance, 20:35 UTC; estimate, not advice." in words
    assert len(words) < 1024
    assert request.file_name == "liqwatch-BTC-ETH-1000000BOB-SOL-4h.png"


def test_what_is_missing_in_one_market_is_said_there(grid_of, written):
    request, grids = grid_of(2)
    cold = replace(request.panels[1], warm=False, history_days=2.0)
    words = [each for each, _, _ in written(GridRequest(panels=(request.panels[0], cold)).scene(grids))]
    assert words.count("Book not warm: 2 of 7 days") == 1


def test_another_market_or_order_is_another_picture(grid_of):
    request, _ = grid_of(2)
    assert request.what != GridRequest(panels=request.panels[::-1]).what
    assert request.symbol not in SYMBOLS


def test_a_sweep_shows_what_stood_and_what_is_left(swept, written):
    request, grid = swept()
    scene = request.scene([grid])
    before, after = scene.panels
    assert (before.bands[0].usd, after.bands[0].usd) == (40e6, 0.0)
    assert (before.bands[0].long, after.bands[0].long) == (True, False)
    assert before.end_ms == request.swept_ts
    assert before.view == after.view
    assert scene.alike
    words = [each for each, _, _ in written(scene)]
    for expected in ("Before", "After", "$40M", "$0", "$0 left there", "now"):
        assert expected in words
    assert any(each.startswith("$38M of longs swept, 112,200 to ") for each in words)
    assert request.alt().startswith("BTC before and after a sweep. $38M of longs swept, 112,200 to")


def test_both_panels_of_a_sweep_have_one_scale(swept, written):
    request, grid = swept()
    grid.long[:36] *= 50
    texts = written(request.scene([grid]))
    scales = {each for each, _, _ in texts if "per $" in each}
    assert len(scales) == 1


def test_a_sweep_before_the_data_begins_is_shown_without_what_stood(swept, written):
    request, grid = swept()
    early = replace(request, swept_ts=int(grid.ts[0]) - 1)
    scene = early.scene([grid])
    assert len(scene.panels) == 1
    assert "No data from before the sweep" in [each for each, _, _ in written(scene)]


def test_a_zones_dollars_are_those_between_its_prices(swept):
    request, grid = swept()
    width = grid.edges[1] - grid.edges[0]
    half = replace(request.zone, low=float(grid.edges[130]), high=float(grid.edges[131] + width / 2))
    stood = np.zeros_like(grid.long)
    stood[:, 130], stood[:, 131], stood[:, 132] = 10.0, 4.0, 100.0
    assert standing_usd(replace(grid, long=stood), half, 0) == pytest.approx(12.0, rel=1e-4)
    assert standing_usd(replace(grid, long=stood), replace(half, side=Side.SHORT), 0) < 1e9


@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    count=st.integers(2, 4),
    layout=st.sampled_from(Layout),
    theme=st.sampled_from([Theme.INFERNO, Theme.LIGHT]),
    prices=st.permutations([1.2e-8, 0.5123, 100_000.0, 1.17e9]),
    change=st.sampled_from([None, -0.0335, 1.5]),
    zoned=st.booleans(),
    warm=st.booleans(),
    replay=st.sampled_from(["", "REPLAY 2025-10-10 20:35 UTC"]),
)
def test_no_text_covers_another_or_leaves_the_picture(
    grid_of, make_zones, written, count, layout, theme, prices, change, zoned, warm, replay
):
    look = {"layout": layout, "theme": theme, "change_24h": change, "warm": warm, "source_label": replay}
    request, grids = grid_of(count, tuple(prices), **look)
    if not zoned:
        bare = tuple(replace(panel, zones=make_zones(panel.price)) for panel in request.panels)
        request = GridRequest(panels=bare)
    texts = written(request.scene(grids))
    width, height = layout.size
    for word, size, box in texts:
        assert box.x0 >= 0, word
        assert box.x1 <= width + 1, word
        assert box.y0 >= 0, word
        assert box.y1 <= height, word
        assert size >= 20
    for at, (word, _, box) in enumerate(texts):
        for other, _, place in texts[at + 1 :]:
            assert not box.overlaps(place), (word, other)
