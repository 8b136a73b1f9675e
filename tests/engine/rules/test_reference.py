"""The documentation lists every condition and template as they are."""

from pathlib import Path

from config.alert_templates import read_templates
from engine.rules.condition import kinds
from engine.rules.reference import reference

PAGE = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text("utf-8")


def test_every_condition_stands_there_as_it_is():
    assert reference() in PAGE
    for kind in kinds().values():
        assert f"### `{kind.kind}`" in PAGE
        assert f"`{kind.example}`: When " in PAGE


def test_every_template_stands_there_as_it_is():
    for template in read_templates().values():
        assert f"| `{template.name}` | {template.about} | `{template.when}` |" in PAGE
