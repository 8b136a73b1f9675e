"""Fetch one venue's part of a plan: series by series, each piece on disk before the next is asked for.

What is there already is left alone. A final answer about a symbol ends that symbol's series; one about the
venue, or a venue that does not answer any more, ends the venue's part, and nobody else's.
"""

from collections.abc import Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from adapters.instruments import Instrument, Instruments, Status
from adapters.lacking import LATE_MS, Stretch, absent, joined, stretches
from adapters.rest.calls import CallFailed
from adapters.rest.client import RestClient
from adapters.rest.pages import Piece
from adapters.rest.verdicts import Scope
from adapters.series import Historic, Series, Wanted, What
from bot.backfilling.outcome import Filled, Shown
from bot.backfilling.plan import Plan
from engine.errors import LiqwatchError
from engine.model import DAY_MS, HOUR_MS, STEP_MS, Candle
from storage.past import PastStore, Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One series to be filled: where its rows stand, and the stretch that is wanted of it."""

    shelf: Shelf
    series: Series
    since_ms: int
    until_ms: int
    note: str = ""

    def rows(self, span_ms: int) -> int:
        """Return about how many rows a stretch has."""
        return -(-span_ms // (self.series.step_ms or HOUR_MS))


@dataclass(slots=True)
class _Count:
    """What happened to a series in this run."""

    stored: int = 0
    dropped: int = 0
    why: str = ""


class VenueGone(Exception):
    """The venue's part cannot go on."""


@dataclass
class VenueJob:
    """One venue's part of a plan. `rest` is open while `run` is under way."""

    kit: Historic
    plan: Plan
    store: PastStore
    shown: Shown
    rest: RestClient
    found: list[Filled] = field(default_factory=list)

    async def run(self) -> list[Filled]:
        """Fetch what is lacking and return how each series stands; raise StorageError alone."""
        try:
            instruments = await self._opened()
        except LiqwatchError as error:
            self._give_up(str(error), list(self._wanted()))
            return self.found
        wanted = list(self._wanted())
        tasks = [
            task for symbol, what, step in wanted for task in self._tasks(instruments, symbol, what, step)
        ]
        for task in tasks:
            self.shown.expect(self.kit.venue, task.rows(_span(await self._lacking(task))))
        for nth, task in enumerate(tasks):
            try:
                await self._filled(task)
            except VenueGone as gone:
                for later in tasks[nth + 1 :]:
                    self._note(await self._standing(later, _Count(why=str(gone))))
                break
        return self.found

    async def _opened(self) -> Instruments:
        """Return what is traded, with the venue's clock measured; raise CallFailed."""
        instruments = await self.kit.instruments(self.rest)
        with suppress(CallFailed):
            await self.rest.measure_skew()
        return instruments

    def _wanted(self) -> Iterator[tuple[str, What, int]]:
        for symbol in self.plan.symbols:
            for what in self.plan.what:
                for step_ms in self.plan.steps_of(what):
                    yield symbol, what, step_ms

    def _tasks(self, instruments: Instruments, symbol: str, what: What, step_ms: int) -> list[_Task]:
        """Return the series of what is wanted; say where there are none."""
        known = instruments.symbol(symbol)
        if known is None or known.status is Status.PENDING:
            self._say(symbol, what, step_ms, note=f"{self.kit.venue} does not list {symbol}", listed=False)
            return []
        now_ms = self.rest.now_ms()
        until_ms = min(self.plan.until_ms or now_ms, now_ms)
        since_ms = until_ms - self.plan.days * DAY_MS
        wanted = Wanted(known=known, what=what, step_ms=step_ms, since_ms=since_ms, now_ms=now_ms)
        tasks = [self._task(known, each, until_ms, now_ms) for each in self.kit.past(wanted)]
        if not tasks:
            self._say(symbol, what, step_ms, note=f"{self.kit.venue} publishes none of the past")
        return tasks

    def _task(self, known: Instrument, series: Series, until_ms: int, now_ms: int) -> _Task:
        step_ms = series.step_ms
        shelf = Shelf(
            venue=self.kit.venue, symbol=known.symbol, what=series.what, step_ms=step_ms, kind=series.kind
        )
        newest_ms = until_ms if step_ms else min(until_ms, now_ms - LATE_MS)
        grain_ms = step_ms or STEP_MS
        end_ms = newest_ms // grain_ms * grain_ms
        since_ms = end_ms - self.plan.days * DAY_MS
        first_ms = max(since_ms, series.oldest_ms)
        shorter = first_ms - since_ms > max(step_ms, HOUR_MS)
        note = f"{self.kit.venue} has {(end_ms - first_ms) / DAY_MS:.3g} days of it" if shorter else ""
        return _Task(shelf=shelf, series=series, since_ms=first_ms, until_ms=end_ms, note=note)

    async def _lacking(self, task: _Task) -> list[Stretch]:
        times = await self.store.times(task.shelf, task.since_ms, task.until_ms)
        absences = await self.store.absences(task.shelf)
        return stretches(task.since_ms, task.until_ms, task.shelf.step_ms, times=times, absences=absences)

    async def _filled(self, task: _Task) -> None:
        """Fetch what a series lacks; raise VenueGone where nothing more can be had of the venue."""
        count = _Count()
        page = task.series.page
        gone: VenueGone | None = None
        try:
            for begin, end in joined(await self._lacking(task), page.size * page.step_ms // 2):
                await self._fetched(task, begin, end, count)
        except CallFailed as error:
            count.why = str(error)
            if not error.final or error.verdict.scope is Scope.VENUE:
                gone = VenueGone(str(error))
        self._note(await self._standing(task, count))
        if gone is not None:
            raise gone

    async def _fetched(self, task: _Task, begin: int, end: int, count: _Count) -> None:
        """Ask for a stretch and keep every piece as it comes; raise CallFailed."""
        async with aclosing(self.rest.pages(task.series.page, begin, end)) as pieces:
            async for piece in pieces:
                await self._kept(task, piece, count)
                self.shown.advance(self.kit.venue, task.rows(piece.until_ms - piece.since_ms))

    async def _kept(self, task: _Task, piece: Piece, count: _Count) -> None:
        """Keep a piece; what it lacks is remembered unless it holds rows that could not be read."""
        rows = [each for each in piece.events if not isinstance(each, Candle) or each.closed]
        step_ms, now_ms = task.series.step_ms, self.rest.now_ms()
        unread = sum(piece.dropped.values())
        count.stored += len(rows)
        count.dropped += unread
        await self.store.keep(task.shelf, rows, absent(piece, step_ms, now_ms), now_ms)

    async def _standing(self, task: _Task, count: _Count) -> Filled:
        """Return how a series stands."""
        shelf = task.shelf
        times = await self.store.times(shelf, task.since_ms, task.until_ms)
        absences = await self.store.absences(shelf)
        left = stretches(task.since_ms, task.until_ms, shelf.step_ms, times=times, absences=absences)
        inside = [each for each in absences if each[0] < task.until_ms and each[1] >= task.since_ms]
        unread = f"{count.dropped} rows could not be read" if count.dropped else ""
        note = "the newest has not come yet" if left and not (count.why or unread) else task.note
        return Filled(
            venue=shelf.venue,
            symbol=shelf.symbol,
            what=shelf.name,
            step_ms=shelf.step_ms,
            stored=count.stored,
            held=len(times),
            first_ms=int(times[0]) if len(times) else None,
            last_ms=int(times[-1]) if len(times) else None,
            absent=len(inside) if shelf.step_ms else 0,
            left=tuple(left),
            why=(count.why or unread) if left else "",
            note=note,
        )

    def _note(self, filled: Filled) -> None:
        self.found.append(filled)
        self.shown.done(filled)

    def _say(
        self, symbol: str, what: What, step_ms: int, *, why: str = "", note: str = "", listed: bool = True
    ) -> None:
        """Take note of a series of which nothing was asked."""
        self._note(
            Filled(
                venue=self.kit.venue,
                symbol=symbol,
                what=what,
                step_ms=0 if what is What.FUNDING else step_ms,
                why=why,
                note=note,
                listed=listed,
            )
        )

    def _give_up(self, why: str, wanted: list[tuple[str, What, int]]) -> None:
        for symbol, what, step_ms in wanted:
            self._say(symbol, what, step_ms, why=why)


def _span(found: list[Stretch]) -> int:
    return sum(end - begin for begin, end in found)
