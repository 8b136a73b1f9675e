"""Venues as users see them: in short in `/status`, as a table, and one in full with its last day."""

from dataclasses import replace

import pytest

from adapters.health import LimitUse, unmeasured
from adapters.venue import Feed, VenueHealth, VenueState
from bot.commands.layout import lines_of
from bot.commands.reply import Tone
from bot.live.health import HealthKeeper
from storage.venues import VenueStore

FEEDS = frozenset({Feed.PRICES, Feed.CANDLES, Feed.LIQUIDATIONS})
SECRET = "wss://me:hunter2@proxy/ws?token=abc closed with 1006"


def venue(name="binance", state=VenueState.UP, **changes):
    plain = unmeasured(VenueHealth(venue=name, state=state, feeds=FEEDS, messages=98_765, reconnects=2))
    known = {
        "ages_s": {Feed.PRICES: 0.4, Feed.CANDLES: 191.0, Feed.LIQUIDATIONS: None},
        "messages_per_s": 41.25,
        "lines": 3,
        "lines_up": 3,
        "gaps_filled": 1,
        "skew_ms": -12.4,
        "limits": {"weight": LimitUse(used=816, budget=2400), "connections": LimitUse(used=3, budget=300)},
        "dropped": {"unknown topic": 3, "no number": 12},
        "refused": {"btcusdt@forceOrder": "bad symbol"},
        "last_error": SECRET,
    }
    return replace(plain, **(known | changes))


DOWN = venue("okx", VenueState.DOWN, lines_up=0, note="okx does not answer; it is tried again until it does")
ALL = (venue(), DOWN, venue("bybit", lines=0, final="does not serve this country", note="bybit is off"))


@pytest.fixture
def live(desk):
    desk.market.source_kind = "live"
    desk.market.snapshots = lambda: list(ALL)
    return desk


async def test_status_has_a_short_line_for_each_venue(live, other):
    reply = await live.ok("/status")
    told = dict(reply.fields)
    assert told["Binance"] == (
        "up; prices just now, candles 3m, liquidations none yet; reconnected 2×; 34% of its limit used; "
        "liquidations sampled: one a second per symbol"
    )
    assert told["OKX"].startswith("down; prices")
    assert told["Bybit"].startswith("off for good; ")
    assert "liquidations full" not in told["Bybit"]
    assert (reply.title, reply.tone) == ("Something is not well", Tone.WARN)
    assert "OKX does not answer; it is tried again until it does." in reply.text
    assert "OKX, last error: wss://proxy/ws closed with 1006" in reply.text
    theirs = await live.ok("/status", other)
    assert "OKX does not answer" in theirs.text
    assert "1006" not in repr(theirs)
    assert "hunter2" not in repr(reply) + repr(theirs)
    assert sum(line.length + 1 for line in lines_of(theirs)) < 1_500


async def test_status_of_many_venues_stays_short(live):
    live.market.snapshots = lambda: [venue(f"v{n}") for n in range(20)] + [DOWN]
    told = (await live.ok("/status")).fields
    assert [name for name, _ in told][4:6] == ["OKX", "V0"]
    assert told[-1] == ("More", "13 venues: /exchanges")


async def test_what_cannot_be_stored_is_said_to_all_and_why_to_whoever_runs_this(with_services, me, other):
    commands = with_services(faults=lambda: ["/srv/market.duckdb: no space left"])
    assert "Not stored: /srv/market.duckdb: no space left" in (await commands.dispatch("/status", me)).text
    theirs = await commands.dispatch("/status", other)
    assert (theirs.title, theirs.tone) == ("Something is not well", Tone.WARN)
    assert "Something cannot be stored now" in theirs.text
    assert "/srv" not in repr(theirs)


async def test_exchanges_has_a_row_for_each_venue_and_says_what_is_sampled(live):
    reply = await live.ok("/exchanges")
    assert (reply.title, reply.tone) == ("2 of 3 venues are up", Tone.WARN)
    assert reply.table.rows[0] == (
        "Binance",
        "up",
        "now",
        "3m",
        "none",
        "41.2",
        "2 of 4",
        "sampled",
    )
    assert reply.table.rows[1][1:2] == ("down",)
    assert reply.table.rows[1][6] == "0 of 4"
    assert "Binance publishes one liquidation a second per symbol at most: a lower bound." in reply.text
    assert "Bybit publishes every" not in reply.text
    assert (await live.ok("/venues")).table == reply.table
    for button in reply.buttons[0]:
        assert not (await live.press(button.action)).failed


async def test_a_replay_is_one_venue_that_plays(desk):
    reply = await desk.ok("/exchanges")
    assert reply.title == "Binance is the only venue"
    assert reply.table.rows == (("Binance", "up", "–", "–", "–", "–", "2 of 4", "–"),)
    day = await desk.ok("/exchanges health")
    assert day.table.rows == (("Binance", "up", "–", "0", "–"),)
    assert "recorded data has no connections" in day.text
    one = await desk.ok("/exchanges health binance")
    assert dict(one.fields)["Source"] == "up; data just now, 1,234 messages"
    assert dict(one.fields)["Last 24 hours"] == "nothing kept"


async def test_the_last_day_comes_from_what_is_kept(live, store, with_services, me):
    now = [live.market.at_ms - 600_000]
    keeper = HealthKeeper(live.market, VenueStore(store), lambda: now[0])
    for minute in range(11):
        was_up = minute not in (4, 5)
        state = VenueState.UP if was_up else VenueState.STALE
        ages = {Feed.PRICES: 0.2 if was_up else 60.0 * (minute - 3)}
        live.market.snapshots = lambda state=state, ages=ages, again=minute // 5: [
            venue(state=state, ages_s=ages, reconnects=again)
        ]
        assert await keeper.sweep() == 1
        now[0] += 60_000
    await store.flush()
    live.market.snapshots = lambda: [venue()]
    commands = with_services(venue_past=VenueStore(store).health)
    day = await commands.dispatch("/exchanges health", me)
    assert day.table.rows == (("Binance", "up", "80.0%", "2", "2m"),)
    one = await commands.dispatch("/exchanges health binance", me)
    assert dict(one.fields)["Last 24 hours"] == (
        "up 80.0% of 10m watched, 2 reconnects, 0 gaps filled, longest silence 2m"
    )


async def test_one_venue_in_full(live, other):
    reply = await live.ok("/exchanges health BINANCE")
    assert reply.title == "Binance is up"
    assert dict(reply.fields) == {
        "Newest data": "prices just now, candles 3m, liquidations none yet",
        "Messages": "98,765, 41.2 a second",
        "Connections": "3 of 3 up, reconnected 2×",
        "Gaps filled": "1",
        "Its clock": "12 ms behind ours",
        "Limits used": "connections 3 of 300, weight 816 of 2,400",
        "Not understood": "no number 12×, unknown topic 3×",
        "Refused": "btcusdt@forceOrder (bad symbol)",
        "Last error": "wss://proxy/ws closed with 1006",
        "Last 24 hours": "nothing kept",
        "Liquidations seen": "Binance publishes one liquidation a second per symbol at most: a lower bound.",
    }
    theirs = dict((await live.ok("/exchanges health binance", other)).fields)
    assert theirs["Refused"] == "1 topic"
    assert "Last error" not in theirs


async def test_topics_that_are_silent_are_named_with_since_when(live, other):
    now_ms = live.market.now_ms()
    silent = {"ethusdt@kline_5m": now_ms - 65_000, "btcusdt@aggTrade": now_ms - 185_000}
    note = "binance is connected, but 2 of the topics asked for say nothing"
    live.market.snapshots = lambda: [venue(silent=silent, note=note)]
    reply = await live.ok("/exchanges health binance")
    assert dict(reply.fields)["Silent"] == "btcusdt@aggTrade for 3m, ethusdt@kline_5m for 1m"
    assert reply.text == "Binance is connected, but 2 of the topics asked for say nothing."
    theirs = dict((await live.ok("/exchanges health binance", other)).fields)
    assert theirs["Silent"] == "2 topics"


@pytest.mark.parametrize("line", ["/exchanges health kraken", "/exchanges health venue=kraken"])
async def test_a_venue_that_is_not_read_is_named_with_those_that_are(live, line):
    reply = await live.say(line)
    assert reply.error == "I read no venue “kraken”. I read Binance, OKX and Bybit."
    assert not (await live.say(reply.example)).failed
