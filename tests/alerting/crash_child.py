"""Replay a made-up market through alerting, saving the position now and then: the process that gets killed.

usage: crash_child.py STATE_URL; prints "ready", and "done" when the market is over.
"""

import asyncio
import math
import sys

from bot.alerting.engine import Alerting
from config.settings import AlertSettings
from engine.model import Severity, Side, Tick, Zone, ZoneId, ZoneSet
from engine.rules.stored import stored
from engine.rules.text import read_rule
from storage.notes import get_note, set_note
from storage.rules import NewRule, add_rule, count_rules, watch_params
from storage.state import StateStore

T0 = 1_760_126_400_000
TICKS, STEP_MS, PER_SET, SAVE_EVERY, AGAIN = 3_200, 15_000, 20, 50, 8


def calm(number):
    """Say whether the market is quiet: two and a half hours out of five."""
    return number // 600 % 2 == 1


def zones(number):
    """Return the zones of one candle: they drift slowly, and one comes and goes."""
    drift = 0.2 * math.sin(number / 9)
    made = [
        ("L2", Side.LONG, 92, 93, 30e6),
    ]
    if not calm(number * PER_SET):
        made.append(("L1", Side.LONG, 96 + drift, 97 + drift, 60e6))
        made.append(("S1", Side.SHORT, 103 - drift, 104 - drift, 45e6))
    if number // 10 % 2 and not calm(number * PER_SET):
        made.append(("S2", Side.SHORT, 101.5, 102, 20e6))
    return ZoneSet(
        venue="binance",
        symbol="BTCUSDT",
        ts=T0 + number * STEP_MS * PER_SET,
        price=100.0,
        zones=tuple(
            Zone(
                zone_id=ZoneId(name),
                venue="binance",
                symbol="BTCUSDT",
                side=side,
                low=low,
                high=high,
                peak=low,
                notional_usd=usd,
                share=0.2,
                percentile=99,
                born_ts=T0,
                updated_ts=T0,
            )
            for name, side, low, high, usd in made
        ),
        samples_h=500,
        threshold_ready=True,
        auto_min_usd=10e6,
    )


def price(number):
    if calm(number):
        return 98.2 + 0.8 * math.sin(number / 23)
    return 100 + 3 * math.sin(number / 37) + 1.5 * math.sin(number / 5.3) + 0.4 * math.sin(number * 1.7)


RULES = (
    "price btc above 101 severity=critical",
    "price btc below 99 severity=warning",
    "price btc above 101.5 for=5m severity=critical",
    "price btc below 98.5 for=3m severity=info",
    "btc leaves 98 to 102 severity=warning",
    "btc near 1% zone and price btc above 100 severity=critical",
    "price btc above 103.5 once severity=critical",
)


class Market:
    now = T0
    source_kind = "replay"  # which stands still while nobody plays it: nothing is late

    def now_ms(self):
        return self.now

    def label(self):
        return ""


def prepare(session):
    if count_rules(session, "local:owner"):
        return
    within = {Severity.INFO: 0.05, Severity.WARNING: 0.03, Severity.CRITICAL: 0.01}
    params = watch_params(within, hysteresis=0.0025)
    for cooldown_s in (60, 900):
        new = NewRule(symbol="BTCUSDT", params=params, cooldown_s=cooldown_s)
        add_rule(session, "local:owner", new, now_ms=T0, wall_ms=1)
    for number, line in enumerate(RULES):
        kind, params = stored(read_rule(line, now_ms=T0).spec)
        new = NewRule(symbol="BTCUSDT", kind=kind, params=params, cooldown_s=300)
        add_rule(session, f"local:{number % 3}", new, now_ms=T0, wall_ms=1)


def say(word):
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def main(url):
    state = await StateStore.open(url)
    await state.run(prepare)
    market = Market()
    alerting = Alerting(state, None, AlertSettings(), market)
    await alerting.load()
    note = await state.read(lambda s: get_note(s, "position"))
    start = max(0, (note or {"tick": 0})["tick"] - AGAIN)
    say("ready")
    current = None
    for n in range(start, TICKS):
        if current is None or n % PER_SET == 0:
            current = zones(n // PER_SET)
        market.now = T0 + n * STEP_MS
        await alerting.on_tick(
            Tick(venue="binance", symbol="BTCUSDT", ts=market.now, price=price(n)), current
        )
        if n % SAVE_EVERY == 0:
            await alerting._rules.write()
            await state.run(lambda s, n=n: set_note(s, "position", {"tick": n}))
            await asyncio.sleep(0.002)
    await alerting.close()
    await state.close()
    say("done")


asyncio.run(main(sys.argv[1]))
