import asyncio
from itertools import pairwise

import numpy as np
import pytest

from adapters.replay import DEFAULT_START_MS, Replay
from adapters.script import event_ms
from adapters.venue import Feed, SourceKind, VenueState
from engine.errors import SourceError
from engine.model import STEP_MS, Candle, Gap, SourceEnded, SourceSought, Tick

START_MS = 1_760_000_100_000 // STEP_MS * STEP_MS
SYMBOLS = ("AAAUSDT", "BBBUSDT")


def at(step: float) -> int:
    return START_MS + int(step * STEP_MS)


def replay(folder, wall, *, start=10.0, speed=60.0, symbols=SYMBOLS) -> Replay:
    return Replay(
        folder, symbols=symbols, start_ms=at(start), speed=speed, monotonic=wall.monotonic, wait=wall.wait
    )


async def until_end(source, *, seen=None):
    events = [] if seen is None else seen
    async for event in source.events():
        events.append(event)
        if isinstance(event, SourceEnded):
            return events
    return events


async def take(events, count):
    return [await anext(events) for _ in range(count)]


async def test_history_is_what_has_closed(recordings, wall):
    source = replay(recordings, wall)
    history = await source.history("AAAUSDT", until_ms=source.now_ms())
    assert history.ts[0] == at(0)
    assert history.ts[-1] == at(9)
    assert len(await source.history("AAAUSDT", until_ms=at(10) - 1)) == 9
    part = await source.history("AAAUSDT", since_ms=at(3), until_ms=at(10))
    assert list(part.ts) == [at(k) for k in range(3, 10)]


async def test_history_of_a_stranger_is_refused(recordings, wall):
    source = replay(recordings, wall)
    with pytest.raises(SourceError, match="no XXXUSDT"):
        await source.history("XXXUSDT", until_ms=at(10))
    with pytest.raises(SourceError, match="bybit"):
        await source.history("AAAUSDT", until_ms=at(10), venue="bybit")


async def test_history_and_events_together_are_the_recording(recordings, wall):
    source = replay(recordings, wall, start=10.4)
    before = await source.history("AAAUSDT", until_ms=source.now_ms())
    events = await until_end(source)
    after = [e.ts for e in events if isinstance(e, Candle) and e.symbol == "AAAUSDT"]
    assert [*map(int, before.ts), *after] == [at(k) for k in range(40)]


@pytest.mark.parametrize("speed", [1.0, 60.0, 12345.6, None])
async def test_the_events_do_not_depend_on_the_speed(recordings, wall, speed):
    wanted = await until_end(replay(recordings, wall, speed=60.0))
    assert await until_end(replay(recordings, wall, speed=speed)) == wanted


async def test_the_events_do_not_depend_on_pauses_and_changes_of_speed(recordings, wall):
    wanted = await until_end(replay(recordings, wall))
    source, seen = replay(recordings, wall), []
    async for event in source.events():
        seen.append(event)
        if len(seen) % 7 == 0:
            source.pause()
            wall.now_s += 30
            source.resume()
        if len(seen) % 11 == 0:
            source.set_speed(None if len(seen) % 2 else 3.0)
        if isinstance(event, SourceEnded):
            break
    assert seen == wanted


async def test_events_come_in_market_time_with_both_symbols_in_turn(recordings, wall):
    events = await until_end(replay(recordings, wall))
    times = [event_ms(event) for event in events]
    assert times == sorted(times)
    assert [e.symbol for e in events[:4]] == ["AAAUSDT", "BBBUSDT", "AAAUSDT", "BBBUSDT"]


async def test_a_candle_closes_before_the_first_price_of_the_next(recordings, wall):
    events = [e for e in await until_end(replay(recordings, wall)) if getattr(e, "symbol", "") == "AAAUSDT"]
    for before, after in pairwise(events):
        if isinstance(after, Tick) and after.ts % STEP_MS == 0 and after.ts > at(10):
            assert isinstance(before, Candle)
            assert before.ts == after.ts - STEP_MS


async def test_the_prices_of_a_candle_reach_its_extremes_and_are_marked(recordings, wall):
    events = [e for e in await until_end(replay(recordings, wall)) if getattr(e, "symbol", "") == "AAAUSDT"]
    for candle in (e for e in events if isinstance(e, Candle)):
        ticks = [e for e in events if isinstance(e, Tick) and candle.ts <= e.ts < candle.ts + STEP_MS]
        prices = [t.price for t in ticks]
        assert len(ticks) == 20
        assert all(t.interpolated for t in ticks)
        assert prices[0] == pytest.approx(candle.open)
        assert prices[-1] == pytest.approx(candle.close)
        assert (min(prices), max(prices)) == pytest.approx((candle.low, candle.high))
        low_first = prices.index(min(prices)) < prices.index(max(prices))
        assert low_first == (candle.close >= candle.open)


async def test_it_keeps_its_speed(recordings, wall):
    began = wall.now_s
    await until_end(replay(recordings, wall, speed=60.0))
    assert wall.now_s - began == pytest.approx(30 * STEP_MS / 1000 / 60)


async def test_a_slow_reader_holds_the_market_clock(recordings, wall):
    source = replay(recordings, wall)
    events = source.events()
    for event in await take(events, 5):
        assert event_ms(event) <= source.now_ms()
        wall.now_s += 1000
        assert source.now_ms() <= at(10) + 3 * 15_000
    nxt = await anext(events)
    assert source.now_ms() <= event_ms(nxt) + 15_000


async def test_every_event_is_known_at_the_market_clock_when_it_is_handed_out(recordings, wall):
    source = replay(recordings, wall)
    async for event in source.events():
        assert event_ms(event) <= source.now_ms()
        if isinstance(event, SourceEnded):
            break


async def test_the_end_is_said_once_and_shown(recordings, wall):
    source = replay(recordings, wall, speed=None)
    events = await until_end(source)
    assert [e for e in events if isinstance(e, SourceEnded)] == [SourceEnded(ts=at(40))]
    assert source.ended
    assert source.now_ms() == at(40)
    assert source.label() == "REPLAY ended 2025-10-09 12:15 UTC"
    assert source.health()[0].state is VenueState.ENDED
    assert source.health()[0].ok


async def test_a_start_at_the_end_ends_at_once(recordings, wall):
    assert await until_end(replay(recordings, wall, start=40)) == [SourceEnded(ts=at(40))]


async def test_after_the_end_it_waits_to_be_sought(recordings, wall):
    source = replay(recordings, wall, speed=None, start=39)
    events = source.events()
    while not isinstance(await anext(events), SourceEnded):
        pass
    waiting = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    assert not waiting.done()
    source.seek(at(5))
    assert await waiting == SourceSought(ts=at(5), backwards=True)
    assert not source.ended
    assert isinstance(await anext(events), Tick)
    await events.aclose()


@pytest.mark.parametrize(("target", "backwards"), [(3.0, True), (30.0, False), (3.5, True), (39.99, False)])
async def test_a_seek_says_so_and_goes_on_from_there(recordings, wall, target, backwards):
    source = replay(recordings, wall)
    events = source.events()
    await take(events, 12)
    source.seek(at(target))
    assert await anext(events) == SourceSought(ts=at(target), backwards=backwards)
    assert source.now_ms() == at(target)
    rest = []
    async for event in events:
        rest.append(event)
        if isinstance(event, SourceEnded):
            break
    assert rest == await until_end(replay(recordings, wall, start=target))


async def test_a_seek_ends_a_long_wait(recordings, wall):
    source = Replay(recordings, symbols=SYMBOLS, start_ms=at(10), speed=0.001)
    events = source.events()
    await take(events, 2)
    waiting = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    source.seek(at(20))
    assert await asyncio.wait_for(waiting, 5) == SourceSought(ts=at(20), backwards=False)


async def test_nothing_comes_while_paused_but_a_seek_is_told(recordings, wall):
    source = replay(recordings, wall)
    events = source.events()
    await take(events, 3)
    source.pause()
    waiting = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert source.label().endswith("UTC paused")
    assert source.health()[0].state is VenueState.PAUSED
    source.seek(at(20))
    assert isinstance(await waiting, SourceSought)
    waiting = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    assert not waiting.done()
    source.resume()
    assert isinstance(await waiting, Tick)


async def test_a_seek_outside_of_the_recording_is_refused(recordings, wall):
    source = replay(recordings, wall)
    with pytest.raises(SourceError, match="runs from 2025-10-09 08:55 UTC to 2025-10-09 12:15 UTC"):
        source.seek(at(41))
    with pytest.raises(SourceError, match="outside"):
        replay(recordings, wall, start=-1)


async def test_a_reader_that_starts_again_goes_on_where_it_was(recordings, wall):
    wanted = await until_end(replay(recordings, wall))
    source = replay(recordings, wall)
    first = source.events()
    seen = await take(first, 33)
    await first.aclose()
    assert await until_end(source, seen=seen) == wanted


async def test_a_restart_at_the_position_repeats_no_candle_and_loses_none(recordings, wall):
    source = replay(recordings, wall)
    events = source.events()
    seen = await take(events, 100)
    position = max(e.ts + STEP_MS for e in seen if isinstance(e, Candle))
    seen = [e for e in seen if isinstance(e, Candle)]
    again = replay(recordings, wall, start=(position - START_MS) / STEP_MS)
    seen += [e for e in await until_end(again) if isinstance(e, Candle)]
    wanted = [e for e in await until_end(replay(recordings, wall)) if isinstance(e, Candle)]
    assert seen == wanted


async def test_closing_stops_the_events(recordings, wall):
    source = replay(recordings, wall)
    events = source.events()
    await take(events, 2)
    source.pause()
    waiting = asyncio.create_task(anext(events, None))
    await asyncio.sleep(0)
    await source.aclose()
    assert await waiting is None


async def test_a_hole_in_the_recording_is_told_as_a_gap(tmp_path, make_bars, write_bars, wall):
    columns = make_bars(40)
    keep = np.r_[0:15, 18:40]
    write_bars(tmp_path / "AAAUSDT.parquet", {name: values[keep] for name, values in columns.items()})
    events = await until_end(replay(tmp_path, wall, symbols=("AAAUSDT",)))
    gaps = [e for e in events if isinstance(e, Gap)]
    assert gaps == [Gap(venue="binance", symbol="AAAUSDT", first_ts=at(15), last_ts=at(17))]
    place = events.index(gaps[0])
    assert events[place + 1].ts == at(18)


async def test_it_says_what_it_is(recordings, wall):
    source = replay(recordings, wall)
    assert source.kind is SourceKind.REPLAY
    assert source.symbols == SYMBOLS
    assert source.venues == ("binance",)
    assert source.feeds == {Feed.CANDLES, Feed.PRICES, Feed.OPEN_INTEREST}
    assert source.label() == "REPLAY 2025-10-09 09:45 UTC"
    assert (source.first_ms, source.end_ms, source.position_ms) == (at(0), at(40), at(10))
    assert source.speed == 60.0
    assert source.health()[0].last_event_ms is None
    await take(source.events(), 3)
    assert source.health()[0].messages == 3


async def test_the_shipped_recording_starts_before_the_cascade():
    source = Replay(speed=None)
    assert source.label() == "REPLAY 2025-10-10 20:00 UTC"
    assert source.now_ms() == DEFAULT_START_MS
    assert len(await source.history("BTCUSDT", until_ms=source.now_ms())) == 9 * 288 + 240
    lows = []
    async for event in source.events():
        if isinstance(event, Candle) and event.symbol == "BTCUSDT":
            lows.append(event.low)
        if event_ms(event) > DEFAULT_START_MS + 3 * 3_600_000:
            break
    assert min(lows) == 101_516.5


def test_symbols_that_were_not_recorded_are_told(recordings, wall):
    with pytest.raises(
        SourceError, match=r"no recording of XUSDT: there is AAAUSDT, BBBUSDT in .* LIQWATCH_SYMBOLS"
    ):
        replay(recordings, wall, symbols=("AAAUSDT", "XUSDT"))


async def test_on_the_wall_clock_events_come_when_they_are_due(recordings):
    source = Replay(recordings, symbols=SYMBOLS, start_ms=at(10), speed=15 / 0.02)
    loop = asyncio.get_running_loop()
    events, began = source.events(), loop.time()
    await take(events, 11)
    assert not source.paused
    assert loop.time() - began >= 5 * 0.02 * 0.99
    await events.aclose()
