"""A venue recorded for seconds: predictions first, then what came, in a file that outlives a kill."""

import asyncio
import importlib.util
import json
import math
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from adapters.live import LiveSource
from adapters.live_venue import Pace
from adapters.rest.waiting import SystemClock
from bot import __main__ as command_line
from bot.live.archive import StoreArchive
from bot.lock import DirectoryLock
from bot.validating import command
from bot.validating.journal import Journal, Wish
from bot.validating.models import MODEL, Models, stood_of
from bot.validating.recording import Recording
from bot.validating.scoring import Prices, moments_of, price_of, scored, summary
from bot.validating.words import sentences
from config.settings import load
from engine.errors import AlreadyRunning, DataError, UserError
from engine.model import (
    HOUR_MS,
    STEP_MS,
    Candle,
    Candles,
    Liquidation,
    PriceKind,
    Side,
    Tick,
)
from engine.validation import DISTANCE_ONLY, ZONES, judge
from engine.zones import ZoneParams
from storage.market import MarketStore

PATH = Path(__file__).parents[1] / "peers" / "four_venues.py"
BTC = "BTCUSDT"
PARAMS = ZoneParams()
T0 = 1_760_000_400_000
WISH = Wish(venue="bybit", symbols=(BTC,), hours=24.0)


def peers():
    """Load the four venues by their path: tests are no package."""
    if "peers_four_venues" not in sys.modules:
        spec = importlib.util.spec_from_file_location("peers_four_venues", PATH)
        module = sys.modules["peers_four_venues"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["peers_four_venues"]


def walk(count, *, seed=1):
    """Return candles of a random walk with volume that varies."""
    rng = np.random.default_rng(seed)
    close = 60_000 * np.exp(np.cumsum(rng.normal(0, 0.002, count)))
    opened = np.concatenate([[60_000], close[:-1]])
    wick = rng.uniform(1, 1.002, (2, count))
    volume = rng.lognormal(4, 1, count)
    return Candles(
        ts=T0 + np.arange(count, dtype=np.int64) * STEP_MS,
        open=opened,
        high=np.maximum(opened, close) * wick[0],
        low=np.minimum(opened, close) / wick[1],
        close=close,
        volume=volume,
        quote_volume=volume * close,
        taker_buy_volume=np.full(count, np.nan),
        open_interest=np.full(count, np.nan),
    )


def followed(bars):
    models = Models("bybit", BTC, usd_scale=1e6, params=PARAMS)
    models.feed(bars)
    return models


def liquidated(price, ts, *, side=Side.LONG, usd=1000.0, kind=PriceKind.FILL):
    return Liquidation(
        venue="bybit",
        symbol=BTC,
        side=side,
        price=price,
        price_kind=kind,
        quantity=usd / price,
        notional_usd=usd,
        ts=ts,
        received_ms=ts,
    )


# what is predicted


def test_a_prediction_says_what_stood_at_the_close_and_nothing_later():
    bars = walk(2_000)
    line = followed(bars[:1_500]).predicted()
    assert (line["kind"], line["symbol"], line["ts"]) == ("predicted", BTC, int(bars.ts[1_500]))
    assert line["price"] == bars.close[1_499]
    assert set(line["stood"]) == {MODEL, DISTANCE_ONLY}
    assert line["stood"][MODEL]["zones"] != line["stood"][DISTANCE_ONLY]["zones"]
    piecemeal = followed(bars[:1_200])
    for at in range(1_200, 1_500):
        piecemeal.feed(bars[at : at + 1])
    assert piecemeal.predicted() == line
    read = stood_of(json.loads(json.dumps(line)), PARAMS)[MODEL]
    assert read.marks.any()
    assert read.depth.shape == (2, PARAMS.bins + 1)
    assert (np.diff(read.depth) >= 0).all()


def test_nothing_is_predicted_before_zones_can_be_told():
    assert Models("bybit", BTC, usd_scale=1.0, params=PARAMS).predicted() is None
    assert followed(walk(12 * 40)).predicted() is None
    assert followed(walk(12 * 60)).predicted() is not None


# where somebody was liquidated


def test_a_bankruptcy_price_gives_way_to_the_price_that_was_traded():
    prices = Prices()
    for ts, price in ((10, 100.0), (20, 99.0), (15, 1.0), (30, 98.0)):
        prices.add(Tick(venue="bybit", symbol=BTC, ts=ts, price=price))
    bankrupt = liquidated(97.0, 25, kind=PriceKind.BANKRUPTCY)
    assert price_of(bankrupt, prices) == 99.0
    assert price_of(liquidated(97.0, 25), prices) == 97.0
    assert price_of(liquidated(97.0, 5, kind=PriceKind.BANKRUPTCY), prices) == 97.0
    assert prices.at(9) is None


# the file


def test_a_run_goes_on_in_its_file_after_a_kill(tmp_path):
    journal = Journal.begun(tmp_path, WISH, T0, model=MODEL)
    journal.write({"kind": "predicted", "symbol": BTC, "ts": T0})
    with journal.path.open("a") as file:
        file.write('{"kind":"scored","sym')  # cut by the kill
    again = Journal.unfinished(tmp_path, WISH)
    assert (again.path, again.begin_ms, again.until_ms) == (journal.path, T0, T0 + 24 * HOUR_MS)
    assert again.of("predicted") == journal.of("predicted")
    again.write({"kind": "scored", "symbol": BTC, "ts": T0})
    third = Journal.unfinished(tmp_path, WISH)
    assert [line["kind"] for line in third.lines] == ["predicted", "scored"]
    third.write({"kind": "summary"})
    assert Journal.unfinished(tmp_path, WISH) is None


def test_another_wish_has_another_file(tmp_path):
    Journal.begun(tmp_path, WISH, T0)
    for other in (
        Wish(venue="okx", symbols=(BTC,), hours=24.0),
        Wish(venue="bybit", symbols=(BTC, "ETHUSDT"), hours=24.0),
        Wish(venue="bybit", symbols=(BTC,), hours=1.0),
    ):
        assert Journal.unfinished(tmp_path, other) is None
    assert Journal.unfinished(tmp_path / "nowhere", WISH) is None


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "validate").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        Journal.begun(tmp_path, WISH, T0)


# the score


def recorded(tmp_path, *, inside, hours=12, wish=WISH, usd=1000.0):
    """Return a run in which one side's zone was, or was not, where everybody was liquidated."""
    journal = Journal.begun(tmp_path, wish, T0)
    rng = np.random.default_rng(5)
    for nth in range(hours * 12):
        ts, price = T0 + nth * STEP_MS, 100.0
        near = int(rng.integers(0, 20))
        high, low = (price * math.exp(-(near + more) * PARAMS.bin_log) for more in (0, 3))
        depth = np.arange(PARAMS.bins + 1).tolist()
        said = {"zones": [["long", low, high, 9]], "long_usd": depth, "short_usd": depth}
        journal.write(
            {
                "kind": "predicted",
                "symbol": BTC,
                "ts": ts,
                "price": price,
                "stood": {MODEL: said, DISTANCE_ONLY: said},
            }
        )
        candle = Candle(
            venue=wish.venue,
            symbol=BTC,
            ts=ts,
            open=price,
            high=price,
            low=price * math.exp(-24 * PARAMS.bin_log),
            close=price,
            volume=1.0,
        )
        at = rng.uniform(low, high) if inside else rng.uniform(candle.low, price)
        found = [liquidated(float(at), ts + 5, usd=usd)] if usd else []
        journal.write(scored(candle, journal.of("predicted")[-1], found, Prices(), whole=nth % 10 != 3))
    return journal


def test_a_summary_says_what_was_found_and_what_may_be_claimed(tmp_path):
    line = summary(recorded(tmp_path, inside=True), PARAMS)
    assert line["candles"] == 129
    assert line["candles_not_whole"] == 15
    assert line["liquidations"] == 129
    assert line["usd"] == pytest.approx(129_000)
    zones = next(each for each in line["scores"] if each["kind"] == ZONES)
    assert zones["dollars"] == pytest.approx(1.0)
    assert zones["coverage"] == pytest.approx(3 / 24, abs=0.01)
    assert zones["lift"]["low"] > 6.0
    assert (
        line["says"][0]
        == "129 liquidations in 129 candles: 129,000 USD in front of the price, 0 USD elsewhere."
    )
    assert "Zones covered 12.5% of the range" in line["says"][1]
    assert "Zones lift, and those put elsewhere do not reach them." in line["says"]
    assert "Bybit publishes every liquidation." in line["says"]
    assert json.loads(json.dumps(line, allow_nan=False)) == line


def test_liquidations_anywhere_do_not_make_zones_look_good(tmp_path):
    line = summary(recorded(tmp_path, inside=False, hours=48), PARAMS)
    zones = next(each for each in line["scores"] if each["kind"] == ZONES)
    assert zones["lift"]["low"] < 1.0 < zones["lift"]["high"]
    assert "What zones lift is not told apart from what zones put elsewhere lift." in line["says"]


def test_a_quiet_run_has_nothing_to_say(tmp_path):
    line = summary(recorded(tmp_path, inside=True, usd=0.0), PARAMS)
    assert line["scores"] == []
    assert line["says"][0].endswith("nothing was liquidated in front of the price: there is nothing to say.")
    empty = summary(Journal.begun(tmp_path / "other", WISH, T0), PARAMS)
    assert empty["candles"] == 0
    assert empty["says"][0].startswith("No candle was recorded from its prediction to its end")


def test_few_hours_have_no_interval(tmp_path):
    line = summary(recorded(tmp_path, inside=True, hours=3), PARAMS)
    zones = next(each for each in line["scores"] if each["kind"] == ZONES)
    assert (zones["lift"]["low"], zones["lift"]["high"]) == (None, None)
    assert zones["lift"]["value"] > 6.0
    assert any(said.endswith("6 are the least for an interval: nothing is settled.") for said in line["says"])


@pytest.mark.parametrize(
    ("venue", "said"),
    [
        ("binance", "Dollars are a lower bound."),
        ("okx", "Dollars are a lower bound."),
        ("bybit", "shares and lifts are of everything liquidated."),
        ("hyperliquid", "nothing is claimed about the others, nor about dollars."),
        ("elsewhere", "Nothing is claimed beyond what was recorded."),
    ],
)
def test_what_may_be_claimed_follows_from_the_feed(venue, said):
    told = list(sentences(judge([], PARAMS, seed=1, model=MODEL), venue))
    assert told[-1].endswith(said)


# over real sockets


@pytest.fixture
async def world():
    venues = await peers().FourVenues().start()
    yield venues
    await venues.stop()
    assert venues.exceeded == []


@pytest.fixture
async def store(tmp_path):
    store = await MarketStore.open(tmp_path / "live" / "market.duckdb")
    yield store
    await store.close()


async def until(condition, timeout_s=20.0):
    async with asyncio.timeout(timeout_s):
        while not (found := condition()):
            await asyncio.sleep(0.01)
    return found


class Moved(SystemClock):
    """The machine's clock, put to another time together with the local Binance's."""

    def __init__(self, world):
        self.world = world
        self.ahead_ms = 0

    def wall_ms(self):
        return super().wall_ms() + self.ahead_ms

    def move(self, to_ms):
        self.ahead_ms = self.world.binance.skew_ms = to_ms - super().wall_ms()


@dataclass
class Seconds:
    """A recording of Binance: `first` is the candle that closes next."""

    world: object
    clock: Moved
    journal: Journal
    source: LiveSource
    first: int = 0

    async def close(self, ts):
        """Let a candle close, a second after its time is over."""
        self.clock.move(ts + STEP_MS + 1_000)
        await self.world.close("binance", ts)

    @property
    def state(self):
        return self.source.health()[0].state.value


@pytest.fixture
async def recording(world, store, tmp_path):
    clock = Moved(world)
    wish = Wish(venue="binance", symbols=(BTC,), hours=1.0)
    journal = Journal.begun(tmp_path, wish, clock.wall_ms())
    source = LiveSource(
        world.kits("binance"), (BTC,), StoreArchive(store), pace=Pace(open_s=10.0), clock=clock
    )
    await source.open()
    models = {BTC: Models("binance", BTC, usd_scale=1e6, params=PARAMS)}
    recorder = Recording(source, store, journal, models, grace_s=1.6)
    task = asyncio.create_task(recorder.run())
    seconds = Seconds(world=world, clock=clock, journal=journal, source=source)
    await until(lambda: recorder.ready.is_set() and seconds.state == "up")
    seconds.first = models[BTC].last_ts + STEP_MS
    yield seconds
    task.cancel()
    (ended,) = await asyncio.gather(task, return_exceptions=True)
    await source.aclose()
    assert isinstance(ended, asyncio.CancelledError)


async def test_a_candle_is_predicted_first_and_scored_when_it_is_over(world, recording, tmp_path):
    journal, first = recording.journal, recording.first
    await recording.close(first)
    (predicted,) = await until(lambda: journal.of("predicted"))
    assert predicted["ts"] == first + STEP_MS
    price = predicted["price"]
    await world.binance.forced(BTC, "SELL", "1.5", f"{price * 0.9995:.2f}")
    await world.binance.forced(BTC, "BUY", "1.0", f"{price * 1.0004:.2f}")
    await asyncio.sleep(0.1)
    await recording.close(first + STEP_MS)
    (done,) = await until(lambda: journal.of("scored"))
    assert (done["ts"], done["whole"]) == (predicted["ts"], True)
    assert [each[0] for each in done["liquidations"]] == ["long", "short"]
    assert done["low"] < price < done["high"]
    # killed here: the same wish goes on with the same file
    again = Journal.unfinished(tmp_path, journal.wish)
    assert again.path == journal.path
    (moment,) = moments_of(again, PARAMS)
    assert moment.count == 2
    assert moment.usd.sum(axis=1) == pytest.approx([1.5 * price * 0.9995, price * 1.0004], rel=1e-4)
    line = summary(again, PARAMS)
    assert (line["candles"], line["liquidations"]) == (1, 2)
    assert "Binance publishes one liquidation a second per symbol at most: a lower bound." in line["says"]


async def test_a_candle_in_which_the_venue_was_lost_is_not_scored(world, recording):
    journal, first = recording.journal, recording.first
    await recording.close(first)
    await until(lambda: journal.of("predicted"))
    world.binance.lines.cut()
    await until(lambda: recording.source.health()[0].reconnects and recording.state == "up")
    await recording.close(first + STEP_MS)
    (done,) = await until(lambda: journal.of("scored"))
    assert done["whole"] is False
    assert moments_of(journal, PARAMS) == []
    assert summary(journal, PARAMS)["candles_not_whole"] == 1


async def started(world, tmp_path, *, hours, venue="bybit"):
    """Start the command in a process of its own."""
    (kit,) = world.kits(venue)
    urls = {
        f"LIQWATCH_{venue.upper()}_REST_URL": kit.rest_url,
        f"LIQWATCH_{venue.upper()}_WS_URL": kit.stream_url,
        "LIQWATCH_DATA_DIR": str(tmp_path),
        "LIQWATCH_LOG_LEVEL": "ERROR",
    }
    words = ("validate", "--venue", venue, "--hours", hours, "--symbols", BTC)
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words),
        env=os.environ | urls,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process):
    out, err = await asyncio.wait_for(process.communicate(), 90)
    return process.returncode, out.decode(), err.decode()


def kinds(path):
    return [json.loads(line)["kind"] for line in path.read_text().splitlines()]


async def test_the_command_goes_on_after_a_kill_and_sums_up(world, tmp_path):
    folder = tmp_path / "live" / "validate"
    process = await started(world, tmp_path, hours="0.004")
    await until(lambda: world.bybit.clients)
    process.kill()
    await process.wait()
    (path,) = folder.glob("bybit-*.jsonl")
    assert kinds(path)[0] == "run"
    assert "summary" not in kinds(path)
    code, out, err = await ended(await started(world, tmp_path, hours="0.004"))
    assert code == 0, err
    assert list(folder.iterdir()) == [path]
    assert (kinds(path)[0], kinds(path)[-1]) == ("run", "summary")
    assert "there is nothing to say." in out
    assert "Bybit publishes every liquidation." in out
    assert str(path) in out


@pytest.mark.parametrize("venue", ["binance", "okx", "hyperliquid"])
async def test_every_venue_can_be_recorded(world, tmp_path, venue):
    code, out, err = await ended(await started(world, tmp_path, hours="0.002", venue=venue))
    assert code == 0, err
    (path,) = (tmp_path / "live" / "validate").glob(f"{venue}-*.jsonl")
    last = json.loads(path.read_text().splitlines()[-1])
    assert (last["kind"], last["venue"]) == ("summary", venue)
    assert last["says"] == out.splitlines()[:-1]


async def test_stopped_by_hand_it_says_that_it_can_go_on(world, tmp_path):
    process = await started(world, tmp_path, hours="1")
    await until(lambda: world.bybit.clients)
    process.send_signal(signal.SIGINT)
    code, _, err = await ended(process)
    assert code == 130
    assert "Recording BTCUSDT of Bybit until" in err
    assert "Stopped. What was recorded is kept; the same command goes on with it." in err
    assert "Traceback" not in err


def test_a_directory_that_liqwatch_serves_is_left_alone(tmp_path):
    lock = DirectoryLock(tmp_path / "live")
    lock.acquire()
    settings = load({"storage.data_dir": str(tmp_path)}, environ={}, directory=tmp_path)
    given = command_line.parser().parse_args(["validate", "--venue", "okx"])
    with pytest.raises(AlreadyRunning, match="name another directory with --data-dir"):
        command.validate(given, settings)
    lock.release()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--venue", "mtgox"), "'mtgox' is no venue that can be read; there are: binance, bybit"),
        (("--venue", "okx", "--hours", "0"), "--hours 0 is not above 0 and up to 744."),
        (("--venue", "okx", "--hours", "nan"), "--hours nan is not above 0"),
    ],
)
def test_what_cannot_be_is_refused_with_an_example(words, said):
    settings = load({}, environ={}, directory=Path("/nowhere"))
    with pytest.raises(UserError) as refused:
        command.wish_of(command_line.parser().parse_args(["validate", *words]), settings)
    assert refused.value.message.startswith(said)
    assert refused.value.example.startswith("liqwatch validate ")
