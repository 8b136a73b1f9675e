"""`/liquidations` and `/top`: what was recorded is summed up, and what was not is not made up."""

from types import SimpleNamespace

import pytest

from adapters.venue import Feed, SourceKind
from bot.commands.liquidations import began
from engine.model import HOUR_MS, Funding, Liquidation, OpenInterest, PriceKind, Side
from storage.venues import VenueStore

FOUR = {"binance": 0.62, "bybit": 0.2, "okx": 0.14, "hyperliquid": 0.04}


@pytest.fixture
async def live(desk, store):
    """A live market whose venues have reported a little."""
    market = desk.market
    market.parts, market.source_kind, market.named = dict(FOUR), SourceKind.LIVE, ""
    market.feeds = frozenset(Feed) - {Feed.LONG_SHORT}
    now = market.at_ms

    def gone(venue, symbol, side, usd, minutes):
        return Liquidation(
            venue=venue,
            symbol=symbol,
            side=side,
            price=100_000.0,
            price_kind=PriceKind.FILL,
            quantity=usd / 100_000.0,
            notional_usd=usd,
            ts=now - minutes * 60_000,
            received_ms=now,
        )

    said = VenueStore(store)
    await said.add_liquidations(
        [
            gone("bybit", "BTCUSDT", Side.LONG, 6e6, 50),
            gone("bybit", "BTCUSDT", Side.SHORT, 1e6, 20),
            gone("binance", "BTCUSDT", Side.LONG, 3e6, 10),
            gone("okx", "ETHUSDT", Side.SHORT, 8e6, 5),
            gone("binance", "BTCUSDT", Side.LONG, 90e6, 300),
        ]
    )
    for venue, minutes in (("binance", 3_000), ("bybit", 3_000), ("okx", 30)):
        await said.add_health(venue, now - minutes * 60_000, "up", {})
    await store.flush()
    return desk


async def test_an_hour_of_one_market(live):
    reply = await live.ok("/liquidations btc")
    assert reply.title == "BTC liquidations, 1 hour: $10M"
    assert reply.fields == (
        ("Longs", "$9M, 90%"),
        ("Shorts", "$1M, 10%"),
        ("Bybit", "$7M, 70%: longs 86%, 2 liquidations"),
        ("Binance", "$3M, 30%: longs 100%, 1 liquidation"),
    )
    assert [row[1:] for row in reply.table.rows] == [
        ("Bybit", "long", "$100,000", "$6M"),
        ("Binance", "long", "$100,000", "$3M"),
        ("Bybit", "short", "$100,000", "$1M"),
    ]
    [image] = reply.images
    assert image.alt.startswith("BTC liquidations, last 1h: $10M in all. Longs $9M (90%), shorts $1M (10%).")


async def test_what_is_seen_in_part_is_said_and_since_when(live):
    reply = await live.ok("/liquidations btc")
    assert reply.text.splitlines() == [
        (
            "Recorded from OKX since 20:05 UTC: what came before is not in here. "
            "Nothing is recorded from Hyperliquid yet."
        ),
        (
            "A lower bound, seen in part: Binance (one a second per symbol), "
            "OKX (one a second per contract), Hyperliquid (followed addresses only)."
        ),
    ]
    full = await live.ok("/liquidations btc 24h exchange=bybit")
    assert full.text == "Recorded since 8 Oct 18:35 UTC."
    assert full.title == "BTC liquidations, 24 hours, Bybit: $7M"


def test_venues_that_began_together_are_told_together():
    context = SimpleNamespace(moment=lambda ts: f"minute {ts // 60_000}")
    since = {"okx": 120_500, "binance": 120_100, "bybit": 180_000}
    read = ("binance", "bybit", "okx")
    assert began(context, since, read, 60_000) == (
        "Recorded from Binance and OKX since minute 2, Bybit since minute 3: what came before is not in here."
    )
    assert began(context, dict.fromkeys(read, 120_000), read, 60_000) == (
        "Recorded since minute 2: what came before is not in here."
    )
    assert began(context, {"okx": 120_000}, read, 60_000) == (
        "Recorded from OKX since minute 2: what came before is not in here. "
        "Nothing is recorded from Binance and Bybit yet."
    )


async def test_the_small_print_of_the_picture_is_short(live):
    await live.ok("/liquidations btc")
    assert live.pictures.requests[-1].small == (
        "all recorded since 20:05 UTC",
        "nothing recorded of Hyperliquid",
        "a lower bound: Binance, OKX and Hyperliquid in part",
    )


async def test_all_markets_and_a_least_size(live):
    reply = await live.ok("/liquidations all 1h min=5M")
    assert reply.title == "All liquidations, 1 hour: $14M, $5M and more each"
    assert [row[1] for row in reply.table.rows] == ["ETH", "BTC"]
    labels = [b.label for row in reply.buttons for b in row]
    assert labels == ["1h", "4h", "24h", "7d", "Refresh", "Top markets"]
    longer = await live.press(reply.buttons[0][2].action)
    assert longer.edits
    assert longer.title == "All liquidations, 24 hours: $104M, $5M and more each"
    assert (await live.press(longer.buttons[1][1].action)).title.startswith("Top markets")


async def test_no_two_buttons_of_an_answer_are_alike_and_none_is_too_long(live):
    for line in (
        "/liquidations btc",
        "/liquidations all 24h min=100k exchange=bybit,okx,hl",
        "/top",
        "/top 24h by=oi count=20 exchange=binance,bybit,hl",
        "/top by=funding",
        "/heatmap btc exchange=binance,bybit,hl",
        "/zones btc short exchange=binance,bybit,hl",
        "/market btc exchange=binance,bybit,hl",
    ):
        actions = [b.action for row in (await live.ok(line)).buttons for b in row if b.action]
        assert len(set(actions)) == len(actions), line
        assert any("!" in action for action in actions), line
        for action in actions:
            if "watch" not in action:
                assert not (await live.press(action)).failed, (line, action)


async def test_nothing_is_nothing(live):
    reply = await live.ok("/liquidations eth exchange=bybit")
    assert reply.text.startswith("Nothing was reported.")
    assert (reply.images, reply.table, reply.fields) == ((), None, ())


async def test_a_replay_says_why_there_is_nothing(desk):
    for line in ("/liquidations btc", "/liquidations all 24h", "/top", "/top by=long"):
        reply = await desk.say(line)
        assert reply.error == (
            "This replay has candles only: what was liquidated then was not recorded, and none is made up."
        ), line
        assert reply.example == "/zones btc"
    assert (await desk.say("/top by=funding")).error == "Funding is not available in this replay."
    assert (await desk.ok("/top by=oi")).text == "Nothing was reported."


async def test_the_picture_waits_where_one_was_just_drawn(live, me):
    await live.ok("/heatmap btc")
    reply = await live.commands.dispatch("/liquidations btc", me)
    assert not reply.failed
    assert not reply.images
    assert "One new picture every 5 s" in reply.text
    assert reply.table.rows


async def test_markets_are_ranked_by_what_was_liquidated(live):
    reply = await live.ok("/top 24h")
    assert reply.title == "Top markets: most liquidated, 24 hours"
    assert [row[:4] for row in reply.table.rows] == [
        ("BTC", "$100M", "$99M", "$1M"),
        ("ETH", "$8M", "$0", "$8M"),
    ]
    assert "A lower bound" in reply.text
    short = await live.ok("/top 1h by=short count=1")
    assert [row[0] for row in short.table.rows] == ["ETH"]
    assert [row[0] for row in (await live.ok("/top by=long")).table.rows] == ["BTC"]
    some = await live.ok("/top exchange=okx")
    assert some.title.endswith("1 hour, OKX")
    assert [row[0] for row in some.table.rows] == ["ETH"]
    again = await live.press(some.buttons[0][-1].action)
    assert (again.title, again.table) == (some.title, some.table)


async def test_markets_are_ranked_by_open_interest_that_came_or_went(live, store):
    now = live.market.at_ms
    await VenueStore(store).add_open_interest(
        OpenInterest(venue=venue, symbol=symbol, ts=now - ago, open_interest=coins)
        for venue, symbol, ago, coins in (
            *(("okx", "BTCUSDT", HOUR_MS, 100.0), ("okx", "BTCUSDT", 0, 90.0)),
            *(("bybit", "BTCUSDT", HOUR_MS, 100.0), ("bybit", "BTCUSDT", 0, 95.0)),
            *(("okx", "ETHUSDT", HOUR_MS, 1_000.0), ("okx", "ETHUSDT", 0, 1_100.0)),
        )
    )
    await store.flush()
    reply = await live.ok("/top by=oi")
    assert reply.table.rows == (
        ("BTC", "−$1.7M", "−7.5%", "$21M"),
        ("ETH", "+$401K", "+10%", "$4.4M"),
    )
    assert (await live.ok("/top by=oi exchange=bybit")).table.rows == (("BTC", "−$566K", "−5.0%", "$11M"),)


async def test_markets_are_ranked_by_funding(live, store):
    now = live.market.at_ms

    def paid(venue, symbol, rate, hours):
        return Funding(
            venue=venue, symbol=symbol, ts=now, rate=rate, funding_ts=now + HOUR_MS, interval_h=hours
        )

    await VenueStore(store).add_funding(
        [
            paid("okx", "BTCUSDT", 1e-4, 8.0),
            paid("hyperliquid", "BTCUSDT", 1e-4, 1.0),
            paid("okx", "ETHUSDT", -2e-3, 8.0),
            paid("binance", "ETHUSDT", 9.0, None),
        ]
    )
    await store.flush()
    reply = await live.ok("/top by=funding")
    assert reply.table.rows == (
        ("ETH", "−219.00%", "−0.2000%/8h", "OKX"),
        ("BTC", "+49.28%", "0.0100%/1h", "Hyperliquid"),
    )
    assert reply.text == (
        "Left out, because it is not known yet how often funding is paid there: ETH on Binance."
    )
    assert (await live.ok("/top by=funding exchange=okx")).text == ""
    labels = [b.label for row in reply.buttons for b in row]
    assert labels == ["Refresh", "Liquidated", "Open interest"]
