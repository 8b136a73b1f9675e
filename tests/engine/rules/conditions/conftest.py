import pytest

from engine.rules.condition import kinds
from engine.rules.expression import of_json, to_json
from engine.rules.feature import Direction, Threshold
from engine.rules.sentence import sentence
from engine.rules.text import read_rule, write_rule

NOW = 1_764_547_200_000


class Rule:
    """One rule of a line, fed with values by metric; it remembers what is true, as an evaluator does."""

    def __init__(self, line):
        read = read_rule(line, now_ms=NOW)
        self.spec, self.coin = read.spec, read.coin
        self.condition = self.spec.when.condition
        self.branches = self.spec.branches("BTCUSDT")
        self.sentence = sentence(self.spec, "BTC")
        self.true = {atom: False for branch in self.branches for atom in branch}
        assert of_json(to_json(self.spec)) == self.spec
        assert read_rule(write_rule(self.spec, "btc"), now_ms=NOW).spec == self.spec

    @property
    def features(self):
        return {atom.feature for branch in self.branches for atom in branch}

    def after(self, **values):
        """Return which branches are true once features have these values; the others stay as they are."""
        for atom in self.true:
            value = values.get(atom.feature.metric.value)
            assert isinstance(atom, Threshold)
            if value is None:
                continue
            up = atom.direction is Direction.ABOVE
            if value > atom.value if up else value < atom.value:
                self.true[atom] = True
            elif value <= atom.rearm if up else value >= atom.rearm:
                self.true[atom] = False
        return [number for number, branch in enumerate(self.branches) if all(self.true[a] for a in branch)]


@pytest.fixture
def rule():
    """A function that makes a rule of a line."""
    return Rule


@pytest.fixture
def refused():
    """A function that says why parameters are refused."""

    def why(kind, **values):
        with pytest.raises(ValueError, match=r"Try: .+") as caught:
            kinds()[kind].of_json(values)
        return str(caught.value)

    return why
