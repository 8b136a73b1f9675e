"""Say what is to be fetched of the past: symbols, venues, kinds of rows and their steps."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.series import STEPS_MS, What
from bot.sources import NATIVE
from bot.truth.place import symbol_named
from config.settings import Settings
from engine.errors import UserError
from engine.model import STEP_MS

EXAMPLE = "liqwatch backfill BTCUSDT ETHUSDT --days 30 --venues binance,bybit --step 5m --step 1h"
MOST_DAYS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be fetched; `until_ms` None stands for each venue's present."""

    symbols: tuple[str, ...]
    venues: tuple[str, ...]
    days: int
    steps_ms: tuple[int, ...] = (STEP_MS,)
    what: tuple[What, ...] = tuple(What)
    until_ms: int | None = None

    def steps_of(self, what: What) -> tuple[int, ...]:
        """Return the steps that a kind is had in, the finest first: none but candles comes below 5 minutes.

        Funding comes at times of its own, so that it is fetched once.
        """
        steps = sorted(self.steps_ms)
        if what is What.CANDLES:
            return tuple(steps)
        if what is What.FUNDING:
            return tuple(steps[:1])
        return tuple(dict.fromkeys(max(step, STEP_MS) for step in steps))


def plan_of(given: argparse.Namespace, settings: Settings) -> Plan:
    """Return what was asked for on the command line; raise UserError for what cannot be."""
    if not 1 <= given.days <= MOST_DAYS:
        raise UserError(f"--days {given.days} is not between 1 and {MOST_DAYS}.", example=EXAMPLE)
    return Plan(
        symbols=tuple(dict.fromkeys(_symbol(name) for name in given.wanted)),
        venues=venues_of(given.venues, settings),
        days=given.days,
        steps_ms=tuple(dict.fromkeys(STEPS_MS[name] for name in given.step or ("5m",))),
        what=_kinds(given.what),
    )


def _symbol(text: str) -> str:
    try:
        return symbol_named(text)
    except UserError as error:
        raise UserError(error.message, example=EXAMPLE) from error


def venues_of(text: str | None, settings: Settings) -> tuple[str, ...]:
    """Return the venues named, or those of the settings; raise UserError for one that cannot be read."""
    if text is None:
        return settings.source.venues
    return tuple(_chosen(text, tuple(NATIVE), "venue that can be read"))


def _kinds(text: str | None) -> tuple[What, ...]:
    if text is None:
        return tuple(What)
    return tuple(What(name) for name in _chosen(text, tuple(What), "kind of rows"))


def _chosen(text: str, known: Sequence[str], word: str) -> list[str]:
    """Return names that are split by commas, each once; raise UserError that names those there are."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    strangers = [name for name in names if name not in known]
    if strangers or not names:
        told = f"{strangers[0]!r} is no {word}" if strangers else f"No {word} was named"
        raise UserError(f"{told}; there are: {', '.join(known)}.", example=EXAMPLE)
    return list(dict.fromkeys(names))
