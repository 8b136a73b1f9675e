import pytest

from adapters.clock import CATCH_UP_S, ReplayClock

FAR = 10**15


def running(wall, *, speed=60.0, start_ms=0, limit_ms=FAR):
    clock = ReplayClock(start_ms, speed, monotonic=wall.monotonic)
    clock.handed_out(start_ms, limit_ms)
    return clock


def test_time_runs_at_its_speed(wall):
    clock = running(wall, speed=60.0, start_ms=5000)
    wall.now_s += 2.5
    assert clock.now_ms() == 5000 + 150_000


def test_time_stands_until_the_first_event_was_taken(wall):
    clock = ReplayClock(7000, 60.0, monotonic=wall.monotonic)
    wall.now_s += 100
    assert clock.now_ms() == 7000


def test_time_never_passes_the_next_event(wall):
    clock = running(wall, limit_ms=15_000)
    wall.now_s += 3600
    assert clock.now_ms() == 15_000


def test_time_lost_to_a_slow_reader_is_not_made_up(wall):
    clock = running(wall, speed=10.0, limit_ms=15_000)
    wall.now_s += 3600
    clock.handed_out(15_000, FAR)
    assert clock.now_ms() == 15_000 + CATCH_UP_S * 1000 * 10


def test_a_little_lateness_is_made_up(wall):
    clock = running(wall, speed=10.0, limit_ms=1000)
    wall.now_s += 0.2
    clock.handed_out(1000, FAR)
    assert clock.now_ms() == 2000


def test_pause_stops_time_and_resume_goes_on(wall):
    clock = running(wall, speed=2.0)
    wall.now_s += 1
    clock.pause()
    wall.now_s += 500
    assert clock.paused
    assert clock.now_ms() == 2000
    assert clock.wait_s(3000) is None
    clock.resume()
    clock.resume()
    assert clock.now_ms() == 2000
    wall.now_s += 0.5
    assert clock.now_ms() == 3000


def test_a_pause_within_a_pause_changes_nothing(wall):
    clock = running(wall, speed=2.0)
    wall.now_s += 1
    clock.pause()
    clock.pause()
    assert clock.now_ms() == 2000


def test_a_change_of_speed_makes_no_jump(wall):
    clock = running(wall, speed=2.0)
    wall.now_s += 1
    clock.set_speed(100.0)
    assert clock.now_ms() == 2000
    wall.now_s += 1
    assert clock.now_ms() == 102_000


def test_as_fast_as_possible_goes_from_event_to_event(wall):
    clock = running(wall, speed=None, limit_ms=900)
    wall.now_s += 1000
    assert clock.now_ms() == 0
    assert clock.wait_s(900) == 0
    clock.handed_out(900, 1500)
    assert clock.now_ms() == 900


def test_changing_to_full_speed_and_back_keeps_the_place(wall):
    clock = running(wall, speed=1.0)
    wall.now_s += 3
    clock.set_speed(None)
    assert clock.now_ms() == 3000
    clock.set_speed(1.0)
    wall.now_s += 1
    assert clock.now_ms() == 4000


def test_a_seek_waits_for_the_first_event(wall):
    clock = running(wall, speed=1.0, start_ms=50_000)
    clock.seek(10_000)
    wall.now_s += 60
    assert clock.now_ms() == 10_000


def test_a_paused_clock_stays_paused_when_sought(wall):
    clock = running(wall)
    clock.pause()
    clock.seek(10_000)
    clock.handed_out(10_000, FAR)
    wall.now_s += 60
    assert clock.paused
    assert clock.now_ms() == 10_000


def test_it_says_how_long_to_wait(wall):
    clock = running(wall, speed=60.0)
    assert clock.wait_s(15_000) == pytest.approx(0.25)
    wall.now_s += 10
    assert clock.wait_s(15_000) == 0


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_is_above_zero(wall, speed):
    with pytest.raises(ValueError, match="above 0"):
        running(wall).set_speed(speed)
