"""What start-up made is not looked at for garbage again and again, and can be let go at the end."""

import gc

import pytest

from bot import interpreter


@pytest.fixture
def usual():
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def looked_at() -> int:
    return len(gc.get_objects())


class Ring:
    """Something that only a look for garbage finds once it is dropped."""

    found = 0

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        Ring.found += 1


def test_what_is_there_is_left_out_and_what_comes_later_is_found(usual):
    before = looked_at()
    interpreter.spare()
    assert gc.get_freeze_count() > before / 2
    assert looked_at() < before / 10
    assert gc.get_threshold()[0] == interpreter.YOUNG
    found = Ring.found
    Ring()
    gc.collect()
    assert Ring.found == found + 1


def test_in_the_end_everything_is_looked_at_again(usual):
    interpreter.spare()
    interpreter.spare_no_more()
    assert gc.get_freeze_count() == 0
    assert looked_at() > 10_000
