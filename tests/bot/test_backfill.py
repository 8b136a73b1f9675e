"""The past of four local venues over real sockets: all of it once, whatever befalls the way."""

import asyncio
import importlib.util
import io
import os
import signal
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from adapters.lacking import empty, joined, settled, stretches
from adapters.rest.waiting import Backoff
from adapters.series import STEPS_MS, What
from bot import __main__ as command_line
from bot.backfilling import command
from bot.backfilling.outcome import Filled
from bot.backfilling.plan import Plan, plan_of
from bot.backfilling.show import Progressing, lines, troubles
from bot.lock import DirectoryLock
from config.settings import load
from engine.errors import AlreadyRunning, StoreFull, UserError
from engine.model import DAY_MS, HOUR_MS, STEP_MS
from storage.market import MarketStore
from storage.past import PastStore

PATH = Path(__file__).parents[1] / "peers" / "four_venues.py"
ALL = ("binance", "bybit", "okx", "hyperliquid")
BTC, PEPE = "BTCUSDT", "PEPEUSDT"
QUICK = Backoff(first_s=0.01, longest_s=0.05)
RATIO_KINDS = ("accounts", "top_accounts", "top_positions")


def peers():
    """Load the four venues by their path: tests are no package."""
    if "peers_four_venues" not in sys.modules:
        spec = importlib.util.spec_from_file_location("peers_four_venues", PATH)
        module = sys.modules["peers_four_venues"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["peers_four_venues"]


four = peers()


class World(four.FourVenues):
    """The venues with a past of every kind, of a coin and of one that is traded in bundles."""

    async def start(self):
        await super().start()
        self.okx.list(self.frames.contract("PEPE", ct_val="1000000"))
        coin = four.peer("hyperliquid").world.Coin
        self.hyperliquid.world.coins.append(coin("kPEPE", mark=0.0123, decimals=0))
        for native in ("BTC-USDT-SWAP", "PEPE-USDT-SWAP"):
            self._okx_past(native)
        return self

    def _okx_past(self, native):
        said, price = self.okx.world, 60_000 if native.startswith("BTC") else 0.0000123
        for bar, step in self.frames.BARS.items():
            newest = self.base // step * step
            rows = 3000 if step <= STEP_MS else 1600
            times = range(newest - rows * step, newest + 1, step)
            said.candles[native, bar] = [self.frames.candle(ts, price, 500) for ts in times]
            said.open_interest_history[native, bar] = [
                [str(ts), "200000", "2000", "120000000"] for ts in times
            ]
            for table in (
                "long-short-account-ratio-contract",
                "long-short-account-ratio-contract-top-trader",
                "long-short-position-ratio-contract-top-trader",
            ):
                said.ratios[table][native, bar] = [[str(ts), "1.5"] for ts in times]
        paid = range(self.base // 28_800_000 * 28_800_000 - 300 * 28_800_000, self.base, 28_800_000)
        said.funding_history[native] = [self.frames.paid(native, "0.0001", "0.0002", ts) for ts in paid]

    @property
    def all_asked(self):
        """How many calls for anything of the past each venue was sent."""
        binance = ("klines", "fundingRate", "openInterestHist", "Ratio")
        bybit = ("kline", "open-interest", "funding/history", "account-ratio")
        return {
            "binance": sum(path.endswith(binance) for path, _ in self.binance.calls),
            "bybit": sum(path in bybit for path, _ in self.bybit.calls),
            "okx": sum(
                count
                for path, count in self.okx.calls.items()
                if path.startswith(("market/", "rubik/")) or path == "public/funding-rate-history"
            ),
            "hyperliquid": sum(
                body["type"] in ("candleSnapshot", "fundingHistory") for body in self.hyperliquid.asked
            ),
        }


@pytest.fixture
async def world():
    venues = await World().start()
    yield venues
    await venues.stop()
    assert venues.exceeded == []


@pytest.fixture
async def store(tmp_path):
    store = await MarketStore.open(tmp_path / "live" / "market.duckdb")
    yield store
    await store.close()


@pytest.fixture
def fill(world, store):
    """Fetch a plan; how each series stands is returned by venue, symbol and name."""

    async def run(*venues, **plan):
        asked = {"symbols": (BTC,), "days": 2, "until_ms": world.base} | plan
        names = venues or ALL
        with Progressing(Console(quiet=True)) as shown:
            found = await command.run(
                store, world.kits(*names), Plan(venues=names, **asked), shown, backoff=QUICK
            )
        return {(each.venue, each.symbol, each.name): each for each in found}

    return run


async def test_everything_that_there_is_comes_once(world, store, fill):
    until = world.base - HOUR_MS
    first = await fill(until_ms=until)
    assert [each.why for each in first.values()] == [""] * len(first)
    for venue in ALL:
        bars = first[venue, BTC, "candles 5m"]
        assert (bars.stored, bars.held, bars.left, bars.absent) == (576, 576, (), 0), venue
        assert (bars.first_ms, bars.last_ms) == (until - 2 * DAY_MS, until - STEP_MS), venue
        kept = await store.candles(BTC, venue)
        assert np.array_equal(np.diff(kept.ts), np.full(575, STEP_MS)), venue
        paid = first[venue, BTC, "funding"]
        assert paid.held == paid.stored, venue
        assert paid.held == (48 if venue == "hyperliquid" else 6), venue
        assert paid.left == (), venue
        if venue == "hyperliquid":
            assert first[venue, BTC, "open_interest 5m"].note == "hyperliquid publishes none of the past"
        else:
            assert first[venue, BTC, "open_interest 5m"].held == 576, venue
    for kind in RATIO_KINDS:
        assert first["okx", BTC, f"ratios:{kind} 5m"].held == 576
        assert first["binance", BTC, f"ratios:{kind} 5m"].held == 576
    assert first["bybit", BTC, "ratios:accounts 5m"].held == 576
    assert first["okx", BTC, "candles 5m"].note == ""

    asked = world.all_asked
    assert min(asked.values()) >= 3
    again = await fill(until_ms=until)
    assert world.all_asked == asked
    assert {each.stored for each in again.values()} == {0}
    assert {key: each.held for key, each in again.items()} == {key: each.held for key, each in first.items()}


async def test_only_what_is_lacking_is_asked_for(world, store, fill):
    await fill("binance", days=1, what=(What.CANDLES,))
    world.binance.calls.clear()
    found = await fill("binance", days=3, what=(What.CANDLES,))
    assert found["binance", BTC, "candles 5m"].stored == 576
    (query,) = [query for path, query in world.binance.calls if path.endswith("klines")]
    assert int(query["startTime"]) == world.base - 3 * DAY_MS
    assert int(query["endTime"]) == world.base - DAY_MS - STEP_MS
    await store.call(
        lambda cursor: cursor.execute("DELETE FROM candles WHERE ts = ?", [world.base - HOUR_MS])
    )
    mended = await fill("binance", days=3, what=(What.CANDLES,))
    assert mended["binance", BTC, "candles 5m"].stored == 1
    assert mended["binance", BTC, "candles 5m"].held == 864


@pytest.mark.parametrize("name", list(STEPS_MS))
async def test_candles_of_every_step(world, store, fill, name):
    step, days = STEPS_MS[name], {"1m": 1, "5m": 2, "1d": 30}.get(name, 8)
    found = await fill(days=days, steps_ms=(step,), what=(What.CANDLES,))
    for venue in ALL:
        each = found[venue, BTC, f"candles {name}"]
        newest = world.base // step * step - step
        rows = days * DAY_MS // step
        assert (each.held, each.last_ms, each.left, each.why) == (rows, newest, (), ""), venue
        kept = await store.candles(BTC, venue, step_ms=step)
        assert np.all(kept.ts % step == 0), venue
        assert len(kept) == rows, venue


async def test_several_steps_at_once(fill):
    found = await fill("okx", days=6, steps_ms=(HOUR_MS, STEP_MS), what=(What.CANDLES, What.OPEN_INTEREST))
    assert found["okx", BTC, "candles 1h"].held == 144
    fine, coarse = found["okx", BTC, "open_interest 5m"], found["okx", BTC, "open_interest 1h"]
    assert 1436 <= fine.held <= 1439
    assert fine.note == "okx has 4.99 days of it"
    assert 22 <= coarse.stored <= 26  # the hours before the five days: the others were kept already
    assert coarse.held == 144
    assert coarse.left == ()


async def test_bundles_are_told_in_coins(store, fill):
    found = await fill(symbols=(PEPE,), days=1, what=(What.CANDLES,))
    for venue in ("binance", "okx", "hyperliquid"):
        assert found[venue, PEPE, "candles 5m"].held == 288, venue
        kept = await store.candles(PEPE, venue)
        assert np.all((kept.close > 1.1e-5) & (kept.close < 1.4e-5)), venue
    assert found["bybit", PEPE, "candles 5m"].held == 288
    bybit = await store.candles(PEPE, "bybit")
    assert np.all((bybit.close > 59) & (bybit.close < 62))  # its bars are of 60,000 for a bundle of 1000
    assert found["hyperliquid", PEPE, "candles 5m"].symbol == PEPE


async def test_what_a_venue_left_out_is_asked_for_twice_and_then_never(world, store, fill):
    gone = world.base - HOUR_MS
    world.gone(gone)
    for name in ("bybit", "okx", "hyperliquid"):
        found = (await fill(name, days=1, what=(What.CANDLES,)))[name, BTC, "candles 5m"]
        assert (found.held, found.absent, found.left, found.why) == (287, 1, (), ""), name
    asked = {name: world.asked(name) for name in ALL}
    for name in ("bybit", "okx", "hyperliquid"):
        await fill(name, days=1, what=(What.CANDLES,))
    assert {name: world.asked(name) for name in ALL} == asked


async def test_what_has_just_closed_may_still_come(world, fill):
    newest = world.base - STEP_MS
    world.bybit.there.holes.add(newest)
    found = (await fill("bybit", days=1, what=(What.CANDLES,)))["bybit", BTC, "candles 5m"]
    assert (found.held, found.absent, found.why) == (287, 0, "")
    assert found.left == ((newest, world.base),)
    assert found.note == "the newest has not come yet"
    world.bybit.there.holes.clear()
    found = (await fill("bybit", days=1, what=(What.CANDLES,)))["bybit", BTC, "candles 5m"]
    assert (found.stored, found.left) == (1, ())


async def test_a_venue_that_asks_to_slow_down_is_waited_for(world, fill):
    world.binance.fail("klines", status=429, headers={"Retry-After": "1"}, times=2)
    world.bybit.too_many_visits("kline", reset_ms=300)
    world.okx.refuse("market/history-candles", 429, world.frames.refusal("50011", "Too Many Requests"))
    world.okx.refuse("market/candles", 429, world.frames.refusal("50011", "Too Many Requests"))
    world.hyperliquid.refuse(429, "null", kind="candleSnapshot", Retry_After=1)
    found = await fill(days=2, what=(What.CANDLES,))
    assert {(each.held, each.why) for each in found.values()} == {(576, "")}


async def test_a_venue_that_refuses_its_service_stops_nobody_else(world, fill):
    world.binance.block()
    found = await fill(days=1)
    blocked = [each for each in found.values() if each.venue == "binance"]
    assert {each.why for each in blocked} == {"binance does not serve this country (HTTP 451)."}
    assert len(world.binance.calls) == 1
    for venue in ("bybit", "okx", "hyperliquid"):
        assert found[venue, BTC, "candles 5m"].held == 288, venue
        assert not any(each.why for each in found.values() if each.venue == venue), venue
    (told,) = troubles(list(found.values()), (BTC,))
    assert told.startswith("Binance lacks BTCUSDT candles 5m, BTCUSDT open_interest 5m, BTCUSDT funding,")
    assert told.endswith(": Binance does not serve this country (HTTP 451).")


async def test_a_venue_that_goes_away_in_between_keeps_what_came(world, store, fill):
    world.bybit.fail("kline", status=502, times=10**6)
    found = await fill(days=1, what=(What.FUNDING, What.CANDLES, What.OPEN_INTEREST))
    assert found["bybit", BTC, "funding"].held > 1
    assert found["bybit", BTC, "candles 5m"].why == "bybit has trouble (HTTP 502)."
    assert found["bybit", BTC, "open_interest 5m"].why == "bybit has trouble (HTTP 502)."
    assert found["okx", BTC, "open_interest 5m"].held == 288
    assert not [path for path, _ in world.bybit.calls if path == "open-interest"]
    world.bybit.faults.clear()
    found = await fill("bybit", days=1)
    assert found["bybit", BTC, "open_interest 5m"].held == 288
    assert found["bybit", BTC, "candles 5m"].left == ()


async def test_a_symbol_that_is_gone_ends_alone(world, fill):
    world.bybit.there.delist("ETHUSDT")
    found = await fill("bybit", "okx", symbols=("ETHUSDT", BTC), days=1, what=(What.CANDLES,))
    gone = found["bybit", "ETHUSDT", "candles 5m"]
    assert (gone.why, gone.note, gone.listed) == ("", "bybit does not list ETHUSDT", False)
    assert found["bybit", BTC, "candles 5m"].held == 288
    assert troubles(list(found.values()), ("ETHUSDT", BTC)) == ["No venue that was asked lists ETHUSDT."]


async def test_a_symbol_that_goes_while_it_is_read_is_not_asked_for_again(world, fill):
    world.bybit.fail("open-interest", code=10001, words="params error: symbol invalid", times=1)
    found = await fill("bybit", symbols=(BTC, "ETHUSDT"), days=1)
    assert found["bybit", BTC, "candles 5m"].held == 288
    for name in ("open_interest 5m", "funding", "ratios:accounts 5m"):
        assert found["bybit", BTC, name].why == "bybit does not have this symbol (10001)."
        assert not found["bybit", "ETHUSDT", name].why
    asked = Counter(path for path, query in world.bybit.calls if query.get("symbol") == BTC)
    assert asked["open-interest"] <= 2  # both pages of it, under way at once
    assert (asked["funding/history"], asked["account-ratio"]) == (0, 0)


async def test_rows_that_cannot_be_read_are_asked_for_again_some_day(world, fill):
    spoiled = world.base - HOUR_MS
    rows = world.okx.world.candles[four.SWAP, "5m"]
    place = next(i for i, row in enumerate(rows) if int(row[0]) == spoiled)
    rows[place] = [str(spoiled), "0", "0", "0", "0", "0", "0", "0", "1"]
    found = (await fill("okx", days=1, what=(What.CANDLES,)))["okx", BTC, "candles 5m"]
    assert (found.held, found.absent, found.left) == (287, 0, ((spoiled, spoiled + STEP_MS),))
    assert found.why.endswith("rows could not be read")
    rows[place] = world.frames.candle(spoiled, 60_000, 500)
    found = (await fill("okx", days=1, what=(What.CANDLES,)))["okx", BTC, "candles 5m"]
    assert (found.stored, found.held, found.why) == (1, 288, "")


async def test_a_store_that_refuses_ends_the_run(world, fill, monkeypatch):
    async def refuse(*_):
        raise StoreFull("There is no room left.")

    monkeypatch.setattr(PastStore, "keep", refuse)
    with pytest.raises(StoreFull, match="no room left"):
        await fill(days=1)


# the command


def environment(world, tmp_path):
    named = {name: world.of(name) for name in ALL}
    urls = {f"LIQWATCH_{name.upper()}_REST_URL": each.url for name, each in named.items()}
    return os.environ | urls | {"LIQWATCH_DATA_DIR": str(tmp_path), "LIQWATCH_LOG_LEVEL": "ERROR"}


async def started(world, tmp_path, *words):
    """Start the command in a process of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "backfill", *words),
        env=environment(world, tmp_path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process):
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


async def test_killed_in_the_middle_it_goes_on_where_it_was(world, tmp_path):
    world.binance.fail("klines", stall_s=0.3, times=10**6)
    words = ("btc", "--days", "9", "--step", "1m", "--venues", "binance", "--what", "candles")
    process = await started(world, tmp_path, *words)
    await world.binance.until(lambda: world.asked("binance") >= 9, 30.0)
    process.kill()
    await process.wait()
    before = world.asked("binance")
    world.binance.faults.clear()
    code, out, err = await ended(await started(world, tmp_path, *words))
    assert (code, err.count("lacks")) == (0, 0), err
    assert "12,960 kept" in out
    assert "no gap left" in out
    stored = int(out.split("candles 1m: ")[1].split(" rows stored")[0].replace(",", ""))
    assert 0 < stored < 12_960  # what the killed run had kept was not asked for again
    assert world.asked("binance") - before <= 11


@pytest.mark.parametrize("number", [signal.SIGINT])
async def test_stopped_by_hand_it_says_that_what_came_is_kept(world, tmp_path, number):
    world.binance.fail("klines", stall_s=0.3, times=10**6)
    words = ("btc", "--days", "9", "--step", "1m", "--venues", "binance", "--what", "candles")
    process = await started(world, tmp_path, *words)
    await world.binance.until(lambda: world.asked("binance") >= 6, 30.0)
    process.send_signal(number)
    code, _, err = await ended(process)
    assert code == 130
    assert "What came is kept; the same command goes on from there." in err
    assert "Traceback" not in err
    store = await MarketStore.open(tmp_path / "live" / "market.duckdb")
    assert len(await store.candles(BTC, "binance", step_ms=60_000)) >= 1000
    await store.close()


async def test_the_command_says_what_is_lacking_and_why(world, tmp_path):
    world.binance.block()
    words = ("btc", "--days", "1", "--what", "candles,funding", "--venues", "binance,okx,hyperliquid")
    code, out, err = await ended(await started(world, tmp_path, *words))
    assert code == 1
    told = (
        "Binance lacks BTCUSDT candles 5m, BTCUSDT funding: Binance does not serve this country (HTTP 451)."
    )
    assert told in err
    assert "OKX BTCUSDT candles 5m: 288 rows" in err  # a plain line on the way
    assert "OKX BTCUSDT candles 5m: 288 rows stored, 288 kept from" in out
    assert "Hyperliquid BTCUSDT candles 5m: 288 rows stored" in out
    assert "Binance BTCUSDT candles 5m: Binance does not serve" in out


def test_a_directory_that_liqwatch_serves_is_left_alone(tmp_path):
    lock = DirectoryLock(tmp_path / "live")
    lock.acquire()
    settings = load({"storage.data_dir": str(tmp_path)}, environ={}, directory=tmp_path)
    given = command_line.parser().parse_args(["backfill", "btc", "--days", "1"])
    with pytest.raises(AlreadyRunning, match=r"already serves .*live\. Stop it, or name another directory"):
        command.backfill(given, settings)
    lock.release()


def planned(*words):
    settings = load({}, environ={}, directory=Path("/nowhere"))
    return plan_of(command_line.parser().parse_args(["backfill", *words]), settings)


def test_what_is_typed():
    plan = planned("btc", "ETH/USDT", "btc", "--days", "30")
    assert plan.symbols == (BTC, "ETHUSDT")
    bundles = planned("1000PEPEUSDT", "kpepe", "1000000bob", "币安人生", "--days", "1")
    assert bundles.symbols == (PEPE, "1000000BOBUSDT", "币安人生USDT")
    assert (plan.venues, plan.steps_ms, plan.what) == (ALL, (STEP_MS,), tuple(What))
    plan = planned("btc", "--days", "3", "--venues", "OKX, bybit", "--step", "1m", "--step", "1h")
    assert plan.venues == ("okx", "bybit")
    assert plan.steps_of(What.CANDLES) == (60_000, HOUR_MS)
    assert plan.steps_of(What.RATIOS) == (STEP_MS, HOUR_MS)
    assert len(plan.steps_of(What.FUNDING)) == 1
    assert planned("btc", "--days", "3", "--what", "funding,candles").what == (What.FUNDING, What.CANDLES)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("btc", "--days", "0"), "--days 0 is not between 1 and 2000."),
        (("btc", "--days", "1", "--venues", "mtgox"), "'mtgox' is no venue that can be read; there are: bin"),
        (("btc", "--days", "1", "--what", "trades"), "'trades' is no kind of rows; there are: candles,"),
        (("btc", "--days", "1", "--venues", ","), "No venue that can be read was named; there are:"),
        (("b?", "--days", "1"), "'b?' is not a symbol"),
    ],
)
def test_what_cannot_be_is_refused_with_an_example(words, said):
    with pytest.raises(UserError) as refused:
        planned(*words)
    assert refused.value.message.startswith(said)
    assert refused.value.example.startswith("liqwatch backfill ")


# what is lacking


def spread(times, step_ms):
    return np.array(sorted(ts * step_ms for ts in times), np.int64)


@given(
    step=st.sampled_from([1, 7, 60]),
    held=st.sets(st.integers(0, 60)),
    absent=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8))),
    span=st.tuples(st.integers(0, 400), st.integers(0, 400)),
)
def test_what_is_lacking_is_what_is_neither_kept_nor_absent(step, held, absent, span):
    since, until = span
    absences = [(first * step, (first + more) * step) for first, more in absent]
    found = stretches(since, until, step, times=spread(held, step), absences=absences)
    known = {ts * step for ts in held} | {
        ts for first, last in absences for ts in range(first, last + 1, step)
    }
    lacking = {ts for ts in range(0, until, step) if ts >= since} - known
    assert [ts for begin, end in found for ts in range(begin, end, step)] == sorted(lacking)
    assert all(later[0] > earlier[1] for earlier, later in pairwise(found))


@given(
    held=st.sets(st.integers(0, 100)),
    asked=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 30)), max_size=4),
    span=st.tuples(st.integers(0, 120), st.integers(0, 120)),
)
def test_rows_at_times_of_their_own_lack_what_was_never_asked_for(held, asked, span):
    since, until = span
    absences, seen = [], set(held)
    for begin, more in asked:
        inside = [ts for ts in sorted(held) if begin <= ts < begin + more]
        absences += empty(begin, begin + more, inside)
        seen |= set(range(begin, begin + more))
    found = stretches(since, until, 0, times=spread(held, 1), absences=sorted(absences))
    assert [ts for begin, end in found for ts in range(begin, end)] == sorted(set(range(since, until)) - seen)


def test_near_stretches_are_asked_for_as_one():
    assert joined([(0, 10), (15, 20), (40, 50)], 5) == [(0, 20), (40, 50)]
    assert joined([(0, 10), (11, 20)], 0) == [(0, 10), (11, 20)]


def test_an_absence_is_believed_only_once_it_is_old():
    assert settled([(0, 10), (20, 40), (50, 60)], 30) == [(0, 10), (20, 30)]


def test_a_terminal_is_shown_a_bar_for_each_venue():
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    filled = Filled(venue="okx", symbol=BTC, what="candles", step_ms=STEP_MS, stored=5)
    with Progressing(console) as shown:
        shown.expect("okx", 300)
        shown.expect("okx", 200)
        shown.advance("okx", 125)
        shown.expect("bybit", 10)
        shown.advance("nobody", 1)
        shown.done(filled)
        shown._progress.refresh()
    text = out.getvalue()
    assert "125/500" in text
    assert "Bybit" in text
    assert "5 rows" not in text


def test_without_a_terminal_each_series_is_a_line():
    out = io.StringIO()
    with Progressing(Console(file=out, width=20)) as shown:
        shown.expect("okx", 300)
        shown.advance("okx", 300)
        shown.done(Filled(venue="okx", symbol=BTC, what="candles", step_ms=STEP_MS, stored=1234))
        shown.done(Filled(venue="okx", symbol=BTC, what="funding", why="okx has trouble."))
        shown.done(Filled(venue="okx", symbol=BTC, what="ratios:accounts", step_ms=STEP_MS))
    assert out.getvalue().splitlines() == [
        "OKX BTCUSDT candles 5m: 1,234 rows",
        "OKX BTCUSDT funding: 0 rows, then: OKX has trouble.",
    ]


async def test_a_venue_without_a_past_is_told(store):
    class Present:
        venue = "present"

    plan = Plan(symbols=(BTC,), venues=("present",), days=1)
    with Progressing(Console(quiet=True)) as shown:
        (told,) = await command.run(store, [Present()], plan, shown)
    assert list(lines([told])) == ["Present BTCUSDT past: Present is read live alone"]
    assert troubles([told], (BTC,)) == []


def test_lines_tell_what_is_kept():
    kept = Filled(
        venue="okx",
        symbol=BTC,
        what="candles",
        step_ms=STEP_MS,
        stored=5,
        held=1234,
        first_ms=1_760_000_100_000,
        last_ms=1_760_000_400_000,
        absent=2,
        left=((0, 1),),
        why="okx has trouble.",
    )
    nothing = Filled(venue="okx", symbol=BTC, what="ratios:accounts", step_ms=HOUR_MS)
    assert list(lines([kept, nothing])) == [
        (
            "OKX BTCUSDT candles 5m: 5 rows stored, 1,234 kept from 2025-10-09 08:55 to 2025-10-09 09:00, "
            "1 gap left, 2 that the venue does not have, OKX has trouble."
        ),
        "OKX BTCUSDT ratios:accounts 1h: nothing is kept",
    ]
