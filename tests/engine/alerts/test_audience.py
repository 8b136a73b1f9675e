"""What is told in a group and what is told in private never share a message."""

from collections.abc import Callable

import pytest

from engine.alerts.memory import Memory
from engine.alerts.stage import IN_APP, Action, Destination, RuleView
from engine.model import Fire, RuleId, Severity

MakeFire = Callable[..., Fire]
GROUP = Destination(channel="telegram", place="-100123")


@pytest.mark.parametrize("severity", [Severity.CRITICAL, Severity.WARNING])
def test_a_watch_in_a_group_and_one_in_private_are_both_told(make_fire: MakeFire, severity: Severity) -> None:
    memory = Memory(
        rules={
            RuleId(1): RuleView(rule_id=RuleId(1)),
            RuleId(2): RuleView(rule_id=RuleId(2), destination=GROUP),
        }
    )
    fires = [make_fire(severity, rule=1), make_fire(severity, rule=2, after_s=1)]
    for fire in fires:
        memory.submit(fire, fire.ts)
    memory.sweep(fires[-1].ts + 30_000, lambda _: True)
    sent = [r.last for r in memory.records.values() if r.last.action is Action.SEND]
    assert {place.audience for outcome in sent for place in outcome.destinations} == {
        IN_APP.audience,
        GROUP.audience,
    }
    assert {e.audience for e in memory.episodes.values()} == {IN_APP.audience, GROUP.audience}


def test_for_one_audience_the_twin_of_another_rule_still_folds(make_fire: MakeFire) -> None:
    memory = Memory(rules={RuleId(r): RuleView(rule_id=RuleId(r), destination=GROUP) for r in (1, 2)})
    fires = [make_fire(Severity.CRITICAL, rule=1), make_fire(Severity.CRITICAL, rule=2, after_s=1)]
    assert [memory.submit(fire, fire.ts).action for fire in fires] == [Action.SEND, Action.FOLD]
