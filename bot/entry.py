"""Enter Liqwatch from the command line: serve, talk in a terminal, check the settings, warm up."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import structlog

from adapters.replay import Replay
from bot import logs
from bot.banner import banner, missing
from bot.commands.registry import check_names
from bot.console.control import Desk, Listen
from bot.console.session import opened, run_console
from bot.main import Liqwatch
from bot.retention import check_tables
from config.choice import source_of
from config.settings import Settings
from config.show import describe

log = structlog.get_logger(__name__)

WARM_CANDLES = 50


def configure_logs(settings: Settings) -> None:
    """Set up the log with every secret of the settings masked."""
    hidden = [settings.chat.discord_token, settings.chat.telegram_token, settings.web.panel_token]
    hidden += [settings.storage.secret_key, settings.storage.state_url]
    logs.configure(
        level=settings.log.level.value,
        form=settings.log.format.value,
        secrets=[secret.get_secret_value() for secret in hidden if secret is not None],
    )


async def serve(settings: Settings) -> int:
    """Start Liqwatch, say where it is, and serve until SIGTERM or SIGINT; return the exit code."""
    began = time.monotonic()
    configure_logs(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = Liqwatch(settings)
    starting = asyncio.create_task(app.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return 0
    try:
        await starting
        sys.stdout.write(_ready(app, time.monotonic() - began))
        sys.stdout.flush()
        await stopping
    finally:
        stopping.cancel()
        await app.stop()
    log.info("stopped")
    return 0


def _ready(app: Liqwatch, took_s: float) -> str:
    """Return what is printed once everything runs."""
    speed = app.replay.speed
    pace = "as fast as possible" if speed is None else f"{speed:g} times as fast as it happened"
    source = f"{app.market.label()}: recorded Binance candles, {pace}; not live, no liquidation feed"
    return banner(
        url=app.web.url if app.web else "",
        source=source,
        directory=str(app.directory),
        absent=missing(app.settings),
        took_s=took_s,
    )


async def console_session(
    settings: Settings,
    *,
    lines: Sequence[str] | None = None,
    as_json: bool = False,
    directory: Path | None = None,
    must_join: bool = False,
) -> int:
    """Run commands in this terminal: against the running process, or one started for the session."""
    configure_logs(settings)
    kind = source_of(settings)
    home = settings.storage.directory(kind.value)

    @contextlib.asynccontextmanager
    async def start() -> AsyncIterator[tuple[Desk, Listen]]:
        app = Liqwatch(settings)
        await app.start(serving=False)
        try:
            yield app.commands, app.listen
        finally:
            await app.stop()

    async with opened([home], None if must_join else start) as line:
        saved = directory or home / "pictures"
        return await run_console(
            line, lines=lines, as_json=as_json, directory=saved, history=home / "console-history"
        )


def check_settings(settings: Settings) -> int:
    """Print what is in effect with secrets masked, where it comes from, and what is not configured.

    Raise ConfigError where a model cannot be called what it is, or a table is not there.
    """
    check_names(settings)
    check_tables(settings.storage.keep_days)
    rows = describe(settings)
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    out = [f"{row.key:{widths[0]}}  {row.value:{widths[1]}}  {row.origin}" for row in rows]
    out.append(f"source: {source_of(settings).value}")
    out.append(f"models: {', '.join(settings.presets)}; zones and alerts use flow")
    out += [f"not set: {item.name}: {item.fix}" for item in missing(settings)]
    sys.stdout.write("\n".join(out) + "\n")
    return 0


async def _warm() -> None:
    """Feed the engine a little of what is shipped: its loops are compiled into their cache."""
    from bot.live.book import Book, Place
    from engine.heatmap import Heatmap, run
    from engine.presets import PRESETS
    from engine.zones import ZoneParams

    replay = Replay()
    symbol = replay.symbols[0]
    candles = await replay.history(symbol, until_ms=replay.now_ms())
    place = Place(
        venue=replay.venues[0], symbol=symbol, preset=PRESETS["flow"], usd_scale=1.0, zones=ZoneParams()
    )
    await asyncio.to_thread(Book(place).feed, candles)
    for preset in PRESETS.values():
        await asyncio.to_thread(Heatmap(preset).feed, candles[:WARM_CANDLES])
        await asyncio.to_thread(run, candles[:WARM_CANDLES], preset, 100)


def warm_up() -> int:
    """Compile the engine's loops, so that the next start is quick."""
    asyncio.run(_warm())
    return 0
