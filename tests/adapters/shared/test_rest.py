"""Asking a venue over real sockets: what is asked again, what never, and how fast."""

import asyncio
import contextlib
import math
import random
from itertools import pairwise

import pytest

from adapters.health import Health
from adapters.parsed import Dropped, Parsed
from adapters.rest.calls import Call, CallFailed, Site
from adapters.rest.client import RestClient
from adapters.rest.limits import Limit
from adapters.rest.pages import Order, Page
from adapters.rest.verdicts import (
    BAN_S,
    REFUSED_S,
    Answered,
    Outcome,
    Scope,
    again,
    by_status,
    mistake,
    never,
)
from adapters.rest.waiting import Backoff, SystemClock
from engine.model import OpenInterest

STEP_MS = 60_000


@pytest.fixture
async def connect(venue, auto_clock):
    """Open a client of the local venue."""
    async with contextlib.AsyncExitStack() as stack:

        async def build(clock=auto_clock, **more):
            venue.wall_ms = clock.wall_ms
            limits = more.pop("limits", (Limit(name="w", budget=1000, window_s=60.0, used_header="x-used"),))
            site = Site(venue="basics", base_url=more.pop("base_url", venue.url), limits=limits, **more)
            client = RestClient(site, clock=clock, health=Health("basics", clock.monotonic))
            return await stack.enter_async_context(client)

        yield build


@pytest.fixture
def plan(kit):
    return kit.peer.Plan


def call(path="/a", **more):
    return Call(path=path, limit="w", **more)


async def failure(client, asked, **more):
    with pytest.raises(CallFailed) as caught:
        await client.ask(asked, **more)
    return caught.value


async def test_an_answer_is_decoded_and_the_question_arrives_as_it_was(venue, connect):
    client = await connect(headers=(("User-Agent", "liqwatch"),))
    asked = call(query=(("cursor", "a%3D1"), ("s", "x y&z")))
    assert await client.ask(asked) == {"path": "/a"}
    assert venue.calls[0][2] == {"cursor": "a%3D1", "s": "x y&z"}
    await client.ask(Call(path="/info", method="POST", body={"type": "meta"}))
    assert venue.calls[1][0] == "POST"
    assert venue.calls[1][3] == '{"type": "meta"}'


@pytest.mark.parametrize("status", [500, 502, 503, 408])
async def test_trouble_is_waited_out_with_growing_pauses(venue, connect, plan, auto_clock, status):
    venue.plans["/a"].extend([plan(status=status, body={})] * 3)
    client = await connect()
    assert await client.ask(call()) == {"path": "/a"}
    assert len(venue.calls) == 4
    assert all(0 <= slept <= 4 for slept in auto_clock.slept)


async def test_a_line_that_drops_and_garbage_are_asked_again(venue, connect, plan):
    venue.plans["/a"].extend([plan(drop=True), plan(raw=b"<html>"), plan(raw=b"null")])
    client = await connect()
    assert await client.ask(call()) == {"path": "/a"}


async def test_giving_up_says_why(venue, connect, plan):
    venue.always["/a"] = plan(status=503, body={})
    client = await connect(attempts=3)
    error = await failure(client, call())
    assert str(error) == "basics has trouble (HTTP 503)."
    assert not error.final
    assert len(venue.calls) == 3


async def test_a_slow_answer_is_not_waited_for(venue, connect, plan):
    venue.plans["/a"].append(plan(stall_s=5.0))
    client = await connect(attempts=1)
    error = await failure(client, call(timeout_s=0.05))
    assert "did not answer within 0.05 s" in str(error)


async def test_nobody_there(connect, unused):
    client = await connect(base_url=unused, attempts=2)
    assert "cannot be reached" in str(await failure(client, call()))


@pytest.fixture
async def unused():
    """An address at which nobody listens."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return f"http://127.0.0.1:{port}"


async def test_retry_after_holds_every_call_back(venue, connect, plan, auto_clock):
    venue.plans["/a"].append(plan(status=429, body={}, headers={"Retry-After": "17"}))
    client = await connect()
    began_s = auto_clock.now_s
    done = []

    async def ask(path):
        await client.ask(call(path))
        done.append(auto_clock.now_s - began_s)

    await asyncio.gather(ask("/a"), _later(ask, venue))
    assert all(waited >= 17 for waited in done)
    assert [each[1] for each in venue.calls].count("/b") == 1


async def test_a_refusal_that_names_no_time_holds_everybody_back_too(
    venue, connect, plan, auto_clock, monkeypatch
):
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    venue.plans["/a"].extend([plan(status=429, body={})] * 2)
    client = await connect()
    began_s = auto_clock.now_s
    done = []

    async def ask(path):
        await client.ask(call(path))
        done.append(auto_clock.now_s - began_s)

    await asyncio.gather(ask("/a"), _later(ask, venue))
    assert sorted(done)[0] >= 1
    assert sorted(done)[1] >= 3


async def _later(ask, venue):
    while not venue.calls:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.005)
    await ask("/b")


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"),
    [(418, {"Retry-After": "300"}, 300), (418, {}, BAN_S), (403, {}, REFUSED_S)],
)
async def test_a_ban_turns_calls_away_until_it_is_over(
    venue, connect, plan, auto_clock, status, headers, wait_s
):
    venue.plans["/a"].append(plan(status=status, body={}, headers=headers))
    client = await connect()
    assert (await failure(client, call(), patience_s=60)).verdict.retry_after_s == wait_s
    error = await failure(client, call("/b"), patience_s=60)
    assert 0 < error.verdict.retry_after_s <= wait_s
    assert len(venue.calls) == 1
    auto_clock.now_s += wait_s
    assert await client.ask(call("/b")) == {"path": "/b"}


async def test_a_geo_block_is_final_for_everything_and_remembered(venue, connect, plan):
    venue.plans["/a"].append(plan(status=451, body={"code": 0}))
    client = await connect()
    first = await failure(client, call())
    second = await failure(client, call("/b"))
    assert first.final
    assert str(second) == "basics does not serve this country (HTTP 451)."
    assert client.final == {"": "does not serve this country (HTTP 451)"}
    assert len(venue.calls) == 1
    assert client._health.snapshot().final
    client.forget()
    assert not client._health.snapshot().final
    assert await client.ask(call("/b")) == {"path": "/b"}


async def test_a_symbol_that_is_gone_is_final_for_that_symbol_alone(venue, connect, plan):
    def judge(answered):
        body = answered.decoded
        if isinstance(body, dict) and body.get("code") == -1121:
            return never("has no such symbol")
        return by_status(answered)

    venue.plans["/a"].append(plan(status=400, body={"code": -1121}))
    client = await connect(judge=judge)
    assert (await failure(client, call(about="OLDUSDT"))).final
    await failure(client, call("/b", about="OLDUSDT"))
    assert len(venue.calls) == 1
    assert await client.ask(call("/b", about="NEWUSDT")) == {"path": "/b"}


async def test_our_mistake_is_not_repeated(venue, connect, plan):
    venue.plans["/a"].append(plan(status=400, body={}))
    client = await connect()
    error = await failure(client, call())
    assert error.verdict.outcome is Outcome.MISTAKE
    assert error.final
    assert len(venue.calls) == 1
    assert await client.ask(call()) == {"path": "/a"}  # another try is another question


async def test_a_limit_of_one_call_shuts_that_limit_alone(venue, connect, plan, auto_clock):
    def judge(answered):
        if answered.decoded == {"code": "50011"}:
            return again("asks to slow down", after_s=2.0, scope=Scope.LIMIT)
        return by_status(answered)

    limits = (Limit(name="w", budget=5, window_s=2.0), Limit(name="v", budget=5, window_s=2.0))
    venue.plans["/a"].append(plan(body={"code": "50011"}))
    client = await connect(judge=judge, limits=limits)
    began_s = auto_clock.now_s
    slow = asyncio.create_task(client.ask(call()))
    while not venue.calls:
        await asyncio.sleep(0.001)
    await client.ask(Call(path="/b", limit="v"))
    assert auto_clock.now_s - began_s < 2
    await slow
    assert auto_clock.now_s - began_s >= 2


async def test_the_budget_is_kept_by_all_callers_together(venue, connect, auto_clock):
    seen = []
    client = await connect(limits=(Limit(name="w", budget=10, window_s=60.0),), parallel=8)

    async def ask():
        await client.ask(call(weight=3), patience_s=1e6)
        seen.append(auto_clock.now_s)

    await asyncio.gather(*(ask() for _ in range(9)))
    assert len(venue.calls) == 9
    assert all(sum(at <= each < at + 60 for each in seen) <= 3 for at in seen)
    assert max(seen) - min(seen) >= 120


async def test_each_instrument_has_its_share(venue, connect, auto_clock):
    client = await connect(limits=(Limit(name="w", budget=1, window_s=60.0),))
    client._gates.KEPT = 2
    began_s = auto_clock.now_s
    for name in "ABCD":
        await client.ask(call(per=name))
    assert auto_clock.now_s == began_s
    await client.ask(call(per="A"))
    assert auto_clock.now_s >= began_s + 60
    for name in "EFG":
        await client.ask(call(per=name))
    assert len(client._gates) < 7


async def test_what_the_venue_says_is_used_counts(venue, connect):
    client = await connect()
    venue.headers["X-Used"] = "998"
    await client.ask(call())
    assert client._health.snapshot().limits["w"].used == 998
    error = await failure(client, call(weight=3), patience_s=10)
    assert "must not be asked yet" in str(error)
    assert await client.ask(call(weight=2))


async def test_use_of_a_limit_is_told_as_it_is_now(venue, connect, auto_clock):
    client = await connect(limits=(Limit(name="w", budget=10, window_s=60.0),))

    def used():
        told = client._health.snapshot().limits
        return {name: (use.used, use.budget) for name, use in told.items()}

    assert used() == {}
    await client.ask(call(weight=4))
    await client.ask(call(weight=3, per="A"))  # counted apart by the venue: the fuller one is told
    assert used() == {"w": (4, 10)}
    await auto_clock.advance(30.0)
    await client.ask(call(weight=5, per="A"))
    assert used() == {"w": (8, 10)}
    await auto_clock.advance(31.0)
    assert used() == {"w": (5, 10)}
    await auto_clock.advance(30.0)
    assert used() == {"w": (0, 10)}, "nobody asked, and the windows passed"


async def test_what_the_venue_says_is_left_counts(venue, connect):
    client = await connect(limits=(Limit(name="w", budget=50, window_s=1.0, left_header="x-left"),))
    venue.headers["X-Left"] = "4"
    await client.ask(call())
    assert client._health.snapshot().limits["w"].used == 46
    venue.headers["X-Left"] = "soon"
    assert await client.ask(call(weight=4))


async def test_only_so_many_are_under_way_and_only_so_many_wait(venue, connect, plan):
    venue.always["/a"] = plan(stall_s=0.02, body={})
    client = await connect(parallel=3)
    client._gates.WAITING = 1
    await asyncio.gather(*(client.ask(call()) for _ in range(9)))
    assert venue.most_under_way == 3
    client._gates.WAITING = 0
    assert "too much at once" in str(await failure(client, call()))


async def test_those_who_wait_for_a_place_are_held_back_by_a_refusal_as_well(venue, connect, plan):
    venue.plans["/a"].append(plan(status=451, body={}, stall_s=0.02))
    client = await connect(parallel=1)
    results = await asyncio.gather(*(client.ask(call()) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, CallFailed) and result.final for result in results)
    assert len(venue.calls) == 1


async def test_those_who_wait_for_a_place_wait_out_a_ban_too(venue, connect, plan, auto_clock):
    venue.plans["/a"].append(plan(status=429, body={}, headers={"Retry-After": "30"}, stall_s=0.02))
    client = await connect(parallel=1)
    began_s = auto_clock.now_s
    await asyncio.gather(*(client.ask(call()) for _ in range(3)))
    assert len(venue.calls) == 4
    assert auto_clock.now_s - began_s >= 30


async def test_a_caller_who_leaves_gives_back_what_was_not_sent(venue, connect, plan):
    venue.always["/a"] = plan(stall_s=0.3, body={})
    client = await connect(parallel=1)
    first = asyncio.create_task(client.ask(call(weight=10)))
    while not venue.calls:
        await asyncio.sleep(0.001)
    second = asyncio.create_task(client.ask(call(weight=500)))
    await asyncio.sleep(0.005)
    second.cancel()
    first.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert client._gates.used("w") == 10


async def test_what_can_never_be_asked_is_said_at_once(connect):
    client = await connect()
    with pytest.raises(ValueError, match="can never be had"):
        await client.ask(Call(path="/a", limit="unknown"))
    with pytest.raises(ValueError, match="can never be had"):
        await client.ask(call(weight=1001))
    closed = RestClient(Site(venue="v", base_url="http://127.0.0.1:1", limits=()))
    with pytest.raises(ValueError, match="not open"):
        await closed.ask(Call(path="/a"))


async def test_an_answer_without_end_is_not_read(venue, connect, plan):
    venue.plans["/a"].append(plan(raw=b"1" * 100_000))
    client = await connect(attempts=1)
    client.BODY = 1000
    assert "cannot be reached" in str(await failure(client, call()))


async def test_skew_is_measured_from_the_time_call(venue, connect):
    client = await connect(time_call=call("/time"), server_ms=lambda body: int(body["now"]))
    venue.skew_ms = -4321
    assert await client.measure_skew() == pytest.approx(-4321, abs=1)
    assert client.now_ms() == client._clock.wall_ms() - 4321
    venue.skew_ms = 9000
    await client.ask(call("/rows", query=(("first", "0"), ("last", "1"))))
    assert client.skew_ms == pytest.approx(-4321, abs=1)  # the Date header is coarser


async def test_an_answer_that_was_long_in_coming_does_not_tell_the_time(venue, connect, plan):
    client = await connect(time_call=call("/time"), server_ms=lambda body: int(body["now"]))
    client.SAMPLES, venue.skew_ms = 1, -4321
    venue.plans["/time"].append(plan(status=429, body={}, headers={"Retry-After": "30"}))
    assert await client.measure_skew() == pytest.approx(-4321, abs=501)  # only the Date header does


async def test_skew_is_taken_from_the_date_where_there_is_no_time_call(venue, connect):
    client = await connect()
    venue.skew_ms = 65_000
    await client.ask(call("/b"))
    assert await client.measure_skew() == pytest.approx(65_000, abs=501)


# Paging


def page(order=Order.OLDEST_FIRST, *, size=10, step_ms=STEP_MS):
    def ask(first_ms, last_ms):
        return call("/rows", query=(("first", str(first_ms)), ("last", str(last_ms))))

    def read(decoded):
        rows = [OpenInterest(venue="v", symbol="A", ts=ts, open_interest=1.0) for ts in decoded]
        return Parsed(events=tuple(rows), dropped={Dropped.MALFORMED: 1})

    return Page(size=size, order=order, ask=ask, read=read, step_ms=step_ms)


async def gather(client, paged, since_ms, until_ms):
    return [piece async for piece in client.pages(paged, since_ms, until_ms)]


def times(pieces):
    return [event.ts for piece in pieces for event in piece.events]


GRID = [n * STEP_MS for n in range(100)]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("most", [1, 4, 10, 50])
async def test_rows_in_steps_come_whole_whatever_a_page_really_holds(venue, connect, newest_first, most):
    venue.rows.times, venue.rows.newest_first, venue.rows.most = GRID, newest_first, most
    client = await connect()
    order = Order.NEWEST_FIRST if newest_first else Order.OLDEST_FIRST
    pieces = await gather(client, page(order), 5 * STEP_MS - 7, 48 * STEP_MS + 1)
    assert times(pieces) == GRID[5:49]
    assert all(not piece.missing and not piece.conflicts for piece in pieces)
    assert all(before.until_ms == after.since_ms for before, after in pairwise(pieces))
    assert pieces[-1].left is None
    assert pieces[0].dropped[Dropped.MALFORMED] >= 1


@pytest.mark.parametrize("newest_first", [False, True])
async def test_rows_at_times_of_their_own_are_walked_to_the_end(venue, connect, newest_first):
    venue.rows.times, venue.rows.newest_first, venue.rows.most = [3, 7, 8, 20, 21, 22, 90], newest_first, 2
    client = await connect()
    order = Order.NEWEST_FIRST if newest_first else Order.OLDEST_FIRST
    pieces = await gather(client, page(order, step_ms=0), 4, 90)
    assert sorted(times(pieces)) == [7, 8, 20, 21, 22]
    edges = sorted((piece.since_ms, piece.until_ms) for piece in pieces)
    assert edges[0][0] == 4
    assert edges[-1][1] == 90
    assert all(before[1] == after[0] for before, after in pairwise(edges))


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("step_ms", [0, STEP_MS])
async def test_a_range_that_failed_goes_on_where_it_stopped(venue, connect, plan, newest_first, step_ms):
    venue.rows.times, venue.rows.newest_first, venue.rows.most = GRID, newest_first, 10
    order = Order.NEWEST_FIRST if newest_first else Order.OLDEST_FIRST
    client = await connect(attempts=1, parallel=1)
    venue.plans["/rows"].extend([plan(), plan(), plan(status=500, body={})])
    found = []

    async def read():
        async for piece in client.pages(page(order, step_ms=step_ms), 0, GRID[-1] + 1):
            found.append(piece)

    with pytest.raises(CallFailed):
        await read()
    assert len(found) == 2
    found += await gather(client, page(order, step_ms=step_ms), *found[-1].left)
    assert sorted(times(found)) == GRID


async def test_a_hole_is_asked_for_again_and_then_named(venue, connect):
    venue.rows.times = GRID
    venue.rows.holes = {GRID[3], GRID[4], GRID[17]}
    venue.rows.late = {GRID[25]}
    client = await connect()
    pieces = await gather(client, page(), 0, GRID[30])
    assert [hole for piece in pieces for hole in piece.missing] == [(GRID[3], GRID[4]), (GRID[17], GRID[17])]
    assert GRID[25] in times(pieces)


async def test_the_same_page_again_and_again_ends(venue, connect):
    venue.rows.times, venue.rows.repeat = GRID, True
    client = await connect()
    pieces = await gather(client, page(), 0, 100 * STEP_MS)
    assert times(pieces) == GRID[90:]
    assert sum(piece.strays for piece in pieces) >= 90
    assert pieces[0].missing == ((0, GRID[9]),)


async def test_rows_that_nobody_asked_for_are_counted_and_left_out(venue, connect):
    venue.rows.times, venue.rows.stray = [*GRID, 30_000], True
    client = await connect()
    pieces = await gather(client, page(), 20 * STEP_MS, 40 * STEP_MS)
    assert times(pieces) == GRID[20:40]
    assert [piece.strays for piece in pieces] == [1, 1]
    venue.rows.times = [30_000, *GRID]
    venue.rows.stray = False
    pieces = await gather(client, page(), 0, 2 * STEP_MS)
    assert times(pieces) == [0, STEP_MS]
    assert pieces[0].strays == 1


async def test_rows_that_come_twice_and_not_alike_are_counted(connect):
    client = await connect()

    def read(decoded):
        said = [(0, 1.0), (0, 2.0), (0, 2.0)]
        return Parsed(
            events=tuple(
                OpenInterest(venue="v", symbol="A", ts=ts, open_interest=value) for ts, value in said
            )
        )

    paged = Page(size=1, order=Order.OLDEST_FIRST, ask=lambda *_: call(), read=read, step_ms=STEP_MS)
    (piece,) = await gather(client, paged, 0, 1)
    assert piece.conflicts == 1
    assert piece.events[0].open_interest == 2.0


async def test_pages_are_asked_for_side_by_side_and_stop_when_nobody_reads(venue, connect, plan):
    venue.rows.times = GRID
    venue.always["/rows"] = plan(stall_s=0.01)
    client = await connect(parallel=4)
    pages = client.pages(page(), 0, 100 * STEP_MS)
    assert (await anext(pages)).events
    await pages.aclose()
    assert 1 < venue.most_under_way <= 4
    assert len(venue.calls) < 10
    assert asyncio.all_tasks() == {asyncio.current_task(), *_servers()}


def _servers():
    return {
        task for task in asyncio.all_tasks() if "RequestHandler" in repr(task) or "web_protocol" in repr(task)
    }


async def test_a_list_is_followed_by_its_cursor(venue, connect, plan):
    venue.plans["/a"].extend([plan(body={"next": "x"}), plan(body={"next": ""})])
    client = await connect()

    def following(decoded):
        return call(query=(("cursor", decoded["next"]),)) if decoded["next"] else None

    assert await client.listed(call(), following) == [{"next": "x"}, {"next": ""}]
    assert venue.calls[1][2] == {"cursor": "x"}
    venue.always["/a"] = plan(body={"next": "x"})
    with pytest.raises(CallFailed, match="again and again"):
        await client.listed(call(), following)


@pytest.mark.parametrize(
    ("status", "outcome", "scope"),
    [
        (200, Outcome.GOOD, Scope.CALL),
        (404, Outcome.FINAL, Scope.CALL),
        (410, Outcome.FINAL, Scope.CALL),
        (451, Outcome.FINAL, Scope.VENUE),
        (429, Outcome.RETRY, Scope.VENUE),
        (503, Outcome.RETRY, Scope.CALL),
        (302, Outcome.MISTAKE, Scope.CALL),
        (422, Outcome.MISTAKE, Scope.CALL),
    ],
)
def test_a_status_says_what_to_do(status, outcome, scope):
    verdict = by_status(Answered(status=status))
    assert (verdict.outcome, verdict.scope) == (outcome, scope)


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7.0), ("-1", None), ("inf", None), ("soon", None), ("", None)]
)
def test_retry_after_is_seconds_or_nothing(said, seconds):
    assert Answered(status=429, headers={"retry-after": said}).retry_after_s == seconds


async def test_the_machines_clock_waits_for_the_event_or_the_time():
    clock, event = SystemClock(), asyncio.Event()
    began_s = clock.monotonic()
    await clock.wait(event, 0.01)
    assert clock.monotonic() - began_s >= 0.009
    event.set()
    await clock.wait(event, None)
    assert clock.wall_ms() > 1_700_000_000_000
    assert mistake("x").outcome is Outcome.MISTAKE
    assert math.isfinite(Backoff().delay_s(5))
