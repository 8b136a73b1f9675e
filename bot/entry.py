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
from adapters.titles import title
from bot import logs
from bot.banner import banner, beginning, missing, some, waiting
from bot.commands.registry import check_names
from bot.console.control import Desk, Listen
from bot.console.session import opened, run_console
from bot.console.terminal import Line
from bot.main import Liqwatch
from bot.retention import check_tables
from bot.sources import check_venues, resolved
from bot.ways import check_ways
from config.settings import Settings, SourceChoice
from config.show import describe

log = structlog.get_logger(__name__)

WARM_CANDLES = 50
TELL_EVERY_S = 5.0
"""How often a start that takes long says what it waits for."""


def configure_logs(settings: Settings) -> None:
    """Set up the log with every secret of the settings masked."""
    hidden = [settings.chat.discord_token, settings.chat.telegram_token, settings.web.panel_token]
    hidden += [settings.storage.secret_key, settings.storage.state_url, settings.chat.telegram_webhook_secret]
    hidden += [settings.binance.api_key, settings.binance.api_secret]
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
    app = Liqwatch(await resolved(settings))
    starting = asyncio.create_task(app.start())
    stopping = asyncio.create_task(stop.wait())
    telling = asyncio.create_task(_tell(app, began))
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    telling.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return 0
    try:
        await starting
        _say(_ready(app, time.monotonic() - began))
        await stopping
    finally:
        stopping.cancel()
        await app.stop()
    log.info("stopped")
    return 0


async def _tell(app: Liqwatch, began: float) -> None:
    """Print what is waited for while live venues are read, now and every few seconds."""
    if app.kind is not SourceChoice.LIVE:
        return
    source = app.settings.source
    _say(beginning(source.symbols, source.venues, days=source.history_days))
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        market = app.market if hasattr(app, "market") else None
        told = waiting(source.symbols, market.symbols if market else ())
        _say(f"  {time.monotonic() - began:3.0f} s  {told}\n")


def _say(lines: str) -> None:
    sys.stdout.write(lines)
    sys.stdout.flush()


def _ready(app: Liqwatch, took_s: float) -> str:
    """Return what is printed once everything runs."""
    return banner(
        url=app.web.url if app.web else "",
        source=_source_told(app),
        directory=str(app.directory),
        absent=missing(app.settings),
        took_s=took_s,
    )


def _source_told(app: Liqwatch) -> str:
    """Return a line on where the data comes from."""
    if app.replay is None:
        told = [f"{title(each.venue)}{'' if each.ok else f' ({each.state})'}" for each in app.source.health()]
        ready = app.market.symbols
        later = [symbol for symbol in app.market.followed if symbol not in ready]
        rest = f"; to come: {some(later)}" if later else ""
        return f"live: {some(ready) or 'no market yet'} from {', '.join(told)}{rest}"
    speed = app.replay.speed
    pace = "as fast as possible" if speed is None else f"{speed:g} times as fast as it happened"
    return f"{app.market.label()}: recorded Binance candles, {pace}; not live, no liquidation feed"


async def console_session(
    settings: Settings,
    *,
    lines: Sequence[str] | None = None,
    as_json: bool = False,
    directory: Path | None = None,
    must_join: bool = False,
) -> int:
    """Run commands in this terminal: against the running process, or one started for the session."""
    homes = homes_of(settings)
    async with joined_or_alone(settings, must_join=must_join) as line:
        saved = directory or homes[0] / "pictures"
        return await run_console(
            line, lines=lines, as_json=as_json, directory=saved, history=homes[0] / "console-history"
        )


@contextlib.asynccontextmanager
async def joined_or_alone(settings: Settings, *, must_join: bool = False) -> AsyncIterator[Line]:
    """Give a way to the commands: the running process, or parts started for as long as the context lasts."""
    configure_logs(settings)

    @contextlib.asynccontextmanager
    async def start() -> AsyncIterator[tuple[Desk, Listen]]:
        app = Liqwatch(await resolved(settings))
        await app.start(serving=False)
        try:
            yield app.commands, app.listen
        finally:
            await app.stop()

    async with opened(homes_of(settings), None if must_join else start) as line:
        yield line


def homes_of(settings: Settings) -> list[Path]:
    """Return the data directories that these settings may mean, the likeliest first."""
    kind, live, replay = (settings.source.kind, SourceChoice.LIVE, SourceChoice.REPLAY)
    if kind is SourceChoice.AUTO:
        kinds = (live,) if settings.chat.has_token else (live, replay)
        there = sorted(kinds, key=lambda each: not settings.storage.directory(each.value).is_dir())
        return [settings.storage.directory(each.value) for each in there]
    return [settings.storage.directory(kind.value)]


def check_settings(settings: Settings) -> int:
    """Print what is in effect with secrets masked, where it comes from, and what is not configured.

    Raise ConfigError where a model cannot be called what it is, or a table is not there.
    """
    check_names(settings)
    check_tables(settings.storage.keep_days)
    check_ways(settings)
    check_venues(settings)
    rows = describe(settings)
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    out = [f"{row.key:{widths[0]}}  {row.value:{widths[1]}}  {row.origin}" for row in rows]
    out.append(f"source: {_intended(settings)}")
    out.append(f"models: {', '.join(settings.presets)}; zones and alerts use flow")
    out += [f"not set: {item.name}: {item.fix}" for item in missing(settings)]
    sys.stdout.write("\n".join(out) + "\n")
    return 0


def _intended(settings: Settings) -> str:
    """Return what will run, in words."""
    kind, venues = settings.source.kind, ", ".join(settings.source.venues)
    if kind is SourceChoice.REPLAY:
        return "replay"
    if kind is SourceChoice.LIVE or settings.chat.has_token:
        return f"live: {venues}"
    return f"live where any of {venues} answers, else replay"


async def _warm() -> None:
    """Feed the engine a little of what is shipped: its loops are compiled into their cache."""
    from bot.live.book import Book, Place
    from engine.heatmap import Heatmap, run
    from engine.presets import PRESETS
    from engine.rules.crossing import compile_walk
    from engine.zones import ZoneParams

    await asyncio.to_thread(compile_walk)
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
