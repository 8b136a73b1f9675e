"""Make the book of a symbol: from the store where it fits, else from history."""

import time

import structlog

from adapters.venue import Source
from bot.live.book import COLUMN_DAYS, Book, Place
from bot.live.columns import columns_days
from bot.live.keeper import ZONE_DAYS, Keeper, catch_up, cold, could_fill
from bot.live.scale import scale_of
from config.settings import Settings
from engine.errors import SourceError
from engine.model import DAY_MS
from engine.presets import PRESETS
from engine.zones import ZoneParams

log = structlog.get_logger(__name__)

PRESET = PRESETS["flow"]
COLUMNS_MB = 256
"""Memory for the heatmap columns of all markets; what is older is in the store, or made again."""


class Maker:
    """Make books as the settings want them, and remember of which symbols bars could not be had."""

    def __init__(self, source: Source, keeper: Keeper, settings: Settings) -> None:
        self._source = source
        self._keeper = keeper
        self._settings = settings
        self.holes: set[str] = set()
        """Symbols whose book lacks bars that may be had later."""

    def place(self, symbol: str) -> Place:
        """Return what a symbol's book is to be made of, as things stand."""
        zones = self._settings.zones
        params = ZoneParams(
            bin_log=zones.bin_bp * 1e-4,
            within=zones.within,
            quantile=zones.quantile,
            days=zones.days,
            min_hours=zones.min_hours,
            overlap=zones.overlap,
        )
        scale = scale_of(symbol, self._settings.calibration)
        venue, *others = self._source.venues_of(symbol)
        return Place(
            venue=venue,
            others=tuple(others),
            symbol=symbol,
            preset=PRESET,
            usd_scale=scale,
            zones=params,
            column_days=columns_days(
                len(self._source.symbols), width=PRESET.width, megabytes=COLUMNS_MB, most=COLUMN_DAYS
            ),
        )

    async def make(self, place: Place, until_ms: int, *, anew: bool = False) -> Book:
        """Return the book of a place up to a moment, and keep it; raise SourceError."""
        began = time.perf_counter()
        book = None if anew else await self._keeper.load(place, self._source, until_ms=until_ms)
        if book is not None and await self._could_have_more(book):
            book = None
        warm = book is not None and until_ms - (book.last_ts or 0) <= ZONE_DAYS * DAY_MS
        if book is None or not warm:
            book = await cold(place, self._source, until_ms=until_ms)
        else:
            await catch_up(book, self._source, until_ms=until_ms)
        await self._keeper.keep(book, force=not warm)
        log.info(
            "market.ready",
            symbol=place.symbol,
            venues=list(book.place.venues),
            restart="warm" if warm else "cold",
            took_s=round(time.perf_counter() - began, 2),
        )
        return book

    async def _could_have_more(self, book: Book) -> bool:
        """Say whether a venue has candles by now that a book was made without."""
        try:
            return await could_fill(book, self._source)
        except SourceError as error:
            self.holes.add(book.place.symbol)
            log.warning("market.gap_not_filled", symbol=book.place.symbol, why=str(error))
            return False
