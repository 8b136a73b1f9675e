"""Stored rules in the running process: live at once, told once, in words, over restarts and failures."""

import asyncio

import pytest

from engine.errors import StorageError
from engine.model import (
    DAY_MS,
    Candle,
    Funding,
    Liquidation,
    LongShortRatio,
    PriceKind,
    Severity,
    Side,
    ZoneChange,
    ZoneEvent,
)
from storage.rules import get_rule, remove_rule, update_rule

OWNER = "local:owner"
BTC = "BTCUSDT"


def liquidation(ts, usd, side=Side.LONG, venue="bybit", nth=0):
    return Liquidation(
        venue=venue,
        symbol=BTC,
        side=side,
        price=100.0,
        price_kind=PriceKind.FILL,
        quantity=usd / 100,
        notional_usd=usd,
        ts=ts,
        received_ms=ts,
        nth=nth,
    )


async def test_a_level_is_told_at_each_crossing_and_not_for_what_is_true_already(bench):
    await bench.tick(101.0, 0)
    await bench.rule("price btc above 100 severity=critical")
    await bench.tick(102.0, 1)
    assert await bench.alerts() == []
    await bench.tick(99.0, 2)
    await bench.tick(100.5, 3)
    (alert,) = await bench.alerts()
    assert (alert.kind, alert.severity, alert.price) == ("price_level", "critical", 100.5)
    assert alert.action == "send"
    assert await bench.titles() == ["BTC rose above 100"]


async def test_a_change_says_by_how_much_and_a_compound_rule_what_else_is_true(bench, kit):
    await bench.rule('btc falls 3% in 15m and price btc below 98 severity=critical note="mind *this*"')
    for second in range(0, 1200, 60):
        await bench.tick(100.0, second)
    await bench.tick(96.6, 1201)
    (delivery,) = await bench.deliveries()
    assert delivery.message["title"] in ("BTC fell 3.4 % within 15 minutes", "BTC fell below 98")
    lines = delivery.message["text"].splitlines()
    assert any(line in ("BTC fell below 98.", "BTC fell 3.4 % within 15 minutes.") for line in lines)
    assert "Your alert: BTC falls 3 % within 15 minutes and BTC is below 98" in delivery.message["text"]
    assert "Note: mind *this*." in lines
    assert lines[-1].startswith("Price 96.6")
    assert ["Snooze 1 h", "v1:alert:snooze:1:for=1h"] in delivery.message["buttons"][0]


async def test_rules_of_one_market_share_what_they_look_at(bench):
    for number in range(20):
        await bench.rule(f"btc falls {3 + number / 10:.1f}% in 15m", owner=f"local:{number}")
    assert len(bench.alerting._rules.desk.features) == 1


async def test_what_is_removed_or_paused_is_measured_no_longer(bench):
    first = await bench.rule("btc falls 3% in 15m")
    second = await bench.rule("price btc above 100")
    desk = bench.alerting._rules.desk
    await bench.state.run(lambda s: remove_rule(s, OWNER, first))
    await bench.state.run(lambda s: update_rule(s, OWNER, second, paused=True))
    await bench.alerting.rules_changed(BTC)
    assert (len(desk.rules), len(desk.features)) == (0, 0)
    await bench.tick(99.0, 0)
    await bench.tick(101.0, 1)
    assert await bench.alerts() == []
    await bench.state.run(lambda s: update_rule(s, OWNER, second, paused=False))
    await bench.alerting.rules_changed(BTC)
    await bench.tick(99.0, 2)
    await bench.tick(101.0, 3)
    assert [alert.rule_id for alert in await bench.alerts()] == [second]


async def test_a_changed_rule_asks_what_it_asks_now(bench):
    rule = await bench.rule("price btc above 100 severity=critical")
    await bench.tick(99.0, 0)
    params = {"value": 105.0, "direction": "above", "severity": "warning"}
    await bench.state.run(lambda s: update_rule(s, OWNER, rule, params=params))
    await bench.alerting.rules_changed(BTC)
    await bench.tick(101.0, 1)
    assert await bench.alerts() == []
    await bench.tick(106.0, 2)
    assert [(a.severity, a.facts["fire"]["told"]) for a in await bench.alerts()] == [
        ("warning", "BTC rose above 105")
    ]


async def test_once_speaks_once_and_ends(bench):
    rule = await bench.rule("price btc above 100 once severity=critical")
    for at, price in enumerate((99.0, 101.0, 99.0, 101.0)):
        await bench.tick(price, at)
    assert len(await bench.alerts()) == 1
    row = await bench.state.read(lambda s: get_rule(s, OWNER, rule))
    assert (row.ended_ms, row.ended_reason) == (bench.market.now - 2000, "fired_once")
    assert len(bench.alerting._rules.desk.rules) == 0


async def test_what_has_ended_is_kept_for_ninety_days(bench):
    ended = await bench.rule("price btc above 100 once")
    lives = await bench.rule("price btc above 1000")
    for at, price in enumerate((99.0, 101.0)):
        await bench.tick(price, at)

    async def there():
        await bench.alerting.forget_old()
        return [r for r in (ended, lives) if await bench.state.read(lambda s, r=r: get_rule(s, OWNER, r))]

    bench.market.now += 89 * DAY_MS
    assert await there() == [ended, lives]
    bench.market.now += 2 * DAY_MS
    assert await there() == [lives]


async def test_what_expires_ends(bench, kit):
    rule = await bench.rule("price btc above 100 expires=1h")
    await bench.tick(99.0, 0)
    await bench.sweep(3601)
    row = await bench.state.read(lambda s: get_rule(s, OWNER, rule))
    assert row.ended_reason == "expired"
    await bench.tick(101.0, 3602)
    assert await bench.alerts() == []


async def test_for_waits_and_says_so(bench):
    await bench.rule("price btc above 100 for=5m severity=critical")
    await bench.tick(99.0, 0)
    await bench.tick(101.0, 1)
    await bench.sweep(200)
    assert await bench.alerts() == []
    await bench.sweep(302)
    (alert,) = await bench.alerts()
    assert alert.facts["fire"]["told"] == "BTC rose above 100, and has stayed so for 5 minutes"


async def test_a_restart_tells_once_what_was_crossed_meanwhile_marked_late(bench, kit):
    await bench.rule("price btc above 100 severity=critical")
    await bench.tick(99.0, 0)
    await bench.alerting.close()
    bench.fresh()
    await bench.alerting.load()
    await bench.tick(101.0, 420)
    (delivery,) = await bench.deliveries()
    assert "Crossed while Liqwatch was down, between 20:00 and 20:07 UTC." in delivery.message["text"]
    await bench.alerting.close()
    bench.fresh()
    await bench.alerting.load()
    await bench.tick(101.5, 500)
    assert len(await bench.alerts()) == 1


async def test_a_kill_soon_after_a_rule_was_made_loses_nothing(bench):
    await bench.rule("price btc above 100 severity=critical")
    await bench.tick(99.0, 0)
    await bench.sweep(1)
    bench.fresh()  # as after a kill: nothing more was written
    await bench.alerting.load()
    await bench.tick(101.0, 9)
    (delivery,) = await bench.deliveries()
    assert "Crossed while Liqwatch was down, between 20:00:00 and 20:00:09 UTC." in delivery.message["text"]


async def test_a_rule_on_events_alone_knows_the_price_of_before_it_was_made(bench):
    await bench.alerting.load()
    await bench.tick(100.0, 0)
    await bench.rule("btc single liquidation above 1M severity=critical")
    await bench.said(liquidation(bench.market.now + 1, 2e6))
    (delivery,) = await bench.deliveries()
    assert "Price 100.0 ·" in delivery.message["text"]


async def test_a_rule_is_live_at_once(bench):
    await bench.alerting.load()
    await bench.tick(99.0, 0)
    await bench.rule("price btc above 100 severity=critical")
    await bench.rule("btc moves 0.5% in 15m severity=critical", owner="local:2")
    await bench.tick(101.0, 1)
    assert [a.kind for a in await bench.alerts()] == ["price_level"]  # nothing is known of 15 minutes ago


async def test_a_restart_keeps_hysteresis_and_waits(bench):
    await bench.rule("price btc above 100")
    await bench.rule("price btc above 100 for=10m")
    await bench.tick(99.0, 0)
    await bench.tick(101.0, 1)
    await bench.tick(99.9, 2)  # within a quarter of a percent: still true
    assert len(await bench.alerts()) == 1
    await bench.alerting.close()
    bench.fresh()
    await bench.alerting.load()
    await bench.tick(99.95, 300)
    await bench.tick(100.2, 301)
    assert len(await bench.alerts()) == 1
    await bench.sweep(602)
    told = [alert.facts["fire"]["told"] for alert in await bench.alerts()]
    assert told[1:] == ["BTC rose above 100, and has stayed so for 10 minutes"]


async def test_a_store_that_fails_loses_no_fire(bench, monkeypatch):
    await bench.rule("price btc above 100 severity=critical")
    await bench.tick(99.0, 0)
    run = bench.state.run

    async def broken(_):
        raise StorageError("The disk is full.")

    monkeypatch.setattr(bench.state, "run", broken)
    await bench.tick(101.0, 1)
    assert bench.alerting.health().fault == "The disk is full."
    monkeypatch.setattr(bench.state, "run", run)
    await bench.tick(101.0, 2)
    (alert,) = await bench.alerts()
    assert alert.market_ms == bench.market.now - 1000
    assert bench.alerting.health().fault == ""


async def test_a_crowd_is_decided_to_the_last_though_the_process_ends_in_between(bench):
    for number in range(150):
        severity = "critical" if number % 50 == 0 else "warning"
        await bench.rule(
            f"price btc above {100 + number / 1000:.3f} severity={severity}", owner=f"local:{number}"
        )
    await bench.tick(99.0, 0)
    rules = bench.alerting._rules
    rules.price(tick_of(bench, 101.0), None)
    await rules.decide()  # one batch; the rest waits in the store
    first = await bench.alerts()
    assert 0 < len(first) < 150
    assert sum(alert.severity == "critical" for alert in first) == 3
    bench.fresh()  # as after a kill: what was in memory is gone
    await bench.alerting.load()
    await bench.sweep(5)
    await until(lambda: not bench.alerting._rules.waiting)
    assert len({alert.rule_id for alert in await bench.alerts()}) == 150


def tick_of(bench, price):
    from engine.model import Tick

    return Tick(venue="binance", symbol=BTC, ts=bench.market.now + 1, price=price)


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


async def test_liquidations_are_heard_and_how_much_of_them_is_seen_is_said(bench, kit):
    bench.market.venues_of = lambda _: ("binance", "bybit")
    await bench.alerting.close()
    bench.fresh()
    await bench.rule("btc single liquidation above 1M severity=critical")
    await bench.rule("btc long liquidations above 10M in 15m severity=critical", owner="local:2")
    await bench.tick(100.0, 0)
    await bench.said(liquidation(kit.T0 + 100, 500_000.0))
    assert await bench.alerts() == []
    await bench.said(liquidation(kit.T0 + 200, 2.3e6))
    await bench.said(liquidation(kit.T0 + 200, 2.3e6))  # the same again
    (alert,) = await bench.alerts()
    assert alert.facts["fire"]["told"] == "A long position of $2.3M in BTC was liquidated at 100 on Bybit"
    await bench.said(liquidation(kit.T0 + 300, 9e6))
    by_owner = {a.user_id: a for a in await bench.alerts("local:2")}
    assert by_owner["local:2"].facts["fire"]["told"] == (
        "$12M of long positions in BTC were liquidated within 15 minutes"
    )
    assert by_owner["local:2"].facts["fire"]["limits"] == (
        "Not all liquidations are seen: of Binance one a second per symbol."
    )


async def test_quiet_hours_hold_a_rule_and_drop_it_when_it_is_true_no_longer(bench):
    await bench.set(quiet="00:00-23:59", quiet_mode="hold", tz="UTC")
    await bench.rule("price btc above 100 severity=warning")
    await bench.rule("price btc below 90 severity=warning")
    await bench.tick(99.0, 0)
    await bench.tick(101.0, 1)
    await bench.tick(89.0, 2)
    await bench.set(quiet=None)
    await bench.alerting.settings_changed(OWNER)
    await bench.sweep(3)
    found = {a.facts["fire"]["told"]: a.action for a in await bench.alerts()}
    assert found["BTC rose above 100"] == "suppress"
    assert found["BTC fell below 90"] in ("send", "hold")


async def test_a_replay_moved_back_voids_what_was_and_revives_what_had_ended(bench, kit):
    await bench.rule("price btc above 100 once severity=critical")
    await bench.tick(99.0, 0)
    await bench.tick(101.0, 100)
    assert len(bench.alerting._rules.desk.rules) == 0
    bench.market.now = kit.T0
    await bench.alerting.on_seek(kit.T0, backwards=True)
    await bench.tick(99.0, 0)
    await bench.tick(101.0, 100)
    alerts = await bench.alerts()
    assert [a.epoch for a in alerts] == [0, 1]


async def test_a_test_alert_says_what_the_rule_asks(bench):
    rule = await bench.rule('btc falls 3% in 15m severity=critical note="hedge"')
    await bench.tick(100.0, 0)
    await bench.alerting.send_test(OWNER, rule)
    (delivery,) = await bench.deliveries()
    title = delivery.message["title"]
    assert title.startswith("Test alert, nothing has happened: BTC falls 3 % within 15 minutes")
    assert "Note: hedge." in delivery.message["text"]


async def test_zones_near_swept_and_built(bench, kit):
    await bench.rule("btc within 1% of long zone severity=critical")
    await bench.rule("btc long zone of 1M swept severity=critical", owner="local:2")
    await bench.rule("btc zone grows 50% within 3% severity=critical", owner="local:3")
    await bench.tick(97.0, 0)
    await bench.tick(95.5, 1)
    (near,) = await bench.alerts(OWNER)
    assert near.facts["fire"]["told"] == "BTC is 0.52 % above a $42M long zone"
    assert near.subject == "z1"
    zone = kit.zone()
    eaten = ZoneEvent(ts=kit.T0 - 300_000, change=ZoneChange.EATEN, zone=zone, fraction=0.7)
    born = ZoneEvent(ts=kit.T0 - 300_000, change=ZoneChange.BORN, zone=kit.zone("z9", usd=50e6))
    await bench.alerting.on_zone_events(BTC, [eaten, born])
    (swept,) = await bench.alerts("local:2")
    assert swept.facts["fire"]["told"].startswith("BTC went through 70 % of a $")
    (built,) = await bench.alerts("local:3")
    assert built.facts["fire"]["told"] == "A $50M long zone came up 0.52 % below BTC's price"


class Past:
    """The past: what was liquidated since a sweep, and no events."""

    def __init__(self, usd):
        self.usd, self.asked = usd, []

    async def events(self, symbol, features):
        return []

    async def liquidated_usd(self, sweep):
        self.asked.append(sweep)
        return self.usd


@pytest.mark.parametrize("usd", [29e6, 0.0, None])
async def test_a_sweep_is_followed_up_after_a_restart_and_nothing_is_invented(bench, kit, usd):
    await bench.rule("btc long zone of 1M swept severity=critical")
    await bench.tick(97.0, 0)
    eaten = ZoneEvent(ts=kit.T0 - 300_000, change=ZoneChange.EATEN, zone=kit.zone(), fraction=1.0)
    await bench.alerting.on_zone_events(BTC, [eaten])
    (before,) = await bench.deliveries()
    assert "Three minutes later" not in before.message["text"]
    await bench.alerting.close()
    bench.fresh()
    past = Past(usd)
    bench.alerting.reads(past)
    await bench.alerting.load()
    await bench.sweep(100)
    assert past.asked == []
    await bench.sweep(181)
    (sweep,) = past.asked
    assert (sweep.since_ms, sweep.side) == (kit.T0 - 300_000, Side.LONG)
    last = (await bench.deliveries())[-1]
    told = {
        29e6: "Three minutes later: predicted $42M of long positions, $29M were reported liquidated.",
        0.0: "Three minutes later: predicted $42M of long positions, $0 were reported liquidated.",
    }
    if usd is None:
        assert "Three minutes later" not in last.message["text"]
    else:
        assert told[usd] in last.message["text"]
    await bench.sweep(400)
    assert len(past.asked) == 1


async def test_positions_and_ratios_are_heard(bench, kit):
    await bench.rule("btc funding above 0.05% severity=critical")
    await bench.rule("btc long short ratio above 2.5 severity=critical", owner="local:2")
    await bench.tick(100.0, 0)
    for at, rate, ratio in ((1000, 0.0001, 2.0), (2000, 0.0006, 2.61)):
        await bench.said(
            Funding(venue="bybit", symbol=BTC, ts=kit.T0 + at, rate=rate, funding_ts=kit.T0, interval_h=8.0)
        )
        await bench.said(
            LongShortRatio(
                venue="bybit", symbol=BTC, ts=kit.T0 + at, step_ms=300_000, kind="accounts", ratio=ratio
            )
        )
    told = [a.facts["fire"]["told"] for a in await bench.alerts()]
    assert sorted(told) == [
        "Funding of BTC is up to 0.06 % for eight hours",
        "There are 2.61 long accounts in BTC for each short one",
    ]


async def test_candles_are_heard(bench, kit):
    await bench.rule("btc oi drops 2% in 1h severity=critical")
    await bench.tick(100.0, 0)
    for number in range(14):
        held = 1000.0 if number < 13 else 970.0
        candle = Candle(
            venue="binance",
            symbol=BTC,
            ts=kit.T0 + number * 300_000,
            **dict.fromkeys(("open", "high", "low", "close"), 100.0),
            volume=1.0,
            open_interest=held,
        )
        await bench.alerting.on_event(candle)
    (alert,) = await bench.alerts()
    assert alert.facts["fire"]["told"] == "Open interest in BTC fell 3 % within 1 hour"
    assert alert.severity == Severity.CRITICAL.value


async def test_nobody_is_told_of_a_rule_of_somebody_else(bench):
    mine = await bench.rule("price btc above 100 severity=critical")
    theirs = await bench.rule("price btc above 100 severity=critical", owner="local:2")
    await bench.tick(99.0, 0)
    await bench.tick(101.0, 1)
    assert {(a.user_id, a.rule_id) for a in await bench.alerts()} == {(OWNER, mine), ("local:2", theirs)}
    assert {d.user_id for d in await bench.deliveries()} == {OWNER, "local:2"}
