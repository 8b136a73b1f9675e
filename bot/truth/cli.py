"""Be the commands `import`, `accuracy` and `calibrate` of the command line."""

import argparse
import asyncio
import json
import sys
import time

from rich.console import Console

from bot.truth import files
from bot.truth.calibrating import calibrate_symbol
from bot.truth.export import export
from bot.truth.gather import Wish, gather
from bot.truth.importing import import_files
from bot.truth.place import directory_of, market_named, opened, symbol_named, venue_named
from bot.truth.show import show
from config.kinds import moment_ms
from config.settings import Settings
from engine.accuracy import Outcome, measure
from engine.errors import UserError
from engine.symbols import canonical


def import_(given: argparse.Namespace, settings: Settings) -> int:
    """Import files; print a line about each."""
    venue, name = venue_named(given.venue), market_named(given.symbol)

    async def work() -> list[str]:
        async with opened(settings) as store:
            return await import_files(store, venue, name, given.files)

    for line in asyncio.run(work()):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"imported for {canonical(name)} on {venue} into {directory_of(settings)}\n")
    return 0


def accuracy(given: argparse.Namespace, settings: Settings) -> int:
    """Measure, remember and show how well models do."""
    wish, out = wish_of(given), Console(width=None if sys.stdout.isatty() else 160)
    files.check(given.export, files.PREDICTIONS)
    files.check(given.picture, files.PICTURE)
    outcome = asyncio.run(_measured(wish, settings))
    report = outcome.report
    if given.json:
        sys.stdout.write(json.dumps(report.to_dict(), indent=1) + "\n")
    else:
        show(out, report)
    if given.export:
        export(outcome, given.export)
    if given.picture:
        from bot.truth.picture import draw_report

        with files.whole(given.picture) as made:
            made.write_bytes(draw_report(report))
    return 0


async def _measured(wish: Wish, settings: Settings) -> Outcome:
    """Measure off the loop, with a line on standard error about what is being done."""
    async with opened(settings) as store:
        task = await gather(store, wish, settings)
        console = Console(stderr=True)
        with console.status("reading") as status:
            outcome = await asyncio.to_thread(measure, task, status.update)
        made_ms = time.time_ns() // 1_000_000
        await store.add_report(wish.symbol, made_ms, outcome.report.to_dict())
        return outcome


def calibrate(given: argparse.Namespace, settings: Settings) -> int:
    """Find the level and the shape of a model from reported liquidations; print what was found."""
    wish = wish_of(given)

    async def work() -> str:
        async with opened(settings) as store:
            task = await gather(store, wish, settings)
            made_ms = time.time_ns() // 1_000_000
            found = await asyncio.to_thread(calibrate_symbol, task)
            for each in found:
                await store.add_calibration(wish.symbol, each.model, made_ms, each.to_dict())
            if given.json:
                return json.dumps([each.to_dict() for each in found], indent=1)
            return "\n".join(line for each in found for line in each.lines())

    sys.stdout.write(asyncio.run(work()) + "\n")
    return 0


def wish_of(given: argparse.Namespace) -> Wish:
    """Return what was asked for on the command line; raise UserError for what cannot be."""
    if given.seed < 0:
        raise UserError(
            f"--seed {given.seed} is below 0: a whole number from 0 on is wanted.",
            example=f"liqwatch {given.command} BTCUSDT --seed 1",
        )
    return Wish(
        symbol=symbol_named(given.symbol),
        models=tuple(given.model or ("flow",)),
        example=f"liqwatch {given.command} BTCUSDT --model flow",
        from_ms=_moment(given.begin, given.command),
        to_ms=_moment(given.end, given.command),
        venues=_names(given.venues),
        reported_by=_names(given.reported_by),
        seed=given.seed,
    )


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(venue_named(part) for part in (text or "").split(",") if part.strip())


def _moment(text: str | None, command: str) -> int | None:
    if not text:
        return None
    try:
        return int(str(moment_ms(text)))
    except ValueError:
        raise UserError(
            f"{text!r} is not a time.", example=f"liqwatch {command} BTCUSDT --from 2025-12-08"
        ) from None
