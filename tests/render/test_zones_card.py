"""The card of zones: bars as long as their dollars, rows in the order of prices, nothing made up."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.render import zones_card as module
from bot.render.fonts import find_faces
from bot.render.picture import Layout, Theme
from bot.render.zones_card import draw_zones_card
from bot.render.zones_request import ZonesRequest
from engine.model import STEP_MS, Side, Zone

FACES = find_faces()
PRICE = 113_204.5
HOUR_MS = 3_600_000
NOW_MS = 1_760_128_500_000
SIGNED = ((0.008, 35e6), (0.02, 70e6), (-0.01, 7e6), (-0.04, 62e6))
SHARES = (("binance", 0.6), ("bybit", 0.3), ("okx", 0.1))


def zone_at(price, away, usd):
    """A zone whose nearer edge lies at a signed distance from the price."""
    edge, width = price * (1 + away), price * 0.003
    low, high = (edge - width, edge) if away < 0 else (edge, edge + width)
    return Zone(
        zone_id=f"z{away:+.4f}",
        venue="binance",
        symbol="BTCUSDT",
        side=Side.LONG if away < 0 else Side.SHORT,
        low=low,
        high=high,
        peak=(low + high) / 2,
        notional_usd=usd,
        share=0.1,
        percentile=97.0,
        born_ts=NOW_MS - 2 * HOUR_MS,
        updated_ts=NOW_MS - STEP_MS,
    )


def ask(price=PRICE, signed=SIGNED, **changes):
    """A request about zones at signed distances from the price, with dollars."""
    return replace(
        ZonesRequest(
            symbol="BTCUSDT",
            venues=("binance",),
            candle_ts=NOW_MS - 300_000,
            now_ms=NOW_MS + 12_000,
            price=price,
            price_ts=NOW_MS,
            change_24h=-0.0335,
            accuracy="explains 87%, price alone 83%",
            zones=tuple(zone_at(price, away, usd) for away, usd in signed),
        ),
        **changes,
    )


def of_venues(request):
    """The same request, with zones that three venues share."""
    zones = tuple(replace(zone, venue_share=SHARES) for zone in request.zones)
    return replace(request, zones=zones, shares=SHARES, venues=("binance", "bybit", "okx"))


@pytest.fixture
def written(record_ink):
    """Draw a request and return every text with its size and place."""
    inks = record_ink(module)

    def run(request):
        draw_zones_card(request.scene(), FACES)
        return inks[-1].written

    return run


def places(texts):
    return {words: box for words, _, box in texts}


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("theme", [Theme.INFERNO, Theme.LIGHT])
def test_bars_are_as_long_as_their_dollars(written, layout, theme):
    request = ask(layout=layout, theme=theme)
    where = places(written(request))
    picture = np.asarray(Image.open(io.BytesIO(draw_zones_card(request.scene(), FACES)))).astype(int)

    def length(dollars):
        """Return how long the bar left of a label is."""
        box = where[dollars]
        row = picture[round((box.y0 + box.y1) / 2), : round(box.x0) - 14]
        same = np.abs(row - row[-1]).sum(axis=1) < 12
        return int(np.argmin(same[::-1]))

    assert length("$35M") / length("$70M") == pytest.approx(0.5, abs=0.03)
    assert length("$7M") / length("$70M") == pytest.approx(0.1, abs=0.03)
    assert length("$62M") / length("$70M") == pytest.approx(62 / 70, abs=0.03)


def test_rows_stand_on_their_side_of_the_price_in_its_order(written):
    where = places(written(ask()))
    rows = [where[words].y0 for words in ("+2.0%", "+0.80%", "113,204", "−1.0%", "−4.0%")]
    assert rows == sorted(rows)
    assert where["shorts above: $105M"].y1 < where["longs below: $69M"].y0


def test_bars_are_split_as_the_legend_says(written):
    request = of_venues(ask(layout=Layout.PORTRAIT))
    words = [each for each, _, _ in written(request)]
    for expected in ("Binance 60%", "Bybit 30%", "OKX 10%"):
        assert expected in words
    scene = request.scene()
    assert {row.parts for row in (*scene.above, *scene.below)} == {(0.6, 0.3, 0.1)}
    assert "Binance, Bybit, OKX" in " ".join(words)
    assert ask().scene().legend == ()


def test_only_the_nearest_have_room_and_that_is_said(written):
    many = ask(signed=[(0.005 * n, 1e6 * n) for n in range(1, 9)])
    words = [each for each, _, _ in written(many)]
    assert "+0.50%" in words
    assert "+3.0%" not in words
    assert "nearest 5 of 8 shorts" in " ".join(words)
    assert "Nothing denser than usual below" in words
    assert "Nearest 5 of 8 shorts." in many.alt()


def test_what_is_missing_is_said(written):
    empty = [words for words, _, _ in written(ask(signed=(), known=False, samples_h=12))]
    assert "Zones not ready: 12 of 48 h of samples" in empty
    assert not any("denser" in words for words in empty)
    one = [words for words, _, _ in written(ask(signed=SIGNED[:1], side=Side.SHORT))]
    assert not any("denser" in words for words in one)
    assert "Book not warm: 3.2 of 7 days." in ask(warm=False, history_days=3.21).alt()


def test_the_words_say_the_same_as_the_card():
    words = ask(source_label="REPLAY 2025").alt()
    assert words.startswith("BTC dense liquidation zones. Price $113,204 (−3.35% in 24 h).")
    assert "Shorts above: $35M at +0.80% (114,110 to 114,450), 2 h old; $70M at +2.0%" in words
    assert "Longs below: $7M at −1.0% (111,733 to 112,072), 2 h old; $62M at −4.0%" in words
    assert "REPLAY 2025." in words
    assert ask().named("zones") == ask().file_name == "liqwatch-BTCUSDT-zones.png"


def test_another_price_or_zone_is_another_picture():
    assert ask().what == ask(now_ms=NOW_MS + 2 * HOUR_MS).what
    assert ask().what != replace(ask(), price=PRICE * 1.001).what
    assert ask().what != ask(signed=SIGNED[:3]).what
    assert ask().what != ask(layout=Layout.PORTRAIT).what


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    price=st.sampled_from([1.2e-8, 0.00001234, 0.5123, 97.5, 2_973.75, 113_204.5, 1.17e9]),
    layout=st.sampled_from(Layout),
    signed=st.lists(
        st.tuples(st.floats(0.001, 0.1) | st.floats(-0.1, -0.001), st.floats(0.001, 1e14)), max_size=14
    ),
    several=st.booleans(),
    change=st.sampled_from([None, -0.0335, 1.5]),
    warm=st.booleans(),
    replay=st.sampled_from(["", "REPLAY 2025-10-10 20:35 UTC"]),
)
def test_no_text_covers_another_or_leaves_the_picture(
    written, price, layout, signed, several, change, warm, replay
):
    request = ask(
        price,
        signed,
        symbol="1000000MOGUSDT" if price < 1e-6 else "BTCUSDT",
        layout=layout,
        change_24h=change,
        warm=warm,
        source_label=replay,
    )
    texts = written(of_venues(request) if several else request)
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
