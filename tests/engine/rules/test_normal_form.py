"""AND and OR become branches that say the same, few enough, in the order of the words."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UserError
from engine.rules.normal_form import MAX_BRANCHES, conjunction, disjunction

A, B, C = ((("a",),), (("b",),), (("c",),))


def test_and_spreads_over_or():
    assert conjunction(A, disjunction(B, C)) == (("a", "b"), ("a", "c"))


def test_what_is_said_twice_is_said_once():
    assert conjunction(A, A) == A
    assert disjunction(A, conjunction(A, B), A) == A
    assert disjunction(conjunction(A, B), conjunction(B, A)) == (("a", "b"),)


TREES = st.recursive(
    st.sampled_from("abcd"),
    lambda inner: st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=7,
)


def _branches(tree):
    if isinstance(tree, str):
        return ((tree,),)
    return (conjunction if tree[0] == "and" else disjunction)(*map(_branches, tree[1]))


def _true(tree, known):
    if isinstance(tree, str):
        return known[tree]
    return (all if tree[0] == "and" else any)(_true(part, known) for part in tree[1])


@given(TREES)
def test_branches_are_true_when_the_words_are(tree):
    branches = _branches(tree)
    for values in product([False, True], repeat=4):
        known = dict(zip("abcd", values, strict=True))
        assert _true(tree, known) == any(all(known[leaf] for leaf in branch) for branch in branches)


def test_too_many_ways_are_refused_with_their_number_and_an_example():
    several = [disjunction(((f"{n}x",),), ((f"{n}y",),)) for n in range(5)]
    assert len(conjunction(*several[:4])) == MAX_BRANCHES
    with pytest.raises(UserError, match="32 different ways") as caught:
        conjunction(*several)
    assert caught.value.example


def test_too_many_leaves_are_refused():
    with pytest.raises(UserError, match="65 comparisons"):
        disjunction((tuple(str(n) for n in range(65)),))
