"""Keep the newest reports at hand for commands and pictures; without any, the shipped one stands in."""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import structlog

from bot.lang import _
from bot.truth import words
from engine.errors import DataError
from engine.scoring.report import Report
from storage.truth import TruthStore

SHIPPED = Path(__file__).with_name("development.json")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Hold a report, when it was made, and whether this installation made it from its own data."""

    report: Report
    made_ms: int
    own: bool
    about: str = ""

    @property
    def label(self) -> str:
        """Say whose result this is."""
        if self.own:
            return _("Measured by this installation on its own data.")
        return _(
            "Development result, shipped with Liqwatch: {about} This installation has not "
            "measured its own data."
        ).format(about=self.about)


@dataclass(slots=True, kw_only=True)
class Shelf:
    """Answer which report speaks for a symbol: its own, else the shipped one.

    Whoever holds a shelf sees what is put on it later.
    """

    own: dict[str, Shown] = field(default_factory=dict)

    def put(self, symbol: str, report: Report, *, made_ms: int) -> None:
        """Let a report of this installation speak for a symbol from now on."""
        self.own[symbol] = Shown(report=report, made_ms=made_ms, own=True)

    def of(self, symbol: str) -> Shown:
        """Return the report for a symbol."""
        return self.own.get(symbol) or shipped()

    def line(self, symbol: str, model: str) -> str:
        """Return the line for a picture's footer; empty where nothing was measured of the model.

        The shipped report speaks for models that the symbol's own one leaves out, and is marked as such.
        """
        shown = self.of(symbol)
        line = words.line(shown.report, model, own=shown.own)
        return line or words.line(shipped().report, model, own=False)


@cache
def shipped() -> Shown:
    """Return the report that ships with Liqwatch."""
    data = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return Shown(
        report=Report.from_dict(data["report"]), made_ms=int(data["made_ms"]), own=False, about=data["about"]
    )


async def load_shelf(store: TruthStore) -> Shelf:
    """Return the newest report of each symbol; one that cannot be read is left out."""
    shelf = Shelf()
    for symbol, made_ms, data in await store.reports():
        try:
            shelf.put(symbol, Report.from_dict(data), made_ms=made_ms)
        except DataError as error:
            log.warning("accuracy_report_unreadable", symbol=symbol, error=str(error))
    return shelf
