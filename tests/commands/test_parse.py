"""Lines are understood as people type them, or refused with what was wrong and a way out."""

import string
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands import values
from bot.commands.amounts import DAY_MS, HOUR_MS, MINUTE_MS
from bot.commands.parse import Parser, line_of, words_of
from bot.commands.registry import Registry
from bot.commands.reply import Front
from bot.commands.settings import PARAMETERS as SETTINGS
from bot.commands.spec import Kind, NearMiss
from bot.commands.symbols import Markets
from engine.errors import UserError


def refusal(read, *args) -> UserError | None:
    """Return what a call is refused with, None where it is not; any other error fails the test."""
    try:
        read(*args)
    except UserError as error:
        return error
    return None


PARSER = Parser(
    registry=Registry(),
    markets=Markets(known=("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"), aliases={"xbt": "BTC"}),
    front=Front.PANEL,
    replaying=True,
)

TYPED = [
    ("/heatmap btc 12h", "heatmap", {"symbol": "BTCUSDT", "window": 12 * HOUR_MS}),
    ("heatmap BTC-PERP", "heatmap", {"symbol": "BTCUSDT"}),
    ("/HEATMAP $btc", "heatmap", {"symbol": "BTCUSDT"}),
    ("/heatmap eth/usdt 7d", "heatmap", {"symbol": "ETHUSDT", "window": 7 * DAY_MS}),
    ("/heatmap 7d ethusdt", "heatmap", {"symbol": "ETHUSDT", "window": 7 * DAY_MS}),
    ("/heatmap@LiqwatchBot btc", "heatmap", {"symbol": "BTCUSDT"}),
    ("/heatmap  btc   window:12h", "heatmap", {"window": 12 * HOUR_MS}),
    ("/heatmap btc window: 12h", "heatmap", {"window": 12 * HOUR_MS}),
    ("/heatmap btc window = 12h", "heatmap", {"window": 12 * HOUR_MS}),
    ("/heatmap btc --window 12h", "heatmap", {"window": 12 * HOUR_MS}),
    ("/heatmap btc --window=12h", "heatmap", {"window": 12 * HOUR_MS}),
    ("/heatmap btc —window 12h", "heatmap", {"window": 12 * HOUR_MS}),
    ("/heatmap btc window 12h", "heatmap", {"window": 12 * HOUR_MS}),
    ("/heatmap btc 12 h", "heatmap", {"window": 12 * HOUR_MS}),
    ("/heatmap btc 12 hours", "heatmap", {"window": 12 * HOUR_MS}),
    ("/heatmap btc perp 12h", "heatmap", {"symbol": "BTCUSDT", "window": 12 * HOUR_MS}),
    ('/heatmap "btc" "12h"', "heatmap", {"symbol": "BTCUSDT", "window": 12 * HOUR_MS}),
    ("/heatmap “btc” ‘12h’", "heatmap", {"symbol": "BTCUSDT", "window": 12 * HOUR_MS}),
    ("／ｈｅａｔｍａｐ　ｂｔｃ　１２ｈ", "heatmap", {"symbol": "BTCUSDT", "window": 12 * HOUR_MS}),
    ("/heat\u200bmap btc\u00a012h", "heatmap", {"symbol": "BTCUSDT", "window": 12 * HOUR_MS}),
    (
        "/heatmap btc portrait long 5% share",
        "heatmap",
        {"layout": "portrait", "side": "long", "range": 0.05, "share": True},
    ),
    ("/heatmap btc, 12h!", "heatmap", {"symbol": "BTCUSDT", "window": 12 * HOUR_MS}),
    ("heatmap, btc", "heatmap", {"symbol": "BTCUSDT"}),
    ("help?", "help", {}),
    ("/heatmap btc share=no", "heatmap", {"share": False}),
    ("/heatmap btc range=auto", "heatmap", {"range": "auto"}),
    ("$btc", "heatmap", {"symbol": "BTCUSDT"}),
    ("$eth 3d", "heatmap", {"symbol": "ETHUSDT", "window": 3 * DAY_MS}),
    ("/hm btc", "heatmap", {"symbol": "BTCUSDT"}),
    ("/price eth", "market", {"symbol": "ETHUSDT"}),
    ("/zones btc 3", "zones", {"symbol": "BTCUSDT", "count": 3}),
    ("/zones btc side=short", "zones", {"side": "short"}),
    ("/watch btc", "watch", {"symbol": "BTCUSDT"}),
    ("/watch btc 1%,3%,5%", "watch", {"within": (0.01, 0.03, 0.05)}),
    ("/watch btc within=1%, 3%, 5%", "watch", {"within": (0.01, 0.03, 0.05)}),
    ("/watch btc within 1/3/5", "watch", {"within": (0.01, 0.03, 0.05)}),
    ("/watch btc 50M", "watch", {"min": 50e6}),
    ("/watch btc min=50m", "watch", {"min": 50e6}),
    ("/watch btc cooldown=50m", "watch", {"cooldown": 50 * MINUTE_MS}),
    ("/watch btc $2,000,000 2h", "watch", {"min": 2e6, "cooldown": 2 * HOUR_MS}),
    ("/watch btc min 10 million cooldown 90 minutes", "watch", {"min": 10e6, "cooldown": 90 * MINUTE_MS}),
    ("/watch btc min=auto", "watch", {"min": "auto"}),
    ("/watch btc 1e7", "watch", {"min": 10e6}),
    ("/check btc 85k", "check", {"symbol": "BTCUSDT", "price": 85_000.0}),
    ("/check btc 85 k", "check", {"price": 85_000.0}),
    ("/check btc $85.5K", "check", {"price": 85_500.0}),
    ("/check btc 1e5", "check", {"price": 100_000.0}),
    ("/check eth 1.25e-05", "check", {"symbol": "ETHUSDT", "price": 0.0000125}),
    ("/check btc 85000$", "check", {"price": 85_000.0}),
    ("/liqprice btc long 10x 50k", "liqprice", {"size": 50_000.0, "leverage": 10.0, "entry": None}),
    ("/liqprice btc long 1e5 10x", "liqprice", {"size": None, "entry": 100_000.0}),
    ("/unwatch all", "unwatch", {"symbol": "all"}),
    ("/alert", "alert list", {}),
    ("/alerts", "alert list", {}),
    ("/alert_list", "alert list", {}),
    ("/alert rm 7", "alert remove", {"id": 7}),
    ("/alert snooze #7 8h", "alert snooze", {"id": 7, "for": 8 * HOUR_MS}),
    ("/alert snooze 8h 7", "alert snooze", {"id": 7, "for": 8 * HOUR_MS}),
    ("/snooze 7", "alert snooze", {"id": 7, "for": HOUR_MS}),
    ("/alert pause all", "alert pause", {"id": "all"}),
    ("/alert history 2", "alert history", {"page": 2}),
    ("/settings", "settings show", {}),
    (
        "/settings set tz=berlin quiet=22:00-07:00",
        "settings set",
        {"tz": "Europe/Berlin", "quiet": "22:00-07:00"},
    ),
    ("/settings set tz new york", "settings set", {"tz": "America/New_York"}),
    ("/settings set quiet 22:00 - 07:00", "settings set", {"quiet": "22:00-07:00"}),
    ("/settings set quiet off", "settings set", {"quiet": "off"}),
    (
        "/settings set digest=9am,9pm limit=20",
        "settings set",
        {"digest": ("09:00", "21:00"), "daily_limit": 20},
    ),
    ("/settings set theme light", "settings set", {"theme": "light"}),
    ("/settings set quiet-mode=drop", "settings set", {"quiet_mode": "drop"}),
    ("/set cooldown=default", "settings set", {"cooldown": "default"}),
    ("/help alert snooze", "help", {"command": "alert snooze"}),
    ("/replay seek 2025-10-10 21:00", "replay seek", {"to": "2025-10-10T21:00"}),
    ("/replay seek -30m", "replay seek", {"to": "-30m"}),
    ("/replay seek 21:15", "replay seek", {"to": "21:15"}),
    ("/replay speed 600x", "replay speed", {"speed": 600.0}),
    ("/replay speed max", "replay speed", {"speed": "max"}),
]


@pytest.mark.parametrize(("line", "name", "expected"), TYPED, ids=[line for line, _, _ in TYPED])
def test_what_people_type(line, name, expected):
    call = PARSER.understand(line)
    assert call.command.name == name
    for key, value in expected.items():
        assert call.values[key] == (
            pytest.approx(value) if isinstance(value, float | tuple) and key == "within" else value
        )


REFUSED = [
    ("", "Say what", "/help"),
    ("/", "know", "/help"),
    ("what is this about", "I do not know “what”", "/help"),
    ("/heatmap zzzzqq", "There is no market “zzzzqq”", "/heatmap btc"),
    ("/heatmap btc 99d", "out of range: 1 hour to 30 days", "/heatmap btc 12h"),
    ("/heatmap btc 12hh", "not a length of time", "/heatmap btc 12h"),
    ("/heatmap btc window=", "window is empty", "/heatmap btc window=12h"),
    ("/heatmap btc eth", "One market at a time", "/heatmap btc"),
    ("/heatmap btc 12h 24h", "“24h” means", "/heatmap btc"),
    ("/heatmap btc window=12h window=24h", "given twice", "/heatmap btc"),
    ("/heatmap btc frobnicate=3", "has no “frobnicate”", "/heatmap btc"),
    ("/watch", "needs a market", "/watch btc"),
    ("/watch btc min=-5", "not an amount", "/watch btc min=auto"),
    ("/watch btc within=50%", "out of range: 0.1% to 6%", "/watch btc within=1%,3%,5%"),
    ("/alert show", "needs a number", "/alert show 7"),
    ("/alert snooze xx", "not the number of an alert", "/alert snooze 7"),
    ("/alert frobnicate", "goes with list, show", "/alert list"),
    ("/data everything", "goes with show, export or forget", "/data show"),
    ("/settings set daily_limit=0", "out of range", "/settings set daily_limit=20"),
    ("/settings set layout=round", "layout is auto, landscape or portrait", "/settings set"),
    ("/heatmap " + "x" * 2_000, "1000 is the most", "/help"),
    ("/watch btc min=" + "9" * 300, "too long", "/watch btc min=auto"),
    ("/replay seek 2025-13-45x", "not a time", "/replay seek 2025-10-10T21:00"),
    ("/data forget-now 1 2", "Did you mean forget", "/data forget"),
]


@pytest.mark.parametrize(("line", "told", "example"), REFUSED, ids=[line[:40] for line, _, _ in REFUSED])
def test_what_is_refused_says_what_was_wrong_with_an_example_that_works(line, told, example):
    with pytest.raises(UserError) as caught:
        PARSER.understand(line)
    assert told in caught.value.message
    assert caught.value.example.startswith(example)
    PARSER.understand(caught.value.example)
    assert len(caught.value.message) < 250


NEAR = [
    ("/heatmpa btc 12h", ["/heatmap btc 12h"]),
    ("/heatmap bct 12h", ["/heatmap btc 12h"]),
    ("/zoens btc", ["/zones btc"]),
    ("/heatmap btc 12", ["/heatmap btc 12h", "/heatmap btc 12d"]),
    ("/heatmap btc windw=3d", ["/heatmap btc window=3d"]),
    ("/heatmap btc portriat", ["/heatmap btc layout=portrait"]),
    ("/heatmap btc layout=portriat", ["/heatmap btc layout=portrait"]),
    ("btc", ["/heatmap btc"]),
    ("/btc 7d", ["/heatmap btc 7d"]),
    ("/watch btc 50m", ["/watch btc min=50m", "/watch btc cooldown=50m"]),
    ("/alert pauze 7", ["/alert pause 7"]),
    ("/alert 7", ["/alert show 7"]),
    ("/settings tz=UTC", ["/settings set tz=UTC"]),
    ("/settings set tz=Europe/Berln", ["/settings set tz=Europe/Berlin"]),
    ("/settings set quite=off", ["/settings set quiet=off"]),
]


@pytest.mark.parametrize(("line", "offered"), NEAR, ids=[line for line, _ in NEAR])
def test_a_near_miss_offers_lines_that_work_and_takes_none(line, offered):
    with pytest.raises(NearMiss) as caught:
        PARSER.understand(line)
    assert list(caught.value.lines)[: len(offered)] == offered
    for each in caught.value.lines:
        PARSER.understand(each)


def test_an_error_says_what_was_understood():
    with pytest.raises(UserError, match=r"I understood symbol BTCUSDT and side long"):
        PARSER.understand("/heatmap btc long window=nonsense")


def test_money_and_time_are_told_in_full_where_both_fit():
    with pytest.raises(NearMiss, match=r"min \$50,000,000 or cooldown 50 minutes"):
        PARSER.understand("/watch btc 50m")


def test_the_default_of_many_is_asked_for():
    with pytest.raises(NearMiss, match="or others"):
        PARSER.understand("/settings set default")


def test_examples_of_the_registry_come_back_from_their_own_line():
    for command in Registry().on():
        assert command.examples, command.name
        parser = replace(PARSER, front=min(command.fronts))
        for example in command.examples:
            call = parser.understand(example)
            assert call.command.name == command.name
            again = parser.understand(line_of(call))
            assert again.values == call.values
            assert again.given == call.given
            pressed = parser.pressed(command.noun, command.verb, words_of(call))
            assert pressed.values == call.values


def test_examples_of_parameters_read_and_say_themselves_again():
    for command in Registry().on():
        for parameter in command.parameters:
            texts = (*parameter.examples, *parameter.words, *parameter.choice_values())
            for text in texts:
                value = values.read(parameter, text, PARSER.markets)
                assert values.read(parameter, values.typed(parameter, value), PARSER.markets) == value
                assert values.show(parameter, value)


def test_replay_is_not_offered_where_data_is_live_or_the_front_is_remote():
    live = Parser(registry=Registry(), markets=PARSER.markets, front=Front.PANEL)
    with pytest.raises(UserError, match="nothing to steer"):
        live.understand("/replay pause")
    remote = Parser(registry=Registry(), markets=PARSER.markets, front=Front.DISCORD, replaying=True)
    with pytest.raises(UserError, match="I do not know"):
        remote.understand("/replay pause")
    with pytest.raises(UserError, match="another version"):
        remote.pressed("replay", "pause", ())


def test_a_parameter_exists_only_on_its_fronts():
    remote = Parser(registry=Registry(), markets=PARSER.markets, front=Front.DISCORD)
    assert PARSER.understand("/start heatmap_btc").text("payload") == "heatmap_btc"
    with pytest.raises(UserError):
        remote.understand("/start heatmap_btc")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("dm", "dm"), ("here", "here"), ("2", "2"), ("#12", "12"), ("E-Mail", "email"), ("webhook", "webhook")],
)
def test_where_alerts_go(typed, meant):
    assert PARSER.understand(f"/watch btc to={typed}").text("to") == meant


def test_a_place_that_is_none_says_what_would_be():
    with pytest.raises(UserError, match="/channels list"):
        PARSER.understand("/watch btc to=mars")


@pytest.mark.parametrize("url", ["https://hooks.example.org/x?token=abc&a=b", "http://[2001:db8::1]:8443/h"])
def test_an_address_is_taken_as_it_is(url):
    assert PARSER.understand(f"/channels add webhook {url}").text("address") == url


def test_values_that_a_front_collected():
    call = PARSER.collect("watch", {"symbol": "btc", "min": "50m", "within": "1,3"})
    assert (call.text("symbol"), call.number("min"), call.fractions("within")) == (
        "BTCUSDT",
        50e6,
        (0.01, 0.03),
    )
    with pytest.raises(UserError, match="no command"):
        PARSER.collect("data forget-now", {})
    with pytest.raises(NearMiss):
        PARSER.collect("watch", {"symbol": "bct"})


WORDS = st.sampled_from(
    [
        *(f"/{name}" for name in Registry().names()),
        *(c.verb for c in Registry().commands if c.verb),
        *(p.name for c in Registry().commands for p in c.parameters),
        *["btc", "$eth", "12h", "50m", "1%,3%", "7", "#7", "all", "off", "default", "22:00-07:00", "long"],
        *["Europe/Berlin", "share", "+1h", "=", ":", ",", "-", "—", '"', "'"],
        "window=",
        "=12h",
        "--window",
        "min=10M",
        "\u200b",
        "１２ｈ",
        "9" * 40,
    ]
)


@settings(max_examples=400)
@given(st.lists(WORDS, max_size=8).map(" ".join))
def test_words_in_any_order_give_a_call_or_a_sentence(line):
    understood_or_refused(line)


@settings(max_examples=400)
@given(st.text(max_size=120) | st.text(string.printable, max_size=120).map("/heatmap ".__add__))
def test_any_text_gives_a_call_or_a_sentence(line):
    understood_or_refused(line)


def understood_or_refused(line: str) -> None:
    refused = refusal(PARSER.understand, line)
    if refused is None:
        call = PARSER.understand(line)
        assert PARSER.understand(line_of(call)).values == call.values
        return
    assert refused.message
    assert len(refused.message) < 400
    assert refused.example
    assert not isinstance(refused, NearMiss) or refused.lines


@given(
    symbol=st.sampled_from(["BTCUSDT", "ETHUSDT"]),
    within=st.lists(st.integers(1, 60), min_size=1, max_size=3, unique=True),
    usd=st.integers(1_000, 10**12),
    minutes=st.integers(1, 7 * 24 * 60),
    side=st.sampled_from(["both", "long", "short"]),
    order=st.permutations(range(4)),
)
def test_a_watch_of_any_values_survives_its_own_line_in_any_order(symbol, within, usd, minutes, side, order):
    parts = [
        "within=" + ",".join(f"{tenth / 10}%" for tenth in within),
        f"min=${usd:,}",
        f"cooldown={minutes}m",
        f"side={side}",
    ]
    call = PARSER.understand(" ".join(["/watch", symbol, *(parts[i] for i in order)]))
    assert call.number("min") == usd
    assert call.whole("cooldown") == minutes * MINUTE_MS
    assert call.fractions("within") == pytest.approx(tuple(sorted(t / 1000 for t in within)))
    assert PARSER.understand(line_of(call)).values == call.values


def test_every_kind_can_be_read():
    used = {p.kind for c in Registry().commands for p in c.parameters}
    assert used == set(Kind)


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "line",
    [
        "/settings set " + " ".join(f"{p.name}=???" for p in SETTINGS),
        "/settings set " + " ".join(f"{p.name}=???" for c in Registry().commands for p in c.parameters)[:900],
        "/heatmap " + "a " * 490,
        "/heatmap " + "1 " * 490,
        "/heatmap " + "=" * 900,
        "/heatmap " + '"' * 900,
        "/heatmap " + " = " * 300,
        "/watch btc " + "1%," * 300,
        "/heatmap " + "\ufdfa" * 900,
    ],
)
def test_many_wrong_words_are_refused_at_once(line):
    assert refusal(PARSER.understand, line) is not None


@pytest.mark.parametrize("text", ["3%", "85kk", "1e99", "85q"])
def test_what_is_no_price_is_said_not_to_be_one_and_nothing_else_of_it_is_understood(text):
    error = refusal(PARSER.understand, f"/check btc {text}")
    assert f"“{text}” is" in error.message
    assert "I do not know" not in error.message
    assert error.message.endswith("I understood symbol BTCUSDT.")
    assert error.example == "/check btc 112000"


def test_a_share_in_the_place_of_a_price_is_told_what_is_wanted():
    error = refusal(PARSER.understand, "/check btc 3%")
    assert "“3%” is a share; price is wanted as the price itself. Try 112000 or 3,850.5." in error.message


@pytest.mark.parametrize("line", ["/setup", "/setup check", "/setup set tz=Europe/Berlin"])
def test_what_exists_in_chats_alone_is_not_taken_for_a_typo_elsewhere(line):
    error = refusal(PARSER.understand, line)
    assert error is not None
    assert "servers and groups" in error.message
    assert not isinstance(error, NearMiss)
