"""Read what is stored of a market, and find out on it how often a rule would have fired."""

import asyncio
from collections import OrderedDict
from typing import Protocol

from bot.live.view import SymbolView
from engine.features.past import History
from engine.model import DAY_MS, HOUR_MS
from engine.rules.atom import ZoneBuilt, ZoneNear, ZoneSwept
from engine.rules.condition import LIQUIDATIONS
from engine.rules.dry_run import DryRun, dry_run
from engine.rules.expression import Spec, leaves
from storage.market import MarketStore
from storage.rule_reads import funding, liquidations, ratios, zone_events

DAYS = 30
"""How many days a rule is tried on."""
WARM_MS = 8 * DAY_MS
"""How much is read before them: the longest window of a condition, and a day."""
FRESH_MS = HOUR_MS
"""How much older than the market clock what was read may be: of thirty days an hour changes little."""
KEPT = 6
"""How many histories are held in memory: some ten megabytes each, zones the most of it."""
AT_ONCE = 2
"""How many rules are tried at a time: more would take the processor from the market."""
ZONES = "zones"
SINGLY = 8_000
"""How many liquidations count one by one, the largest: a busy month has hundreds of thousands."""


class PastMarket(Protocol):
    """Be the market whose past is stored."""

    def now_ms(self) -> int:
        """Return the market clock."""

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        """Return the venues that a symbol is read from, the one that lends the price first."""

    def view(self, symbol: str) -> SymbolView:
        """Return one symbol as it stands now."""


class DryRuns:
    """Try rules on the last thirty days stored; one reading of a market serves every rule for an hour."""

    def __init__(self, store: MarketStore, market: PastMarket) -> None:
        self._store, self._market = store, market
        self._known: OrderedDict[tuple[str, frozenset[str]], tuple[int, History]] = OrderedDict()
        self._reading = asyncio.Lock()
        self._trying = asyncio.Semaphore(AT_ONCE)

    async def run(self, spec: Spec, symbol: str, *, fresh_ms: int = FRESH_MS) -> DryRun:
        """Return when a rule on a market would have fired; raise UserError for a market without data.

        What was read may be older than the market clock by `fresh_ms`.
        """
        history = await self._history(symbol, _more(spec), fresh_ms)
        async with self._trying:
            return await asyncio.to_thread(dry_run, spec, history, days=DAYS)

    async def _history(self, symbol: str, more: frozenset[str], fresh_ms: int) -> History:
        """Return what is stored of a market: candles, funding, ratios, and of `more` what is asked for."""
        key = (symbol, more)
        async with self._reading:
            now_ms = self._market.now_ms()
            read_ms, history = self._known.get(key, (0, None))
            if history is None or not 0 <= now_ms - read_ms < fresh_ms:
                history = await self._read(symbol, more, now_ms)
                self._known[key] = (now_ms, history)
            self._known.move_to_end(key)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
            return history

    async def _read(self, symbol: str, more: frozenset[str], now_ms: int) -> History:
        store, view = self._store, self._market.view(symbol)
        venues = self._market.venues_of(symbol)
        since_ms = now_ms - DAYS * DAY_MS - WARM_MS
        span = (symbol, since_ms, now_ms)
        zones_ms = now_ms if ZONES in more else since_ms
        forced_ms = now_ms if LIQUIDATIONS in more else since_ms
        candles = await asyncio.gather(*(store.candles(symbol, v, since_ms, now_ms) for v in venues))
        zones, forced, paid, crowd = await asyncio.gather(
            store.read(lambda cursor: zone_events(cursor, view.venue, symbol, since_ms, zones_ms)),
            store.read(lambda cursor: liquidations(cursor, symbol, since_ms, forced_ms, SINGLY)),
            store.read(lambda cursor: funding(cursor, *span)),
            store.read(lambda cursor: ratios(cursor, *span)),
        )
        return History(
            symbol=symbol,
            lead=venues[0],
            candles=dict(zip(venues, candles, strict=True)),
            liquidations=tuple(forced),
            funding=tuple(paid),
            ratios=tuple(crowd),
            zone_events=tuple(zones),
            auto_min_usd=view.zones.auto_min_usd if view.zones else float("nan"),
        )


def _more(spec: Spec) -> frozenset[str]:
    """Return which of the large parts of a history a rule looks at."""
    atoms = [atom for branch in spec.branches("") for atom in branch]
    zones = any(isinstance(atom, ZoneNear | ZoneSwept | ZoneBuilt) for atom in atoms)
    forced = any(LIQUIDATIONS in leaf.condition.feeds for leaf in leaves(spec.when))
    return frozenset({*([ZONES] if zones else []), *([LIQUIDATIONS] if forced else [])})
