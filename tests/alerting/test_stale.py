"""Alerts of a live market while its data comes and goes, on a real store."""

from dataclasses import dataclass, field, replace

import pytest

from adapters.venue import VenueHealth, VenueState
from bot.alerting.freshness import Freshness
from bot.live.view import SymbolView
from config.settings import AlertSettings
from engine.errors import UserError
from engine.model import STEP_MS, Liquidation, PriceKind, Severity, Side, Tick

WARN = {Severity.WARNING: 0.03}
UP, DOWN, STALE = VenueState.UP, VenueState.DOWN, VenueState.STALE


@dataclass
class LiveMarket:
    """A live market with two venues; candles close on time until a test says otherwise."""

    now: int
    source_kind: str = "live"
    states: dict = field(default_factory=lambda: {"binance": UP, "okx": UP})
    venues: tuple = ("binance", "okx")
    candles_until: int = 1 << 62
    unknown: bool = False

    def now_ms(self):
        return self.now

    def label(self):
        return ""

    def health(self):
        return [VenueHealth(venue=name, state=state) for name, state in self.states.items()]

    def view(self, symbol):
        if self.unknown:
            raise UserError("There is no data yet.", example="/symbols")
        closed = min(self.now, self.candles_until) // STEP_MS * STEP_MS - STEP_MS
        return SymbolView(
            symbol=symbol,
            venue="binance",
            venues=self.venues,
            price=100.0,
            price_ts=self.now,
            interpolated=False,
            candle_ts=closed,
            zones=None,
            warm=True,
            history_days=21.0,
            **dict.fromkeys(("change_24h", "high_24h", "low_24h", "volume_24h_usd")),
            open_interest=None,
            oi_change_24h=None,
        )


@pytest.fixture
async def live(bench, kit):
    """A bench whose market is live."""
    await bench.alerting.close()
    bench.market = LiveMarket(kit.T0)
    bench.fresh()
    return bench


async def told(bench):
    return [d.message for d in await bench.deliveries()]


async def test_fresh_data_holds_nothing_up(live):
    await live.watch()
    await live.tick(101.0, 0)
    await live.tick(95.5, 15)
    assert await live.verdicts() == [("critical", "send", "critical_leads")]
    (message,) = await told(live)
    assert "missing" not in message["text"]


async def test_while_no_candle_comes_even_a_critical_waits_and_then_tells_the_present_price(live, kit):
    await live.watch()
    await live.tick(101.0, 0)
    live.market.candles_until = live.market.now
    for at_s in range(50, 1000, 50):
        await live.tick(101.0, at_s)
    await live.tick(95.5, 1001)
    assert await live.verdicts() == [("critical", "hold", "stale_data")]
    await live.tick(95.6, 1030)
    await live.sweep(1041)
    (happened,) = await live.alerting.history(kit.OWNER)
    assert (happened.verdict, await told(live)) == ("waiting", [])
    assert happened.sentence == "Its market data was stale; it is looked at again as soon as data is back."
    assert len(await live.steps(happened.alert_id)) == 2, "looking again and again leaves no trail"
    live.market.candles_until = 1 << 62
    await live.tick(95.2, 1045)
    await live.sweep(1056)
    assert await live.verdicts() == [("critical", "send", "critical_leads")]
    (message,) = await told(live)
    assert message["title"] == "BTC is 0.2% above a $42M long zone"
    assert "Data was missing from 20:16 UTC to 20:17 UTC" in message["text"]
    assert "Price 95.200 · 10 Oct 20:17 UTC" in message["text"]


async def test_what_is_no_longer_true_when_data_is_back_is_dropped(live):
    await live.watch(within=WARN)
    await live.tick(101.0, 0)
    live.market.states = {"binance": DOWN, "okx": STALE}
    await live.tick(97.0, 15)
    assert await live.verdicts() == [("warning", "hold", "stale_data")]
    await live.tick(99.9, 20)
    await live.sweep(40)
    assert await live.verdicts() == [("warning", "hold", "stale_data")]
    live.market.states = {"binance": UP, "okx": STALE}
    await live.sweep(60)
    assert await live.verdicts() == [("warning", "suppress", "no_longer_true")]


async def test_one_dead_venue_of_two_holds_nothing_up(live):
    await live.watch()
    await live.tick(101.0, 0)
    live.market.states = {"binance": UP, "okx": DOWN}
    await live.tick(95.5, 15)
    assert await live.verdicts() == [("critical", "send", "critical_leads")]


async def test_a_crossing_during_an_outage_is_told_at_its_first_price_and_says_so(live):
    await live.watch()
    await live.tick(101.0, 0)
    await live.tick(95.4, 840)
    assert await live.verdicts() == [("critical", "send", "critical_leads")]
    (message,) = await told(live)
    assert message["title"] == "BTC is 0.4% above a $42M long zone"
    line = "Data was missing from 20:00 UTC to 20:14 UTC: what price did in between was not seen."
    assert line in message["text"]
    await live.tick(101.0, 5000)
    await live.tick(100.9, 5010)
    await live.tick(95.4, 5020)
    assert "missing" not in (await told(live))[-1]["text"], "it came back before this crossing"


async def test_a_wait_that_ends_in_an_outage_is_judged_when_data_is_back(live):
    await live.set(quiet="20:00-20:10")
    await live.watch(within=WARN)
    await live.tick(101.0, 0)
    await live.tick(97.0, 30)
    assert await live.verdicts() == [("warning", "hold", "quiet_hours_hold")]
    await live.tick(98.1, 500)  # out of reach, but not far enough to cross again
    await live.sweep(601)
    assert await live.verdicts() == [("warning", "hold", "stale_data")], "its last price is 101 s old"
    await live.tick(97.2, 900)
    await live.tick(97.1, 915)
    assert await live.verdicts() == [("warning", "send", "opens_episode")]
    (message,) = await told(live)
    assert "Data was missing from 20:08 UTC to 20:15 UTC" in message["text"]
    assert message["title"] == "BTC is 2.3% above a $42M long zone"


async def test_a_new_watch_in_an_outage_waits_for_a_price(live):
    await live.tick(95.5, 0)
    live.market.now += 120_000
    await live.watch()
    assert await live.verdicts() == [("critical", "hold", "stale_data")]
    await live.tick(95.5, 200)
    await live.sweep(215)
    assert await live.verdicts() == [("critical", "send", "critical_leads")]


async def test_a_restart_in_an_outage_loses_nothing(live):
    await live.watch()
    await live.tick(101.0, 0)
    live.market.states = dict.fromkeys(live.market.states, VenueState.CONNECTING)
    await live.tick(95.5, 15)
    await live.fresh().load()
    await live.sweep(40)
    assert await live.verdicts() == [("critical", "hold", "stale_data")]
    live.market.states = dict.fromkeys(live.market.states, UP)
    await live.tick(95.3, 60)
    await live.sweep(75)
    assert await live.verdicts() == [("critical", "send", "critical_leads")]


@pytest.mark.parametrize("kind", ["replay", "live"])
async def test_a_replay_that_stands_still_is_not_stale(live, kind):
    live.market = LiveMarket(live.market.now, source_kind=kind)
    live.market.candles_until = 0
    live.fresh()
    await live.watch()
    await live.tick(101.0, 0)
    live.market.now += 500_000
    await live.tick(95.5)
    assert [v[1] for v in await live.verdicts()] == ["send" if kind == "replay" else "hold"]


@dataclass
class Skewed(LiveMarket):
    """A market whose venues measure their clocks."""

    skew_ms: float | None = None

    def snapshots(self):
        from adapters.health import unmeasured

        return [replace(unmeasured(brief), skew_ms=self.skew_ms) for brief in self.health()]


@pytest.mark.parametrize(
    ("behind_s", "skew_ms", "why"),
    [
        (0, 0.0, ""),
        (90, None, ""),
        (90, -90_000.0, ""),
        (90, 0.0, "its prices come late"),
        (0, 90_000.0, "its prices come late"),
    ],
)
def test_prices_are_late_by_the_venues_clock_not_by_ours(kit, behind_s, skew_ms, why):
    market = Skewed(kit.T0 + 900_000, skew_ms=skew_ms)
    fresh = Freshness(market, AlertSettings())
    ts = market.now - behind_s * 1000
    fresh.heard(Tick(venue="okx", symbol="BTCUSDT", ts=ts, price=7.0))
    supply = fresh.supplies(["BTCUSDT"])["BTCUSDT"]
    assert (supply.stale, supply.price, supply.missing) == (why, 7.0, None)


def test_why_is_named(kit):
    market = LiveMarket(kit.T0)
    fresh = Freshness(market, AlertSettings(stale_price_s=30, stale_candle_s=600))

    def why():
        return fresh.supplies(["BTCUSDT"])["BTCUSDT"].stale

    assert why() == "no price comes"
    fresh.heard(Tick(venue="okx", symbol="BTCUSDT", ts=market.now, price=7.0))
    assert why() == ""
    market.now += 30_000
    assert why() == ""
    market.now += 1
    assert why() == "no price comes"
    fresh.heard(Tick(venue="okx", symbol="BTCUSDT", ts=market.now, price=7.5))
    market.candles_until = market.now - STEP_MS
    assert why() == ""
    market.candles_until -= STEP_MS
    assert why() == "no candle comes"
    market.candles_until = 1 << 62
    market.states = {"binance": DOWN, "okx": VenueState.CONNECTING}
    assert why() == "no venue of it is up"
    market.venues = ("somewhere",)
    assert why() == ""
    market.unknown = True
    assert why() == "nothing is known of it"
    assert Freshness(replace(market, source_kind="replay"), AlertSettings()).supplies(["BTCUSDT"]) == {}


async def test_silence_is_told_although_data_is_stale_and_other_rules_are_held_back(live):
    await live.alerting.load()
    await live.rule("btc stale for 2m severity=critical")
    await live.rule("btc liquidations above 1M in 15m severity=critical", owner="local:2")
    await live.tick(100.0, 0)
    await live.said(forced(live.market.now, 1e3))
    await live.sweep(121)
    (silent,) = await live.alerts("local:owner")
    assert (silent.action, silent.facts["fire"]["told"]) == (
        "send",
        "No price of BTC has come for 2 minutes 1 second",
    )
    await live.said(forced(live.market.now, 5e6))
    (held,) = await live.alerts("local:2")
    assert (held.action, held.reason) == ("hold", "stale_data")
    await live.tick(101.0, 140)
    await live.sweep(151)
    (told,) = await live.alerts("local:2")
    assert told.action == "send"


def forced(ts, usd):
    return Liquidation(
        venue="okx",
        symbol="BTCUSDT",
        side=Side.LONG,
        price=100.0,
        price_kind=PriceKind.FILL,
        quantity=usd / 100,
        notional_usd=usd,
        ts=ts,
        received_ms=ts,
    )
