"""What goes over the control socket comes back the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.reply import Button, Field, File, Form, Image, Reply, Table, Tone
from bot.console.wire import decode, encode, reply_from_wire, reply_to_wire

words = st.text(max_size=20)
images = st.builds(
    Image, png=st.binary(max_size=50), name=words, alt=words, width=st.integers(), height=st.integers()
)
files = st.builds(File, content=st.binary(max_size=50), name=words, media_type=words)
buttons = st.builds(Button, label=words, action=words, url=words, style=words)
tables = st.builds(
    Table,
    headings=st.tuples(words, words),
    rows=st.lists(st.tuples(words, words), max_size=3).map(tuple),
    numeric=st.tuples(words),
)
pairs = st.lists(st.tuples(words, words), max_size=2).map(tuple)
asked = st.builds(
    Field, name=words, label=words, hint=words, value=words, choices=pairs, required=st.booleans()
)
forms = st.builds(
    Form,
    title=words,
    label=words,
    action=words,
    fields=st.lists(asked, max_size=2).map(tuple),
    opens=st.booleans(),
)
replies = st.builds(
    Reply,
    command=words,
    title=words,
    text=words,
    fields=st.lists(st.tuples(words, words), max_size=3).map(tuple),
    table=st.none() | tables,
    images=st.lists(images, max_size=2).map(tuple),
    files=st.lists(files, max_size=2).map(tuple),
    buttons=st.lists(st.lists(buttons, max_size=2).map(tuple), max_size=2).map(tuple),
    form=st.none() | forms,
    notice=words,
    tone=st.sampled_from(Tone),
    ephemeral=st.booleans(),
    edits=st.booleans(),
    error=words,
    example=words,
    source=words,
    now_ms=st.integers(0, 2**53),
    price=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)


@given(replies)
def test_round_trip(reply):
    line = encode({"id": 1, "reply": reply_to_wire(reply)})
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert reply_from_wire(decode(line)["reply"]) == reply


@pytest.mark.parametrize("line", [b"", b"[1]\n", b"nonsense\n", b"3\n"])
def test_what_is_no_message_is_refused(line):
    with pytest.raises(ValueError, match=r".+"):
        decode(line)
