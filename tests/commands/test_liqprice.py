"""`/liqprice`: what is typed, what comes out, and every way to be told no."""

from dataclasses import replace

import pytest

from bot.commands import liqprice_words
from bot.commands.dispatch import Commands
from bot.commands.reply import Front
from config.tiers import TierBook
from engine.margin.tiers import TierTable, make_tiers

SHORTCUT = 113_000 * (1 - 1 / 10 + 0.004)


def value(reply, label: str) -> str:
    return dict(reply.fields)[label]


async def test_the_price_the_tier_and_what_is_assumed(desk):
    reply = await desk.ok("/liqprice btc long 113000 10x 50k")
    assert reply.title == "BTC long 10x on Binance: liquidated at $102,108.43"
    assert reply.fields == (
        ("Liquidation price", "$102,108.43"),
        ("Distance", "−9.64% from entry, −9.80% from the price now"),
        ("Entry", "$113,000.00"),
        ("Position", "$50,000.00, 0.442478 BTC"),
        ("Margin", "$5,000.00, entry value ÷ 10"),
        ("Maintenance there", "$180.72"),
        ("Tier", "$0 to $300,000: 0.4% maintenance, up to 150x, maintenance amount $0"),
        ("Tiers as of", "2026-09, Binance leverage brackets"),
    )
    assert "Isolated margin, alike in one-way and hedge mode" in reply.text
    assert "The mark price triggers it" in reply.text
    assert "counts no fee" in reply.text
    assert f"{SHORTCUT:,.2f}" not in repr(reply)
    assert reply.price == 113_204.5


@pytest.mark.parametrize(
    ("line", "passed"),
    [
        ("/liqprice btc long 150000 25x", "at or below"),
        ("/liqprice btc short 90000 25x", "at or above"),
    ],
)
async def test_a_position_that_the_price_now_has_liquidated_already_is_told_so(desk, line, passed):
    reply = await desk.ok(line)
    told = f"The price now, $113,204.50, is already {passed} the liquidation price"
    assert reply.text.startswith(told)
    assert value(reply, "Distance").endswith(f"from entry, and the price now is already {passed} it")


async def test_a_position_that_stands_is_not_told_to_be_gone(desk):
    for line in ("/liqprice btc long 113000 10x", "/liqprice btc short 113000 10x", "/liqprice eth long 1x"):
        reply = await desk.ok(line)
        assert "already" not in f"{reply.text} {reply.fields}"


async def test_the_entry_is_the_price_now_where_none_is_given(desk):
    reply = await desk.ok("/liqprice btc short 25x")
    assert value(reply, "Entry") == "$113,204.50, the price now"
    assert value(reply, "Distance") == "+3.59% from entry"
    assert "No size given, so the first tier is taken ($0 to $300,000)" in reply.text
    assert "Position" not in dict(reply.fields)


@pytest.mark.parametrize(
    "line",
    [
        "/liqprice btc long 113000 10",
        "/liqprice btc long 113,000 10x",
        "/liqprice btc long $113000 x10",
        "/liqprice btc 10x 113000 long",
        "/liqprice leverage=10 entry=113k btc long",
        "/liq btc long lev=10 entry=113000 isolated binance",
        "/liq long BTC-PERP entry 113000 leverage 10",
    ],
)
async def test_it_understands_what_people_type(desk, line):
    reply = await desk.ok(line)
    assert reply.title == "BTC long 10x on Binance: liquidated at $102,108.43"


async def test_a_large_position_is_in_another_tier(desk):
    reply = await desk.ok("/liqprice btc long 113000 50x size=5M")
    assert value(reply, "Tier").startswith("$3,000,000 to $12,000,000: 1% maintenance, up to 50x")
    assert value(reply, "Tier").endswith("maintenance amount $12,000")


async def test_a_position_that_changes_tier_on_the_way_says_both(desk):
    reply = await desk.ok("/liqprice btc long 113000 5x size=310k")
    assert value(reply, "Tier").startswith("$0 to $300,000")
    assert value(reply, "Tier at entry").startswith("$300,000 to $800,000")


async def test_coins_instead_of_dollars(desk):
    reply = await desk.ok("/liqprice btc long 113000 10x qty=0.5")
    assert value(reply, "Position") == "$56,500.00, 0.5 BTC"


async def test_okx_says_what_it_counts_and_what_is_not_documented(desk):
    reply = await desk.ok("/liqprice btc long 113000 10x qty=20 okx")
    assert value(reply, "Tier") == "10 to 50 BTC: 0.5% maintenance, up to 66.66x, on the whole position"
    assert value(reply, "Maintenance there").endswith("liquidation fee included")
    assert "liquidation fee of 0.05%" in reply.text
    assert "does not document" in reply.text
    assert "charged slice by slice it would be $102,211.06" in reply.text
    assert "does not document" not in (await desk.ok("/liqprice btc long 113000 10x qty=2 okx")).text


async def test_hyperliquid_has_no_hedge_mode_and_no_end(desk):
    reply = await desk.ok("/liqprice btc long 20x size=160M exchange=hyperliquid")
    assert "hedge" not in reply.text
    assert value(reply, "Tier").startswith("above $150,000,000: 2.5% maintenance, up to 20x")
    assert value(reply, "Tiers as of") == "2026-09-27, Hyperliquid margin tiers"


async def test_cross_is_backed_by_the_wallet(desk):
    reply = await desk.ok("/liqprice btc long 113000 10x qty=0.5 cross balance=20k")
    assert reply.title.endswith("liquidated at $73,293.17")
    assert value(reply, "Margin") == "$20,000.00, the wallet balance"
    assert "The chosen leverage does not move the price; other positions would." in reply.text
    implied = await desk.ok("/liqprice btc long 113000 10x qty=0.5 balance=20k")
    assert implied.title == reply.title
    bybit = await desk.ok("/liqprice btc long 113000 10x bybit qty=0.5 balance=20k")
    assert value(bybit, "Margin").endswith("the wallet balance less the fee to close")
    assert "but for the fee set aside for closing" in bybit.text
    assert "formula of May 2026" in bybit.text


async def test_nothing_liquidates_a_long_without_debt(desk):
    reply = await desk.ok("/liqprice eth long 1x")
    assert reply.title == "ETH long 1x on Binance: no price liquidates it"
    assert value(reply, "Liquidation price") == "none"
    assert "Distance" not in dict(reply.fields)


async def test_buttons_ask_the_same_of_other_venues(desk):
    reply = await desk.ok("/liqprice btc long 113000 10x size=50k")
    assert [b.label for row in reply.buttons for b in row] == ["Bybit", "Hyperliquid", "OKX"]
    for button in reply.buttons[0]:
        other = await desk.press(button.action)
        assert other.edits
        assert other.title.startswith(f"BTC long 10x on {button.label}: liquidated at ")
        assert value(other, "Position") == value(reply, "Position")
    crossed = await desk.ok("/liqprice btc long 113000 10x qty=0.5 balance=20k")
    pressed = await desk.press(crossed.buttons[0][0].action)
    assert "Cross margin" in pressed.text


async def test_a_leverage_that_no_tier_allows_is_refused_with_the_highest(desk):
    reply = await desk.say("/liqprice btc long 113000 151x")
    assert reply.error.startswith("Binance allows 150x at most for BTC.")
    assert "liquidated at" in (await desk.press(reply.buttons[0][0].action)).title
    sized = await desk.say("/liqprice btc long 113000 100x size=200M exchange=hyperliquid")
    assert (
        "Hyperliquid allows 20x at most for $200,000,000.00 of BTC (40x for $0 to $150,000,000)"
        in sized.error
    )
    assert sized.example == "/liqprice BTCUSDT long 113000 20x hyperliquid size=200000000"
    small = await desk.say("/liqprice btc long 113000 60x qty=1 exchange=hyperliquid")
    assert small.error.startswith("Hyperliquid allows 40x at most for BTC.")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/liqprice btc long 25", "With which leverage? 25 was taken as the entry price"),
        ("/liqprice btc long 0.5x", "out of range: 1x to 1000x"),
        ("/liqprice btc long lev=ten", "leverage is like 10x, not “ten”"),
        ("/liqprice btc long entry=cheap 10x", "“cheap” is not a price"),
        ("/liqprice btc long 10x size=50k qty=1", "not both"),
        ("/liqprice btc long 10x qty=0", "more than 0"),
        ("/liqprice btc long 10x mode=cross size=1k", "needs the balance"),
        ("/liqprice btc long 10x balance=1k", "needs its size"),
        ("/liqprice btc long 10x isolated balance=1k size=1k", "only matters in cross"),
        ("/liqprice btc long 2x size=3B", "tiers for BTC end at $1,800,000,000"),
        ("/liqprice btc long 2x okx qty=20000", "tiers for BTC end at 19,400 BTC"),
        ("/liqprice btc long 10x bybit 1M balance=1k", "liquidated at once"),
        ("/liqprice eth long 10x bybit", "no margin tiers of Bybit for ETH, only of Binance"),
        ("/liqprice pepe long 10x", "has no price now; say the entry"),
    ],
)
async def test_refusals_say_what_to_do(desk, line, told):
    reply = await desk.say(line)
    assert told in reply.error
    assert reply.example
    if "0.5x" not in line:
        assert reply.example.startswith("/liqprice")


async def test_a_market_without_price_can_still_be_asked_about(desk):
    reply = await desk.ok("/liqprice pepe short 0.0123 10x")
    assert reply.price is None
    assert value(reply, "Entry") == "$0.0123"
    assert value(reply, "Distance").endswith("from entry")


async def test_a_market_without_any_tiers(desk, with_services, me, tmp_path):
    commands = with_services(tiers=TierBook(tmp_path))
    reply = await commands.dispatch("/liqprice btc long 10x", me)
    assert "no margin tiers for BTC on any exchange" in reply.error


async def test_it_is_on_every_front_and_can_be_shared(desk, other):
    for front in Front:
        assert desk.commands.registry.find("liqprice", front)
    assert not (await desk.ok("/liqprice btc long 10x share", other)).ephemeral


def test_spans_of_tiers():
    tiers = make_tiers([(float("inf"), 0.01, 50)])
    table = TierTable(venue="v", symbol="BTCUSDT", as_of="", source="", tiers=tiers)
    assert liqprice_words.span(table, tiers[0]) == "any size"


@pytest.mark.parametrize(
    ("price", "told"),
    [
        (102_108.4337, "$102,108.43"),
        (0, "$0.00"),
        (99.5, "$99.50"),
        (0.16842109, "$0.1684211"),
        (0.0000123456789, "$0.00001234568"),
        (12.3, "$12.30"),
    ],
)
def test_prices_are_exact(price, told):
    assert liqprice_words.exact(price) == told


def renewed(rate: float = 0.01) -> TierTable:
    return TierTable(
        venue="binance",
        symbol="BTCUSDT",
        as_of="2026-11-20",
        source="Binance leverage brackets, read from the venue",
        tiers=make_tiers([(1e6, rate, 50.0)]),
    )


async def test_tiers_that_were_renewed_are_used_and_said_to_be(desk):
    book = TierBook()
    book.renew([renewed()])
    desk.commands = Commands(replace(desk.services, tiers=book), clock=lambda: desk.seconds[0])
    reply = await desk.ok("/liqprice btc long 100000 10x 50k")
    assert value(reply, "Tiers as of") == "2026-11-20, Binance leverage brackets, read from the venue"
    assert value(reply, "Tier") == "$0 to $1,000,000: 1% maintenance, up to 50x, maintenance amount $0"
    assert value(reply, "Liquidation price") == "$90,909.09"


@pytest.mark.parametrize("typed", ["pepe", "1000pepe", "kpepe", "1000PEPEUSDT"])
@pytest.mark.parametrize("venue", ["binance", "hyperliquid"])
async def test_a_bundle_is_asked_about_by_any_of_its_names_at_the_price_of_one_coin(desk, typed, venue):
    reply = await desk.ok(f"/liqprice {typed} long 0.0000125 5x {venue}")
    assert reply.title.startswith(f"PEPE long 5x on {'Binance' if venue == 'binance' else 'Hyperliquid'}")
    price = float(value(reply, "Liquidation price").removeprefix("$"))
    assert 0.0000100 < price < 0.0000107


async def test_the_price_of_a_bundle_is_not_taken_for_that_of_a_coin(desk):
    view = replace(desk.market.view("BTCUSDT"), symbol="PEPEUSDT", price=0.0000123)
    desk.market.views["PEPEUSDT"] = view
    reply = await desk.say("/liqprice pepe long 0.0125 5x")
    assert "Prices here are of one PEPE; 0.0125 looks like that of 1,000" in reply.error
    assert reply.example == "/liqprice pepe long 0.0000125 5x"
    assert (await desk.ok(reply.example)).title.startswith("PEPE long 5x on Binance: liquidated at $0.0000")
    assert not (await desk.ok("/liqprice pepe long 0.0000012 5x")).failed
