"""Say what the server needs from the other parts, as small protocols that the real parts satisfy."""

from collections.abc import Callable, Sequence
from typing import Protocol

from adapters.venue import Feed, VenueHealth
from bot.commands.complete import Completion
from bot.commands.registry import Registry
from bot.commands.reply import Caller, Front, Reply
from bot.delivery.channel import Picture
from bot.delivery.inapp import InAppMessage, Sink
from bot.live.span import Span, Spanned
from bot.live.view import Change, SymbolView
from bot.live.window import ModelFeed
from bot.supervisor import PartHealth
from engine.grid import Grid
from engine.model import HOUR_MS, Candles, UserId
from engine.snapshot import HeatmapSnapshot

WINDOWS = {
    "12h": 12 * HOUR_MS,
    "24h": 24 * HOUR_MS,
    "3d": 72 * HOUR_MS,
    "7d": 168 * HOUR_MS,
    "30d": 720 * HOUR_MS,
}
"""The windows the page offers, in milliseconds."""

Health = Callable[[], Sequence[PartHealth]]


class Changes(Protocol):
    """Be a subscription to what changes in the market."""

    async def get(self) -> Change | None:
        """Return the next change, None once closed."""

    def close(self) -> None:
        """Take no more changes."""


class Market(Protocol):
    """Be the live market: every symbol as it stands now, its heatmap, and word of what changes."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the canonical symbols that are served."""

    @property
    def source_kind(self) -> str:
        """Return "live" or "replay"."""

    def now_ms(self) -> int:
        """Return the market clock."""

    def label(self) -> str:
        """Return the line shown on everything; empty when live."""

    def health(self) -> list[VenueHealth]:
        """Return how each venue is doing."""

    @property
    def venues(self) -> tuple[str, ...]:
        """Return the venues that are read."""

    @property
    def feeds(self) -> frozenset[Feed]:
        """Return which kinds of fact there are."""

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        """Return the venues that a symbol is read from, the one that lends the price first."""

    def shares(self, symbol: str) -> dict[str, float]:
        """Return each venue's part of a symbol's heatmap."""

    def view(self, symbol: str) -> SymbolView:
        """Return one symbol as it stands now."""

    async def grid(  # noqa: PLR0913 - a request is flat: what, when, which prices, how fine, of whom
        self,
        symbol: str,
        window_ms: int,
        *,
        low: float | None = None,
        high: float | None = None,
        bins: int = 600,
        max_cols: int | None = None,
        venues: tuple[str, ...] = (),
    ) -> Grid:
        """Return the heatmap of a window that ends now, of some venues or all."""

    async def model_grid(
        self,
        symbol: str,
        window_ms: int,
        feed: ModelFeed,
        *,
        max_cols: int = 1200,
        venues: tuple[str, ...] = (),
    ) -> Grid:
        """Return the same as another model sees it."""

    async def span_grid(
        self, symbol: str, span: Span, *, feed: ModelFeed | None = None, venues: tuple[str, ...] = ()
    ) -> Spanned:
        """Return the heatmap of any stretch of time, and each venue's part of its newest column."""

    async def view_among(self, symbol: str, venues: tuple[str, ...] = ()) -> SymbolView:
        """Return one symbol as it stands on some of its venues, on all where none is named."""

    async def candles_between(self, symbol: str, t0: int, t1: int) -> Candles:
        """Return the closed candles with `t0 <= ts < t1`, up to now."""

    async def history(self, symbol: str, span_ms: int) -> Candles:
        """Return the closed candles of the span that ends now."""

    async def snapshot(
        self,
        symbol: str,
        *,
        bin_bp: float = 5.0,
        min_usd: float = 0.0,
        venues: tuple[str, ...] = (),
    ) -> HeatmapSnapshot:
        """Return what stands at the newest close, as levels, on some venues or all."""

    def subscribe(self) -> Changes:
        """Return a new subscription that sees every change from now on."""


class Commands(Protocol):
    """Run what a user types or presses, and know how a line may go on."""

    @property
    def registry(self) -> Registry:
        """Return the table of all commands."""

    async def dispatch(self, line: str, caller: Caller) -> Reply:
        """Run a typed line; never raises, but for cancellation."""

    async def press(self, action: str, caller: Caller) -> Reply:
        """Run a button's action; never raises, but for cancellation."""

    def completions(
        self, line: str, cursor: int | None = None, front: Front = Front.PANEL
    ) -> list[Completion]:
        """Return whole lines that could follow what is typed, likeliest first."""


class InApp(Protocol):
    """Be the hub that brings a user's alerts to the pages they have open, and keeps their inbox."""

    def register(self, user_id: UserId, sink: Sink) -> Callable[[], None]:
        """Push a user's messages to `sink` from now on; call what is returned to stop."""

    async def inbox(self, user_id: UserId) -> Sequence[InAppMessage]:
        """Return a user's recent messages, newest first."""

    async def unread(self, user_id: UserId) -> int:
        """Return how many messages no front has shown yet."""

    async def delivered(self, user_id: UserId, delivery_id: int) -> bool:
        """Record that a front has shown a message."""

    async def acknowledged(self, user_id: UserId, delivery_id: int) -> bool:
        """Record that the user pressed one of a message's buttons."""

    async def picture(self, user_id: UserId, delivery_id: int) -> Picture | None:
        """Draw the picture of a message in the inbox again."""
