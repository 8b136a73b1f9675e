"""What the default watch says on recorded markets: few enough, and soon enough."""

from statistics import median

import pytest

from adapters.recording import Recording, load_recording
from adapters.replay import shipped_recordings
from bench import alerts
from engine.model import DAY_MS, Severity


@pytest.fixture(scope="module")
def recording() -> Recording:
    return load_recording(shipped_recordings() / f"{alerts.SYMBOL}.parquet", alerts.SYMBOL)


def test_default_watch_stays_quiet_in_december(recording: Recording) -> None:
    start, end = alerts.DECEMBER[0], alerts.DECEMBER[0] + 9 * DAY_MS
    market = alerts.read_market(recording, start_ms=start - 30 * DAY_MS, end_ms=end)
    told = alerts.replay(market, alerts.default_watch(), start_ms=start, end_ms=end)
    assert 1 <= median(told.per_day()) <= 10
    assert median(told.per_day(critical=True)) <= 3
    assert {fire.severity for fire in told.fires} == set(Severity)
    assert len(told.messages) < len(told.fires)


def test_the_cascade_is_told_of_within_minutes(recording: Recording) -> None:
    start, end = alerts.CASCADE
    market = alerts.read_market(recording, start_ms=recording.first_ms, end_ms=end)
    watch = alerts.default_watch()
    fresh = alerts.replay(market, watch, start_ms=start, end_ms=end)
    assert fresh.messages[0].at_ms - start < 300_000
    standing = alerts.replay(market, watch, start_ms=start - DAY_MS, end_ms=end)
    falling = [m.at_ms for m in standing.messages if m.at_ms >= alerts.FALL_MS]
    assert falling[0] - alerts.FALL_MS <= 300_000
    assert [m.severity for m in fresh.messages].count(Severity.CRITICAL) >= 2
    lines = alerts.timeline(fresh)
    assert lines == sorted(lines)
    assert any("fire critical long" in line for line in lines)
