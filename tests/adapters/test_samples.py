"""Every recorded frame of the four venues becomes what it says, or is ignored under a reason that is counted.

Recordings that may not ship are read from `LIQWATCH_SAMPLES`. Instruments here are as many as can be: every
name that a perpetual of the venue could have is one, so that what is ignored is ignored for what it is, not
for want of an instrument.
"""

import gzip
import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.binance import answers as binance_answers
from adapters.binance.parse import parse as parse_binance
from adapters.bybit.listing import read_listing
from adapters.bybit.parse import Parser
from adapters.hyperliquid.contexts import Universe
from adapters.hyperliquid.parse import parse as parse_hyperliquid
from adapters.instruments import Instrument, Instruments
from adapters.okx.answers import contracts
from adapters.okx.parse import parse as parse_okx
from adapters.parsed import Answer, Dropped
from engine.model import Candle, Funding, Liquidation, OpenInterest, PriceKind, Side, Tick

NOW_MS = 1_790_000_000_000
TESTS = Path(__file__).parent
PERPETUAL = {
    "binance": r"[A-Z0-9]+",
    "bybit": r"[A-Z0-9]+(USDT|PERP)",
    "okx": r"[A-Z0-9]+-USD[TC]-SWAP",
    "hyperliquid": r"[A-Za-z0-9]+",
}
"""What the name of a perpetual looks like on a venue; names of spot markets look the same on two of them."""
UNKNOWN, NOT_LINEAR, NOT_LISTED = Dropped.UNKNOWN, Dropped.NOT_LINEAR, Dropped.NO_INSTRUMENT


class Everything(Instruments):
    """List a perpetual of every name that one could have."""

    def __init__(self, venue):
        super().__init__()
        self.venue = venue

    def native(self, name):
        if re.fullmatch(PERPETUAL[self.venue], name) is None:
            return None
        return Instrument(venue=self.venue, native=name, symbol=name, base=name, quote="USDT")


def reader(venue):
    """Return what one connection of a venue reads its frames with."""
    known = Everything(venue)
    parse = {
        "binance": parse_binance,
        "bybit": Parser().parse,
        "okx": parse_okx,
        "hyperliquid": parse_hyperliquid,
    }[venue]
    return lambda frame: parse(frame, known, NOW_MS)


def frames_of(path):
    """Return what a venue sent, from any of the recordings' shapes."""
    if path.suffix == ".json":
        return [path.read_text()]
    if path.suffix == ".gz":
        with gzip.open(path, "rt") as lines:
            heads = (line.strip().partition(": ") for line in lines)
            return [frame for head, _, frame in heads if head[:1].isdigit() or " -> " in head]
    lines = path.read_text().splitlines()
    whole = [json.loads(line) for line in lines]
    return [
        json.dumps(each["message"]) if "message" in each else line
        for each, line in zip(whole, lines, strict=True)
    ]


def kind(frame):
    """Return what a frame calls itself, in its venue's own words."""
    said = json.loads(frame)
    said = said["data"] if "stream" in said else said
    said = said[0] if isinstance(said, list) else said
    for name in ("e", "topic", "table", "channel", "event"):
        if isinstance(said.get(name), str):
            return said[name].split(".")[0]
    return said["arg"]["channel"] if "arg" in said else "answer"


def outcomes(frames, venue):
    """Return how often which kind of frame became what; a frame that leaves no trace is a fault."""
    read, found = reader(venue), Counter()
    for frame in frames:
        parsed = read(frame)
        became = Counter(type(each) for each in (*parsed.events, *parsed.answers)) + Counter(parsed.dropped)
        assert became, frame
        for each, count in became.items():
            found[each, kind(frame)] += count
    return found


CASES = {
    "nautilus_subset/liquidation_stream.json": ("binance", {Liquidation: "forceOrder"}),
    "nautilus_subset/ws_all_dexs_asset_ctxs.json": (
        "hyperliquid",  # without the universe nobody knows whose they are
        {NOT_LISTED: "allDexsAssetCtxs 230", NOT_LINEAR: "allDexsAssetCtxs 182"},
    ),
    "nautilus_subset/ws_candle.json": ("okx", {UNKNOWN: "candle1D"}),
    "nautilus_subset/ws_kline.json": ("bybit", {Candle: "kline"}),
    "nautilus_subset/ws_orders_liquidation.json": ("okx", {UNKNOWN: "orders"}),
    "nautilus_subset/ws_ticker_linear.json": (
        "bybit",
        {Tick: "tickers", OpenInterest: "tickers", Funding: "tickers"},
    ),
    "nautilus_subset/ws_user_fill_liquidation.json": ("hyperliquid", {UNKNOWN: "user"}),
    "cryptofeed/BINANCE_FUTURES.http.0.0.gz": ("binance", {UNKNOWN: "answer 4"}),  # books
    "tardis_node/binance.jsonl": (  # the spot market
        "binance",
        {UNKNOWN: "24hrTicker, answer 3, depthUpdate 4", NOT_LINEAR: "trade 2"},
    ),
    "tardis_node/binance_delivery.jsonl": (
        "binance",
        {
            UNKNOWN: "24hrTicker, answer 2, bookTicker, depthUpdate 2, indexPriceUpdate",
            NOT_LISTED: "forceOrder, markPriceUpdate, trade",
            Dropped.INTERNAL: "trade",
            Answer: "answer",
        },
    ),
    "tardis_node/binance-european-options.jsonl": (
        "binance",
        {UNKNOWN: "24hrTicker 2, depth, index 2, markPrice, openInterest 2", NOT_LISTED: "trade 2"},
    ),
    "tardis_node/binance-european-options_v2.jsonl": (
        "binance",
        {
            UNKNOWN: "24hrTicker, bookTicker, depthUpdate, markPrice 2, openInterest 2",
            NOT_LISTED: "trade 2",
        },
    ),
    "tardis_node/bybit_spot.jsonl": (
        "bybit",
        {UNKNOWN: "bookTicker, depth 3, orderbook 4, publicTrade 2, trade"},
    ),
    "tardis_node/bybit-options.jsonl": (
        "bybit",
        {UNKNOWN: "orderbook 3, publicTrade", NOT_LISTED: "tickers 2"},
    ),
    "tardis_node/okex.jsonl": (  # the spot market
        "okx",
        {
            UNKNOWN: "books-l2-tbt 2, spot/depth, spot/depth_l2_tbt, spot/ticker 3, spot/trade 2, tickers",
            NOT_LINEAR: "trades, trades-all",
            Answer: "subscribe",
        },
    ),
    "tardis_node/okex-swap.jsonl": (
        "okx",
        {
            UNKNOWN: "bbo-tbt 2, books-l2-tbt, index-tickers, swap/depth, swap/depth_l2_tbt, "
            "swap/funding_rate, swap/mark_price, swap/ticker 3, swap/trade 2, tickers 2",
            Dropped.MALFORMED: "funding-rate 2",  # of 2021: one without a time, one without a rate
            Tick: "mark-price, trades",
            OpenInterest: "open-interest",
        },
    ),
    "tardis_node/okex-futures.jsonl": (
        "okx",
        {
            UNKNOWN: "books-l2-tbt 2, futures/depth 2, futures/depth_l2_tbt 3, futures/liquidation 2, "
            "futures/mark_price, futures/ticker 4, futures/trade 4, index-tickers, liquidations 2, "
            "price-limit, swap/funding_rate, tickers",
            NOT_LINEAR: "liquidation-orders 2, mark-price 2, open-interest, trades",
            Answer: "subscribe",
        },
    ),
    "tardis_node/okex-futures_X-Perp.jsonl": (
        "okx",
        {UNKNOWN: "index-tickers", NOT_LINEAR: "funding-rate"},
    ),
    "tardis_node/okex-options.jsonl": (
        "okx",
        {
            UNKNOWN: "books-l2-tbt, index-tickers, index/ticker, opt-summary 2, option/depth, "
            "option/depth_l2_tbt 2, option/summary 6, option/ticker, tickers",
            NOT_LINEAR: "mark-price, open-interest, trades",
        },
    ),
    "tardis_node/okex-spreads.jsonl": (
        "okx",
        {UNKNOWN: "sprd-bbo-tbt, sprd-books5, sprd-public-trades"},
    ),
    "tardis_node/okex_USDC_contracts_before_and_after_index_migration.jsonl": (
        "okx",
        {UNKNOWN: "index-tickers 3, tickers 3"},
    ),
}
"""What the frames of each file become, and how many of which kind: "trade 2" are two frames of that name."""
LISTS = ("cryptofeed/BYBIT.0.gz", "cryptofeed/OKX.0.gz")
ELSEWHERE = {
    "tardis_node/binance_futures.jsonl": "binance/test_recorded.py",
    "tardis_node/bybit.jsonl": "bybit/test_recorded.py",
    "tardis_node/hyperliquid.jsonl": "hyperliquid/test_parse.py",
    "cryptofeed/BINANCE_FUTURES.0.gz": "binance/test_rest.py",
    "cryptofeed/BINANCE_FUTURES.ws.1.0.gz": "binance/test_recorded.py",
    "cryptofeed/BYBIT.ws.25.0.gz": "bybit/test_recorded.py",
    "cryptofeed/BYBIT.ws.26.0.gz": "bybit/test_recorded.py",
    "cryptofeed/OKX.ws.1.0.gz": "okx/test_parse.py",
    "hftbacktest/btcusdt_20240808.gz": "binance/test_recorded.py",
    "binance_forceorder_events": "binance/test_recorded.py",
    "hyperliquid_sdk": "hyperliquid/test_rest.py",
}
"""Which test reads the recordings that are not read here."""
OTHERS = (
    "bitget",
    "bitmex",
    "crypto",
    "deribit",
    "dydx",
    "gate",
    "huobi",
    "kraken",
    "kucoin",
    "lighter",
    "phemex",
)
"""How recordings of other venues begin."""


def test_every_recording_of_the_four_venues_is_read_by_a_test(samples):
    folder = samples / "frames"
    known = {*CASES, *LISTS, *ELSEWHERE}
    left = [
        name
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.name.startswith("LICENSE")
        and not path.name.lower().startswith(OTHERS)
        and not known & {name := path.relative_to(folder).as_posix(), name.split("/")[0]}
    ]
    assert left == []
    for name, test in ELSEWHERE.items():
        assert name.split("/")[-1] in (TESTS / test).read_text(), f"{test} no longer reads {name}"


@pytest.mark.parametrize("name", CASES)
def test_every_frame_is_read_or_ignored_under_a_reason(samples, name):
    venue, expected = CASES[name]
    counted = Counter()
    for became, kinds in expected.items():
        for each in kinds.split(", "):
            word, _, count = each.partition(" ")
            counted[became, word] = int(count or 1)
    assert outcomes(frames_of(samples / "frames" / name), venue) == counted


# values, read from the raw JSON by hand


def one(samples, name, venue):
    """Return a file's only frame as JSON, and what became of it."""
    (frame,) = frames_of(samples / "frames" / "nautilus_subset" / name)
    return json.loads(frame), reader(venue)(frame)


def test_a_forced_order_is_its_average_fill(samples):
    said, parsed = one(samples, "liquidation_stream.json", "binance")
    order, (event,) = said["o"], parsed.events
    assert order["S"] == "SELL"  # sold to close a long
    assert (event.side, event.symbol, event.ts) == (Side.LONG, "BTCUSDT", 1568014460893)
    assert (event.price, event.price_kind) == (float(order["ap"]), PriceKind.FILL)
    assert event.quantity == float(order["z"])
    assert event.notional_usd == pytest.approx(float(Decimal(order["ap"]) * Decimal(order["z"])))


def test_a_candle_that_forms(samples):
    said, parsed = one(samples, "ws_kline.json", "bybit")
    row, (event,) = said["data"][0], parsed.events
    raw = [float(row[name]) for name in ("open", "high", "low", "close", "volume", "turnover")]
    read = [event.open, event.high, event.low, event.close, event.volume, event.quote_volume]
    assert read == raw
    assert (event.ts, event.closed) == (row["start"], False)


def test_open_interest_of_both_sides_is_halved(samples):
    said, parsed = one(samples, "ws_ticker_linear.json", "bybit")
    data, (tick, interest, funding) = said["data"], parsed.events
    assert tick.price == float(data["lastPrice"])
    assert "singleOpenInterest" not in data  # before that field came, both sides were counted
    assert interest.open_interest == float(Decimal(data["openInterest"]) / 2)
    assert (funding.rate, funding.funding_ts) == (float(data["fundingRate"]), int(data["nextFundingTime"]))
    assert funding.interval_h == float(data["fundingIntervalHour"])


def test_contexts_of_all_coins_go_by_their_places(samples):
    (frame,) = frames_of(samples / "frames" / "nautilus_subset" / "ws_all_dexs_asset_ctxs.json")
    main = dict(json.loads(frame)["data"]["ctxs"])[""]
    coins = [f"N{place}" for place in range(len(main))]
    universe = Universe(
        Instrument(venue="hyperliquid", native=name, symbol=name, base=name, quote="USDC") for name in coins
    )
    parsed = parse_hyperliquid(frame, universe, NOW_MS)
    for event_kind, field, name in (
        (Tick, "price", "markPx"),
        (OpenInterest, "open_interest", "openInterest"),
        (Funding, "rate", "funding"),
    ):
        read = {each.symbol: getattr(each, field) for each in parsed.events if type(each) is event_kind}
        assert read == {coin: float(ctx[name]) for coin, ctx in zip(coins, main, strict=True)}
    assert parsed.dropped == {NOT_LINEAR: 1 + 17 + 16 + 25 + 23 + 5 + 15 + 80}


def test_a_liquidation_fill_of_the_other_channel_is_read_on_the_one_that_is_asked_for(samples):
    """`user` has no address in it; the same fill on `userFills` is a liquidation."""
    said, _ = one(samples, "ws_user_fill_liquidation.json", "hyperliquid")
    (fill,) = said["data"]["fills"]
    frame = {"channel": "userFills", "data": {"user": "0x" + "1" * 40, "fills": [fill]}}
    (event,) = reader("hyperliquid")(json.dumps(frame)).events
    assert (fill["side"], fill["dir"]) == ("A", "Open Short")  # this address sold to whoever had to buy back
    assert (event.side, event.price, event.quantity) == (Side.SHORT, float(fill["px"]), float(fill["sz"]))
    assert event.ts == fill["time"]


def test_books_are_no_list_of_symbols(samples):
    for frame in frames_of(samples / "frames" / "cryptofeed" / "BINANCE_FUTURES.http.0.0.gz"):
        said = json.loads(frame)
        assert {"bids", "asks"} <= set(said)
        known, dropped = binance_answers.read_instruments(said)
        assert (len(known), dropped) == (0, {Dropped.MALFORMED: 1})


def test_a_list_of_the_protocol_before_is_refused_whole(samples):
    (frame,) = frames_of(samples / "frames" / LISTS[0])
    assert len(json.loads(frame)["result"]) > 10
    found = read_listing(json.loads(frame))
    assert (found.instruments, found.dropped) == ((), {Dropped.MALFORMED: 1})


def test_of_every_list_of_okx_only_linear_swaps_are_taken(samples):
    frames = frames_of(samples / "frames" / LISTS[1])
    taken = Counter()
    for frame in frames:
        rows = json.loads(frame)["data"]
        linear = {
            row["instId"]: float(Decimal(row["ctVal"]) * Decimal(row["ctMult"]))
            for row in rows
            if row["instType"] == "SWAP" and row["ctType"] == "linear"
        }
        found = contracts(json.loads(frame))
        assert {each.native: each.coins / each.priced for each in found.instruments.all} == pytest.approx(
            linear
        )
        assert found.dropped == ({NOT_LINEAR: len(rows) - len(linear)} if len(rows) > len(linear) else {})
        taken[rows[0]["instType"]] += len(found.instruments)
    assert len(frames) == 25
    assert taken == {"SPOT": 0, "SWAP": 5 * 126, "FUTURES": 0, "OPTION": 0}
    known = contracts(json.loads(frames[1])).instruments
    assert (known.native("BTC-USDT-SWAP").coins, known.native("BTC-USDT-SWAP").tick) == (0.01, 0.1)
    assert known.native("BTC-USD-SWAP") is None
