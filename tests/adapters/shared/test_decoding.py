"""Frames are decoded as json.loads does it, and refused where it refuses."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.decoding import decoded, strictly_decoded

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def refused(text):
    try:
        decoded(text)
    except ValueError:
        return True
    return False


@given(VALUES, st.sampled_from(["", " ", "\n", "\t \r"]))
def test_what_was_written_is_read(value, space):
    text = space + json.dumps(value, ensure_ascii=False) + space
    assert decoded(text) == json.loads(text)
    if "Infinity" not in text:
        assert strictly_decoded(text) == json.loads(text)


@given(st.text() | st.text('[]{}":,.0123456789truefalsnl \\\ufeff'))
def test_what_is_no_json_is_refused_as_ever(text):
    try:
        wanted = json.loads(text)
    except ValueError:
        assert refused(text)
    else:
        assert decoded(text) == wanted


def test_bytes_are_read_as_utf_8():
    assert decoded('{"a":"é"}'.encode()) == {"a": "é"}
    with pytest.raises(ValueError, match="utf-8"):
        decoded(b"\xff\xff")


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", ' {"a":-Infinity}'])
def test_what_is_no_number_is_refused_where_it_should_be(text):
    assert decoded(text) is not None
    with pytest.raises(ValueError, match=r"NaN|Infinity"):
        strictly_decoded(text)
