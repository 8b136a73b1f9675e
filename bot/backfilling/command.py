"""Be the command `backfill`: fetch the past of symbols from their venues into the live data directory."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from rich.console import Console

from adapters.kits import Kit
from adapters.rest.client import RestClient
from adapters.rest.waiting import Backoff
from adapters.series import Historic
from bot import logs
from bot.backfilling.job import VenueJob
from bot.backfilling.outcome import Filled
from bot.backfilling.plan import Plan, plan_of
from bot.backfilling.show import Progressing, lines, troubles
from bot.sources import NATIVE
from bot.truth.place import market_opened
from config.settings import Settings
from storage.market import MarketStore
from storage.past import PastStore

FAILED = 1
INTERRUPTED = 130


def backfill(given: argparse.Namespace, settings: Settings) -> int:
    """Fetch what was asked for; print how each series stands. Return 1 where something could not be had."""
    plan = plan_of(given, settings)
    logs.configure(level=settings.log.level.value, form=settings.log.format.value)
    try:
        found = asyncio.run(_filled(plan, settings))
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. What came is kept; the same command goes on from there.\n")
        return INTERRUPTED
    sys.stdout.writelines(f"{line}\n" for line in lines(found))
    wrong = troubles(found, plan.symbols)
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return FAILED if wrong else 0


async def _filled(plan: Plan, settings: Settings) -> list[Filled]:
    kits = [NATIVE[venue](settings) for venue in plan.venues]
    async with market_opened(settings, settings.storage.directory("live")) as store:
        with Progressing(Console(stderr=True)) as shown:
            return await run(store, kits, plan, shown)


async def run(
    store: MarketStore,
    kits: Sequence[Kit],
    plan: Plan,
    shown: Progressing,
    *,
    backoff: Backoff | None = None,
) -> list[Filled]:
    """Fetch a plan, all venues at once; return how each series stands, venue by venue.

    Raise StorageError where the store does not take what came.
    """
    past = PastStore(store)

    async def part(kit: Kit) -> list[Filled]:
        if not isinstance(kit, Historic):
            note = f"{kit.venue} is read live alone"
            return [Filled(venue=kit.venue, symbol=each, what="past", note=note) for each in plan.symbols]
        async with RestClient(kit.site, backoff=backoff or Backoff()) as rest:
            return await VenueJob(kit=kit, plan=plan, store=past, shown=shown, rest=rest).run()

    try:
        async with asyncio.TaskGroup() as group:
            parts = [group.create_task(part(kit)) for kit in kits]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [filled for each in parts for filled in each.result()]
