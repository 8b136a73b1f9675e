"""Show how a backfill goes on and how it ended: bars on a terminal, plain lines otherwise."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from adapters.titles import entitled, title
from bot.backfilling.outcome import Filled

MOST_LINES = 20
"""How many lines about one reason are worth reading."""


class Progressing:
    """Show each venue's part while it goes on; to be used as a context. Be `Shown`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._totals: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Begin to show."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bars away."""
        self._progress.stop()

    def expect(self, venue: str, rows: int) -> None:
        """Make a venue's bar longer."""
        if venue not in self._tasks:
            self._tasks[venue] = self._progress.add_task(title(venue), total=0)
        self._totals[venue] = self._totals.get(venue, 0) + rows
        self._progress.update(self._tasks[venue], total=self._totals[venue])

    def advance(self, venue: str, rows: int) -> None:
        """Move a venue's bar on."""
        if venue in self._tasks:
            self._progress.advance(self._tasks[venue], rows)

    def done(self, filled: Filled) -> None:
        """Say what came, where there are no bars."""
        if not self._console.is_terminal and (filled.stored or filled.why):
            said = f"{filled.stored:,} rows" + (
                f", then: {entitled(filled.why, filled.venue)}" if filled.why else ""
            )
            self._console.out(f"{title(filled.venue)} {filled.symbol} {filled.name}: {said}", highlight=False)


def lines(found: Iterable[Filled]) -> Iterator[str]:
    """Return a line about each series: what was stored now, what is kept, what is lacking."""
    for each in found:
        head = f"{title(each.venue)} {each.symbol} {each.name}: "
        if each.first_ms is None or each.last_ms is None:
            yield head + entitled(each.why or each.note or "nothing is kept", each.venue)
            continue
        span = f"from {_time(each.first_ms)} to {_time(each.last_ms)}"
        said = [
            f"{each.stored:,} rows stored, {each.held:,} kept {span}",
            ("no gap" if not each.left else _counted(len(each.left), "gap")) + " left",
        ]
        if each.absent:
            said.append(f"{each.absent} that the venue does not have")
        said += [entitled(text, each.venue) for text in (each.note, each.why) if text]
        yield head + ", ".join(said)


def troubles(found: Sequence[Filled], symbols: Iterable[str]) -> list[str]:
    """Return a line for each thing that went wrong: which series of which venue are lacking, and why."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for each in found:
        if each.why:
            grouped.setdefault((each.venue, each.why), []).append(f"{each.symbol} {each.name}")
    told = [
        f"{title(venue)} lacks {_listed(names)}: {entitled(why, venue).rstrip('.')}."
        for (venue, why), names in grouped.items()
    ]
    for symbol in symbols:
        own = [each for each in found if each.symbol == symbol]
        if own and not any(each.listed for each in own):
            told.append(f"No venue that was asked lists {symbol}.")
    return told


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_LINES} more" if len(names) > MOST_LINES else ""
    return ", ".join(names[:MOST_LINES]) + more


def _time(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
