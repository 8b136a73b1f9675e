"""Ask one venue for candles of the past, and remember what it does not have.

Times are ms UTC.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing

import numpy as np
import structlog

from adapters.instruments import Instrument
from adapters.kits import Kit
from adapters.live_order import Interest
from adapters.rest.calls import CallFailed
from adapters.rest.client import RestClient
from adapters.rest.pages import Page, Piece
from engine.model import DAY_MS, STEP_MS, Candle, Candles, Ints, OpenInterest

log = structlog.get_logger(__name__)

LATE_MS = 600_000
"""A candle that is missing so long after its close is one that the venue does not have."""
RECENT = 24
"""How many closed candles of a symbol are remembered: an archive may not have them yet."""


class Past:
    """Have a venue's candles of so many days; `interest` is what its streams said of open interest.

    `asked` is held by whoever asks for a symbol, so that nobody asks for the same at the same time.
    """

    def __init__(self, kit: Kit, rest: RestClient, interest: Interest, *, days: int) -> None:
        self._days = days
        self.asked: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._kit = kit
        self._rest = rest
        self._interest = interest
        self._recent: dict[str, deque[Candle]] = defaultdict(lambda: deque(maxlen=RECENT))
        self._absent: dict[str, set[int]] = {}
        self._news: dict[str, list[tuple[int, int]]] = defaultdict(list)

    @property
    def oldest_ms(self) -> int:
        """Return the open of the oldest candle that is asked for."""
        return -(-(self._rest.now_ms() - self._days * DAY_MS) // STEP_MS) * STEP_MS

    def note(self, candle: Candle) -> None:
        """Remember a candle that closed just now."""
        self._recent[candle.symbol].append(candle)

    def newest_ms(self, symbol: str) -> int | None:
        """Return the open of the newest candle that closed while this venue was read."""
        recent = self._recent[symbol]
        return recent[-1].ts if recent else None

    def recent(self, symbol: str, since_ms: int, until_ms: int) -> Candles:
        """Return the candles with `since_ms <= ts < until_ms` that closed lately."""
        return Candles.of([each for each in self._recent[symbol] if since_ms <= each.ts < until_ms])

    def knows_absent(self, symbol: str) -> bool:
        """Say whether what the archive knows to be absent of a symbol was told."""
        return symbol in self._absent

    def tell_absent(self, symbol: str, absent: Iterable[tuple[int, int]]) -> None:
        """Take in the first and last open of stretches that the venue is known not to have."""
        known = self._absent.setdefault(symbol, set())
        for first, last in absent:
            known.update(range(max(first, self.oldest_ms), last + 1, STEP_MS))

    def absent(self, symbol: str) -> Ints:
        """Return the opens of candles that the venue is known not to have."""
        return np.array(sorted(self._absent.get(symbol, ())), np.int64)

    def newly_absent(self, symbol: str) -> list[tuple[int, int]]:
        """Return, once, what was found to be absent since this was asked last."""
        return self._news.pop(symbol, [])

    async def pieces(self, known: Instrument, since_ms: int, until_ms: int) -> AsyncGenerator[Candles]:
        """Ask for the closed candles of a stretch; yield them in parts, with open interest as far as known.

        Raise CallFailed where the venue does not answer, after the parts that came before.
        """
        now_ms = self._rest.now_ms()
        page = self._kit.candles(known, since_ms, now_ms)
        async with aclosing(self._rest.pages(page, since_ms, until_ms)) as pieces:
            async for piece in pieces:
                self._remember(known.symbol, piece, now_ms)
                bars = [each for each in piece.events if isinstance(each, Candle) and each.closed]
                if bars:
                    past = await self._past_interest(known, bars, now_ms)
                    yield Candles.of([self._interest.of(past.of(bar)) for bar in bars])

    def _remember(self, symbol: str, piece: Piece, now_ms: int) -> None:
        """Remember what the venue does not have; what has closed just now may still come."""
        absent, newest_ms = self._absent.setdefault(symbol, set()), now_ms - STEP_MS - LATE_MS
        for first, last in piece.missing:
            if first <= newest_ms:
                absent.update(range(first, min(last, newest_ms) + 1, STEP_MS))
                self._news[symbol].append((first, min(last, newest_ms // STEP_MS * STEP_MS)))
        oldest_ms = self.oldest_ms
        if any(ts < oldest_ms for ts in absent):
            self._absent[symbol] = {ts for ts in absent if ts >= oldest_ms}

    async def _past_interest(self, known: Instrument, bars: Sequence[Candle], now_ms: int) -> Interest:
        """Return the open interest of some candles' opens, as far as it can be had."""
        past = Interest(kept=len(bars) + 2)
        page = self._kit.open_interest(known)
        first_ms = max(bars[0].ts, now_ms - round(self._kit.interest_days * DAY_MS))
        try:
            if page is not None:
                await self._note_all(past, page, first_ms, bars[-1].ts + STEP_MS)
        except CallFailed as error:
            log.warning("live.no_open_interest", venue=known.venue, symbol=known.symbol, why=str(error))
        return past

    async def _note_all(self, past: Interest, page: Page, first_ms: int, until_ms: int) -> None:
        async with aclosing(self._rest.pages(page, first_ms, until_ms)) as pieces:
            async for piece in pieces:
                for each in piece.events:
                    if isinstance(each, OpenInterest):
                        past.note(each)
