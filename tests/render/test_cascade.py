"""The picture of what moves would sweep: its figures, its words, and nothing over anything else."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.render import cascade as cascade_module
from bot.render.cascade import draw_cascade, usd_ticks
from bot.render.cascade_request import CascadeRequest, cascade_alt, cascade_scene_of
from bot.render.fonts import find_faces
from bot.render.layout import SIZES
from bot.render.palette import PALETTES, rgb
from bot.render.picture import Layout, Theme
from bot.render.renderer import Renderer
from engine.errors import RenderError
from engine.presets import BIN_LOG
from engine.standing import Standing

FACES = find_faces()
NOW_MS = 1_760_128_500_000
PRICE = 113_204.5


def standing_at(price=PRICE, long=(), short=()):
    """A surface with dollars at some distances from price, on each side."""
    sides = np.zeros((2, 600))
    for side, placed in enumerate((long, short)):
        for away, usd in placed:
            sides[
                side, round(-np.log1p(-away) / BIN_LOG) if side == 0 else round(np.log1p(away) / BIN_LOG)
            ] += usd
    close_bin = int(np.floor(np.log(price) / BIN_LOG))
    return Standing(ts=NOW_MS, close_bin=close_bin, long=sides[0], short=sides[1])


STANDING = standing_at(long=[(0.015, 20e6), (0.033, 50e6), (0.07, 30e6)], short=[(0.006, 4e6), (0.045, 36e6)])


@pytest.fixture
def ask():
    def make(price=PRICE, **changes):
        return replace(
            CascadeRequest(
                symbol="BTCUSDT",
                venues=("binance",),
                candle_ts=NOW_MS - 300_000,
                now_ms=NOW_MS + 12_000,
                price=price,
                price_ts=NOW_MS,
                change_24h=-0.0745,
                history_days=9.9,
                accuracy="explains 87%, price alone 83%",
            ),
            **changes,
        )

    return make


@pytest.fixture
def written(record_ink):
    """Draw a scene and return every text with its size and place."""
    inks = record_ink(cascade_module)

    def run(scene):
        draw_cascade(scene, FACES)
        return inks[-1].written

    return run


def pixels_of(png):
    return np.asarray(Image.open(io.BytesIO(png))).astype(int)


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("layout", Layout)
def test_the_area_reaches_as_far_as_the_dollars(ask, layout, theme):
    scene = cascade_scene_of(ask(layout=layout, theme=theme), STANDING)
    picture = pixels_of(draw_cascade(scene, FACES))
    assert picture.shape == (layout.size[1], layout.size[0], 3)
    sizes, ground = SIZES[layout], np.array(rgb(PALETTES[theme].ground))
    coloured = np.abs(picture - ground).sum(axis=2) > 12

    def reach(move):
        """Return how far right the area goes without a break, at a move where no line or dot is."""
        low, high = scene.view
        share = (PRICE * (1 + move) - low) / (high - low)
        row = round(sizes.plot_bottom - share * (sizes.plot_bottom - sizes.plot_top))
        inside = coloured[row, sizes.margin + 2 :]
        return int(np.argmin(inside)) if not inside.all() else inside.size

    ends = {move: reach(move) for move in (-0.085, -0.045, -0.026, 0.03, 0.072)}
    assert ends[-0.085] / ends[-0.045] == pytest.approx(100 / 70, rel=0.04)
    assert ends[-0.085] / ends[-0.026] == pytest.approx(100 / 20, rel=0.10)
    assert ends[-0.085] / ends[0.072] == pytest.approx(100 / 40, rel=0.05)
    assert ends[0.03] < ends[-0.026]


def test_the_labels_say_what_moves_would_sweep(ask, written):
    words = [word for word, _, _ in written(cascade_scene_of(ask(source_label="REPLAY 2025"), STANDING))]
    for expected in ("−1.0%", "−2.0%", "−5.0%", "−10%", "+1.0%", "+2.0%", "+5.0%", "+10%"):
        assert expected in words
    for expected in ("$0", "$20M", "$70M", "$100M", "$4M", "$40M", "REPLAY 2025", "113,204", "USD swept"):
        assert expected in words
    small = " ".join(words)
    assert "what stands now, not where price goes" in small
    assert "estimate, not advice" in small
    assert "explains 87%, price alone 83%" in small


def test_the_words_say_the_same_as_the_picture(ask):
    words = cascade_alt(ask(source_label="REPLAY 2025"), STANDING)
    assert "shorts: $4M by +1.0%, $4M by +2.0%, $40M by +5.0%, $40M by +10%." in words
    assert "longs: $0 by −1.0%, $20M by −2.0%, $70M by −5.0%, $100M by −10%." in words
    assert "REPLAY 2025" in words
    assert "not where price goes" in words
    assert len(words) < 1024


def test_what_is_missing_is_said(ask, written):
    scene = cascade_scene_of(ask(warm=False, history_days=3.21), standing_at())
    words = [word for word, _, _ in written(scene)]
    assert "Nothing stands within 10% of price" in words
    assert "Book not warm: 3.2 of 7 days" in words
    assert "Nothing stands within 10% of price." in cascade_alt(ask(), standing_at())


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    price=st.sampled_from([1.2e-8, 0.00001234, 0.5123, 97.5, 2_973.75, 113_204.5, 1.17e9]),
    layout=st.sampled_from(Layout),
    long=st.lists(st.tuples(st.floats(0.001, 0.1), st.floats(1.0, 1e10)), max_size=5),
    short=st.lists(st.tuples(st.floats(0.001, 0.1), st.floats(1.0, 1e10)), max_size=5),
    change=st.sampled_from([None, -0.0335, 1.5]),
    warm=st.booleans(),
)
def test_no_text_covers_another_or_leaves_the_picture(ask, written, price, layout, long, short, change, warm):
    request = ask(
        price,
        symbol="1000000MOGUSDT" if price < 1e-6 else "BTCUSDT",
        layout=layout,
        change_24h=change,
        warm=warm,
        source_label="REPLAY 2025-10-10 20:35 UTC",
    )
    texts = written(cascade_scene_of(request, standing_at(price, long, short)))
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


@given(st.floats(1e-9, 1e15))
def test_ticks_are_round_few_and_inside(full_usd):
    ticks = usd_ticks(full_usd)
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 6
    assert ticks[-1] <= full_usd * (1 + 1e-9)
    assert usd_ticks(0.0) == []


async def test_the_renderer_draws_keeps_and_tells_apart(ask):
    renderer = Renderer()
    asked = []

    def standing():
        asked.append(1)
        return STANDING

    try:
        first = await renderer.cascade(ask(), standing)
        assert await renderer.cascade(ask(now_ms=NOW_MS + 20_000), standing) is first
        assert len(asked) == 1
        assert first.alt == cascade_alt(ask(), STANDING)
        moved = await renderer.cascade(ask(PRICE * 1.002), standing)
        assert moved.png != first.png
        hd = await renderer.cascade(ask(hd=True), standing)
        assert (hd.width, hd.height) == Image.open(io.BytesIO(hd.png)).size == (2560, 1440)
        assert hd.name == "liqwatch-BTCUSDT-cascade@2x.png"

        def broken():
            raise RenderError("nothing stands")

        with pytest.raises(RenderError):
            await renderer.cascade(ask(candle_ts=NOW_MS), broken)
    finally:
        await renderer.aclose()
