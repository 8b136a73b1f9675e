"""Button ids say everything they need in 64 bytes, and nothing else passes for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import ids
from engine.errors import UserError


def refusal(read, *args) -> UserError | None:
    """Return what a call is refused with, None where it is not; any other error fails the test."""
    try:
        read(*args)
    except UserError as error:
        return error
    return None


def test_the_grammar():
    assert ids.action("alert", "pause", "123", "1h") == "v1:alert:pause:123:1h"
    assert ids.action("heatmap", "", "BTCUSDT", "12h", edits=True) == "v1:heatmap:-!:BTCUSDT:12h"
    press = ids.read("v1:heatmap:-!:BTCUSDT:12h")
    assert (press.noun, press.verb, press.args, press.edits) == ("heatmap", "", ("BTCUSDT", "12h"), True)


def test_what_does_not_fit_is_no_button():
    assert ids.action("heatmap", "", "x" * 60) == ""


@pytest.mark.parametrize(
    "text", ["", "v1", "v1:a", "v1::x", ":::", "v1:a:", "x" * 65, "v1:a:b:" + "é" * 40, "hello"]
)
def test_what_is_no_id_is_refused(text):
    with pytest.raises(UserError, match="do not know that button"):
        ids.read(text)


def test_another_version_is_told_politely():
    with pytest.raises(UserError, match="another version"):
        ids.read("v2:heatmap:-:BTCUSDT")


@given(st.lists(st.text(min_size=1, max_size=12), max_size=3))
def test_arguments_survive(args):
    made = ids.action("heatmap", "hd", *args)
    if made:
        assert len(made.encode()) <= 64
        assert ids.read(made).args == tuple(args)


@given(st.text(max_size=70))
def test_any_text_is_an_id_or_refused(text):
    refused = refusal(ids.read, text)
    assert refused is None or refused.message


def test_a_signature_belongs_to_its_facts():
    made = ids.sign(b"key", "forget", "local:owner", "1")
    assert ids.signed(b"key", made, "forget", "local:owner", "1")
    assert not ids.signed(b"key", made, "forget", "discord:42", "1")
    assert not ids.signed(b"key", made, "forget", "local:owner", "2")
    assert not ids.signed(b"other", made, "forget", "local:owner", "1")
    assert not ids.signed(b"key", "", "forget", "local:owner", "1")
    assert not ids.signed(b"key", "é", "forget", "local:owner", "1")
