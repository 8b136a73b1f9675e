import asyncio
import contextlib

import pytest

from bot.delivery import breaker
from bot.delivery.breaker import Barred, Breakers, Unwell
from engine.errors import Gone, Permanent, Retryable

HOST = "hooks.example.org"


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breakers(clock):
    return Breakers(failures=3, first_s=10, longest_s=35, clock_s=clock)


def call(breakers, error=None, host=HOST):
    with breakers.through(host):
        if error is not None:
            raise error


def fail(breakers, times, error=None, host=HOST):
    for _ in range(times):
        with pytest.raises((Unwell, TimeoutError, OSError)):
            call(breakers, error or Unwell("502"), host)


def refused(breakers, host=HOST):
    """Return how long a host is not called for, None where it is called."""
    try:
        call(breakers, host=host)
    except Retryable as error:
        return error.retry_after_s
    return None


@pytest.mark.parametrize("error", [Unwell("502"), TimeoutError(), ConnectionResetError()])
def test_it_opens_after_failures_in_a_row_for_that_host_alone(breakers, error):
    fail(breakers, 3, error)
    assert refused(breakers) == 10
    assert refused(breakers, "other.example.org") is None


@pytest.mark.parametrize("error", [None, Permanent("400"), Gone("410"), Retryable("429", retry_after_s=3)])
def test_an_answer_in_between_begins_the_count_anew(breakers, error):
    fail(breakers, 2)
    with contextlib.suppress(Permanent, Gone, Retryable):
        call(breakers, error)
    fail(breakers, 2)
    assert refused(breakers) is None


async def test_a_call_that_is_given_up_from_outside_counts(breakers):
    async def hang():
        with breakers.through(HOST):
            await asyncio.sleep(30)

    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(hang(), 0.01)
    assert refused(breakers) == 10


def test_one_call_looks_while_the_others_wait(breakers, clock):
    fail(breakers, 3)
    clock.now_s += 10
    with breakers.through(HOST):
        assert refused(breakers) == 10
    assert refused(breakers) is None
    assert len(breakers) == 0


def test_it_stays_open_longer_each_time_up_to_a_limit(breakers, clock):
    fail(breakers, 3)
    waits = []
    for _ in range(4):
        waits.append(refused(breakers))
        clock.now_s += waits[-1]
        fail(breakers, 1)
    assert waits == [10, 20, 35, 35]


def test_calls_that_were_under_way_when_it_opened_do_not_lengthen_it(breakers):
    with contextlib.suppress(Unwell), breakers.through(HOST):
        fail(breakers, 3)
        raise Unwell("503")
    assert refused(breakers) == 10


def test_a_look_that_ends_in_a_mistake_of_ours_lets_the_next_one_look(breakers, clock):
    fail(breakers, 3)
    clock.now_s += 10
    with pytest.raises(ZeroDivisionError):
        call(breakers, ZeroDivisionError())
    assert refused(breakers) is None


def test_a_host_that_bars_us_is_left_alone_at_once_and_tried_again(breakers, clock):
    with pytest.raises(Barred):
        call(breakers, Barred("535", retry_after_s=60))
    assert refused(breakers) == 60
    clock.now_s += 60
    with pytest.raises(Barred):
        call(breakers, Barred("535", retry_after_s=60))
    assert refused(breakers) == 60
    clock.now_s += 60
    assert refused(breakers) is None
    assert refused(breakers) is None


def test_memory_is_bounded_and_the_oldest_goes_first(breakers, monkeypatch):
    monkeypatch.setattr(breaker, "KEPT_HOSTS", 50)
    for number in range(200):
        fail(breakers, 3, host=f"h{number}")
    assert len(breakers) == 50
    assert refused(breakers, "h199") == 10
    assert refused(breakers, "h0") is None


def fail_for(breakers, user, times=1):
    for _ in range(times):
        with pytest.raises(Unwell), breakers.through(HOST, user):
            raise Unwell("502")


def is_let_through(breakers, user):
    with contextlib.suppress(Retryable), breakers.through(HOST, user):
        return True
    return False


def test_an_endpoint_that_fails_delays_nobody_else_on_its_host(breakers):
    fail_for(breakers, "mallory", 3)
    with pytest.raises(Retryable, match="too often"), breakers.through(HOST, "mallory"):
        pass
    assert is_let_through(breakers, "alice")
    assert not is_let_through(breakers, "mallory")


def test_two_users_cannot_close_a_host_to_the_third(breakers):
    fail_for(breakers, "mallory", 2)
    fail_for(breakers, "trudy", 2)
    assert is_let_through(breakers, "alice")


def test_a_host_that_fails_for_several_is_left_alone_for_all_until_one_gets_through(breakers, clock):
    for user in ("alice", "bob", "carol"):
        fail_for(breakers, user)
    assert not is_let_through(breakers, "dave")
    clock.now_s += 10
    with breakers.through(HOST, "dave"):
        assert not is_let_through(breakers, "erin")
    assert is_let_through(breakers, "alice")


def test_what_one_user_is_refused_for_does_not_use_up_the_look_at_the_host(breakers, clock):
    fail_for(breakers, "mallory", 3)
    clock.now_s += 5
    for user in ("alice", "bob"):
        fail_for(breakers, user)
    clock.now_s += 6  # mallory may be looked at, the host not yet
    assert not is_let_through(breakers, "mallory")
    clock.now_s += 10
    assert is_let_through(breakers, "carol")
    assert is_let_through(breakers, "mallory")


def test_what_is_left_alone_is_told_with_its_reason(breakers, clock):
    fail_for(breakers, "mallory", 3)
    with pytest.raises(Barred), breakers.through("mail.example.org", "alice"):
        raise Barred("the mail server does not accept the login", retry_after_s=60)
    told = {(s.host, s.alone, s.why, s.left_s) for s in breakers.shut()}
    assert told == {
        (HOST, True, "502", 10.0),
        ("mail.example.org", False, "the mail server does not accept the login", 60.0),
    }
    clock.now_s += 60
    assert breakers.shut() == []
