from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.facts import zone_from_json, zone_to_json
from bot.alerting.message import DIGEST_LINES, Telling, headline, tell, tell_digest, tell_test, usd
from bot.alerting.rules.fires import PREDICTED
from engine.model import Fire, RuleId, Severity, Side, UserId

TS = 1_760_128_500_000


@pytest.fixture
def fire(kit):
    def make(price=95.76, side=Side.LONG, **changes):
        low, high = (90.0, 95.0) if side is Side.LONG else (100.0, 104.0)
        made = Fire(
            fire_id="f1",
            rule_id=RuleId(12),
            owner=UserId("u"),
            symbol="BTCUSDT",
            kind="zone_proximity",
            severity=Severity.CRITICAL,
            ts=TS,
            price=price,
            zone=kit.zone(side=side, low=low, high=high),
        )
        return replace(made, **changes)

    return make


def test_a_long_zone_below(fire):
    message = tell(Telling(alert_id="a1", fire=fire(), label="REPLAY 2025-10-10 20:35 UTC"))
    assert message.title == "BTC is 0.8% above a $42M long zone"
    assert message.text.split("\n") == [
        "90.000–95.000: about $42M of longs, 18% of the long side nearby.",
        "If price falls into it, these longs are sold off by force, which can deepen the fall.",
        "Price 95.760 · REPLAY 2025-10-10 20:35 UTC",
    ]


def test_figures_stand_beside_the_text_for_channels_that_can_show_them(fire):
    message = tell(Telling(alert_id="a1", fire=fire()))
    shown = [("Price", "95.760"), ("Distance", "0.8%"), ("Zone", "90.000–95.000"), ("Longs there", "$42M")]
    assert list(message.figures) == shown
    assert message.as_json()["figures"] == [list(pair) for pair in shown]
    assert tell(Telling(alert_id="a1", fire=fire(price=0.0, zone=None))).figures == ()


def test_a_short_zone_above_with_the_users_clock_when_live(fire):
    message = tell(Telling(alert_id="a1", fire=fire(99.2, Side.SHORT), tz="Europe/Berlin"))
    assert message.title == "BTC is 0.8% below a $42M short zone"
    assert "shorts are bought back by force" in message.text
    assert message.text.endswith("Price 99.200 · 10 Oct 22:35 CEST")


def test_inside_a_zone(fire):
    assert headline(fire(93.0)) == "BTC is inside a $42M long zone"


def test_a_size_in_no_share_worth_telling(fire, kit):
    small = fire(zone=replace(kit.zone(), share=0.001))
    assert "nearby" not in tell(Telling(alert_id="a", fire=small)).text


def test_what_rides_along_is_counted_and_the_latest_told(fire):
    later = replace(fire(95.2), ts=TS + 360_000)
    message = tell(Telling(alert_id="a1", fire=fire(), folded=6, latest=later))
    assert message.title.endswith("zone ×7")
    assert "6 more since; at 20:41 UTC: BTC is 0.2% above a $42M long zone." in message.text
    assert message.folded == 6


def test_buttons_fit_what_platforms_take_and_name_the_rule(fire):
    rows = tell(Telling(alert_id="a" + "f" * 16, fire=fire())).buttons
    actions = {label: action for row in rows for label, action in row}
    assert actions["Snooze 1 h"] == "v1:alert:snooze:12:for=1h"
    assert actions["Pause"] == "v1:alert:pause:12"
    assert actions["Chart"] == "v1:heatmap:-:BTCUSDT:24h"
    assert actions["Why?"].startswith("v1:alert:why:a")
    assert actions["Useful"] == "v1:alert:useful:a" + "f" * 16
    assert actions["Not useful"] == "v1:alert:useless:a" + "f" * 16
    assert all(len(action.encode()) <= 64 for action in actions.values())


def test_a_sweep_has_a_button_to_what_stood_before_and_stands_after(fire):
    swept = fire(kind="zone_swept", facts=((PREDICTED, "12500000.0"),))
    actions = {
        label: action for row in tell(Telling(alert_id="a1", fire=swept)).buttons for label, action in row
    }
    assert actions["Before, after"] == "v1:swept:-:BTCUSDT"
    plain = tell(Telling(alert_id="a1", fire=fire())).buttons
    assert "Before, after" not in [label for row in plain for label, _ in row]


def test_a_test_says_that_nothing_has_happened(fire):
    message = tell_test(Telling(alert_id="t1", fire=fire()))
    assert message.title == "Test alert, nothing has happened: BTC is 0.8% above a $42M long zone"
    assert message.text.startswith("This is how alert 12 reaches you here. It counts for no limit.\n")
    assert not any(":use" in action for row in message.buttons for _, action in row)
    bare = tell_test(Telling(alert_id="t1", fire=replace(fire(price=0.0), zone=None)))
    assert bare.title == "Test alert"
    assert "Price" not in bare.text


def test_a_digest_names_the_newest_and_counts_the_rest(fire):
    many = [replace(fire(96.0 + n / 100), ts=TS + n * 60_000) for n in range(DIGEST_LINES + 3)]
    message = tell_digest(many, now_ms=TS + 9_000_000, label="", tz="UTC")
    assert message.title == f"Your digest: {len(many)} alerts on BTC"
    lines = message.text.split("\n")
    assert lines[0].startswith("10 Oct 20:49 UTC · BTC is 1.2% above")
    assert lines[-2:] == ["and 3 more: /alert history", "10 Oct 23:05 UTC"]
    assert message.picture
    both = tell_digest([fire(), replace(fire(), symbol="ETHUSDT")], now_ms=TS, label="x", tz="UTC")
    assert both.title == "Your digest: 2 alerts on BTC, ETH"
    assert not both.picture


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (42e6, "$42M"),
        (1.24e9, "$1.2B"),
        (999_999_999, "$1B"),
        (9_960_000, "$10M"),
        (2e6, "$2M"),
        (850, "$850"),
    ],
)
def test_dollars_are_short(value, text):
    assert usd(value) == text


@given(st.floats(1, 1e13))
def test_dollars_never_lie_by_more_than_rounding(value):
    text = usd(value)
    number = float(text.strip("$TBMK")) * {"T": 1e12, "B": 1e9, "M": 1e6, "K": 1e3}.get(text[-1], 1)
    assert number == pytest.approx(value, rel=0.051, abs=0.51)


def test_a_zone_comes_back_from_its_json_as_it_was(kit):
    zone = replace(kit.zone(), venue_share=(("binance", 0.7), ("bybit", 0.3)))
    assert zone_from_json(zone_to_json(zone)) == zone


@given(st.floats(90.1, 110))
def test_a_message_is_two_to_four_lines_and_never_advice(kit, value):
    made = Fire(
        fire_id="f",
        rule_id=RuleId(1),
        owner=UserId("u"),
        symbol="ETHUSDT",
        kind="zone_proximity",
        severity=Severity.WARNING,
        ts=TS,
        price=value,
        zone=kit.zone(symbol="ETHUSDT"),
    )
    message = tell(Telling(alert_id="a", fire=made))
    assert 2 <= message.text.count("\n") + 1 <= 4
    assert not {"buy", "sell", "should"} & set((message.title + " " + message.text).lower().split())
