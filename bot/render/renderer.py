"""Draw pictures for everybody who asks: cached per candle, each drawn once, off the event loop.

Why a process and not a thread (real grids of 24 h, 3 d and 7 d in both layouts, drawn without pause while a
probe runs every millisecond, on a busy 4-core machine): a thread delays the loop 6 ms at p99 and 55 ms at
worst, because matplotlib holds Python's lock; a process 1 to 3 ms and 9 ms, no more than an idle loop there
(2.5 and 13 ms), and it draws half as fast again. It costs about 90 MB, less the 45 MB of matplotlib that the
serving process now never loads. One worker draws ten pictures a second; the cache does the rest.

The process is our own program on two pipes rather than `multiprocessing`: no second import of the main
module, no tracker process; it sees none of our settings, leaves as soon as its input closes, and is replaced
when it dies or hangs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.lang import pictured, speech
from bot.render.alt import alt_text
from bot.render.cache import PictureCache, SingleFlight
from bot.render.cascade_request import CascadeRequest, cascade_alt, cascade_scene_of
from bot.render.compose import scene_of
from bot.render.film_request import FilmRequest
from bot.render.liquidations_request import LiquidationsRequest, liquidations_alt, liquidations_scene_of
from bot.render.picture import Card, Drawable, Layout, Paneled, Picture
from bot.render.pool import WorkerPool
from bot.render.request import HeatmapRequest
from bot.render.scene import Sheet
from bot.render.warmup import warm_scene
from engine.grid import Grid
from engine.standing import Standing

CACHE_BYTES = 32 << 20
TIMEOUT_S = 10.0
MAX_WAITING = 64
FILM_BYTES = 24 << 20
FILM_TIMEOUT_S = 25.0
FILMS_WAITING = 3
"""Most films that are drawn or wait: one takes as long as thirty pictures."""

GridSource = Grid | Callable[[], Awaitable[Grid]]
"""A grid, or how to get it: asked for only when the picture is not in the cache."""


_Composed = Callable[[], Awaitable[tuple[Sheet, str]]]
"""How to get a scene and its words; not called where the picture is in the cache."""


def drawn(scene: Callable[[], Sheet]) -> Sheet:
    """Return a scene with its words in the language that pictures are drawn in."""
    with pictured():
        return scene()


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderStats:
    """What a renderer has done: pictures drawn and taken from the cache, workers replaced, bytes held."""

    drawn: int
    cached: int
    restarts: int
    held_bytes: int
    worker_pids: tuple[int, ...]


class Renderer:
    """The one place that pictures come from. Call `warm` before the first request and `aclose` at the end."""

    def __init__(
        self,
        *,
        workers: int = 1,
        cache_bytes: int = CACHE_BYTES,
        timeout_s: float = TIMEOUT_S,
        max_waiting: int = MAX_WAITING,
        fonts: Path | None = None,
    ) -> None:
        self._size = workers
        self._pool = WorkerPool(workers, timeout_s=timeout_s, max_waiting=max_waiting, fonts=fonts)
        self._films = WorkerPool(
            1, timeout_s=FILM_TIMEOUT_S, max_waiting=FILMS_WAITING, fonts=fonts, behind=True
        )
        self._cache = PictureCache(cache_bytes)
        self._reels = PictureCache(FILM_BYTES)
        self._flights: SingleFlight[Picture] = SingleFlight()
        self._drawn = 0
        self._cached = 0

    async def warm(self) -> None:
        """Start the workers and draw one picture of each layout, so that the first user does not wait."""
        for layout in Layout:
            await self._pool.draw(warm_scene(layout))

    async def heatmap(self, request: HeatmapRequest, grid: GridSource) -> Picture:
        """Return the heatmap of a request: from the cache, from a drawing under way, or drawn now.

        With `request.highlight` it is an alert's picture. Raise RenderError where it cannot be drawn, and
        whatever `grid` raises. A caller may be cancelled without harm to others that wait for the same.
        """

        async def composed() -> tuple[Sheet, str]:
            known = grid if isinstance(grid, Grid) else await grid()
            return drawn(lambda: scene_of(request, known)), alt_text(request)

        return await self._picture(request, composed)

    async def cascade(self, request: CascadeRequest, standing: Callable[[], Standing]) -> Picture:
        """Return the picture of what moves would sweep, as `heatmap` does its own.

        `standing` is asked only where the picture has to be drawn now, and may raise.
        """

        async def composed() -> tuple[Sheet, str]:
            known = standing()
            return drawn(lambda: cascade_scene_of(request, known)), cascade_alt(request, known)

        return await self._picture(request, composed)

    async def liquidations(self, request: LiquidationsRequest, drawing: Callable[[], None]) -> Picture:
        """Return the picture of what was liquidated, as `heatmap` does its own.

        `drawing` is called only where the picture has to be drawn now, and may raise.
        """

        async def composed() -> tuple[Sheet, str]:
            drawing()
            return drawn(lambda: liquidations_scene_of(request)), liquidations_alt(request)

        return await self._picture(request, composed)

    async def film(self, request: FilmRequest, grid: GridSource) -> Picture:
        """Return the film of a heatmap as GIF, as `heatmap` does its own.

        It is drawn in a process of its own that ends with it, so that no picture ever waits for a film.
        """

        async def composed() -> tuple[Sheet, str]:
            known = grid if isinstance(grid, Grid) else await grid()
            return drawn(lambda: request.scene(known)), request.alt()

        return await self._picture(request, composed, self._films)

    async def panels(self, request: Paneled, grids: Callable[[], Awaitable[Sequence[Grid]]]) -> Picture:
        """Return the picture of several heatmaps, or of one at several times, as `heatmap` does its own."""

        async def composed() -> tuple[Sheet, str]:
            known = await grids()
            return drawn(lambda: request.scene(known)), request.alt()

        return await self._picture(request, composed)

    async def card(self, request: Card, drawing: Callable[[], None]) -> Picture:
        """Return the picture of a request that has all it shows, as `heatmap` does its own.

        `drawing` is called only where the picture has to be drawn now, and may raise.
        """

        async def composed() -> tuple[Sheet, str]:
            drawing()
            return drawn(request.scene), request.alt()

        return await self._picture(request, composed)

    async def _picture(
        self, request: Drawable, composed: _Composed, pool: WorkerPool | None = None
    ) -> Picture:
        """Return a picture from the cache, from a drawing under way, or drawn now."""
        what, chosen = (request.what, speech().code), pool or self._pool
        held = self._shelf(chosen).get(what, request.candle_ts)
        if held is not None:
            self._cached += 1
            return held
        return await self._flights.run(
            (what, request.candle_ts), lambda: self._draw(request, composed, chosen)
        )

    async def _draw(self, request: Drawable, composed: _Composed, pool: WorkerPool) -> Picture:
        """Draw a picture and keep it."""
        scene, words = await composed()
        try:
            with pictured():
                content = await pool.draw(scene)
        finally:
            if pool is self._films:
                await pool.rest()
        width, height = scene.size
        picture = Picture(png=content, name=request.file_name, alt=words, width=width, height=height)
        self._drawn += 1
        what = (request.what, speech().code)
        self._shelf(pool).put(what, request.symbol, request.candle_ts, picture)
        return picture

    def _shelf(self, pool: WorkerPool) -> PictureCache:
        """Return where what a pool draws is kept: films push no pictures out."""
        return self._reels if pool is self._films else self._cache

    def forget(self, symbol: str | None = None) -> None:
        """Drop cached pictures of a symbol, or all: after a replay was sought, say."""
        self._cache.forget(symbol)
        self._reels.forget(symbol)

    @property
    def stats(self) -> RenderStats:
        """Return what has been done so far."""
        return RenderStats(
            drawn=self._drawn,
            cached=self._cached,
            restarts=self._pool.restarts + self._films.restarts,
            held_bytes=self._cache.held_bytes + self._reels.held_bytes,
            worker_pids=(*self._pool.pids, *self._films.pids),
        )

    async def aclose(self) -> None:
        """Cancel what is under way and end the workers."""
        await self._flights.aclose()
        await asyncio.gather(self._pool.aclose(), self._films.aclose())
