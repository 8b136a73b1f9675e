"""`/alert check` tries one's alerts on what is stored now: what is true, and what has just become true."""

import json

import numpy as np
import pytest
from sqlalchemy import func, select

from adapters.venue import Feed
from engine.model import DAY_MS, STEP_MS, Candles
from storage.tables import Alert, Delivery


@pytest.fixture
async def past(desk, store):
    """Ten days at 100,000 that end with one candle at 95,000."""
    count = 10 * DAY_MS // STEP_MS
    end = desk.market.at_ms // STEP_MS * STEP_MS
    close = np.full(count, 100_000.0)
    close[-1] = 95_000.0
    nothing = np.full(count, np.nan)
    candles = Candles(
        ts=end - np.arange(count, 0, -1) * STEP_MS,
        open=np.concatenate([close[:1], close[:-1]]),
        high=np.maximum(close, np.concatenate([close[:1], close[:-1]])),
        low=close,
        close=close,
        volume=np.ones(count),
        quote_volume=nothing,
        taker_buy_volume=nothing,
        open_interest=nothing,
    )
    await store.add_candles("BTCUSDT", "binance", candles)
    await store.flush()
    return end


async def add(desk, line):
    """Make an alert, saving it where it is shown first."""
    reply = await desk.ok(f"/alert add {line}")
    save = next((b.action for row in reply.buttons for b in row if b.label.startswith("Save")), None)
    if save is not None:
        assert not (await desk.press(save)).failed


async def test_what_is_true_and_what_has_just_become_true(desk, past, other):
    await add(desk, "btc price below 96000")
    await add(desk, "btc price above 96000")
    desk.market.feeds |= {Feed.FUNDING}
    await add(desk, "btc funding above 0.05%")
    await desk.ok("/alert pause 1")
    reply = await desk.ok("/alert check as=json")
    assert reply.title == "1 of 3 conditions true now, 1 became true in the last 5 minutes"
    states = [(row[0], row[2]) for row in reply.table.rows]
    assert states == [("1", "true"), ("2", "not true"), ("3", "unknown: nothing is stored of funding")]
    assert reply.table.rows[0][1].startswith("warning: BTC ")
    assert reply.table.rows[0][1].endswith("(paused)")
    (file,) = reply.files
    first, second, third = map(json.loads, file.content.decode().splitlines())
    assert (first["true"], first["fired"], len(first["fired_at"])) == (True, True, 1)
    assert first["fired_at"] == [first["last_at"]]
    assert (second["true"], second["fired"], second["fired_at"]) == (False, False, [])
    assert (third["true"], third["why"]) == (None, "nothing is stored of funding")
    assert (await desk.ok("/alert check")).files == ()
    assert "You have no alerts yet" in (await desk.say("/alert check", other)).error


async def test_each_step_of_a_watch_and_a_market_without_data(desk, past):
    await desk.ok("/watch btc min=1M")
    reply = await desk.ok("/alert check")
    asked = [row[1].partition(": ") for row in reply.table.rows]
    assert [severity for severity, _, _ in asked] == ["critical", "warning", "info"]
    assert [line.split()[:3] for _, _, line in asked] == [["BTC", "near", f"{n}%"] for n in (1, 3, 5)]
    assert {row[2] for row in reply.table.rows} == {"unknown: nothing is stored of zones"}


async def test_nothing_is_sent_and_nothing_remembered(desk, past):
    await add(desk, "btc price below 96000")

    def rows(session):
        return [session.scalar(select(func.count()).select_from(table)) for table in (Alert, Delivery)]

    before = await desk.state.read(rows)
    await desk.ok("/alert check")
    assert await desk.state.read(rows) == before
