"""What is kept of venues' health, and what a day of it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.health import Health
from adapters.venue import Feed, VenueHealth, VenueState
from bot.live.health import ABSENT_MS, ROW_MS, HealthKeeper, Past, lacking, last_day, past_of, scrubbed
from engine.model import DAY_MS
from storage.market import MarketStore
from storage.venues import VenueStore

T0 = 1_760_128_500_000


class Measured:
    """One venue whose connection a test moves, with its clock."""

    def __init__(self):
        self.now_ms = T0
        self.venue = Health("okx", lambda: self.now_ms / 1000)
        self.venue.line(0, VenueState.UP)

    def health(self):
        return [self.venue.brief()]

    def snapshots(self):
        return [self.venue.snapshot()]

    def after(self, seconds):
        self.now_ms += round(seconds * 1000)


@pytest.fixture
async def kept(tmp_path):
    store = await MarketStore.open(tmp_path / "market.duckdb")
    yield VenueStore(store), store
    await store.close()


async def test_a_row_a_minute_and_one_at_each_change_of_state(kept):
    venues, store = kept
    source = Measured()
    keeper = HealthKeeper(source, venues, lambda: source.now_ms)
    source.venue.event(Feed.PRICES, T0)
    written = []
    for look in range(26):  # 125 seconds
        if look == 5:
            source.venue.line(0, VenueState.DOWN)
            source.venue.error("wss://me:secret@okx/ws?token=abc said 1006")
        if look == 8:
            source.venue.line(0, VenueState.UP)
            source.venue.tally.reconnects += 1
            source.venue.event(Feed.PRICES, source.now_ms)
        written.append(await keeper.sweep())
        source.after(5)
    assert [i * 5 for i, rows in enumerate(written) if rows] == [0, 25, 40, 100]
    await store.flush()
    rows = await venues.health("okx")
    assert [state for _, state, _ in rows] == ["up", "down", "up", "up"]
    assert rows[1][2]["last_error"] == "wss://okx/ws said 1006"
    assert [row[2]["silent_s"] for row in rows] == [0, 25, 35, 60]
    told = await last_day(venues.health, "okx", T0 + 130_000)
    assert told.watched_ms == 130_000
    assert told.uptime == pytest.approx(115 / 130)
    assert (told.reconnects, told.longest_silence_s) == (1, 60)
    assert (await last_day(venues.health, "okx", T0 + 2 * DAY_MS)).uptime is None


async def test_a_recording_leaves_no_rows(kept):
    class Recording:
        def health(self):
            return [VenueHealth(venue="binance", state=VenueState.UP)]

    venues, store = kept
    assert await HealthKeeper(Recording(), venues, lambda: T0).sweep() == 0
    await store.flush()
    assert await venues.health("binance") == []


async def test_a_row_that_could_not_be_written_is_written_later():
    class Full:
        def __init__(self):
            self.full, self.rows = True, []

        async def add_health(self, venue, ts, state, body):
            if self.full:
                raise OSError("no room")
            self.rows.append((venue, ts, state, body["silent_s"]))

    source, store = Measured(), Full()
    keeper = HealthKeeper(source, store, lambda: source.now_ms)
    source.venue.event(Feed.PRICES, T0)
    source.after(9)
    with pytest.raises(OSError, match="no room"):
        await keeper.sweep()
    source.venue.event(Feed.PRICES, source.now_ms)
    store.full = False
    source.after(5)
    assert await keeper.sweep() == 1
    assert store.rows == [("okx", T0 + 14_000, "up", 9)]


def test_what_nobody_watched_counts_for_nothing():
    up = {"reconnects": 4, "gaps_filled": 1, "silent_s": 3.0}
    rows = [(0, "up", up), (10 * ROW_MS, "up", up | {"reconnects": 1}), (11 * ROW_MS, "down", up)]
    told = past_of(rows, 20 * ROW_MS)
    assert told.watched_ms == ABSENT_MS + ROW_MS + ABSENT_MS
    assert told.up_ms == ABSENT_MS + ROW_MS
    assert told.reconnects == 1 + 3, "one since the new start, then three more"
    assert past_of([], 5) == Past()


states = st.sampled_from([state.value for state in VenueState])


@given(
    steps=st.lists(st.tuples(st.integers(1, 400_000), states, st.integers(0, 5)), max_size=30),
    rest=st.integers(0, 400_000),
)
def test_a_day_is_never_more_than_it_was(steps, rest):
    rows, ts, count = [], 0, 0
    for wait, state, more in steps:
        ts, count = ts + wait, count + more
        rows.append((ts, state, {"reconnects": count, "silent_s": None}))
    told = past_of(rows, ts + rest)
    assert 0 <= told.up_ms <= told.watched_ms
    assert told.watched_ms <= (ts + rest - rows[0][0] if rows else 0)
    assert told.reconnects == (count - rows[0][2]["reconnects"] if rows else 0)
    assert (told.uptime is None) == (told.watched_ms == 0)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("wss://a:b@host:443/ws/key?x=1&y=2 closed", "wss://host:443/ws/key closed"),
        ("https://host/path: HTTP 502", "https://host/path: HTTP 502"),
        ("no answer within 10 s", "no answer within 10 s"),
        ("https://u@h/x?k=v https://h2/?s=1", "https://h/x https://h2/"),
    ],
)
def test_errors_lose_what_is_secret(said, shown):
    assert scrubbed(said) == shown


def test_who_has_given_nothing_for_a_minute():
    class Source:
        def health(self):
            known = {"binance": (VenueState.UP, T0 - 600_000), "bybit": (VenueState.CONNECTING, T0 - 30_000)}
            known |= {"okx": (VenueState.STALE, T0 - 60_001), "hyperliquid": (VenueState.DOWN, None)}
            return [VenueHealth(venue=v, state=s, last_event_ms=ms) for v, (s, ms) in known.items()]

    asked = ("okx", "binance", "bybit", "hyperliquid", "elsewhere")
    assert lacking(Source(), asked, T0) == (("okx", T0 - 60_001), ("hyperliquid", None))
    assert lacking(Source(), asked[1:3], T0) == ()
    assert lacking(Source(), asked[1:3], T0, ("bybit",)) == (("bybit", None),)
