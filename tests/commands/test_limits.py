"""One user's haste is held back; others do not notice."""

from bot.commands import limits
from bot.commands.limits import BURST, Limits


def test_a_burst_then_one_a_second():
    now = [0.0]
    guard = Limits(lambda: now[0])
    assert [guard.take("a") for _ in range(BURST)] == [0.0] * BURST
    assert guard.take("a") > 0
    assert guard.take("b") == 0
    now[0] += 1.0
    assert guard.take("a") == 0
    assert guard.take("a") > 0
    now[0] += 1_000
    assert [guard.take("a") for _ in range(BURST)] == [0.0] * BURST
    assert guard.take("a") > 0


def test_a_picture_every_five_seconds():
    now = [100.0]
    guard = Limits(lambda: now[0])
    assert guard.picture_wait_s("a") == 0
    guard.picture_drawn("a")
    now[0] += 2
    assert guard.picture_wait_s("a") == 3
    assert guard.picture_wait_s("b") == 0
    now[0] += 3
    assert guard.picture_wait_s("a") == 0


def test_only_so_many_users_are_remembered(monkeypatch):
    monkeypatch.setattr(limits, "MAX_USERS", 10)
    guard = Limits(lambda: 0.0)
    for number in range(50):
        guard.take(str(number))
    assert len(guard._seen) == 10
