"""The picture of liquidations: its bars, its words, and nothing over anything else."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.render import liquidations as module
from bot.render.fonts import find_faces
from bot.render.layout import SIZES
from bot.render.liquidations import draw_liquidations
from bot.render.liquidations_request import LiquidationsRequest, liquidations_alt, liquidations_scene_of
from bot.render.palette import PALETTES, rgb
from bot.render.picture import Layout, Theme
from bot.render.renderer import Renderer
from engine.errors import UserError

FACES = find_faces()
STEP_MS = 1_800_000
NOW_MS = 1_760_128_500_000
END_MS = NOW_MS // STEP_MS * STEP_MS


def ask(rows=((40, 30e6, 0.0), (20, 15e6, 6e6), (3, 0.0, 12e6)), **changes):
    """A request about steps so many before now, with dollars of longs and shorts."""
    rows = sorted(rows, key=lambda row: -row[0])
    return replace(
        LiquidationsRequest(
            market="BTCUSDT",
            window_ms=24 * 3_600_000,
            window_label="24h",
            now_ms=NOW_MS,
            step_ms=STEP_MS,
            step_label="30 min",
            ts=np.array([END_MS - back * STEP_MS for back, _, _ in rows], np.int64),
            usd=np.array([usd for _, *usd in rows], float).reshape(-1, 2),
            parts=(("binance", 0.6), ("bybit", 0.4)),
            small=("Recorded since 8 Oct",),
        ),
        **changes,
    )


@pytest.fixture
def written(record_ink):
    """Draw a scene and return every text with its size and place."""
    inks = record_ink(module)

    def run(request):
        draw_liquidations(liquidations_scene_of(request), FACES)
        return inks[-1].written

    return run


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("layout", Layout)
def test_bars_are_as_long_as_their_dollars(layout, theme):
    request = ask(layout=layout, theme=theme)
    scene = liquidations_scene_of(request)
    picture = np.asarray(Image.open(io.BytesIO(draw_liquidations(scene, FACES)))).astype(int)
    assert picture.shape == (layout.size[1], layout.size[0], 3)
    sizes, palette = SIZES[layout], PALETTES[theme]
    plot = picture[sizes.plot_top : sizes.plot_bottom, sizes.margin :]

    def rows_of(colour):
        """Return in which rows of the plot a bar's end is drawn: a run of its pure colour."""
        same = np.abs(plot[:, : plot.shape[1] * 3 // 4] - np.array(rgb(colour))).sum(axis=2) == 0
        runs = np.lib.stride_tricks.sliding_window_view(same, 10, axis=1).all(axis=2)
        return np.flatnonzero(runs.any(axis=1))

    low, high = scene.view
    zero = high / (high - low) * (plot.shape[0])
    a_dollar = plot.shape[0] / (high - low)
    assert rows_of(palette.long).max() == pytest.approx(zero + 30e6 * a_dollar, abs=2)
    assert rows_of(palette.long).min() == pytest.approx(zero + 15e6 * a_dollar, abs=4)
    assert rows_of(palette.short).max() < zero
    assert rows_of(palette.short).max() == pytest.approx(zero - 6e6 * a_dollar, abs=4)


def test_the_words_say_the_same_as_the_picture(written):
    request = ask(source_label="", notices=("Nothing from OKX yet",))
    words = [word for word, _, _ in written(request)]
    for expected in ("BTC", "$63M", "Liquidated positions · 24h", "Longs", "$45M", "71%", "Shorts", "$18M"):
        assert expected in words
    for expected in ("29%", "$30M", "$12M", "Nothing from OKX yet", "UTC"):
        assert expected in words
    small = " ".join(words)
    assert "Binance 60%" in words
    assert "Bybit 40%" in words
    assert "one bar 30 min" in small
    alt = liquidations_alt(request)
    assert alt.startswith("BTC liquidations, last 24h: $63M in all. Longs $45M (71%), shorts $18M (29%).")
    assert "Most in 30 min: $30M from" in alt
    assert "Nothing from OKX yet. Recorded since 8 Oct." in alt
    assert len(liquidations_alt(ask(notices=("long " * 500,)))) < 1024


@pytest.mark.parametrize("layout", Layout)
def test_each_venues_part_is_drawn_and_named(written, layout):
    parts = (("binance", 0.5), ("bybit", 0.25), ("okx", 0.15), ("hyperliquid", 0.06), ("gate", 0.04))
    request = ask(parts=parts, layout=layout)
    small = " ".join(word for word, _, _ in written(request))
    for expected in ("Binance 50%", "Bybit 25%", "OKX 15%", "Hyperliquid 6%", "Gate 4%"):
        assert expected in small
    picture = np.asarray(Image.open(io.BytesIO(draw_liquidations(liquidations_scene_of(request), FACES))))
    bar = SIZES[layout].scale_bar
    row = picture[round((bar.y0 + bar.y1) / 2), :, 0].astype(int)
    lit = np.flatnonzero(row > 200)
    rest = np.flatnonzero((row > 120) & (row < 200))
    runs = [max(map(len, np.split(each, np.flatnonzero(np.diff(each) > 1) + 1))) for each in (lit, rest)]
    assert runs[0] / runs[1] == pytest.approx(2.0, abs=0.1)
    alone = " ".join(word for word, _, _ in written(ask(parts=(("okx", 1.0),), layout=layout)))
    assert "OKX 100%" in alone


def test_nothing_is_said_to_be_nothing(written):
    empty = ask(rows=(), parts=(), market="")
    words = [word for word, _, _ in written(empty)]
    assert "Nothing reported in this window" in words
    assert "All" in words
    assert liquidations_alt(empty).startswith("All liquidations, last 24h: $0 in all. Nothing reported")
    assert empty.file_name == "liqwatch-all-liquidations.png"


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    layout=st.sampled_from(Layout),
    rows=st.lists(
        st.tuples(st.integers(0, 47), st.floats(0, 1e10), st.floats(0, 1e10)),
        max_size=12,
        unique_by=lambda row: row[0],
    ),
    market=st.sampled_from(["BTCUSDT", "1000000MOGUSDT", ""]),
)
def test_no_text_covers_another_or_leaves_the_picture(written, layout, rows, market):
    texts = written(ask(rows=rows, layout=layout, market=market))
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


async def test_the_renderer_draws_once_and_keeps_heatmaps_apart():
    renderer = Renderer()
    drawn = []
    try:
        first = await renderer.liquidations(ask(), lambda: drawn.append(1))
        assert await renderer.liquidations(ask(now_ms=NOW_MS + 1_000), lambda: drawn.append(1)) is first
        assert drawn == [1]
        assert first.alt == liquidations_alt(ask())
        other = await renderer.liquidations(ask(tz="Asia/Tokyo"), lambda: drawn.append(1))
        assert other.png != first.png
        hd = await renderer.liquidations(ask(hd=True), lambda: None)
        assert (hd.width, hd.height) == Image.open(io.BytesIO(hd.png)).size == (2560, 1440)
        assert ask().symbol != "BTCUSDT"  # or a heatmap would push it out of the cache

        def refused():
            raise UserError("too soon")

        with pytest.raises(UserError):
            await renderer.liquidations(ask(market="ETHUSDT"), refused)
    finally:
        await renderer.aclose()
