from dataclasses import replace

import pytest

from bot.render.alt import ALT_LIMIT, alt_text, footer, headline, notices
from engine.model import STEP_MS, Gap, Severity, Side


def test_alt_text_tells_all_that_is_seen(request_for):
    words = alt_text(request_for(source_label="REPLAY 2025-10-10 20:35 UTC"))
    assert words.startswith("BTC liquidation heatmap, last 4h. Price $116,000 (−3.35% in 24 h).")
    assert "Shorts above: $41M at +3.5%" in words
    assert "Longs below: $62M at −4.0%" in words
    assert "REPLAY 2025-10-10 20:35 UTC." in words
    assert words.endswith("Binance, 20:35 UTC; estimate, not advice.")
    assert words.index("$62M") < words.index("$55M") < words.index("$44M")


def test_alt_text_is_bounded(request_for, make_zone, make_zones):
    gaps = tuple(Gap(venue="v" * 200, symbol="s", first_ts=0, last_ts=2_000_000_000_000) for _ in range(9))
    request = request_for(venues=("x" * 600, "y" * 600), gaps=gaps, source_label="REPLAY " * 40)
    words = alt_text(request)
    assert len(words) < ALT_LIMIT
    assert words.endswith("…")


def test_only_three_zones_a_side_are_named(request_for, make_zone, make_zones):
    zones = make_zones(100.0, *(make_zone(100.0, -0.005 * k, k * 1e6) for k in range(1, 8)))
    words = alt_text(request_for(100.0, zones=zones))
    assert words.count(" to ") == 3
    assert "$7M" in words
    assert "$4M" not in words


def test_one_side_names_one_side(request_for):
    words = alt_text(request_for(side=Side.LONG))
    assert "Longs below" in words
    assert "Shorts above" not in words


@pytest.mark.parametrize(
    ("distance", "severity", "words"),
    [
        (-0.0084, Severity.CRITICAL, "Critical: $55M of longs, 0.84% below"),
        (0.025, None, "$55M of shorts, 2.5% above"),
    ],
)
def test_headline(request_for, make_zone, distance, severity, words):
    zone = make_zone(116_000.0, distance, 55e6)
    assert headline(request_for(highlight=zone, severity=severity)) == words
    assert words in alt_text(request_for(highlight=zone, severity=severity))


def test_headline_inside_a_zone(request_for, make_zone):
    zone = replace(make_zone(116_000.0, -0.01, 1e6), low=115_000.0, high=117_000.0)
    assert headline(request_for(highlight=zone)).endswith("of longs, at the price")
    assert headline(request_for()) == ""


def test_notices_say_what_cannot_be_trusted(request_for, make_zones):
    assert notices(request_for()) == ()
    cold = notices(request_for(warm=False, history_days=3.28, zones=None))
    assert cold == ("Book not warm: 3.2 of 7 days", "Zones not ready: no history judged yet")
    young = notices(request_for(zones=make_zones(1.0, samples_h=31, ready=False)))
    assert young == ("Zones not ready: 31 of 48 h of samples",)
    assert notices(request_for(zones=make_zones(1.0))) == ("Nothing denser than usual nearby",)


def test_gaps_in_the_window_are_told_in_the_callers_zone(request_for):
    now = request_for().now_ms
    old = Gap(venue="binance", symbol="BTCUSDT", first_ts=now - 9 * 3_600_000, last_ts=now - 8 * 3_600_000)
    new = Gap(
        venue="binance", symbol="BTCUSDT", first_ts=1_760_121_300_000, last_ts=1_760_121_300_000 + 6 * STEP_MS
    )
    assert notices(request_for(gaps=(old, new))) == ("No data Oct 10 18:35 to 19:10",)
    assert notices(request_for(gaps=(new,), tz="Europe/Berlin")) == ("No data Oct 10 20:35 to 21:10",)


def test_footer_names_sources_age_model_history_and_advice(request_for):
    assert footer(request_for()) == (
        "Binance",
        "live, 20:35 UTC, data 12 s old",
        "estimate, not advice",
        "model flow",
        "9.8 days of history",
        "zones judged on 10.0 of 21 days",
        "shorts above price, longs below",
    )
    more = footer(request_for(accuracy="explains 87%", interpolated=True), pale=True)
    assert more[5] == "explains 87%", "before what may be left out where there is no room"
    assert "price interpolated in its candle" in more
    assert "paler beyond 8%: not validated" in more


def test_old_data_is_said_to_be_old(request_for):
    request = request_for()
    late = replace(request, now_ms=request.price_ts + 11 * 60_000)
    assert "live, 20:46 UTC, data 11 min old" in footer(late)


def test_a_venue_that_gives_nothing_is_named_with_since_when(request_for):
    request = request_for()
    since = request.now_ms - 30 * 60_000
    lacking = replace(request, venues=("binance", "okx"), without=(("okx", since),), tz="Europe/Berlin")
    assert footer(lacking)[:3] == (
        "Binance, OKX",
        "without OKX since 22:05 CEST",
        "live, 22:35 CEST, data 12 s old",
    )
    assert "Binance, OKX, without OKX since 22:05 CEST, 22:35 CEST" in alt_text(lacking)
    assert "without OKX, Bybit since 22:05 CEST" in footer(
        replace(lacking, without=(("okx", None), ("bybit", since)))
    )
    assert lacking.what != replace(lacking, without=()).what, "a picture of before is not shown again"


def test_the_footer_counts_gaps_of_the_window_and_says_what_is_recorded(request_for):
    now_ms = request_for().now_ms
    gaps = tuple(
        Gap(
            venue="binance", symbol="BTCUSDT", first_ts=now_ms - h * 3_600_000, last_ts=now_ms - h * 3_600_000
        )
        for h in (9, 3, 2, 1)
    )
    assert "3 gaps in 4h" in footer(request_for(gaps=gaps))
    assert "1 gap in 4h" in footer(request_for(gaps=gaps[-1:]))
    assert not [item for item in footer(request_for(gaps=gaps[:1])) if "gap" in item]
    assert footer(request_for(source_label="REPLAY 2025-10-10 20:35 UTC"))[1].startswith("replay, 20:35 UTC")
