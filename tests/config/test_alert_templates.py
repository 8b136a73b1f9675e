"""The templates that ship do what they say, and a file that is wrong is refused by name."""

import pytest

from config.alert_templates import read_templates
from engine.errors import ConfigError, UserError
from engine.model import Severity
from engine.rules.atom import EventAtom, ZoneNear
from engine.rules.expression import from_share, to_share
from engine.rules.feature import Direction, Threshold
from engine.rules.sentence import sentence
from engine.rules.templates import parse_template

TEMPLATES = read_templates()
SHIPPED = {
    "breakout", "cascade-radar", "deleveraged", "fake-out", "funding-flip", "long-squeeze", "magnet-approach",
    "overnight", "short-squeeze", "wake-up",
}  # fmt: skip


def fires(spec, values):
    """Say whether any branch is true of values; what is not given is unknown."""

    def true(atom):
        if isinstance(atom, ZoneNear):
            return values.get("zone") == "near"
        if isinstance(atom, EventAtom):
            return False
        assert isinstance(atom, Threshold)
        value = values.get(atom.feature.metric.value, float("nan"))
        return value > atom.value if atom.direction is Direction.ABOVE else value < atom.value

    return any(all(true(atom) for atom in branch) for branch in spec.branches("BTCUSDT"))


def test_those_of_which_there_is_data_ship():
    assert set(TEMPLATES) == SHIPPED


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_its_events_show_what_it_does(name):
    template = TEMPLATES[name]
    spec = template.fill()
    for event in template.events:
        assert fires(spec, event.values) is event.fires, event
    if name != "magnet-approach":
        assert {event.fires for event in template.events} == {True, False}
    assert "BTC" in sentence(spec, "BTC")
    assert from_share(to_share(spec)) == spec


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_parameter_has_its_say_at_both_ends_of_its_range(name):
    from engine.rules.quantity import typed

    template = TEMPLATES[name]
    for key, gap in template.gaps.items():
        ends = {end: template.fill({key: typed(gap.unit, end)}) for end in (gap.low, gap.high)}
        assert ends[gap.low] != ends[gap.high]


def test_parameters_are_typed_and_a_copy_is_independent():
    template = TEMPLATES["overnight"]
    spec = template.fill({"by": "5%"})
    assert spec.severity is Severity.CRITICAL
    assert "5 % within 1 hour" in sentence(spec, "BTC")
    assert "3 % within 1 hour" in sentence(template.fill(), "BTC")
    with pytest.raises(UserError, match=r"by 95 % is out of range: 0.05 % to 90 %") as caught:
        template.fill({"by": "95%"})
    assert caught.value.example == "by=3%"
    with pytest.raises(UserError, match="is not a percent"):
        template.fill({"by": "much"})
    with pytest.raises(UserError, match=r"no parameter “bye”. It has: by, times, silence"):
        template.fill({"bye": "5%"})


GOOD = 'version = 1\ntitle = "t"\nabout = "a"\nwhen = "oi falls 5%"\nseverity = "info"\n'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not toml",
        GOOD.replace("1", "2"),
        GOOD.replace("oi falls 5%", "oi falls {by}"),
        GOOD.replace("oi falls 5%", "oi fals much"),
        GOOD.replace("info", "loud"),
        GOOD + "owner = 1\n",
        GOOD + '[parameters.by]\nunit = "percent"\ndefault = "3%"\nlow = "1%"\nhigh = "9%"\nmeans = "m"\n',
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name(text):
    assert parse_template(GOOD, name="good").name == "good"
    with pytest.raises(ConfigError, match="template mine: "):
        parse_template(text, name="mine")
