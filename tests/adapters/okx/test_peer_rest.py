"""The local OKX answers as the real one does, and what is written for the real one understands it."""

import asyncio

import aiohttp
import pytest

from adapters.okx import answers, rest
from adapters.rest.verdicts import Answered, Outcome, Scope
from engine.model import Candle

STEP = 300_000
NOW_MS = 5_800_000 * STEP + 60_000


@pytest.fixture
def still(okx):
    """The local OKX, its time standing still, with 1,500 candles; the last one forms."""
    okx.world.wall_ms = lambda: NOW_MS
    first = NOW_MS // STEP - 1499
    okx.world.candles["BTC-USDT-SWAP", "5m"] = [
        okx.frames.candle((first + each) * STEP, 60_000 + each, each + 1) for each in range(1500)
    ]
    return okx


@pytest.fixture
def btc(known):
    return known.native("BTC-USDT-SWAP")


async def ask(server, session, call, *, worked=True):
    """Send a call as it is described, and return the answer."""
    url = server.url + call.path
    async with session.request(call.method, url, params=list(call.query)) as response:
        body = await response.read()
        as_json = response.content_type == "application/json"
        decoded = await response.json() if as_json else None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answered(
            status=response.status, headers=headers, body=body, decoded=decoded, worked_before=worked
        )


async def good(server, session, call):
    answered = await ask(server, session, call)
    assert rest.judge(answered).outcome is Outcome.GOOD, answered
    return answered.decoded


async def test_the_clock_may_be_skewed(still, session):
    still.world.skew_ms = -7_000
    assert answers.server_ms(await good(still, session, rest.server_time())) == NOW_MS - 7_000


async def test_contracts(okx, session):
    found = answers.contracts(await good(okx, session, rest.instruments()))
    assert {each.symbol: each.coins for each in found.instruments.all} == {"BTCUSDT": 0.01, "ETHUSDT": 0.1}
    assert found.dropped.total() == 1


async def paged(server, session, page, first_ms, last_ms):
    """Ask from the newest page to the oldest, and return every event."""
    events = []
    while last_ms >= first_ms:
        parsed = page.read(await good(server, session, page.ask(first_ms, last_ms)))
        assert not parsed.dropped
        if not parsed.events:
            break
        assert len(parsed.events) <= page.size
        events += parsed.events
        last_ms = min(event.ts for event in parsed.events) - (page.step_ms or 1)
    return sorted(events, key=lambda event: event.ts)


@pytest.mark.parametrize(("recent", "count"), [(True, 1440), (False, 1500)])
async def test_candles_page_by_page(still, session, btc, recent, count):
    page = rest.candles(btc, STEP, recent=recent)
    events = await paged(still, session, page, 0, NOW_MS)
    assert len(events) == count
    assert [event.ts for event in events] == [(NOW_MS // STEP - count + 1 + n) * STEP for n in range(count)]
    assert [event.closed for event in events] == [True] * (count - 1) + [False]
    newest = events[-1]
    assert isinstance(newest, Candle)
    assert newest.volume == pytest.approx(15.0)
    assert newest.quote_volume == pytest.approx(15.0 * newest.close)


async def test_a_range_holds_both_its_ends(still, session, btc):
    page = rest.candles(btc, STEP, recent=False)
    first, last = (NOW_MS // STEP - 20) * STEP, (NOW_MS // STEP - 10) * STEP
    events = await paged(still, session, page, first, last)
    assert (events[0].ts, events[-1].ts, len(events)) == (first, last, 11)


async def test_the_endpoint_for_recent_candles_reaches_as_far_as_is_said(still, session, btc):
    first_ms = rest.recent_from_ms(STEP, NOW_MS)
    events = await paged(still, session, rest.candles(btc, STEP, recent=True), first_ms, NOW_MS)
    assert events[0].ts == first_ms


async def test_statistics(still, session, btc):
    still.world.ratios["long-short-account-ratio-contract-top-trader"]["BTC-USDT-SWAP", "1H"] = [
        [str(NOW_MS // 3_600_000 * 3_600_000 - n * 3_600_000), "1.5"] for n in range(250, -1, -1)
    ]
    page = rest.long_short(btc, 3_600_000, rest.Ratio.TOP_ACCOUNTS)
    events = await paged(still, session, page, 0, NOW_MS)
    assert (len(events), {event.kind for event in events}) == (251, {"top_accounts"})
    still.world.open_interest_history["BTC-USDT-SWAP", "5m"] = [
        [str((NOW_MS // STEP - n) * STEP), "5000", "50", "3000000"] for n in range(250, -1, -1)
    ]
    events = await paged(still, session, rest.open_interest_history(btc, STEP), 0, NOW_MS)
    assert [event.open_interest for event in events] == [50.0] * 251


async def test_open_interest_and_funding(still, session, btc, known):
    frames = still.frames
    still.world.open_interest = {
        name: frames.interest(name, 5000, 50, NOW_MS) for name in ("BTC-USDT-SWAP", "BTC-USD-SWAP")
    }
    parsed = answers.open_interest(await good(still, session, rest.open_interest()), known)
    assert [event.open_interest for event in parsed.events] == [50.0]
    still.world.funding = {"BTC-USDT-SWAP": frames.funding("BTC-USDT-SWAP", "0.0001", NOW_MS + STEP, NOW_MS)}
    for call in (rest.funding(btc), rest.funding_of_all()):
        (event,) = answers.funding(await good(still, session, call), known).events
        assert (event.rate, event.interval_h) == (0.0001, 8.0)
    still.world.funding_any = False
    refused = await ask(still, session, rest.funding_of_all())
    assert rest.judge(refused).outcome is Outcome.FINAL


async def test_every_funding_that_was_paid(still, session, btc, known):
    still.world.funding_history["BTC-USDT-SWAP"] = [
        still.frames.paid("BTC-USDT-SWAP", "0.0002", "0.0001", NOW_MS - n * 3_600_000) for n in range(230)
    ]
    since_ms = NOW_MS - 150 * 3_600_000
    events = await paged(still, session, rest.funding_history(btc, known), since_ms, NOW_MS)
    wanted = [event for event in events if event.ts >= since_ms]
    assert (len(wanted), {event.rate for event in wanted}) == (151, {0.0001})


async def test_tiers_and_liquidations(okx, session, btc, known):
    okx.world.tiers = [
        okx.frames.tier("BTC-USDT", 1, 0, 1000, "0.004", 100),
        okx.frames.tier("BTC-USDT", 2, 1001, 5000, "0.005", 66.66),
        okx.frames.tier("ETH-USDT", 1, 0, 5000, "0.004", 100),
    ]
    found = answers.tiers(await good(okx, session, rest.tiers([btc])), known, as_of="2026-11-20")
    assert [table.symbol for table in found.tables] == ["BTCUSDT"]
    assert found.tables[0].largest == 50.0
    okx.world.liquidations = [
        okx.frames.forced_row("BTC-USDT-SWAP", *[okx.frames.forced("sell", 60000, 13, NOW_MS)] * 2)
    ]
    call = rest.liquidations(btc)
    parsed = answers.liquidations(await good(okx, session, call), known, NOW_MS)
    assert (len(parsed.events), parsed.backlog) == (2, True)
    okx.world.lists_liquidations = False
    assert rest.judge(await ask(okx, session, call)).outcome is Outcome.FINAL


async def test_trap_a_delisted_contract_is_said_to_be_none(still, session, btc):
    still.delist("BTC-USDT-SWAP")
    for status in (200, 400):
        still.world.refusal_status = status
        verdict = rest.judge(await ask(still, session, rest.candles(btc, STEP, recent=True).ask(0, NOW_MS)))
        assert (verdict.outcome, verdict.scope) == (Outcome.FINAL, Scope.CALL)


@pytest.mark.parametrize("status", [429, 200])
async def test_trap_limits_are_each_endpoints_own_and_no_header_tells(opened, session, btc, known, status):
    now = [0.0]
    async with opened(clock=lambda: now[0]) as okx:
        okx.limited_status = status
        call = rest.funding_history(btc, known).ask(0, 1)
        assert [rest.judge(await ask(okx, session, call)) for _ in range(10)] == [rest.GOOD] * 10
        assert okx.faults == []
        verdict = rest.judge(await ask(okx, session, call))
        assert (verdict.outcome, verdict.scope) == (Outcome.RETRY, Scope.LIMIT)
        assert len(okx.faults) == 1
        eth = rest.funding_history(known.native("ETH-USDT-SWAP"), known).ask(0, 1)
        assert rest.judge(await ask(okx, session, eth)) == rest.GOOD
        now[0] += verdict.retry_after_s
        assert rest.judge(await ask(okx, session, call)) == rest.GOOD


async def test_our_mistakes_are_told_as_such(okx, session, btc):
    call = rest.Call(path="/api/v5/market/candles", query=(("bar", "5m"),))
    verdict = rest.judge(await ask(okx, session, call))
    assert verdict.outcome is Outcome.MISTAKE
    bar = rest.Call(path=call.path, query=(("instId", "BTC-USDT-SWAP"), ("bar", "7m")))
    assert rest.judge(await ask(okx, session, bar)).outcome is Outcome.MISTAKE
    long = rest.Call(path=call.path, query=(*bar.query[:1], ("bar", "5m"), ("limit", "500")))
    await ask(okx, session, long)
    assert okx.faults == ["limit 500 is above 300"]
    okx.world.faults.clear()


@pytest.mark.parametrize(
    ("status", "worked", "outcome"),
    [
        (403, False, Outcome.FINAL),
        (403, True, Outcome.RETRY),
        (451, True, Outcome.FINAL),
        (502, True, Outcome.RETRY),
    ],
)
async def test_pages_of_whoever_stands_before_it(okx, session, status, worked, outcome):
    okx.block(status)
    assert rest.judge(await ask(okx, session, rest.server_time(), worked=worked)).outcome is outcome


async def test_refusals_with_a_time(okx, session):
    okx.refuse("public/time", 429, {"code": "50011", "msg": "Too Many Requests", "data": []}, retry_after="3")
    assert rest.judge(await ask(okx, session, rest.server_time())).retry_after_s == 3.0
    assert rest.judge(await ask(okx, session, rest.server_time())) == rest.GOOD


async def test_it_stalls_and_drops(okx, session):
    okx.stall("public/time", 5.0)
    with pytest.raises(asyncio.TimeoutError):
        async with asyncio.timeout(0.05):
            await ask(okx, session, rest.server_time())
    okx.drop("public/time", times=2)  # aiohttp itself tries once more on a line that was used before
    with pytest.raises(aiohttp.ClientError):
        await ask(okx, session, rest.server_time())
    assert okx.calls["public/time"] >= 2
    assert answers.server_ms(await good(okx, session, rest.server_time()))


async def test_pages_with_holes_and_rows_that_come_twice(still, session, btc):
    page = rest.candles(btc, STEP, recent=True)
    still.mangle["market/candles"] = lambda rows: [rows[0], rows[0], *rows[5:], ["x"], {}]
    parsed = page.read(await good(still, session, page.ask(NOW_MS - 20 * STEP, NOW_MS)))
    assert len(parsed.events) == 17
    assert parsed.dropped.total() == 2
