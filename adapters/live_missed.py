"""Ask one venue for what no stream said: ratios always, open interest and funding of the time missed.

What the archive has is not asked for, and what the venue turned out not to have never again. Waits are
seconds, times are ms UTC.
"""

import asyncio
from contextlib import aclosing

import structlog

from adapters.instruments import Instrument
from adapters.lacking import LATE_MS, Stretch, absent, joined, stretches
from adapters.live_archive import Archive, Held, Kept
from adapters.live_venue import Pace, Venue
from adapters.rest.calls import CallFailed
from adapters.rest.verdicts import Scope
from adapters.series import Historic, Series, Wanted, What
from engine.errors import LiqwatchError
from engine.model import DAY_MS, HOUR_MS, STEP_MS

log = structlog.get_logger(__name__)

BACK_MS = 3 * STEP_MS
"""How far back is asked where nothing is kept: the newest row comes some minutes late."""
AFTER_S = 45.0
"""How long after a candle's close is looked: late candles come first, with their open interest."""
FILL_S = 60.0
"""How long a series of one symbol may take at a time; what came stays, and the rest comes the next time."""
KINDS = (What.RATIOS, What.FUNDING, What.OPEN_INTEREST)
_Key = tuple[str, What]


class Missed:
    """Watch what a venue's streams do not say of its symbols; ratios are of the first kind that it has.

    Looked at is the time since a series was last found whole; at a start, since its oldest row, at most
    `history_days` and no further than the venue goes. Funding is paid at whole hours and told before by
    streams, so that it is asked for only where these were silent.
    """

    def __init__(self, venue: Venue, archive: Archive, pace: Pace) -> None:
        self._venue = venue
        self._archive = archive
        self._days = pace.history_days
        self._whole: dict[_Key, int] = {}
        self._unheard_ms = 0
        """Until when anything was unheard: until a start, a symbol's first look, or an outage's end."""

    async def watch(self) -> None:
        """Look after each candle's close and after each outage, for ever; return where there is no past."""
        kit = self._venue.kit
        if not isinstance(kit, Historic):
            return
        await self._venue.ready.wait()
        while True:
            self._whole = {key: at for key, at in self._whole.items() if key[0] in self._venue.known}
            for what in KINDS:
                await self._bring(kit, what)
            await self._venue.clock.wait(self._venue.back, self._wait_s())
            if self._venue.back.is_set():
                self._venue.back.clear()
                self._unheard_ms = self._venue.rest.now_ms()

    def _wait_s(self) -> float:
        into_s = self._venue.rest.now_ms() % STEP_MS / 1000
        return max(1.0, (AFTER_S - into_s) % (STEP_MS / 1000))

    async def _bring(self, kit: Historic, what: What) -> None:
        """Bring one kind of every symbol; a venue in trouble is not asked on until the next time."""
        for known in tuple(self._venue.known.values()):
            try:
                async with asyncio.timeout(FILL_S):
                    await self._filled(kit, known, what)
            except (LiqwatchError, TimeoutError) as error:
                log.info(
                    "live.missed_not_had",
                    venue=known.venue,
                    symbol=known.symbol,
                    what=what.value,
                    why=str(error),
                )
                if not _of_symbol(error):
                    return

    async def _filled(self, kit: Historic, known: Instrument, what: What) -> None:
        """Ask for what a series lacks, and remember until when it is whole."""
        now_ms = self._venue.rest.now_ms()
        wanted = Wanted(known=known, what=what, step_ms=STEP_MS, since_ms=now_ms - BACK_MS, now_ms=now_ms)
        series = next(iter(kit.past(wanted)), None)
        if series is None:
            return
        since_ms, until_ms = self._span((known.symbol, what), series, now_ms)
        if since_ms >= until_ms:
            return
        async with self._venue.past.asked[known.symbol]:  # candles that are asked for now bring open interest
            held = await self._archive.held(known.symbol, known.venue, series, since_ms, until_ms)
        if (known.symbol, what) not in self._whole:
            self._unheard_ms = now_ms
            since_ms = max(since_ms, _begin(what, held, until_ms))
        for stretch in _lacking(series, held, since_ms, until_ms):
            await self._asked(known, series, stretch)
        self._whole[known.symbol, what] = min(until_ms, now_ms - LATE_MS)

    def _span(self, key: _Key, series: Series, now_ms: int) -> Stretch:
        """Return what is to be looked at of a series now."""
        oldest_ms = max(now_ms - self._days * DAY_MS, series.oldest_ms)
        whole_ms = self._whole.get(key)
        since_ms = oldest_ms if whole_ms is None else max(whole_ms, oldest_ms)
        if series.step_ms:
            return since_ms, now_ms // series.step_ms * series.step_ms
        until_ms = now_ms - LATE_MS
        return since_ms, until_ms if whole_ms is None else min(until_ms, self._unheard_ms)

    async def _asked(self, known: Instrument, series: Series, stretch: Stretch) -> None:
        """Ask for a stretch and keep every piece as it comes; raise CallFailed or StorageError."""
        async with aclosing(self._venue.rest.pages(series.page, *stretch)) as pieces:
            async for piece in pieces:
                rows = [each for each in piece.events if isinstance(each, Kept)]
                gone = absent(piece, series.step_ms, self._venue.rest.now_ms())
                await self._archive.fill(known.symbol, known.venue, series, rows, gone)


def _of_symbol(error: Exception) -> bool:
    """Say whether an error is about one symbol alone: the venue answers for others."""
    return isinstance(error, CallFailed) and error.final and error.verdict.scope is not Scope.VENUE


def _begin(what: What, held: Held, until_ms: int) -> int:
    """Return where the past begins: with the oldest row; where nothing is kept, nothing was missed yet."""
    if held.first_ms is not None:
        return held.first_ms
    return until_ms - BACK_MS if what is What.RATIOS else until_ms


def _lacking(series: Series, held: Held, since_ms: int, until_ms: int) -> list[Stretch]:
    """Return what is to be asked for; of funding nothing between two whole hours, when none is paid."""
    step_ms, times = series.step_ms, held.times[held.times >= since_ms]
    found = stretches(since_ms, until_ms, step_ms, times=times, absences=held.absent)
    if not step_ms:
        found = [(begin, end) for begin, end in found if -(-begin // HOUR_MS) * HOUR_MS < end]
    return joined(found, series.page.size * step_ms // 2)
