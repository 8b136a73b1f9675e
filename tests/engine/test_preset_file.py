"""A file of models is read strictly: what is right gives a preset, what is wrong a line that says so."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.heatmap import Heatmap
from engine.preset_file import MAX_MODELS, parse_presets
from engine.preset_keys import KEYS, LISTS, NUMBERS, ROWS
from engine.preset_values import Number
from engine.presets import LEVERAGE, PRESETS, SIMPLE, EntryPoint, Fuel, Level, Lifetime, Sides


def one(text, base="flow"):
    """Return the one model that a few keys on a base make."""
    [(name, preset)] = parse_presets(f'[models.mine]\nbase = "{base}"\n{text}\n', name="m.toml").items()
    assert name == preset.name == "mine"
    return preset


def problems(text):
    """Return the lines that refuse a whole file."""
    with pytest.raises(ConfigError) as caught:
        parse_presets(text, name="m.toml")
    return caught.value.problems


def refused(text, base="flow"):
    """Return the one line that refuses a few keys on a base, without the model's and the file's name."""
    [line] = problems(f'[models.mine]\nbase = "{base}"\n{text}\n')
    assert line.startswith("models.mine")
    assert " (m.toml): " in line
    return line.removeprefix("models.mine").removeprefix(".").replace(" (m.toml)", "", 1)


@pytest.mark.parametrize("base", PRESETS)
def test_a_base_alone_is_that_model_by_another_name(base):
    assert one("", base) == replace(PRESETS[base], name="mine")


@pytest.mark.parametrize(
    ("text", "base", "parts"),
    [
        ('take_profit = "0.8%"', "flow", {"take_profit": 0.008}),
        ('take_profit = "never"', "flow", {"take_profit": None}),
        ("volume_exponent = 1", "flow", {"volume_exponent": 1.0}),
        ("norm_days = 10\nnorm_min_days = 2.5", "flow", {"norm_days": 10.0, "norm_min_days": 2.5}),
        ("warm_days = 21", "flow", {"warm_days": 21.0}),
        ("reach = 0.6", "flow", {"reach": 0.6}),
        ('feedback = "20%"', "leverage", {"feedback": 0.2}),
        ('sides = "both"', "simple", {"sides": Sides.BOTH}),
        ("spread = 9", "leverage", {"spread": 9}),
        ("spread = 3", "flow", {"spread": 3, "entry": ()}),
        ("entry = [{close = 1}]", "leverage", {"spread": 0, "entry": (EntryPoint(close=1.0),)}),
        (
            "entry = [{low = 1, share = 0.25}, {open = 0.5, high = 0.5, share = 0.75}]",
            "flow",
            {"entry": (EntryPoint(low=1.0, share=0.25), EntryPoint(open=0.5, high=0.5, share=0.75))},
        ),
        (
            "entry = [{low = 1}, {high = 1}]",
            "flow",
            {"entry": (EntryPoint(low=1.0, share=0.5), EntryPoint(high=1.0, share=0.5))},
        ),
        (
            'lifetimes = [{half_life_h = 6, amplitude = 0.5}, {half_life_h = "never", amplitude = 0.5}]',
            "leverage",
            {
                "lifetimes": (
                    Lifetime(half_life_h=6.0, amplitude=0.5),
                    Lifetime(half_life_h=math.inf, amplitude=0.5),
                )
            },
        ),
        (
            'distances = [0.005, "2%"]\nweights = [3, "150%"]',
            "flow",
            {"levels": (Level.at(0.005, weight=3.0), Level.at(0.02, weight=1.5))},
        ),
        (
            "leverages = [20, 40]\nweights = [0.5, 0.5]\nmaintenance_margin_rate = 0.01",
            "simple",
            {"levels": (Level.rung(20.0, 0.01, weight=0.5), Level.rung(40.0, 0.01, weight=0.5))},
        ),
    ],
)
def test_each_part_can_be_changed_alone(text, base, parts):
    assert one(text, base) == replace(PRESETS[base], name="mine", **parts)


def test_weights_alone_are_of_the_base_s_levels():
    preset = one("weights = [0.1, 0.2, 0.3, 0.2, 0.2]", "leverage")
    assert preset.distances == LEVERAGE.distances
    assert preset.weights == (0.1, 0.2, 0.3, 0.2, 0.2)


def test_distances_on_flow_weigh_what_they_are_as_flow_s_do():
    preset = one("distances = [0.004, 0.03]")
    assert preset.weights == pytest.approx((0.004, 0.03))
    assert one("leverages = [25]").weights == one("leverages = [25]").distances


def test_a_rate_alone_moves_the_ladder_of_the_base():
    preset = one('maintenance_margin_rate = "0.6%"', "leverage")
    assert preset.weights == LEVERAGE.weights
    assert preset.distances == pytest.approx([(1 / x - 0.006) / 0.994 for x in (5, 10, 25, 50, 100)])


def test_shares_that_sum_to_one_but_for_rounding_are_made_to():
    preset = one("entry = [{open = 0.3333333, high = 0.3333333, close = 0.3333333}]")
    assert preset.entry[0].open == pytest.approx(1 / 3, abs=1e-12)


def test_models_keep_the_order_of_the_file_and_their_names():
    made = parse_presets(b'[models.z]\nbase = "flow"\n[models.a-1_b]\nbase = "simple"\n', name="m.toml")
    assert list(made) == ["z", "a-1_b"]
    assert made["a-1_b"] == replace(SIMPLE, name="a-1_b")


@pytest.mark.parametrize(
    ("text", "base", "line"),
    [
        ("fedback = 1", "leverage", "fedback: there is no such key. Did you mean feedback?"),
        ("name = 1", "flow", "name: there is no such key. It may be base, distances"),
        ('"Re ach" = 1', "flow", "'Re ach': there is no such key. Did you mean reach?"),
        ("reach = 0.7", "flow", "reach=0.7: wants a log width of price from 0.01 to 0.6, such as 0.12"),
        ("reach = 0.005", "flow", "reach=0.005: wants a log width"),
        ('reach = "12%"', "flow", "reach='12%': wants a log width"),
        ("reach = true", "flow", "reach=True: wants a log width"),
        ("reach = nan", "flow", "reach=nan: wants a log width"),
        ("warm_days = inf", "flow", "warm_days=inf: wants 1 to 60 days"),
        ("reach = [0.1]", "flow", "reach=a list of 1: wants a log width"),
        ("warm_days = 61", "flow", "warm_days=61: wants 1 to 60 days, such as 7"),
        ("take_profit = 0", "flow", "take_profit=0: wants a move in log price from 0.0005 to 0.6"),
        ('take_profit = "no"', "flow", "take_profit='no': wants a move"),
        ("volume_exponent = -1", "flow", "volume_exponent=-1: wants a number from 0 to 2"),
        ("spread = 2.5", "leverage", "spread=2.5: wants a whole number from 1 to 16"),
        ("spread = 17", "leverage", "spread=17: wants a whole number from 1 to 16"),
        ("feedback = 2", "leverage", "feedback=2: wants a fraction from 0 to 1"),
        ('sides = "all"', "leverage", "sides='all': wants both or colour"),
        ("distances = []", "flow", "distances=a list of 0: wants 1 to 64 fractions"),
        ("distances = 0.01", "flow", "distances=0.01: wants 1 to 64 fractions"),
        (f"distances = {[0.001 * i for i in range(1, 66)]}", "flow", "distances=a list of 65: wants 1 to 64"),
        ("distances = [0.01, 2]", "flow", "distances[2]=2: wants a fraction from 0.0005 to 0.45"),
        ("distances = [0.01, 0.0001]", "flow", "distances[2]=0.0001: wants a fraction from 0.0005"),
        ('distances = ["1 percent"]', "flow", "distances[1]='1 percent': wants a fraction"),
        ("distances = [0.01, 0.01]", "flow", "distances: names 0.01 more than once."),
        ("distances = [0.01, 0.2]", "flow", "reach: is 0.12 (of flow), and in log price the farthest level"),
        (
            "distances = [0.2]\nreach = 0.2",
            "flow",
            "reach: is 0.2, and in log price the farthest level is 0.223",
        ),
        ("distances = [0.01]\nleverages = [10]", "flow", "leverages: does not go with distances."),
        ("leverages = [2]", "flow", "leverages[1]=2: wants a leverage from 2.3 to 500"),
        (
            "leverages = [25, 300]",
            "flow",
            "leverages: a leverage of 300 has no room above a maintenance margin",
        ),
        (
            "maintenance_margin_rate = 0.02",
            "leverage",
            (
                "maintenance_margin_rate: a leverage of 100 has no room above a maintenance margin rate of "
                "0.02. Write leverages of 48 or less, or a lower rate."
            ),
        ),
        (
            "maintenance_margin_rate = 0.01",
            "flow",
            "maintenance_margin_rate: belongs to leverages, and there",
        ),
        ("weights = [1, 2]", "leverage", "weights: has 2 for 5 levels. Write one a level, in their order."),
        ("distances = [0.01]\nweights = [0]", "flow", "weights: is 0 for every level"),
        (
            "leverages = [10]\nweights = [1.5]",
            "leverage",
            "weights: sums to 1.5, and on leverage weights are shares",
        ),
        ("leverages = [10]", "leverage", "weights: is missing: on leverage each level holds a share"),
        ("distances = [0.01]", "simple", "weights: is missing: on simple each level holds a share"),
        ("weights = [-1]", "flow", "weights[1]=-1: wants a number from 0 to 1000"),
        ("lifetimes = []", "flow", "lifetimes=a list of 0: wants 1 to 8 lifetimes"),
        (
            f"lifetimes = [{'{half_life_h = 1, amplitude = 1},' * 9}]",
            "flow",
            "lifetimes=a list of 9: wants 1 to 8 lifetimes",
        ),
        ("lifetimes = [48]", "flow", "lifetimes[1]=48: wants a table of half_life_h, amplitude"),
        (
            "lifetimes = [{half_life_h = 0, amplitude = 1}]",
            "flow",
            'lifetimes[1].half_life_h=0: wants hours from 0.05 to 8760, such as 48, or "never"',
        ),
        ("lifetimes = [{half_life_h = 1}]", "flow", "lifetimes[1].amplitude: is missing; it wants a number"),
        (
            "lifetimes = [{half_life = 1, half_life_h = 1, amplitude = 1}]",
            "flow",
            "lifetimes[1].half_life: there is no such key. Did you mean half_life_h?",
        ),
        (
            "lifetimes = [{half_life_h = 1, amplitude = 1.67}]",
            "leverage",
            "lifetimes: has amplitudes that sum to 1.67; on leverage they are shares.",
        ),
        ("entry = [{open = 0.5}]", "flow", "entry[1]: is 0.5 of prices in all. Write shares of open, high"),
        ("entry = [{open = 1.5}]", "flow", "entry[1].open=1.5: wants the share of this price, from 0 to 1"),
        ("entry = [{}]", "flow", "entry[1]: is 0 of prices in all."),
        ("entry = [{open = 1, share = 0.5}]", "flow", "entry: has shares that sum to 0.5."),
        ("entry = [{open = 1, share = 1}, {low = 1}]", "flow", "entry: has a share in some of its points."),
        ("entry = [{open = 1}]\nspread = 3", "flow", "spread: does not go with entry."),
        ("feedback = 0.1", "flow", "feedback: is not used on flow, whose mass is made of volume."),
        ('sides = "colour"', "flow", "sides: is not used on flow, whose mass is made of volume."),
        ("norm_days = 9", "simple", "norm_days: is not used on simple, whose mass is made of open interest."),
        ("norm_days = 2", "flow", "norm_min_days: is 3 (of flow), and norm_days is 2. Write 2 or less."),
        ("norm_min_days = 8", "flow", "norm_min_days: is 8, and warm_days is 7 (of flow). Write 7 or less."),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(text, base, line):
    assert refused(text, base).startswith(line)


@pytest.mark.parametrize(
    "wrong", ["[models.mine]\nreach = 0.2", '[models.mine]\nbase = "flwo"', "[models.mine]\nbase = 5"]
)
def test_the_base_must_be_a_shipped_model(wrong):
    [line] = problems(wrong)
    assert line.startswith("models.mine.base")
    assert '"flow" or "leverage" or "simple"' in line
    assert ("Did you mean flow?" in line) == ("flwo" in wrong)


@pytest.mark.parametrize("name", ["Mine", "1st", "a b", "-a", "a" * 25, "", "ä", "a.b"])
def test_a_name_is_plain(name):
    [line] = problems(f'[models."{name}"]\nbase = "flow"\n')
    assert "a name is a small letter, then up to 23 of a-z, 0-9, _ and -, such as my-model." in line


@pytest.mark.parametrize("name", PRESETS)
def test_a_shipped_model_is_never_replaced(name):
    [line] = problems(f'[models.{name}]\nbase = "flow"\n')
    told = f"a model that ships is called {name}. Call yours otherwise, such as my-{name}."
    assert line == f"models.{name} (m.toml): {told}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "m.toml: holds no model."),
        ("models = 3", "m.toml: holds no model."),
        ("[models]", "m.toml: holds no model."),
        ("[models]\nmine = 3", "models.mine=3 (m.toml): wants a table of keys"),
        ("[models.a]\nreach = .5", "m.toml: is not TOML: Invalid value (at line 2, column 9)."),
        ("[models.a]\nbase = 'flow'\nbase = 'flow'", "m.toml: is not TOML: Cannot overwrite a value"),
        (b"\xff\xfe", "m.toml: is not UTF-8 text."),
        ("a = " + "[" * 5000, "m.toml: cannot be read"),
        ("a = " + "9" * 5000, "m.toml: cannot be read"),
    ],
)
def test_a_file_that_is_none_is_told(text, line):
    [said] = problems(text)
    assert said.startswith(line)


def test_every_problem_of_every_model_is_told_at_once():
    lines = problems(
        "[model]\n[models.a]\nbase = 'flow'\nreach = 7\nwarm_days = 0\n"
        "[models.flow]\nbase = 'flwo'\nentry = [{open = 2, clos = 1}]\n"
    )
    assert [line.split(" (m.toml)")[0] for line in lines] == [
        "model",
        "models.a.warm_days=0",
        "models.a.reach=7",
        "models.flow.entry[1].clos",
        "models.flow.entry[1].open=2",
        "models.flow.base='flwo'",
        "models.flow",
    ]


def test_as_many_models_as_a_chat_can_list():
    def file(count):
        return "".join(f"[models.m{i}]\nbase = 'flow'\n" for i in range(count))

    assert len(parse_presets(file(MAX_MODELS), name="m.toml")) + len(PRESETS) == 25
    [line] = problems(file(MAX_MODELS + 1))
    assert line == "m.toml: holds 23 models; 22 is the most. Remove some."


def test_numbers_that_cannot_be_written_out_are_refused():
    assert refused("reach = 0x" + "f" * 5000).startswith("reach=a number of 20000 bits: wants a log width")


def test_what_the_preset_itself_refuses_is_told_too(monkeypatch):
    """Its own checks stay the last line of defence, should a key's limits be too wide."""
    monkeypatch.setitem(NUMBERS, "take_profit", Number(low=-1, high=1, wants="anything"))
    line = refused("take_profit = -1")
    assert line.startswith(": cannot be put together: preset mine: take_profit must be above 0.")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["half_life_h", "amplitude", "open", "share", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def written(value):
    """Return a value as TOML."""
    match value:
        case None:
            return '"never"'
        case bool():
            return str(value).lower()
        case str():
            return '"' + "".join(f"\\U{ord(c):08x}" for c in value if not 0xD800 <= ord(c) < 0xE000) + '"'
        case dict():
            return "{" + ", ".join(f"{k} = {written(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case _:
            return repr(value)


@given(
    st.sampled_from(sorted(PRESETS)),
    st.dictionaries(st.sampled_from([*KEYS[1:], "strange"]), JUNK, max_size=5),
)
def test_whatever_is_written_gives_a_model_that_is_bounded_or_lines(base, keys):
    text = "\n".join(f"{key} = {written(value)}" for key, value in keys.items())
    lines: list[str] = []
    try:
        preset = one(text, base)
    except ConfigError as error:
        lines = error.problems
    if lines:
        assert all("(m.toml): " in line and "\n" not in line for line in lines)
        return
    assert "strange" not in keys
    assert len(preset.levels) <= 64
    assert len(preset.lifetimes) <= 8
    assert max(level.long_log for level in preset.levels) < preset.reach <= 0.6


@pytest.mark.parametrize("key", [*LISTS, *ROWS, *NUMBERS])
def test_the_value_that_a_key_names_in_its_error_works(key):
    wants = (LISTS.get(key) or ROWS.get(key) or NUMBERS[key]).wants
    [value] = re.findall(r"such as ((?:\[.*\])|[0-9.]+)", wants)
    beside = {"weights": "distances = [0.01, 0.02]", "maintenance_margin_rate": "leverages = [10]"}
    preset = one(f"{key} = {value}\n{beside.get(key, '')}", "leverage" if key == "feedback" else "flow")
    assert preset.levels


def test_the_largest_model_is_bounded(market):
    distances = [0.0005 + 0.007 * i for i in range(64)]
    preset = one(f"distances = {distances}\nspread = 16\nreach = 0.6\nnorm_min_days = 0.25")
    heatmap = Heatmap(preset)
    columns = heatmap.feed(market(400))
    assert columns.width == 3000
    assert np.isfinite(columns.long).all()
    assert columns.short[-1].sum() > 0


PAGE = Path(__file__).parents[2] / "docs" / "model.md"


@pytest.fixture
def section():
    """The part of the model's page that is about models of one's own."""
    return PAGE.read_text(encoding="utf-8").split("### Models of your own\n")[1].split("\n### ")[0]


def test_the_example_of_the_docs_works_as_it_stands(section):
    [example] = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    made = parse_presets(example, name="models.toml")
    assert list(made) == ["swing", "scalp", "book"]
    for key in KEYS:
        assert re.search(rf"^{key} = ", example, re.MULTILINE), f"the example says nothing of {key}"
    assert made["swing"].distances == pytest.approx((0.005, 0.01, 0.02, 0.04, 0.08, 0.15))
    assert [life.half_life_h for life in made["swing"].lifetimes] == [6, math.inf]
    assert (made["scalp"].spread, len(made["scalp"].entry), made["scalp"].feedback) == (0, 2, 0.05)
    assert (made["book"].spread, made["book"].entry, made["book"].sides) == (5, (), Sides.BOTH)


def test_the_models_of_the_docs_can_be_fed(section, market):
    [example] = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    candles = market(700)
    coins = 1e5 + np.cumsum(np.random.default_rng(4).normal(20, 50, 700))
    candles = replace(candles, open_interest=coins)
    for preset in parse_presets(example, name="models.toml").values():
        heatmap = Heatmap(preset)
        columns = heatmap.feed(candles)
        assert columns.long[-1].sum() > 0, preset.name
        assert columns.short[-1].sum() > 0, preset.name
        if preset.fuel is Fuel.OPEN_INTEREST:
            worth = coins[-1] * candles.close[-1]
            assert all(moved.standing < worth for moved in heatmap.totals().values())


def test_the_table_of_the_docs_has_every_key(section):
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|.*$", section, re.MULTILINE))))
    assert set(KEYS) <= told
