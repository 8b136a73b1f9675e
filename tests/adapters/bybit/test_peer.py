"""The local Bybit answers calls as documented, and its answers are read as they were meant."""

import aiohttp
import pytest

from adapters.bybit import rest
from adapters.bybit.answers import read_tickers, read_time
from adapters.bybit.listing import read_listing, read_tier_page, tier_tables
from adapters.instruments import Instruments
from adapters.parsed import Dropped
from adapters.rest.verdicts import Outcome, Scope
from engine.model import Funding, OpenInterest, Tick

STEP = 300_000
NOW = 1_760_000_000_000


async def test_time(reader):
    assert read_time(await reader.good(rest.server_time())) == NOW


async def test_trap_every_page_of_contracts_is_read(reader, server):
    pages = await reader.listing()
    known = Instruments(each for page in pages for each in page.instruments)
    assert len(known) == 605 > 500
    assert known.symbol("PEPEUSDT").coins == 1000.0
    assert sum(page.dropped.total() for page in pages) == 2  # the dated one and the stock
    unasked = await reader.good(rest._call("instruments-info"))  # as it comes without a limit
    assert len(unasked["result"]["list"]) == 500
    assert unasked["result"]["nextPageCursor"] == "first%3D500%26last%3D607"
    assert server.exceeded == []


async def test_trap_a_cursor_is_encoded_once(reader):
    page = read_listing(await reader.good(rest._call("instruments-info")))
    rest_of = read_listing(await reader.good(rest.listing(page.cursor)))
    assert rest_of.instruments[0].native == "C493XUSDT"
    assert rest_of.cursor == ""
    twice = await reader.get(rest.listing("first%3D500%26last%3D607"))
    assert rest.judge(twice).outcome is Outcome.MISTAKE


async def test_candles_of_a_range(reader, server, btc):
    page = rest.candles(btc, STEP)
    opened = NOW // STEP * STEP
    server.there.holes.add(opened - 2 * STEP)
    parsed = page.read(await reader.good(page.ask(opened - 3 * STEP, NOW)))
    assert [(c.ts, c.closed) for c in parsed.events] == [
        (opened, False),
        (opened - STEP, True),
        (opened - 3 * STEP, True),
    ]
    assert parsed.events[1].open == float(server.there.bar(opened - STEP)[1])


async def test_candles_page_by_page_as_they_are_described(reader, btc):
    page, opened = rest.candles(btc, STEP), NOW // STEP * STEP
    first, last, seen = opened - 2500 * STEP, opened, []
    while first <= last:
        parsed = page.read(await reader.good(page.ask(first, last)))
        assert len(parsed.events) <= page.size
        seen += [each.ts for each in parsed.events]
        last = seen[-1] - STEP
    assert seen == [opened - index * STEP for index in range(2501)]


@pytest.mark.parametrize("doubled", [False, True])
async def test_open_interest_of_one_side_either_way(reader, server, btc, doubled):
    server.there.doubled_only = doubled
    page, at = rest.interest(btc, STEP), NOW // STEP * STEP
    parsed = page.read(await reader.good(page.ask(at - 300 * STEP, at)))
    assert len(parsed.events) == page.size == 200
    assert parsed.events[0].open_interest == float(server.there.interest(at)["openInterest"]) / 2


async def test_funding_and_ratios(reader, btc):
    page = rest.funding(btc)
    parsed = page.read(await reader.good(page.ask(NOW - 86_400_000, NOW)))
    assert [e.ts % 28_800_000 for e in parsed.events] == [0, 0, 0]
    assert all(e.settled and e.rate == 0.0001 for e in parsed.events)
    page = rest.ratios(btc, 3_600_000)
    parsed = page.read(await reader.good(page.ask(NOW - 86_400_000, NOW)))
    assert [e.ratio for e in parsed.events] == [pytest.approx(1.5)] * 24


async def test_trap_a_start_alone_is_an_error_for_funding(reader):
    found = await reader.get(rest._call("funding/history", symbol="BTCUSDT", startTime=1))
    assert rest.judge(found).outcome is Outcome.MISTAKE


async def test_all_tickers(reader, known):
    parsed = read_tickers(await reader.good(rest.tickers()), known)
    assert {type(e) for e in parsed.events} == {Tick, OpenInterest, Funding}
    assert {e.symbol for e in parsed.events} == {"BTCUSDT", "BTCUSDC", "PEPEUSDT", "SHIBUSDT"}
    one = read_tickers(await reader.good(rest.tickers(known.native("BTCUSDT"))), known)
    assert [e.symbol for e in one.events] == ["BTCUSDT"] * 3


@pytest.mark.parametrize("percent", [False, True])
async def test_trap_tiers_come_15_symbols_a_page(reader, server, percent):
    server.there.percent = percent
    known = Instruments(each for page in await reader.listing() for each in page.instruments)
    pages, cursor = [], ""
    while not pages or cursor:
        pages.append(read_tier_page(await reader.good(rest.tiers(cursor))))
        cursor = pages[-1].cursor
    assert len(pages) == 41
    assert len({row["symbol"] for row in pages[0].rows}) == 15
    tables, dropped = tier_tables((row for page in pages for row in page.rows), known, "2025-10-09", "api")
    assert len(tables) == 605
    assert [t.rate for t in tables["BTCUSDT"].tiers] == [0.005, 0.01]
    assert dropped == {Dropped.NO_INSTRUMENT: 2}  # the dated one and the stock


async def test_a_delisted_symbol_is_final(reader, server, btc):
    server.there.delist("BTCUSDT")
    verdict = rest.judge(await reader.get(rest.candles(btc, STEP).ask(NOW - STEP, NOW)))
    assert (verdict.outcome, verdict.scope) == (Outcome.FINAL, Scope.CALL)
    assert all(each.native != "BTCUSDT" for page in await reader.listing() for each in page.instruments)


async def test_too_many_visits(reader, server):
    server.too_many_visits("time", reset_ms=700)
    verdict = rest.judge(await reader.get(rest.server_time()))
    assert (verdict.outcome, verdict.scope, verdict.retry_after_s) == (Outcome.RETRY, Scope.LIMIT, 0.7)
    await reader.good(rest.server_time())


async def test_trap_403_is_a_ban_that_ends(known, bybit, make_reader):
    now_s = [1000.0]
    server = await bybit.Bybit(monotonic=lambda: now_s[0]).start()
    async with aiohttp.ClientSession() as session:
        reader = make_reader(session, server, known)
        for _ in range(bybit.REQUESTS):
            assert (await reader.get(rest.server_time())).status == 200
        assert server.exceeded == []
        verdict = rest.judge(await reader.get(rest.server_time()))
        assert server.exceeded == [("requests", bybit.REQUESTS + 1)]
        assert (verdict.outcome, verdict.retry_after_s) == (Outcome.RETRY, 600.0)
        now_s[0] += 599.0
        assert (await reader.get(rest.server_time())).status == 403
        now_s[0] += 2.0
        await reader.good(rest.server_time())
    await server.stop()


async def test_trap_403_is_a_block_of_the_country(reader, server):
    server.block()
    assert rest.judge(await reader.get(rest.server_time())).outcome is Outcome.FINAL
    assert rest.judge(await reader.get(rest.server_time(), worked_before=True)).outcome is Outcome.RETRY


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        ({"status": 429}, Outcome.RETRY),
        ({"status": 503, "body": "<html>"}, Outcome.RETRY),
        ({"status": 451}, Outcome.FINAL),
        ({"body": "{nonsense"}, Outcome.RETRY),
        ({"body": "[]"}, Outcome.RETRY),
        ({"code": 10016, "words": "Internal error"}, Outcome.RETRY),
        ({"code": 10009, "words": "restricted"}, Outcome.FINAL),
    ],
)
async def test_refusals(reader, server, what, outcome):
    server.fail("time", **what)
    assert rest.judge(await reader.get(rest.server_time())).outcome is outcome
    await reader.good(rest.server_time())


async def test_stalls_and_broken_lines(reader, server):
    server.fail("time", stall_s=5.0)
    with pytest.raises(TimeoutError):
        await reader.get(rest.server_time(), timeout_s=0.05)
    server.fail("time", drop=True, times=2)  # the client asks once more by itself
    with pytest.raises(aiohttp.ClientError):
        await reader.get(rest.server_time())
    assert (await reader.get(rest._call("nothing-here"))).status == 404


async def test_a_clock_that_is_apart(reader, server, btc):
    server.there.now_ms = NOW + 7 * STEP  # what is closed is judged by the venue's own clock
    page, opened = rest.candles(btc, STEP), (NOW + 7 * STEP) // STEP * STEP
    parsed = page.read(await reader.good(page.ask(opened - STEP, opened)))
    assert [each.closed for each in parsed.events] == [False, True]
