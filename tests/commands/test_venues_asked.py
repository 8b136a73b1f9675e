"""Any set of venues can be asked of: understood as people write it, answered with each one's part."""

from dataclasses import replace

import pytest

from adapters.health import unmeasured
from adapters.venue import Feed, VenueHealth, VenueState
from bot.commands import venues_asked
from bot.commands.parse import Parser
from bot.commands.registry import Registry
from bot.commands.reply import Front
from bot.commands.symbols import Markets
from bot.render.alt import footer
from engine.errors import UserError
from engine.model import Candle, Candles, Funding, LongShortRatio, OpenInterest, Tick
from storage.venues import VenueStore

FOUR = {"binance": 0.62, "bybit": 0.2, "okx": 0.14, "hyperliquid": 0.04}


@pytest.fixture
def parse():
    markets = Markets(known=("BTCUSDT", "ETHUSDT"), venues=(*FOUR, "other"))
    parser = Parser(registry=Registry(), markets=markets, front=Front.PANEL, replaying=False)
    return lambda line: parser.understand(line).values["exchange"]


@pytest.fixture
def four(desk):
    desk.market.parts = dict(FOUR)
    return desk


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("/heatmap btc", "all"),
        ("/heatmap btc exchange=all", "all"),
        ("/heatmap btc all", "all"),
        ("/heatmap btc exchange=binance,okx", ("binance", "okx")),
        ("/heatmap btc exchange=Binance, OKX", ("binance", "okx")),
        ("/heatmap btc venue=okx", ("okx",)),
        ("/heatmap btc venues=okx,okx", ("okx",)),
        ("/heatmap btc exchanges=okx;bybit", ("okx", "bybit")),
        ("/heatmap okx btc 7d", ("okx",)),
        ("/heatmap btc okx,hl", ("okx", "hyperliquid")),
        ("/heatmap btc okx, bybit 12h", ("okx", "bybit")),
        ("/heatmap btc --exchange okex", ("okx",)),
        ("/zones btc short exchange=other", ("other",)),
        ("/market btc exchange=okx,all", "all"),
        ("/liquidations btc okx", ("okx",)),
        ("/liquidations all exchange=all", "all"),
        ("/top 4h by=long bybit", ("bybit",)),
    ],
)
def test_venues_are_understood_as_people_write_them(parse, line, meant):
    assert parse(line) == meant


def test_an_unknown_venue_is_told_what_there_is(parse):
    with pytest.raises(UserError, match="I read no venue “kraken”") as caught:
        parse("/heatmap btc exchange=kraken")
    assert "I read Binance, Bybit, OKX, Hyperliquid and Other." in caught.value.message
    with pytest.raises(UserError, match="Did you mean Binance") as caught:
        parse("/heatmap btc exchange=binanse,okx")
    assert caught.value.lines == ("/heatmap btc exchange=binance,okx",)
    with pytest.raises(UserError, match="Did you mean bybit") as caught:
        parse("/heatmap btc bybut")
    assert caught.value.lines == ("/heatmap btc exchange=bybit",)
    with pytest.raises(UserError, match="exchange is empty"):
        parse('/heatmap btc exchange=","')


async def test_a_near_miss_is_a_button_away(four):
    reply = await four.say("/heatmap btc exchange=binanse")
    assert "Did you mean Binance?" in reply.error
    assert (await four.press(reply.buttons[0][0].action)).title == "BTC heatmap, 24 hours, Binance"


async def test_a_venue_that_does_not_trade_it_is_said(four):
    reply = await four.say("/market sol exchange=okx,bybit")
    assert reply.error == "OKX and Bybit do not trade SOL now. It is read from Binance."
    assert reply.example == "/market sol exchange=binance"


async def test_venues_are_completed_one_after_the_other(four, me):
    def offered(line):
        return [line.rpartition(" ")[2] for line in four.commands.complete(line)]

    assert offered("/heatmap btc exchange=") == [*(f"exchange={v}" for v in FOUR), "exchange=all"]
    assert offered("/heatmap btc exchange=b") == ["exchange=binance", "exchange=bybit"]
    assert offered("/zones btc exchange=okx,b") == ["exchange=okx,binance", "exchange=okx,bybit"]
    suggested = await four.commands.suggest("heatmap", "exchange", "hyp", me)
    assert [choice.value for choice in suggested] == ["hyperliquid"]


async def test_a_heatmap_of_some_venues_says_whose_it_is_and_stays_theirs(four):
    reply = await four.ok("/heatmap btc 7d exchange=okx,binance")
    assert reply.title == "BTC heatmap, 7 days, Binance and OKX"
    assert four.market.asked_of == [("binance", "okx")]
    assert "Binance 62%, OKX 14%, 20:35 UTC" in reply.text
    for label in ("Refresh", "12h"):
        button = next(b for row in reply.buttons for b in row if b.label == label)
        again = await four.press(button.action)
        assert again.title.endswith("Binance and OKX"), label
    assert four.pictures.requests[-1].shares == (("binance", 0.62), ("okx", 0.14))
    modelled = await four.ok("/heatmap btc model=leverage exchange=okx")
    assert four.market.asked_of[-1] == ("okx",)
    assert modelled.title.endswith("OKX")


async def test_every_venue_by_name_is_the_usual_answer(four):
    named = await four.ok("/heatmap btc exchange=okx,bybit,hyperliquid,binance")
    assert four.market.asked_of == [()]
    assert named.text == (await four.ok("/heatmap btc")).text
    assert "Binance 62%, Bybit 20%, OKX 14%, Hyperliquid 4%" in named.text
    assert len(four.market.asked_of) == 1


async def test_pictures_of_other_venues_are_other_pictures(four):
    await four.ok("/heatmap btc exchange=okx")
    await four.ok("/heatmap btc exchange=bybit")
    assert four.market.asked_of == [("okx",), ("bybit",)]


async def test_zones_of_some_venues(four):
    whole = await four.ok("/zones btc")
    assert "Venues' part of the whole: Binance 62%, Bybit 20%, OKX 14%, Hyperliquid 4%." in whole.text
    assert whole.table.headings[-1] == "Most on"
    assert {row[-1] for row in whole.table.rows} == {"Binance 62%"}
    part = await four.ok("/zones btc exchange=okx")
    assert part.title == "BTC zones, OKX"
    assert "OKX 14%" in part.text
    assert [row[3] for row in part.table.rows] == ["$1.7M", "$5.3M", "$8.7M"]
    again = await four.press(part.buttons[0][0].action)
    assert (again.title, again.table) == (part.title, part.table)
    heatmap = await four.press(part.buttons[0][1].action)
    assert heatmap.title.endswith("OKX")


async def test_one_venue_in_all_is_no_clutter(desk):
    assert "%" not in (await desk.ok("/heatmap btc exchange=binance")).text.rpartition("Binance")[2]
    zones = await desk.ok("/zones btc")
    assert "part of the whole" not in zones.text
    assert "Most on" not in zones.table.headings
    market = await desk.ok("/market btc")
    assert market.table is None
    assert [name for name, _ in market.fields] == [
        "Price",
        "24 h change",
        "24 h range",
        "24 h volume",
        "Open interest",
    ]


@pytest.fixture
async def told(four, store):
    """Let two venues say something about Bitcoin."""
    now = four.market.at_ms
    bars = Candles.of(
        [
            Candle(
                venue="okx",
                symbol="BTCUSDT",
                ts=(now // 300_000 - 1 - i) * 300_000,
                open=100_000.0,
                high=100_000.0,
                low=100_000.0,
                close=100_000.0,
                volume=1.0,
                quote_volume=1e6,
            )
            for i in reversed(range(300))
        ]
    )
    await store.add_candles("BTCUSDT", "okx", bars)
    await store.add_candles("BTCUSDT", "bybit", bars)
    said = VenueStore(store)
    day = 86_400_000
    await said.add_open_interest(
        OpenInterest(venue=venue, symbol="BTCUSDT", ts=ts, open_interest=coins)
        for venue, ts, coins in (
            *(("okx", now - day, 1_000.0), ("okx", now, 1_100.0)),
            *(("bybit", now - day, 3_000.0), ("bybit", now, 2_900.0)),
        )
    )
    paid = Funding(
        venue="okx", symbol="BTCUSDT", ts=now, rate=1e-4, funding_ts=now + 7_200_000, interval_h=8.0
    )
    await said.add_funding([paid, replace(paid, venue="bybit", rate=-2e-4)])
    await said.add_ratios(
        [LongShortRatio(venue="okx", symbol="BTCUSDT", ts=now, step_ms=300_000, kind="accounts", ratio=1.85)]
    )
    await store.flush()
    four.market.prices = {
        "okx": Tick(venue="okx", symbol="BTCUSDT", ts=now, price=113_190.0, interpolated=False)
    }
    return four


async def test_the_market_by_venue(told):
    reply = await told.ok("/market btc")
    rows = {row[0]: row[1:] for row in reply.table.rows}
    assert reply.table.headings == (
        *("Venue", "Price", "24 h volume", "Open interest", "Funding", "Long/short", "Share"),
    )
    assert rows["OKX"] == ("113,190", "$288M", "$125M +10%", "0.0100%/8h", "1.85", "14%")
    assert rows["Bybit"] == ("100,000", "$288M", "$290M −3.3%", "−0.0200%/8h", "–", "20%")
    assert rows["Hyperliquid"] == ("–", "–", "–", "–", "–", "4%")
    fields = dict(reply.fields)
    assert fields["24 h volume"] == "not available"
    assert fields["Funding"] == "−12.87% a year, next in 2h"
    assert fields["Open interest"] == "$453M (4,000 BTC), 0.00% in 24 h"


async def test_the_market_of_some_venues(told):
    reply = await told.ok("/market btc exchange=okx,bybit")
    assert reply.title == "BTC $113,204, Bybit and OKX"
    assert [row[0] for row in reply.table.rows] == ["Bybit", "OKX"]
    assert dict(reply.fields)["24 h volume"] == "$576M"
    one = await told.ok("/market btc exchange=okx")
    assert dict(one.fields)["Funding"] == "0.0100%/8h, +10.95% a year, next in 2h"
    assert dict(one.fields)["Long/short"] == "1.85 accounts"


def test_shares_are_told_largest_first_and_small_ones_not_as_nothing():
    assert venues_asked.shares({"okx": 0.004, "bybit": 0.996}) == "Bybit 100%, OKX <1%"
    assert venues_asked.word(("binance", "bybit", "hyperliquid")) == "binance,bybit,hl"
    assert venues_asked.word(("other",)) == "exchange=other"
    assert venues_asked.word(()) == ""


async def test_a_venue_that_gave_too_little_yet_has_no_part(four):
    four.market.parts = {"binance": 0.8, "bybit": 0.2, "okx": 0.0, "hyperliquid": 0.0}
    picture = await four.ok("/heatmap btc")
    assert "Binance 80%, Bybit 20%, without OKX, Hyperliquid, 20:35 UTC" in picture.text
    small = footer(four.pictures.requests[-1])
    assert small[:2] == ("Binance 80%, Bybit 20%", "without OKX, Hyperliquid")
    sweep = await four.ok("/cascade btc")
    assert "Binance, Bybit, without OKX, Hyperliquid" in sweep.images[0].alt
    zones = await four.ok("/zones btc")
    assert "Venues' part of the whole: Binance 80%, Bybit 20%.\n" in zones.text
    assert "OKX and Hyperliquid gave too little yet to have a part." in zones.text
    rows = {row[0]: row[-1] for row in (await four.ok("/market btc")).table.rows}
    assert list(rows.values()) == ["80%", "20%", "–", "–"]
    four.market.parts = dict(FOUR)
    assert "without" not in (await four.ok("/heatmap btc")).text, "a picture of before is not shown again"


async def test_status_of_some_venues_has_their_lines_and_parts_alone(four):
    def up(name, state=VenueState.UP, note=""):
        return replace(unmeasured(VenueHealth(venue=name, state=state)), note=note)

    down = up("bybit", VenueState.DOWN, "bybit does not answer; it is tried again until it does")
    four.market.snapshots = lambda: [up("binance"), down, up("okx"), up("hyperliquid")]
    four.market.symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    whole = await four.ok("/status")
    told = dict(whole.fields)
    assert told["Bybit"].startswith("down")
    assert told["Share of BTC"] == "Binance 62%, Bybit 20%, OKX 14%, Hyperliquid 4%"
    assert whole.title == "Something is not well"
    some = await four.ok("/status exchange=okx,binance")
    told = dict(some.fields)
    assert some.title == "All is well, OKX and Binance"
    assert "Not configured" in whole.text
    assert "Not configured" not in some.text, "it is not of these venues"
    assert told["Share of BTC"] == told["Share of ETH"] == "Binance 62%, OKX 14%"
    assert "Bybit" not in told
    assert "Bybit" not in some.text
    assert {"Binance", "OKX"} <= told.keys()
    assert told["Markets"] == "BTC, ETH and SOL"
    assert (await four.press(some.buttons[0][0].action)).fields == some.fields
    alone = dict((await four.ok("/status okx")).fields)
    assert alone["Markets"] == "BTC and ETH", "the first venue alone trades SOL"
    assert alone["Share of BTC"] == "OKX 14%"
    assert (await four.ok("/status exchange=all")).fields == whole.fields


async def test_status_says_of_whom_too_little_came_yet(four):
    four.market.parts = {"binance": 0.8, "bybit": 0.2, "okx": 0.0}
    assert (
        dict((await four.ok("/status")).fields)["Share of BTC"]
        == "Binance 80%, Bybit 20%, OKX too little yet"
    )
    okx = dict((await four.ok("/status exchange=okx")).fields)
    assert okx["Share of BTC"] == "OKX too little yet"


async def test_status_counts_the_shares_of_many_markets(four):
    four.market.symbols = ("BTCUSDT", "ETHUSDT", "PEPEUSDT", "ADAUSDT", "XRPUSDT")
    bitcoin = four.market.view("BTCUSDT")
    four.market.views |= {name: replace(bitcoin, symbol=name) for name in four.market.symbols}
    fields = (await four.ok("/status")).fields
    assert [name for name, _ in fields[-4:-1]] == ["Share of BTC", "Share of ETH", "Share of PEPE"]
    assert fields[-1] == ("More shares", "2 markets: /market")


@pytest.mark.parametrize(
    "name", ["status", "market btc", "zones btc", "liquidations btc", "heatmap btc", "top"]
)
async def test_a_venue_that_is_not_read_is_refused_alike_everywhere(four, name):
    four.market.feeds |= {Feed.LIQUIDATIONS}
    reply = await four.say(f"/{name} exchange=kraken,okx")
    assert reply.error.startswith("I read no venue “kraken”. I read Binance, Bybit, OKX and Hyperliquid.")
