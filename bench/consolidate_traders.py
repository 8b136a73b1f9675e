"""Make up traders as there may be: what they watch, when they sleep, how much they want to hear.

Who watches how is drawn from a seed and not fitted to any figure. Half take `/watch` as it is, three in ten
change it, and two in ten keep two or three watches of a market. The smallest zone that somebody asks for is
in dollars of BTC, and half as many of ETH: `auto` comes to about 10M and 5M in the recorded December.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from config.sections import AlertSettings
from engine.model import Severity, Side
from storage.rules import NewRule, watch_params

SEED: Final = 20
SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
Steps = dict[Severity, float]

STEPS: Final[tuple[Steps, ...]] = (
    {INFO: 0.05, WARNING: 0.03, CRITICAL: 0.01},
    {INFO: 0.04, WARNING: 0.02, CRITICAL: 0.005},
    {WARNING: 0.02, CRITICAL: 0.01},
    {WARNING: 0.015, CRITICAL: 0.004},
    {INFO: 0.06, WARNING: 0.04, CRITICAL: 0.02},
    {CRITICAL: 0.01},
    {WARNING: 0.03},
    {INFO: 0.05},
)
MINIMA: Final = (None, None, None, 5e6, 10e6, 20e6, 30e6)
COOLDOWNS_S: Final = (3600, 3600, 3600, 900, 1800, 7200, 14_400)
HYSTERESES: Final = (0.0025, 0.0025, 0.0025, 0.001, 0.005)
SIDES: Final = (None, None, Side.LONG, Side.SHORT)
ZONES: Final = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Australia/Sydney",
    "America/Sao_Paulo",
)
QUIET: Final = (None, None, "22:00-07:00", "23:00-07:00", "00:00-08:00", "23:30-06:30")
MODES: Final = ("hold", "hold", "silent", "drop")
LIMITS: Final = (None, None, None, 10, 20, 30)
DIGESTS: Final[tuple[list[str] | None, ...]] = (None, None, None, [], ["09:00"], ["07:30", "12:30", "18:00"])
PLACES: Final = (("inapp", ""), ("telegram", ""), ("discord", ""), ("telegram", "-100123"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """One trader: `style` says how they set things up, `settings` are as `/settings set` stores them."""

    user_id: str
    style: str
    settings: Mapping[str, Any]
    rules: tuple[NewRule, ...]


def traders(count: int, seed: int = SEED) -> list[Trader]:
    """Return so many traders; the first ones of a larger crowd are those of a smaller."""
    return [_trader(number, random.Random(f"{seed}:{number}")) for number in range(count)]


def _trader(number: int, draw: random.Random) -> Trader:
    style = draw.choices(tuple(STYLES), SHARES)[0]
    symbols = draw.choice((SYMBOLS[:1], SYMBOLS[:1], SYMBOLS, SYMBOLS, SYMBOLS[1:]))
    place = draw.choice(PLACES)
    rules = [rule for symbol in symbols for rule in STYLES[style](draw, symbol, place)]
    return Trader(user_id=f"made:{number}", style=style, settings=_settings(draw), rules=tuple(rules))


def _settings(draw: random.Random) -> dict[str, Any]:
    """Return what a trader has set; what they left alone is not there."""
    quiet = draw.choice(QUIET)
    wishes = {
        "tz": draw.choice(ZONES),
        "quiet": quiet,
        "quiet_mode": draw.choice(MODES) if quiet else None,
        "daily_limit": draw.choice(LIMITS),
        "digest_times": draw.choice(DIGESTS),
    }
    return {name: value for name, value in wishes.items() if value is not None}


Place = tuple[str, str]


def _plain(_draw: random.Random, symbol: str, place: Place) -> list[NewRule]:
    """Return `/watch` as it is."""
    usual = AlertSettings()
    params = watch_params(dict(usual.within.pairs()), hysteresis=usual.hysteresis)
    return [_rule(symbol, params, usual.cooldown_s, place)]


def _own(draw: random.Random, symbol: str, place: Place) -> list[NewRule]:
    """Return one watch with everything chosen."""
    return [_drawn(draw, symbol, place)]


def _several(draw: random.Random, symbol: str, place: Place) -> list[NewRule]:
    """Return two or three watches of one market."""
    return [_drawn(draw, symbol, place) for _ in range(draw.randint(2, 3))]


STYLES: Final[Mapping[str, Callable[[random.Random, str, Place], list[NewRule]]]] = {
    "plain": _plain,
    "own": _own,
    "several": _several,
}
SHARES: Final = (5, 3, 2)
"""How many of ten traders set things up in each of these ways."""


def _drawn(draw: random.Random, symbol: str, place: Place) -> NewRule:
    """Return one watch as somebody may set it up; one in twenty lets quiet hours hold criticals."""
    least = draw.choice(MINIMA)
    if least is not None and symbol != SYMBOLS[0]:
        least /= 2
    params = watch_params(
        draw.choice(STEPS),
        hysteresis=draw.choice(HYSTERESES),
        min_notional_usd=least,
        side=draw.choice(SIDES),
        quiet_critical=draw.random() < 0.05,
    )
    return _rule(symbol, params, draw.choice(COOLDOWNS_S), place)


def _rule(symbol: str, params: dict[str, Any], cooldown_s: int, place: Place) -> NewRule:
    return NewRule(
        symbol=symbol, params=params, cooldown_s=cooldown_s, to_channel=place[0], to_place=place[1]
    )
