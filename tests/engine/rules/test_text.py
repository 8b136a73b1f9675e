"""Rules from lines and from JSON, and back; what is refused, and with which words."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UserError
from engine.model import DAY_MS, Severity, Side
from engine.rules.condition import Unit, choices, described, kinds, lacking
from engine.rules.conditions.liq_volume import LiqVolume
from engine.rules.conditions.oi_change import OiChange
from engine.rules.conditions.price_change import PriceChange
from engine.rules.conditions.price_level import PriceLevel
from engine.rules.expression import (
    MAX_CONDITIONS,
    All,
    AnyOf,
    Leaf,
    Repeat,
    Spec,
    from_share,
    leaves,
    of_json,
    to_json,
    to_share,
)
from engine.rules.expression import lacking as lacking_of
from engine.rules.quantity import read, say, typed
from engine.rules.sentence import lacking_sentence, sentence
from engine.rules.text import read_rule, write_rule
from engine.rules.ways import Level, Move

NOW = 1_764_547_200_000


def made(line):
    return read_rule(line, now_ms=NOW).spec


def why(line):
    with pytest.raises(UserError) as caught:
        made(line)
    return caught.value


@pytest.mark.parametrize("name", sorted(kinds()))
def test_the_example_of_every_type_is_of_it_and_says_so(name):
    kind = kinds()[name]
    got = read_rule(kind.example, now_ms=NOW)
    assert type(got.spec.when.condition) is kind
    assert got.coin == "btc"
    assert "BTC" in sentence(got.spec, "BTC")
    assert kind.feeds
    assert kind.hysteresis_why
    assert all(p.why for n, p in described(kind).items() if n not in ("value", "low", "high"))


@pytest.mark.parametrize("name", sorted(kinds()))
def test_every_phrase_of_every_type_is_understood_as_that_type(name):
    words = {
        "within": "1%", "growth": "60%", "min_usd": "20m", "by": "2%", "price_by": "2%", "oi_by": "3%",
        "window_ms": "1h", "low": "100", "high": "200", "usd": "5m", "times": "7x", "age_ms": "2m",
    }  # fmt: skip
    for phrase in kinds()[name].phrases:
        line = phrase.template.replace("{coin}", "sol")
        value = {"funding_level": "0.02%", "funding_spread": "0.02%", "volatility_level": "90%"}.get(
            name, "3"
        )
        for slot, word in {**words, "value": value}.items():
            line = line.replace("{" + slot + "}", word)
        for pick in (0, -1):
            line_now = " ".join(w.removesuffix("?").split("|")[pick] for w in line.split())
            leaf = made(line_now).when
            assert leaf.condition.kind == name, line_now
            for field, settled in phrase.settles.items():
                assert getattr(leaf.condition, field) == settled, line_now


def test_and_binds_before_or_and_brackets_before_both():
    falls, oi = PriceChange(by=0.03, direction=Move.DOWN), OiChange(by=0.02, direction=Move.DOWN)
    below = PriceLevel(value=60_000.0, direction=Level.BELOW)
    line = "price btc below 60000 or btc falls 3% in 15m and oi drops 2% in 1h"
    assert made(line).when == AnyOf((Leaf(below), All((Leaf(falls), Leaf(oi)))))
    line = "(price btc below 60000 or btc falls 3% in 15m) and oi drops 2% in 1h on okx"
    assert made(line).when == All((AnyOf((Leaf(below), Leaf(falls))), Leaf(oi, "okx")))


def test_words_that_people_really_type():
    want = made("btc falls 3% in 15m and btc oi drops 2% in 1h")
    for line in (
        "BTC Falls 3 % within 15 minutes AND open interest drops 2 percent in 1 hour",
        "when $btc loses 3% in 15min && oi falls 2% within 60m",
        "if the btc price drops 3pct in 900s and btc oi loses 2% in 1hour",
    ):
        assert made(line) == want
    assert made("btc price > 60k") == made("btc above 60,000") == made("price btc over $60000")


def test_near_a_zone_is_one_percent_where_no_distance_is_said():
    read = read_rule("tell me when btc gets near a long zone", now_ms=0)
    assert read == read_rule("btc near 1% of long zone", now_ms=0)
    assert read_rule("near zone btc", now_ms=0) == read_rule("btc near 1% of zone", now_ms=0)


def test_what_holds_for_the_whole_rule():
    line = "btc above 60000 held for 5m once severity=critical expires=3d hysteresis=10%"
    line += ' note="Sell, AND breathe"'
    got = made(line)
    assert (got.for_ms, got.repeat, got.severity) == (300_000, Repeat.ONCE, Severity.CRITICAL)
    assert (got.expires_ms, got.hysteresis, got.note) == (NOW + 3 * DAY_MS, 0.1, "Sell, AND breathe")
    told = sentence(got, "BTC", until="4 Dec")
    assert told == (
        "When BTC is above 60,000, for 5 minutes without a break: sent as critical "
        "without waiting, once, then never again, until 4 Dec."
    )


@pytest.mark.parametrize(
    ("line", "says", "example"),
    [
        ("btc fals 3% in 15m", "“btc fals 3% in 15m” is not a condition I know", "btc falls 3% in 15m"),
        ("btc fundng above 0.05%", "not a condition", "btc funding above 0.05%"),
        ("btc drops 2% in a ten minute span", "not a condition", "btc falls 3% in 15m"),
        ("btc within a short zone", "not a percent, such as 3%. Try: btc within 1% of long zone", ""),
        ("hello there", "not a condition", "btc falls 3% in 15m and oi drops 2% in 1h"),
        ("btc falls 300% in 15m", "by 300 % is out of range: 0.05 % to 90 %", ""),
        ("btc falls much in 15m", "“much” is not a percent, such as 3%", ""),
        ("btc falls 3% in 15", "“15” is not a length of time, such as 15m", ""),
        ("btc falls 3% and eth falls 3%", "names btc and eth", "btc falls 3% in 15m and oi drops 2% in 1h"),
        ("btc falls 3% and", "A condition is missing", "btc falls 3% in 15m and oi drops 2% in 1h"),
        ("(btc falls 3%", "opened that is not closed", "btc falls 3% in 15m and oi drops 2% in 1h"),
        ("btc falls 3%)", "closed that was not opened", "btc falls 3% in 15m and oi drops 2% in 1h"),
        ("", "No condition was given", "btc falls 3% in 15m and oi drops 2% in 1h"),
        ("oi_change btc bye=5%", "oi_change has no “bye”. It has by, window, direction", ""),
        ("btc zone swept for=5m", "leave for= out", "btc single liquidation above 1M"),
        ("btc near 1% zone on okx", "all venues together", "btc within 1% of long zone"),
    ],
)
def test_mistakes_are_said_with_what_would_work(line, says, example):
    error = why(line)
    assert says in error.message
    assert error.example == example
    if example:
        made(example)


def test_venues_are_named_where_they_are_asked_together():
    """A price is that of the venue that stands for its market; open interest and funding are of all."""
    for line, where in (
        ("btc above 60000", "60,000"),
        ("btc volume above 5x", "1 day"),
        ("btc above 60000 on okx", ", on okx"),
        ("btc oi drops 2% in 1h", ", on all venues together"),
    ):
        assert sentence(made(line), "BTC").partition(":")[0].endswith(where), line
    told = sentence(made("btc above 60000 and oi drops 2% in 1h and volume above 5x on okx"), "BTC")
    assert told.startswith("When BTC is above 60,000 and open interest in BTC falls 2 % within 1 hour on all")
    assert told.count("venues") == told.count("on okx") == 1
    assert "venues" not in sentence(made("btc above 60000 and volume above 5x"), "BTC")


def test_limits():
    assert "16 conditions" in why(" and ".join(["btc falls 3%"] * (MAX_CONDITIONS + 1))).message
    assert "Brackets" in why("((((btc falls 3%))))").message
    assert (
        "different ways"
        in why(
            "(btc crosses 1 or crosses 2) and (crosses 3 or crosses 4) and (moves 3% or oi moves 2%)"
        ).message
    )
    assert "longer than" in why("btc above 1 " * 100).message
    assert "for is 1 day at most" in why("btc above 1 for=2d").message
    assert "severity may be info, warning, critical" in why("btc above 1 severity=loud").message
    assert "twice" in why("btc above 1 for=2m for=3m").message


def conditions():
    def of(name):
        kind = kinds()[name]
        fields = {
            field: st.floats(p.low, p.high).map(lambda v, p=p: round(v) if p.unit is Unit.TIME else v)
            for field, p in described(kind).items()
        }
        fields |= {
            field: st.sampled_from(choices(kind, field))
            for field in kind.__dataclass_fields__
            if choices(kind, field)
        }
        return st.fixed_dictionaries({}, optional=fields).map(lambda given: _valid(kind, given)).filter(bool)

    return st.sampled_from(sorted(kinds())).flatmap(of)


def _valid(kind, given):
    try:
        return kind.of_json(given)
    except ValueError:
        return None


EXPRESSIONS = st.recursive(
    conditions().map(Leaf),
    lambda inner: st.builds(
        lambda join, parts: join(tuple(parts)),
        st.sampled_from([All, AnyOf]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(
    when=EXPRESSIONS,
    hold=st.sampled_from([0, 30_000]),
    repeat=st.sampled_from(list(Repeat)),
    note=st.text(max_size=30),
)
def test_json_gives_back_what_was_stored(when, hold, repeat, note):
    try:
        spec = Spec(when=when, for_ms=hold, repeat=repeat, note=note, expires_ms=NOW, severity=Severity.INFO)
    except UserError:
        return
    stored = json.loads(json.dumps(to_json(spec)))
    assert of_json(stored) == spec
    shared = to_share(spec)
    assert "note" not in shared
    assert "expires_ms" not in shared
    assert from_share(shared).when == when


@settings(max_examples=100, deadline=None)
@given(condition=conditions())
def test_what_is_written_reads_as_the_same_to_eight_digits(condition):
    back = made(write_rule(Spec(when=Leaf(condition)), "btc")).when.condition
    assert type(back) is type(condition)
    for name in described(type(condition)):
        want, got = getattr(condition, name), getattr(back, name)
        assert got == pytest.approx(want, rel=1e-6, abs=1e-8) if want is not None else got is None
    for name in condition.__dataclass_fields__:
        if choices(type(condition), name):
            assert getattr(back, name) == getattr(condition, name)


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"v": 2, "when": {"type": "oi_change"}},
        {"v": 1},
        {"v": 1, "when": {"type": "nothing"}},
        {"v": 1, "when": {"type": "oi_change", "by": "much"}},
        {"v": 1, "when": {"type": "oi_change", "by": True}},
        {"v": 1, "when": {"type": "oi_change", "venue": 3}},
        {"v": 1, "when": {"all": [{"type": "oi_change"}]}},
        {"v": 1, "when": {"type": "oi_change"}, "owner": "discord:1"},
        {"v": 1, "when": {"type": "oi_change"}, "for_ms": "5m"},
        {"v": 1, "when": {"type": "oi_change"}, "severity": "loud"},
        {"v": 1, "when": {"type": "oi_change"}, "repeat": []},
    ],
)
def test_json_that_is_none_is_refused_in_words(stored):
    with pytest.raises(UserError):
        of_json(stored)


def test_a_share_code_that_carries_more_is_refused():
    shared = to_share(made("btc above 1"))
    for extra in ({"note": "x"}, {"expires_ms": 1}, {"destination": "here"}, {"owner": "discord:1"}):
        with pytest.raises(UserError):
            from_share({**shared, **extra})


def test_what_an_installation_lacks_is_known_when_the_rule_is_made():
    assert lacking(LiqVolume(side=Side.LONG), frozenset({"candles", "prices"})) == ("liquidations",)
    assert lacking(LiqVolume(), frozenset({"liquidations"})) == ()
    both = made("btc falls 3% and oi drops 2%")
    assert [leaf.condition.kind for leaf in leaves(both.when)] == ["price_change", "oi_change"]


@given(unit=st.sampled_from(list(Unit)), value=st.integers(1, 10**9))
def test_quantities_read_as_they_are_typed(unit, value):
    amount = value * 1000 if unit is Unit.TIME else value
    assert read(unit, typed(unit, amount)) == pytest.approx(amount)
    assert say(unit, amount)


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e999", "9" * 400, "--1", "1m2", "%"])
@pytest.mark.parametrize("unit", list(Unit))
def test_what_is_no_quantity_is_refused(unit, text):
    with pytest.raises(ValueError, match="such as"):
        read(unit, text)


def test_what_is_lacking_is_said_in_words():
    told = lacking_sentence(LiqVolume, ("liquidations",))
    assert told == (
        "This installation lacks liquidations, which liq_volume needs: it would never become true."
    )
    assert "long short and prices" in lacking_sentence(LiqVolume, ("long_short", "prices"))
    both = made("btc falls 3% and (cascade or oi drops 2%)")
    assert lacking_of(both.when, frozenset({"prices"})) == {
        "liq_cascade": ("liquidations",),
        "oi_change": ("open_interest",),
    }


WORDS = {
    "above": ("above",),
    "below": ("below",),
    "long": ("long ", "longs "),
    "short": ("short ", "shorts "),
    "up": ("rises", "bounces", "above|off", "positive", "price up", "new? {window_ms} high", "new high"),
    "down": ("falls", "pulls back", "below|off", "negative", "price down", "new? {window_ms} low", "new low"),
}


def test_what_a_phrase_settles_is_what_its_words_say():
    for kind in kinds().values():
        for phrase in kind.phrases:
            for value in map(str, phrase.settles.values()):
                if value != "either":
                    assert any(word in phrase.template for word in WORDS[value]), (phrase, value)


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("tell me when btc drops 5% in an hour", "btc falls 5% in 1h"),
        ("let me know if btc dumps by 5% in 1 hour", "btc falls 5% in 1h"),
        ("btc is up 5% in 1h", "btc rises 5% in 1h"),
        ("btc price down 3% in 1h", "btc falls 3% in 1h"),
        ("btc -3% in 15m and oi +2% in 1h", "btc falls 3% in 15m and oi rises 2% in 1h"),
        ("btc oi up 5%", "btc oi rises 5%"),
        ("btc hits $120k", "btc crosses 120000"),
        ("btc breaks below 100k", "btc below 100000"),
        ("btc volume spike", "btc volume above 10x"),
        ("btc falls 2% in 10m and volume is 4x normal", "btc falls 2% in 10m and btc volume above 4x"),
        ("btc comes within 1% of a big long zone", "btc within 1% of long zone"),
        ("btc short zone is swept", "btc short zone swept"),
        ("open interest of btc drops 5% in an hour", "btc oi falls 5% in 1h"),
        ("funding of btc goes negative", "btc funding flips negative"),
        ("btc funding is over 0.03% on bybit", "btc funding above 0.03% on bybit"),
        ("btc crosses above 100k", "btc above 100000"),
        ("btc stays below 60000 for 5 minutes", "btc below 60000 for=5m"),
        ("no data for btc for 2 minutes", "btc stale 2m"),
        ("btc long liquidated for 5M", "btc long liquidated above 5M"),
        ("btc trades outside 100k-110k", "btc leaves 100000 to 110000"),
        ("btc drops 5% from its 4h high", "btc pulls back 5% in 4h"),
        ("btc makes a new daily low", "btc makes a new 1d low"),
    ],
)
def test_what_people_say(said, plain):
    assert read_rule(said, now_ms=0) == read_rule(plain, now_ms=0)


@pytest.mark.parametrize(
    "line", ["btc price up 1% while oi down 2% in 4h", "btc price down 1% while oi up 2% in 4h"]
)
def test_up_and_down_stay_where_they_belong(line):
    assert "while open interest" in read_rule(line, now_ms=0).spec.when.condition.says("BTC")


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("near 1% zone btc", "btc near 1% zone"),
        ("falls 3% in 15m btc", "btc falls 3% in 15m"),
        ("falls 3% in 15m for btc once", "btc falls 3% in 15m once"),
        ("zone swept of eth and oi falls 2% in 1h", "eth zone swept and oi falls 2% in 1h"),
    ],
)
def test_a_coin_may_stand_last(line, same):
    assert read_rule(line, now_ms=0) == read_rule(same, now_ms=0)


@pytest.mark.parametrize("line", ["dogs fly", "falls 3% in 15m 20", "within zone", "btc"])
def test_a_last_word_makes_no_condition_of_what_is_none(line):
    with pytest.raises(UserError):
        read_rule(line, now_ms=0)
