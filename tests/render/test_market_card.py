"""The card of a market: its day, its numbers, each venue's; what is not known is not shown."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.render import market_card as module
from bot.render.fonts import find_faces
from bot.render.layout import SIZES
from bot.render.market_card import draw_market_card
from bot.render.market_request import MarketRequest, VenueFacts
from bot.render.palette import PALETTES, rgb
from bot.render.picture import Layout, Theme

FACES = find_faces()
NOW_MS = 1_760_128_500_000
PRICE = 113_204.5
VENUES = ("binance", "bybit", "okx", "hyperliquid", "gate")


def line(venue, **changes):
    """What one venue says."""
    known = VenueFacts(
        venue=venue,
        price=PRICE,
        volume_usd=22e9,
        open_interest_usd=9.6e9,
        open_interest_change=0.021,
        funding="0.0100%/8h",
        ratio=1.62,
        share=0.45,
    )
    return replace(known, **changes)


def ask(price=PRICE, walk=(0.97, 0.95, 1.02, 1.0), **changes):
    """A request about a day that went through these shares of the price."""
    closes = price * np.interp(np.linspace(0, len(walk) - 1, 288), range(len(walk)), walk)
    return replace(
        MarketRequest(
            symbol="BTCUSDT",
            venues=("binance", "bybit"),
            candle_ts=NOW_MS - 300_000,
            now_ms=NOW_MS + 12_000,
            price=price,
            price_ts=NOW_MS,
            change_24h=0.0309,
            ts=NOW_MS - (288 - np.arange(288, dtype=np.int64)) * 300_000,
            closes=closes,
            low_24h=price * 0.95,
            high_24h=price * 1.02,
            volume_usd=31e9,
            open_interest_usd=15e9,
            open_interest_change=0.012,
            funding_year=0.1095,
            lines=(line("binance"), line("bybit", ratio=1.31, funding="", share=0.2)),
        ),
        **changes,
    )


@pytest.fixture
def written(record_ink):
    """Draw a request and return every text with its size and place."""
    inks = record_ink(module)

    def run(request):
        draw_market_card(request.scene(), FACES)
        return inks[-1].written

    return run


@pytest.mark.parametrize("theme", [Theme.INFERNO, Theme.LIGHT])
@pytest.mark.parametrize("layout", Layout)
def test_the_line_goes_where_the_price_went(layout, theme):
    request = ask(layout=layout, theme=theme, lines=())
    picture = np.asarray(Image.open(io.BytesIO(draw_market_card(request.scene(), FACES)))).astype(int)
    sizes, palette = SIZES[layout], PALETTES[theme]
    across = slice(
        sizes.margin, sizes.margin + (picture.shape[1] * 6 // 10 if layout is Layout.LANDSCAPE else 1000)
    )
    foot = sizes.plot_bottom if layout is Layout.LANDSCAPE else 900
    plot = picture[sizes.plot_top + 30 : foot, across]
    same = np.abs(plot - np.array(rgb(palette.rise))).sum(axis=2) < 12
    heights = [float(np.flatnonzero(same[:, x]).mean()) for x in range(plot.shape[1]) if same[:, x].any()]
    third = len(heights) // 3
    assert np.argmax(heights) == pytest.approx(third, abs=third * 0.2)  # the low, a third of the day in
    assert np.argmin(heights) == pytest.approx(2 * third, abs=third * 0.2)


def test_a_day_that_fell_has_another_colour():
    fell = ask(walk=(1.05, 1.0)).scene()
    pictures = [np.asarray(Image.open(io.BytesIO(draw_market_card(s, FACES)))) for s in (fell, ask().scene())]
    counts = [
        (np.abs(p.astype(int) - np.array(rgb(PALETTES[Theme.INFERNO].fall))).sum(2) == 0).sum()
        for p in pictures
    ]
    assert counts[0] > 500
    assert counts[1] < 50


def test_numbers_and_venues_are_written(written):
    words = [each for each, _, _ in written(ask())]
    for expected in ("$31B", "$15B", "+1.20% in 24 h", "+10.95%", "1.31 to 1.62", "107,544 to 115,469"):
        assert expected in words
    for expected in ("Binance", "Bybit", "$9.6B +2.1%", "0.0100%/8h", "1.62", "45%", "20%", "–"):
        assert expected in words


def test_one_venue_needs_no_table(written):
    words = [each for each, _, _ in written(ask(lines=(line("binance"),), venues=("binance",)))]
    assert "Venue" not in words
    assert "1.62" in words


def test_what_is_not_known_is_not_shown(written):
    bare = ask(volume_usd=None, open_interest_usd=None, funding_year=None, low_24h=None, lines=())
    words = [each for each, _, _ in written(bare)]
    for absent in ("Volume 24 h", "Open interest", "Funding a year", "Long/short accounts", "Range 24 h"):
        assert absent not in words
    nothing = ask(ts=np.empty(0, np.int64), closes=np.empty(0))
    assert "No prices of the last day yet" in [each for each, _, _ in written(nothing)]


def test_columns_that_nobody_fills_or_that_do_not_fit_are_left_out(written):
    silent = tuple(line(venue, ratio=None, price=0.000010234567) for venue in VENUES)
    words = [each for each, _, _ in written(ask(lines=silent, layout=Layout.PORTRAIT))]
    assert "Long/short" not in words
    assert words.count("Funding") == 1


def test_the_words_say_the_same_as_the_card():
    words = ask(source_label="REPLAY 2025").alt()
    assert words.startswith(
        "BTC market. Price $113,204 (+3.09% in 24 h). Volume 24 h: $31B. Open interest: $15B"
    )
    assert "Bybit: Price 113,204, Volume 24 h $22B, Open interest $9.6B +2.1%, Long/short 1.31" in words
    assert len(ask(lines=tuple(line(f"venue{n}") for n in range(40))).alt()) < 1024


def test_another_number_is_another_picture():
    assert ask().what == ask(now_ms=NOW_MS + 50_000).what
    assert ask().what != ask(volume_usd=32e9).what
    assert ask().what != ask(lines=(line("binance"),)).what


@settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    price=st.sampled_from([1.2e-8, 0.00001234, 0.5123, 97.5, 113_204.5, 1.17e9]),
    layout=st.sampled_from(Layout),
    walk=st.lists(st.floats(0.2, 5.0), min_size=2, max_size=6),
    usd=st.sampled_from([None, 0.004, 950.0, 41e9, 4e15]),
    count=st.integers(0, 5),
    change=st.sampled_from([None, -0.0335, 1.5]),
    replay=st.sampled_from(["", "REPLAY 2025-10-10 20:35 UTC"]),
)
def test_no_text_covers_another_or_leaves_the_picture(
    written, price, layout, walk, usd, count, change, replay
):
    lines = tuple(line(v, price=price, volume_usd=usd, open_interest_usd=usd) for v in VENUES[:count])
    request = ask(
        price,
        tuple(walk),
        symbol="1000000MOGUSDT" if price < 1e-6 else "BTCUSDT",
        layout=layout,
        volume_usd=usd,
        open_interest_usd=usd,
        lines=lines,
        change_24h=change,
        source_label=replay,
    )
    texts = written(request)
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
