"""A running Liqwatch measures what was newly reported, apart from the event loop, and shows it at once."""

import asyncio
import os
import sys
from dataclasses import replace

import psutil
import pytest
from structlog.testing import capture_logs

from bot import main
from bot.commands.dispatch import Caller
from bot.commands.reply import Front
from bot.console.control import LOCAL_USER
from bot.lag import LoopLag
from bot.truth import apart
from bot.truth.apart import measure_apart
from bot.truth.gather import Wish, gather
from bot.truth.importing import import_files
from bot.truth.place import opened
from bot.truth.renewal import NEW_H, REST_MS, Renewal
from bot.truth.shelf import Shelf, Shown, load_shelf
from bot.truth.worker import LENGTH, answer, packed, unpacked
from engine.accuracy import measure
from engine.errors import DataError, MeasureError
from engine.model import DAY_MS, HOUR_MS, STEP_MS
from engine.presets import LEVERAGE, SIMPLE
from engine.scoring.predict import VenueBars
from engine.task import Reported, Task

SYMBOL = "BTCUSDT"
WALL_MS = 1_790_000_000_000


@pytest.fixture
def task(candles, planted):
    hour, usd = planted
    bars = VenueBars(venue="binance", step_ms=STEP_MS, candles=candles)
    return Task(symbol=SYMBOL, venues=(bars,), reported=Reported(hour=hour, usd=usd, venues=("all",)))


@pytest.fixture
async def store(settings, files):
    """An installation that has imported candles and liquidations."""
    async with opened(settings) as store:
        await import_files(store, "binance", SYMBOL, [files / "candles.csv"])
        await import_files(store, "all", SYMBOL, [files / "liquidations.csv"])
        yield store


class Market:
    """A market with a clock that tests turn."""

    def __init__(self, now_ms, symbols=(SYMBOL,)):
        self.at_ms, self.symbols = now_ms, symbols

    def now_ms(self):
        return self.at_ms


class Measurer:
    """Take note of tasks, and answer each with a report that ends where its hours do."""

    def __init__(self, report):
        self.report, self.tasks, self.fault = report, [], None

    async def __call__(self, task):
        self.tasks.append(task)
        if self.fault is not None:
            raise self.fault
        return replace(self.report, to_ms=task.to_ms, models=tuple(p.name for p in task.presets))


@pytest.fixture
def market(candles):
    return Market(int(candles.ts[-1]) + STEP_MS - 5 * DAY_MS)


@pytest.fixture
def measurer(report):
    return Measurer(report)


@pytest.fixture
def wall():
    return [WALL_MS]


@pytest.fixture
def job(store, market, settings, measurer, wall):
    shelf = Shelf()
    made = Renewal(store, shelf, market, settings, measure=measurer, wall_ms=lambda: wall[0])
    return made, shelf


@pytest.fixture
def children():
    """Return what lists the processes this one began since the test did: a browser may be there already."""
    before = {child.pid for child in psutil.Process().children()}
    return lambda: [child for child in psutil.Process().children() if child.pid not in before]


def test_a_task_arrives_as_it_was_sent(task):
    sent = replace(task, presets=(LEVERAGE, SIMPLE), from_ms=5, to_ms=6, seed=7, shuffles=2)
    found = unpacked(packed(sent))
    plain = {"symbol", "presets", "usd_scale", "from_ms", "to_ms", "seed", "shuffles", "zones"}
    assert all(getattr(found, name) == getattr(sent, name) for name in plain)
    assert packed(found) == packed(sent), "with every candle and every report"


async def test_a_process_of_its_own_finds_the_same_at_the_lowest_priority(task, children):
    lag, seen = LoopLag(), set()
    watching = asyncio.create_task(lag.run())
    under_way = asyncio.create_task(measure_apart(task))
    while not under_way.done():
        seen |= {child.nice() for child in children() if child.is_running()}
        await asyncio.sleep(0.05)
    watching.cancel()
    assert (await under_way) == unrounded(task)
    assert 19 in seen
    assert lag.max_ms() < 500, "the loop went on meanwhile"
    assert not children()


def unrounded(task):
    """The report as it is once it has been written down."""
    report = measure(task).report
    return type(report).from_dict(report.to_dict())


async def test_too_little_is_refused_in_the_same_words(task):
    few = replace(task, to_ms=int(task.venues[0].candles.ts[0]) + 10 * DAY_MS)
    with pytest.raises(DataError, match="336 are needed"):
        await measure_apart(few)
    assert b"336 are needed" in answer(packed(few))


async def test_a_process_that_takes_too_long_or_dies_is_ended_and_said(task, monkeypatch, children):
    with pytest.raises(MeasureError, match=r"not done within 0\.05 s"):
        await measure_apart(task, timeout_s=0.05)
    with pytest.raises(MeasureError, match="died"):
        await measure_apart(task, module="bot.truth.nowhere")
    assert not children()
    monkeypatch.setattr(apart.sys, "executable", "/nowhere/python")
    with pytest.raises(MeasureError, match="does not start"):
        await measure_apart(task)


async def test_a_caller_that_is_cancelled_ends_the_process(task, children):
    under_way = asyncio.create_task(measure_apart(task))
    while not children():
        await asyncio.sleep(0.01)
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way
    assert not children()


async def test_the_process_gets_none_of_our_settings(monkeypatch, task):
    monkeypatch.setenv("LIQWATCH_DISCORD_TOKEN", "secret")
    started = []
    start = asyncio.create_subprocess_exec

    async def noted(*words, env, **more):
        started.append(env)
        return await start(*words, env=env, **more)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    with pytest.raises(MeasureError):
        await measure_apart(task, module="bot.truth.nowhere")
    assert "PATH" in started[0]
    assert not any("LIQWATCH" in name for name in started[0])
    assert os.environ["LIQWATCH_DISCORD_TOKEN"] == "secret"


async def test_a_first_report_is_made_kept_and_shown_and_knows_nothing_later(job, store, market, measurer):
    made, shelf = job
    assert not shelf.of(SYMBOL).own
    with capture_logs() as logs:
        await made.refresh()
    (task,) = measurer.tasks
    assert [preset.name for preset in task.presets] == ["flow"]
    assert task.to_ms == market.at_ms
    assert shelf.of(SYMBOL).own
    assert shelf.line(SYMBOL, "flow").endswith("(own data)")
    assert (await load_shelf(store)).of(SYMBOL) == shelf.of(SYMBOL), "and it is there after a restart"
    assert shelf.of(SYMBOL).made_ms == WALL_MS
    assert [event["event"] for event in logs] == ["accuracy.measured"]


async def test_it_is_made_anew_after_a_day_of_reports_and_not_before(job, market, measurer):
    made, shelf = job
    await made.refresh()
    market.at_ms += (NEW_H - 1) * HOUR_MS
    await made.refresh()
    assert len(measurer.tasks) == 1
    market.at_ms += HOUR_MS
    await made.refresh()
    assert len(measurer.tasks) == 2
    market.at_ms += 90 * DAY_MS
    for _ in range(3):
        await made.refresh()
    assert len(measurer.tasks) == 3, "what was reported ends, and so do reports"
    assert shelf.of(SYMBOL).report.to_ms == market.at_ms


async def test_a_market_sought_back_keeps_its_later_report(job, market, measurer):
    made, _ = job
    await made.refresh()
    market.at_ms -= 2 * DAY_MS
    await made.refresh()
    assert len(measurer.tasks) == 1


async def test_without_liquidations_nothing_is_read_and_nothing_said(settings, market, measurer, monkeypatch):
    async with opened(settings) as store:
        monkeypatch.setattr(store, "series", None)
        with capture_logs() as logs:
            await Renewal(store, Shelf(), market, settings, measure=measurer).refresh()
    assert (measurer.tasks, logs) == ([], [])


async def test_too_little_is_said_once(job, market, measurer, candles):
    made, shelf = job
    market.at_ms = int(candles.ts[0]) + 12 * DAY_MS
    with capture_logs() as logs:
        await made.refresh()
        await made.refresh()
    assert [event["event"] for event in logs] == ["accuracy.too_little"]
    assert "336 are needed" in logs[0]["why"]
    assert not measurer.tasks
    assert not shelf.own


@pytest.mark.parametrize("fault", [MeasureError("it was not done within 900 s"), DataError("odd")])
async def test_a_failure_is_logged_rests_and_harms_nobody_else(
    job, store, market, measurer, wall, files, fault
):
    made, shelf = job
    market.symbols = (SYMBOL, "ETHUSDT")
    await import_files(store, "binance", "ETHUSDT", [files / "candles.csv"])
    await import_files(store, "all", "ETHUSDT", [files / "liquidations.csv"])
    measurer.fault = fault
    with capture_logs() as logs:
        await made.refresh()
        await made.refresh()
    assert [task.symbol for task in measurer.tasks] == [SYMBOL, "ETHUSDT"]
    assert [(event["event"], event["why"]) for event in logs] == [("accuracy.not_measured", str(fault))] * 2
    assert not shelf.own
    measurer.fault = None
    wall[0] += REST_MS
    await made.refresh()
    assert set(shelf.own) == {SYMBOL, "ETHUSDT"}


async def test_models_of_the_last_report_are_measured_again_where_they_can_be(
    job, store, market, measurer, report, candles
):
    made, shelf = job
    old = replace(report, models=("simple", "gone"), to_ms=market.at_ms - 3 * DAY_MS)
    shelf.own[SYMBOL] = Shown(report=old, made_ms=1, own=True)
    await made.refresh()
    assert [p.name for p in measurer.tasks[-1].presets] == ["flow"], "there is no open interest to follow"
    shelf.own[SYMBOL] = Shown(report=old, made_ms=1, own=True)
    coins = replace(candles, open_interest=candles.volume * 100 + 1)
    task = await gather(store, Wish(symbol=SYMBOL), made._settings)
    held = replace(task.venues[0], candles=coins)

    async def with_coins(*_):
        return (held,)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.truth.gather._venues", with_coins)
        await made.refresh()
    assert [p.name for p in measurer.tasks[-1].presets] == ["flow", "simple"]


async def test_stopping_ends_what_is_under_way(store, market, settings):
    begun, ended = asyncio.Event(), []

    async def endless(_):
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(1)

    shelf = Shelf()
    made = Renewal(store, shelf, market, settings, measure=endless)
    running = asyncio.create_task(made.refresh())
    await begun.wait()
    await made.stop()
    await running
    assert (ended, shelf.own) == ([1], {})
    await made.refresh()
    await made.stop()
    assert ended == [1], "nothing is begun any more"


async def test_stopping_while_it_reads_begins_nothing(job, store, measurer, monkeypatch):
    made, _ = job
    read = store.liquidations

    async def late(symbol):
        found = await read(symbol)
        await made.stop()
        return found

    monkeypatch.setattr(store, "liquidations", late)
    await made.refresh()
    assert not measurer.tasks


async def test_a_whole_liqwatch_shows_its_own_report_without_a_restart(settings, files, monkeypatch, report):
    async with opened(settings) as store:
        await import_files(store, "binance", SYMBOL, [files / "candles.csv"])
        await import_files(store, "all", SYMBOL, [files / "liquidations.csv"])

    monkeypatch.setattr(main, "CHECK_S", 0.1)
    monkeypatch.setattr(main, "DEFAULT_START_MS", report.to_ms - DAY_MS)
    app = main.Liqwatch(settings)
    caller = Caller(user_id=LOCAL_USER, front=Front.CONSOLE)
    await app.start(serving=False)
    try:
        before = (await app.commands.dispatch("/accuracy btc", caller)).text
        async with asyncio.timeout(60):
            while not app.accuracy.of(SYMBOL).own or app.market.view(SYMBOL).level is None:
                await asyncio.sleep(0.05)
        after = (await app.commands.dispatch("/accuracy btc", caller)).text
    finally:
        await app.stop()
    level = app.market.view(SYMBOL).level
    assert level.hours >= 48, "dollars are at the level of what is reported"
    assert 0.1 <= level.long <= 10
    assert "Development result" in before
    assert "Measured by this installation" in after


async def test_a_measurement_does_not_outlive_whoever_asked_for_it(task):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", apart.MODULE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    body = packed(task)
    process.stdin.write(LENGTH.pack(len(body)) + body)
    await process.stdin.drain()
    process.stdin.close()
    answered, _ = await asyncio.wait_for(process.communicate(), 30)
    assert answered == b"", "its input ended while it worked, and so did it"
