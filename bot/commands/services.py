"""Say what commands need from the other parts, as small protocols that the real parts satisfy."""

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sqlalchemy.orm import Session

from adapters.hyperliquid.account import Account
from adapters.venue import Feed, VenueHealth
from bot.commands.grounds import Grounds
from bot.commands.reply import Front
from bot.live.health import VenuePast, nothing_kept
from bot.live.view import SymbolView
from bot.live.window import ModelFeed
from bot.render.cascade_request import CascadeRequest
from bot.render.film_request import FilmRequest
from bot.render.liquidations_request import LiquidationsRequest
from bot.render.picture import Card, Paneled, Picture
from bot.render.request import HeatmapRequest
from bot.supervisor import PartHealth
from bot.truth.shelf import Shelf
from config.settings import AlertSettings
from config.tiers import TierBook
from engine.grid import Grid
from engine.model import HOUR_MS, Candles, RuleId, Tick, UserId, ZoneEvent
from engine.presets import PRESETS, Preset
from engine.rules.dry_run import DryRun
from engine.rules.expression import Spec
from engine.standing import Standing
from storage.tables import OwnChannel
from storage.venue_reads import Asked, Carried, Liquidated, Paid, Ranked
from storage.venues import Facts, LiquidationReport

T = TypeVar("T")


class Market(Protocol):
    """Be the live market: every symbol as it stands now, and its heatmap over a window."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the canonical symbols that are served."""

    @property
    def venues(self) -> tuple[str, ...]:
        """Return the venues that are read."""

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        """Return the venues that a symbol is read from, the one that lends the price first."""

    def awaited(self, symbol: str) -> tuple[str, ...]:
        """Return the venues that a symbol is read from and that its heatmap has nothing of yet."""

    def shares(self, symbol: str) -> dict[str, float]:
        """Return each venue's part of a symbol's heatmap."""

    def ticks(self, symbol: str) -> dict[str, Tick]:
        """Return the newest price of a symbol on each venue that has given one."""

    @property
    def listed(self) -> tuple[str, ...]:
        """Return the symbols that could be served, those that are among them."""

    @property
    def source_kind(self) -> str:
        """Return "live" or "replay"."""

    def now_ms(self) -> int:
        """Return the market clock."""

    def label(self) -> str:
        """Return the line shown on everything; empty when live."""

    def view(self, symbol: str) -> SymbolView:
        """Return one symbol as it stands now."""

    async def view_among(self, symbol: str, venues: tuple[str, ...] = ()) -> SymbolView:
        """Return one symbol as it stands on some of its venues, on all of them where none is named."""

    @property
    def feeds(self) -> frozenset[Feed]:
        """Return which kinds of fact there are."""

    def standing(self, symbol: str) -> Standing:
        """Return what stands at the newest close, by price."""

    def health(self) -> list[VenueHealth]:
        """Return how each venue is doing."""

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
        venues: tuple[str, ...] = (),
    ) -> Grid:
        """Return the heatmap of a window as another model sees it, fed with candles of `history`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A channel that was added, with the secret that is shown once; `known`: it was there before."""

    row: OwnChannel
    secret: str = field(default="", repr=False)
    known: bool = False


class Reports(Protocol):
    """Be the store of what venues report."""

    async def liquidation_report(self, asked: Asked, *, step_ms: int, count: int) -> LiquidationReport:
        """Return what was liquidated: by venue, the `count` largest, and by steps of `step_ms`."""

    async def most_liquidated(self, asked: Asked, ranked: Ranked, count: int) -> list[Liquidated]:
        """Return the markets with the most liquidated dollars, most first."""

    async def recorded_since(self) -> dict[str, int]:
        """Return from when on each venue's liquidations are recorded, ms UTC."""

    async def open_interest_between(self, t0: int, t1: int) -> list[Carried]:
        """Return the open interest of all markets at two times, by venue."""

    async def funding_now(self, now_ms: int) -> list[Paid]:
        """Return the newest funding rates of all markets, by venue."""

    async def swept(self, venue: str, symbol: str, t0: int, t1: int) -> list[ZoneEvent]:
        """Return what price took of zones with `t0 <= ts < t1`, oldest first."""

    async def facts(self, symbol: str, now_ms: int) -> Facts:
        """Return what each venue says of a symbol: its day, open interest, funding, ratio."""


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


class OwnChannels(Protocol):
    """Be what looks after the channels that users set up themselves; each call sees one owner's alone."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds that can be added here."""

    def shown(self, row: OwnChannel) -> str:
        """Return a channel's address as its owner may see it, without what is secret in it."""

    async def add(self, owner: UserId, kind: str, address: str) -> Added:
        """Keep a channel and send a code there; UserError where that cannot be."""

    async def verify(self, owner: UserId, code: str) -> OwnChannel:
        """Return the channel that a code proves; UserError for a code that proves none."""

    async def test(self, owner: UserId, number: int) -> OwnChannel:
        """Send a test message and return the channel; UserError where it does not arrive."""


class Rehearsals(Protocol):
    """Be what tries rules on stored history."""

    async def run(self, spec: Spec, symbol: str, *, fresh_ms: int = HOUR_MS) -> DryRun:
        """Return when a rule on a market would have fired, on what was read in the last `fresh_ms`."""


class Pictures(Protocol):
    """Be what draws."""

    async def heatmap(self, request: HeatmapRequest, grid: Callable[[], Awaitable[Grid]]) -> Picture:
        """Return a picture; `grid` is asked for only where it has to be drawn now, and may raise."""

    async def cascade(self, request: CascadeRequest, standing: Callable[[], Standing]) -> Picture:
        """Return the picture of what moves would sweep; `standing` is asked like `grid`."""

    async def liquidations(self, request: LiquidationsRequest, drawing: Callable[[], None]) -> Picture:
        """Return the picture of what was liquidated; `drawing` is called before it is drawn."""

    async def film(self, request: FilmRequest, grid: Callable[[], Awaitable[Grid]]) -> Picture:
        """Return how a heatmap came to be, as a GIF; `grid` is asked for like that of a heatmap."""

    async def panels(self, request: Paneled, grids: Callable[[], Awaitable[Sequence[Grid]]]) -> Picture:
        """Return the picture of several heatmaps; `grids` is asked for only where it has to be drawn now."""

    async def card(self, request: Card, drawing: Callable[[], None]) -> Picture:
        """Return the picture of a request that has all it shows; `drawing` is called before it is drawn."""


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


class Accounts(Protocol):
    """Be what knows the true positions of addresses: Hyperliquid shows everybody's."""

    async def account(self, address: str) -> Account:
        """Return what an address holds now; raise UserError where that cannot be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What reading the settings again came to: names that were taken over, that wait, or what is wrong."""

    applied: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Office(Protocol):
    """Be what operators reach into."""

    @property
    def operators(self) -> frozenset[str]:
        """Return the users who may run operator commands."""

    async def audience(self) -> int:
        """Return how many users have alerts."""

    async def announce(self, text: str, about: str) -> int:
        """Queue a message to all of them; return to how many."""

    async def reload(self) -> Reloaded:
        """Read the settings again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One thing that is not configured, and the line that says how to configure it."""

    name: str
    fix: str


async def _nothing(_symbol: str, _asked_by: str) -> None:
    """Follow nothing: whatever there is, is followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Hold what commands work with.

    `reports` holds what venues say besides candles, `dry` tries rules on what is stored.
    `defaults` are the installation's alert settings, `aliases` what people call a coin, `tiers`
    the margin tiers of venues, `accuracy` what was measured, `presets` the models of pictures and
    `usual_model` the one that is shown where none is asked for. `health`,
    `faults` (why something is not stored now) and `loop_lag_ms` feed `/status`, `venue_past` (what is kept of
    each venue's health) `/exchanges`.
    `grounds` says of each chat platform what the bot may do where there.
    `missing` names what is not configured; `chart_url` gives the address of the
    web chart for a symbol as seen from a front, or an empty text. `button_key` signs confirmations: a lasting
    one keeps their buttons good over a restart. `ensure` lets a listed market be read that is not yet, and
    raises UserError where that takes long.
    """

    market: Market
    state: State
    alerting: Alerting
    pictures: Pictures
    privacy: Privacy
    reports: Reports
    dry: Rehearsals
    defaults: AlertSettings = field(default_factory=AlertSettings)
    aliases: Mapping[str, str] = field(default_factory=dict)
    tiers: TierBook = field(default_factory=TierBook)
    accuracy: Shelf = field(default_factory=Shelf)
    presets: Mapping[str, Preset] = field(default_factory=lambda: PRESETS)
    usual_model: str = "flow"
    health: Callable[[], Sequence[PartHealth]] = tuple
    faults: Callable[[], Sequence[str]] = tuple
    venue_past: VenuePast = nothing_kept
    loop_lag_ms: Callable[[], float] = float
    replay: ReplayControl | None = None
    accounts: Accounts | None = None
    channels: OwnChannels | None = None
    office: Office | None = None
    grounds: Mapping[str, Grounds] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
    chart_url: Callable[[str, Front], str] = lambda _symbol, _front: ""
    wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ensure: Callable[[str, str], Awaitable[None]] = _nothing
    button_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
