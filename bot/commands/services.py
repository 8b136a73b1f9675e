"""Say what commands need from the other parts, as small protocols that the real parts satisfy."""

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sqlalchemy.orm import Session

from adapters.venue import Feed, VenueHealth
from bot.commands.reply import Front
from bot.live.view import SymbolView
from bot.live.window import ModelFeed
from bot.render.cascade_request import CascadeRequest
from bot.render.picture import Picture
from bot.render.request import HeatmapRequest
from bot.supervisor import PartHealth
from bot.truth.shelf import Shelf
from config.settings import AlertSettings
from config.tiers import TierBook
from engine.grid import Grid
from engine.model import Candles, RuleId, UserId
from engine.presets import PRESETS, Preset
from engine.standing import Standing

T = TypeVar("T")


class Market(Protocol):
    """Be the live market: every symbol as it stands now, and its heatmap over a window."""

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

    def view(self, symbol: str) -> SymbolView:
        """Return one symbol as it stands now."""

    @property
    def feeds(self) -> frozenset[Feed]:
        """Return which kinds of fact there are."""

    def standing(self, symbol: str) -> Standing:
        """Return what stands at the newest close, by price."""

    def health(self) -> list[VenueHealth]:
        """Return how each venue is doing."""

    async def grid(
        self,
        symbol: str,
        window_ms: int,
        *,
        low: float | None = None,
        high: float | None = None,
        bins: int = 600,
        max_cols: int | None = None,
    ) -> Grid:
        """Return the heatmap of a window that ends now."""

    async def history(self, symbol: str, span_ms: int) -> Candles:
        """Return the closed candles of the span that ends now."""

    async def model_grid(
        self,
        symbol: str,
        window_ms: int,
        feed: ModelFeed,
        *,
        low: float | None = None,
        high: float | None = None,
    ) -> Grid:
        """Return the heatmap of a window as another model sees it, fed with candles of `history`."""


class State(Protocol):
    """Be the state store: functions of a session run in one transaction, off the loop."""

    async def run(self, fn: Callable[[Session], T]) -> T:
        """Run `fn` in one writing transaction and return what it returns."""

    async def read(self, fn: Callable[[Session], T]) -> T:
        """Run `fn` in one reading transaction and return what it returns."""


class Alerting(Protocol):
    """Be the alert pipeline, as far as commands reach into it."""

    async def rules_changed(self, symbol: str) -> None:
        """Take note that rules on a symbol were added, changed or removed."""

    async def send_test(self, owner: UserId, rule_id: RuleId) -> str:
        """Send a marked test alert of one rule through the outbox; return its alert id."""

    async def settings_changed(self, owner: UserId) -> None:
        """Take note that a user's settings changed."""


class Pictures(Protocol):
    """Be what draws."""

    async def heatmap(self, request: HeatmapRequest, grid: Callable[[], Awaitable[Grid]]) -> Picture:
        """Return a picture; `grid` is asked for only where it has to be drawn now, and may raise."""

    async def cascade(self, request: CascadeRequest, standing: Callable[[], Standing]) -> Picture:
        """Return the picture of what moves would sweep; `standing` is asked like `grid`."""


class Privacy(Protocol):
    """Hand out or remove everything kept about one user, in both stores."""

    async def export(self, user_id: UserId) -> dict[str, list[dict[str, Any]]]:
        """Return every row of a user by table."""

    async def forget(self, user_id: UserId) -> dict[str, int]:
        """Remove every row of a user; return how many by table."""


class ReplayControl(Protocol):
    """Steer a replay."""

    @property
    def position_ms(self) -> int:
        """Return the market time reached."""

    @property
    def speed(self) -> float | None:
        """Return market seconds in one second, None for as fast as possible."""

    @property
    def paused(self) -> bool:
        """Say whether it stands still."""

    @property
    def ended(self) -> bool:
        """Say whether the recording is over."""

    def pause(self) -> None:
        """Stand still."""

    def resume(self) -> None:
        """Go on."""

    def seek(self, at_ms: int, /) -> None:
        """Jump to a market time."""

    def set_speed(self, speed: float | None) -> None:
        """Run this many times as fast as the clock; None as fast as possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One thing that is not configured, and the line that says how to configure it."""

    name: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Hold what commands work with.

    `defaults` are the installation's alert settings, `aliases` what people call a coin, `tiers`
    the margin tiers of venues, `accuracy` what was measured, `presets` the models of pictures and
    `usual_model` the one that is shown where none is asked for. `health` and
    `loop_lag_ms` feed `/status`; `missing` names what is not configured; `chart_url` gives the address of the
    web chart for a symbol as seen from a front, or an empty text. `button_key` signs confirmations: a lasting
    one keeps their buttons good over a restart.
    """

    market: Market
    state: State
    alerting: Alerting
    pictures: Pictures
    privacy: Privacy
    defaults: AlertSettings = field(default_factory=AlertSettings)
    aliases: Mapping[str, str] = field(default_factory=dict)
    tiers: TierBook = field(default_factory=TierBook)
    accuracy: Shelf = field(default_factory=Shelf)
    presets: Mapping[str, Preset] = field(default_factory=lambda: PRESETS)
    usual_model: str = "flow"
    health: Callable[[], Sequence[PartHealth]] = tuple
    loop_lag_ms: Callable[[], float] = float
    replay: ReplayControl | None = None
    missing: tuple[Missing, ...] = ()
    chart_url: Callable[[str, Front], str] = lambda _symbol, _front: ""
    wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    button_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
