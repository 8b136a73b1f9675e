"""Make the live source that the settings describe, and find out whether any venue answers at all."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog
from rapidfuzz import fuzz, process

from adapters.ccxt import names as ccxt_names
from adapters.ccxt.kit import CcxtKit
from adapters.hyperliquid.streams import spare
from adapters.kits import BinanceKit, BybitKit, HyperliquidKit, Kit, OkxKit
from adapters.live import LiveSource
from adapters.live_venue import Pace
from bot.live.archive import StoreArchive
from config.choice import ASK_FOR_REPLAY, resolve_source
from config.settings import Settings, SourceChoice
from engine.errors import ConfigError, SourceError
from storage.market import MarketStore

log = structlog.get_logger(__name__)

NEAR = 60.0
"""How alike two names are, out of 100, for one to be offered instead of the other."""
PROBE_S = 3.0
"""How long a venue may take to say what time it is, before `auto` goes on without live data."""

NATIVE: Mapping[str, Callable[[Settings], Kit]] = {
    "binance": lambda s: BinanceKit(rest_url=s.binance.rest_url, stream_url=s.binance.ws_url),
    "bybit": lambda s: BybitKit(rest_url=s.bybit.rest_url, stream_url=s.bybit.ws_url),
    "okx": lambda s: OkxKit(rest_url=s.okx.rest_url, stream_url=s.okx.ws_url),
    "hyperliquid": lambda s: HyperliquidKit(
        rest_url=s.hyperliquid.rest_url,
        stream_url=s.hyperliquid.ws_url,
        users=spare(s.hyperliquid.addresses),
    ),
}
"""How the parts of each venue are made that has an adapter of its own."""


def check_venues(settings: Settings) -> None:
    """Raise ConfigError that says of each venue that cannot be read what to do about it."""
    strangers = [name for name in settings.source.venues if name not in NATIVE]
    if not strangers:
        return
    others = ccxt_names.names()
    problems = [_problem(name, others) for name in strangers if name not in others]
    if problems:
        raise ConfigError(problems)


def _problem(name: str, others: Sequence[str]) -> str:
    """Return what is wrong with the name of a venue, and what to do; `others` are those of ccxt."""
    close = process.extract(name, [*NATIVE, *others], scorer=fuzz.ratio, limit=3, score_cutoff=NEAR)
    near = f" Did you mean {', '.join(found for found, *_ in close)}?" if close else ""
    native = ", ".join(NATIVE)
    if others:
        known = f"it is none of {native}, nor of the {len(others)} venues that ccxt reads"
        return f"source.venues: {name} cannot be read: {known}.{near} Set LIQWATCH_VENUES to venues that can."
    return (
        f"source.venues: {name} is none of {native}, and any other venue is read through ccxt, which is not "
        f"installed.{near} To install it: pip install 'liqwatch[ccxt]', in a checkout make ccxt."
    )


def kits_of(settings: Settings) -> tuple[Kit, ...]:
    """Return the parts of each venue that is to be read, in the order they were named; raise ConfigError."""
    check_venues(settings)
    return tuple(
        NATIVE[name](settings) if name in NATIVE else CcxtKit(name) for name in settings.source.venues
    )


async def resolved(settings: Settings) -> Settings:
    """Return the settings with the source that is to run; `auto` asks whether any venue answers.

    With a chat token, `auto` is live: what users are shown must not depend on a moment's luck. Raise
    ConfigError where a venue cannot be read.
    """
    choice, has_token = settings.source.kind, settings.chat.has_token
    check_venues(settings)
    ready = choice is SourceChoice.LIVE or has_token
    if choice is SourceChoice.AUTO and not has_token:
        ready = await any_answers(settings)
    chosen = resolve_source(choice, has_chat_token=has_token, live_ready=ready)
    return settings.model_copy(update={"source": settings.source.model_copy(update={"kind": chosen})})


async def any_answers(settings: Settings) -> bool:
    """Say whether any venue tells the time within a few seconds; the first answer is enough."""
    asked = {asyncio.create_task(_answers(kit)) for kit in kits_of(settings)}
    waiting = asked
    try:
        async with asyncio.timeout(PROBE_S):
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if any(task.result() for task in done):
                    return True
    except TimeoutError:
        log.info("source.no_answer_in_time", waited_s=PROBE_S)
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    return False


async def _answers(kit: Kit) -> bool:
    """Ask a venue once: whether it can be reached is known at once."""
    call = kit.site.time_call
    if call is None:
        return False
    async with kit.client() as rest:
        try:
            await rest.ask(call, patience_s=PROBE_S / 10)
        except SourceError as error:
            log.info("source.no_answer", venue=kit.venue, why=str(error))
            return False
    return True


async def open_live(settings: Settings, store: MarketStore, symbols: Iterable[str]) -> LiveSource:
    """Return a source that reads the venues of the settings, open; raise SourceError where none answers."""
    pace = Pace(open_s=settings.source.start_within_s, history_days=settings.source.history_days)
    source = LiveSource(kits_of(settings), tuple(dict.fromkeys(symbols)), StoreArchive(store), pace=pace)
    try:
        await source.open()
    except SourceError as error:
        raise SourceError(f"{error} Nothing else may stand in for it: {ASK_FOR_REPLAY}") from error
    return source
