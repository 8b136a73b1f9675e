import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from engine.errors import SealBroken, SealUnknown, StorageError
from storage.sealed import Sealer

KEY, OLD = SecretStr("k" * 32), SecretStr("o" * 40)
ABOUT = ("telegram:42", "email", "7")
TEXT = "me@example.org"


@given(st.text(max_size=300), st.lists(st.text(max_size=9), max_size=3))
def test_what_was_sealed_comes_back_and_cannot_be_seen(text, about):
    sealed = Sealer(KEY).seal(text, about=about)
    assert Sealer(KEY).open(sealed, about=about) == text
    assert len(text) < 4 or text not in sealed


def test_the_same_text_is_never_sealed_the_same_way():
    sealer = Sealer(KEY)
    assert len({sealer.seal(TEXT, about=ABOUT) for _ in range(50)}) == 50


def test_another_key_says_which_one_is_wanted():
    sealed = Sealer(OLD).seal(TEXT, about=ABOUT)
    with pytest.raises(SealUnknown, match="LIQWATCH_OLD_SECRET_KEYS") as error:
        Sealer(KEY).open(sealed, about=ABOUT)
    assert error.value.key_id == Sealer(OLD).key_id
    assert isinstance(error.value, StorageError)
    assert "ooo" not in str(error.value)


def test_a_key_of_before_opens_and_what_it_sealed_is_to_be_sealed_anew():
    sealed = Sealer(OLD).seal(TEXT, about=ABOUT)
    rotated = Sealer(KEY, [OLD])
    assert rotated.open(sealed, about=ABOUT) == TEXT
    assert rotated.is_old(sealed)
    anew = rotated.seal(TEXT, about=ABOUT)
    assert not rotated.is_old(anew)
    assert Sealer(KEY).open(anew, about=ABOUT) == TEXT


def test_every_change_of_a_sealed_text_is_noticed():
    sealer = Sealer(KEY)
    sealed = sealer.seal(TEXT, about=ABOUT)
    head = len(sealed) - len(sealed.rpartition(".")[2])
    for place in range(head, len(sealed)):
        other = "A" if sealed[place] != "A" else "B"
        with pytest.raises(SealBroken):
            sealer.open(sealed[:place] + other + sealed[place + 1 :], about=ABOUT)


@pytest.mark.parametrize(
    "about",
    [(), ("telegram:43", "email", "7"), ("telegram:42", "webhook", "7"), ("telegram:42email", "", "7")],
)
def test_what_belongs_to_somebody_else_stays_shut(about):
    sealer = Sealer(KEY)
    with pytest.raises(SealBroken):
        sealer.open(sealer.seal(TEXT, about=ABOUT), about=about)


@pytest.mark.parametrize(
    "text", ["", "me@example.org", "v2.{id}.AAAA", "v1.{id}", "v1.{id}.", "v1.{id}.é", "v1.{id}.A"]
)
def test_what_is_no_seal_is_refused(text):
    sealer = Sealer(KEY)
    with pytest.raises(SealBroken):
        sealer.open(text.replace("{id}", sealer.key_id), about=ABOUT)
