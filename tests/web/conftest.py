"""Run the real server on real sockets, over a market, commands and an inbox that are small."""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from adapters.venue import Feed, VenueHealth, VenueState
from bot.commands.complete import Completion
from bot.commands.registry import Registry
from bot.commands.reply import Button, File, Image, Reply, Table, Tone
from bot.commands.spec import Command, Kind, Parameter
from bot.delivery.channel import Picture
from bot.delivery.inapp import InAppMessage
from bot.live.changes import Changes
from bot.live.health import VenuePast, nothing_kept
from bot.live.span import Slices, Spanned, spanned
from bot.live.view import Change, ChangeKind, SymbolView
from bot.supervisor import PartHealth, PartState
from bot.web.server import Behind, Limits, WebServer
from bot.web.usual import Usual
from config.api_sections import ApiSettings
from config.sections import WebSettings
from config.stream_sections import StreamSettings
from engine.columns import Columns
from engine.errors import UserError
from engine.grid import Grid, price_edges
from engine.model import STEP_MS, Candles, Severity, Side, Zone, ZoneId, ZoneSet
from engine.presets import BIN_LOG, PRESETS, Unit
from engine.snapshot import HeatmapSnapshot, LiquidationLevel
from engine.standing import Standing

NOW_MS = 1_760_128_500_000  # 2025-10-10 20:35 UTC
TOKEN = "a-token-for-tests-only"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what a test of a public server binds to


def png(width: int = 8, height: int = 6) -> bytes:
    """Return a real PNG of one colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = (b"\0" + b"\xf2\x67\x4a" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


class FakeMarket:
    """A market of two symbols whose candles and prices the test makes."""

    def __init__(self, *, candles: int = 9000, kind: str = "replay") -> None:
        self.symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
        self.source_kind = kind
        self.clock_ms = NOW_MS
        self.said = "REPLAY 2025-10-10 20:35 UTC"
        self.grids = 0
        self.presets = []
        self.parts = {"binance": 1.0}
        self.asked_of = []
        self.feeds = frozenset()
        self.fault: Exception | None = None
        self.changes = Changes()
        rng = np.random.default_rng(7)
        walk = np.exp(np.cumsum(rng.normal(0, 0.0009, candles)))
        self.close = {"BTCUSDT": 112_000 * walk / walk[-1], "ETHUSDT": 4_000 * walk / walk[-1]}
        last = NOW_MS - NOW_MS % STEP_MS - STEP_MS
        self.ts = last - np.arange(candles, dtype=np.int64)[::-1] * STEP_MS
        self.price = {s: float(c[-1]) for s, c in self.close.items()}

    def now_ms(self) -> int:
        return self.clock_ms

    def label(self) -> str:
        return self.said

    @property
    def venues(self) -> tuple[str, ...]:
        return tuple(self.parts)

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        return self.venues

    def shares(self, symbol: str) -> dict[str, float]:
        return dict(self.parts)

    def health(self) -> list[VenueHealth]:
        feeds = frozenset({Feed.PRICES, Feed.CANDLES})
        state = VenueState.UP
        return [VenueHealth(venue="binance", state=state, feeds=feeds, detail="recorded candles")]

    def subscribe(self):
        return self.changes.subscribe()

    def view(self, symbol: str) -> SymbolView:
        if symbol not in self.close:
            raise UserError(f"There is no data for {symbol} yet.")
        price = self.price[symbol]
        return SymbolView(
            symbol=symbol,
            venue="binance",
            venues=("binance",),
            price=price,
            price_ts=self.clock_ms,
            interpolated=True,
            candle_ts=int(self.ts[-1]),
            zones=self.zones(symbol),
            warm=True,
            history_days=21.0,
            change_24h=-0.0311,
            high_24h=price * 1.02,
            low_24h=price * 0.97,
            volume_24h_usd=2.1e10,
            open_interest=None,
            oi_change_24h=None,
        )

    def zones(self, symbol: str) -> ZoneSet:
        price = float(self.close[symbol][-1])
        zones = tuple(
            Zone(
                zone_id=ZoneId(f"{symbol}-{i}"),
                venue="binance",
                symbol=symbol,
                side=Side.SHORT if away > 0 else Side.LONG,
                low=price * (1 + away - 0.001),
                high=price * (1 + away + 0.001),
                peak=price * (1 + away),
                notional_usd=usd,
                share=0.2,
                percentile=96.0,
                born_ts=NOW_MS - 9_000_000,
                updated_ts=NOW_MS,
            )
            for i, (away, usd) in enumerate(((0.014, 38e6), (0.022, 21e6), (-0.011, 55e6), (-0.024, 62e6)))
        )
        return ZoneSet(
            venue="binance",
            symbol=symbol,
            ts=int(self.ts[-1]),
            price=price,
            zones=zones,
            samples_h=500,
            threshold_ready=True,
            auto_min_usd=2e7,
        )

    async def history(self, symbol, span_ms) -> Candles:
        kept = self.ts > self.ts[-1] - span_ms
        close, unknown = self.close[symbol][kept], np.full(int(kept.sum()), np.nan)
        return Candles(
            ts=self.ts[kept],
            open=close,
            high=close,
            low=close,
            close=close,
            volume=np.ones(len(close)),
            quote_volume=unknown,
            taker_buy_volume=unknown,
            open_interest=np.full(len(close), 5e4) if symbol == "BTCUSDT" else unknown,
        )

    async def model_grid(
        self, symbol, window_ms, feed, *, low=None, high=None, max_cols=1200, venues=()
    ) -> Grid:
        self.presets.append(feed.preset)
        return await self.grid(symbol, window_ms, low=low, high=high, max_cols=max_cols, venues=venues)

    async def snapshot(self, symbol, *, bin_bp=5.0, min_usd=0.0, venues=()) -> HeatmapSnapshot:
        self.asked_of.append(venues)
        price = self.view(symbol).price
        level = LiquidationLevel(
            side=Side.LONG,
            price_low=price * 0.99,
            price_high=price * 0.99 * (1 + bin_bp * 1e-4),
            notional_usd=1e6 + min_usd,
            distance=0.0095,
        )
        return HeatmapSnapshot(
            symbol=symbol,
            venues=venues or self.venues,
            model="flow",
            unit=Unit.EXPECTED,
            ts=int(self.ts[-1]),
            price=price,
            long=(level,),
            short=(),
        )

    async def grid(
        self, symbol, window_ms, *, low=None, high=None, bins=600, max_cols=None, venues=()
    ) -> Grid:
        self.grids += 1
        self.asked_of.append(venues)
        if self.fault is not None:
            raise self.fault
        await asyncio.sleep(0)
        group = -(-(window_ms // STEP_MS) // (max_cols or 1200))
        step = group * STEP_MS
        rows = self.ts >= self.ts[-1] + STEP_MS - window_ms
        column = self.ts[rows] // step
        ts = np.unique(column) * step
        starts = np.searchsorted(column, ts // step)
        close = self.close[symbol][rows]
        opened = np.concatenate([self.close[symbol][~rows][-1:], close])[: len(close)]
        last = np.append(starts[1:], len(close)) - 1
        high_of = np.maximum.reduceat(np.maximum(opened, close), starts) * 1.0004
        low_of = np.minimum.reduceat(np.minimum(opened, close), starts) * 0.9996
        edges = price_edges(low or close.min() * 0.972, high or close.max() * 1.028, bins)
        middle = (edges[:-1] + edges[1:]) / 2
        away = np.log(middle[None, :] / close[last][:, None])
        heat = (
            4e5 * np.abs(np.sin(middle / middle.mean() * 900)) * np.exp(-((np.abs(away) - 0.02) ** 2) / 2e-4)
        )
        heat = heat.astype(np.float32)
        return Grid(
            symbol=symbol,
            step_ms=step,
            ts=ts,
            edges=edges,
            long=np.where(away < -0.001, heat, np.float32(0)),
            short=np.where(away > 0.001, heat, np.float32(0)),
            open=opened[starts],
            high=high_of,
            low=low_of,
            close=close[last],
        )

    async def view_among(self, symbol, venues=()) -> SymbolView:
        self.asked_of.append(venues)
        return replace(self.view(symbol), venues=venues or self.venues)

    async def candles_between(self, symbol, t0, t1) -> Candles:
        held = await self.history(symbol, int(self.ts[-1] - self.ts[0]) + STEP_MS)
        return held[slice(*(int(i) for i in np.searchsorted(held.ts, [t0, t1])))]

    async def span_grid(self, symbol, span, *, feed=None, venues=()) -> Spanned:
        """Return the grid of a stretch as the real market does, of levels that stand all the time."""
        self.grids += 1
        self.presets += [feed.preset] if feed else []
        self.asked_of.append(venues)
        if self.fault is not None:
            raise self.fault
        await asyncio.sleep(0)
        candles = await self.candles_between(symbol, span.t0, span.t1)
        bins = np.floor(np.log(candles.close) / BIN_LOG).astype(np.int64)
        away = np.arange(300)
        long, short = (
            np.abs(np.sin((bins[:, None] + sign * away) * 0.37)).astype(np.float32) * 1e5 for sign in (-1, 1)
        )
        columns = Columns(ts=candles.ts, close=candles.close, close_bin=bins, long=long, short=short)
        standing = {venue: Standing.of(columns) for venue in venues or self.venues}
        parts = {
            v: replace(s, long=s.long * self.parts[v], short=s.short * self.parts[v])
            for v, s in standing.items()
        }
        slices = Slices(columns=columns, candles=candles, standing=parts)
        return await asyncio.to_thread(spanned, self.view(symbol), slices, span, (1.0, 1.0))

    def tick(self, symbol: str, price: float, *, seconds: float = 15) -> None:
        """Move the price."""
        self.clock_ms += int(seconds * 1000)
        self.price[symbol] = price
        self.changes.say(Change(symbol, ChangeKind.TICK, self.clock_ms))

    def candle(self, closes: dict[str, float] | None = None) -> None:
        """Close a candle of every symbol."""
        for symbol in self.symbols:
            close = (closes or {}).get(symbol, self.price[symbol])
            self.close[symbol] = np.append(self.close[symbol], close)
            self.price[symbol] = close
        self.ts = np.append(self.ts, self.ts[-1] + STEP_MS)
        self.clock_ms = int(self.ts[-1]) + STEP_MS
        for symbol in self.symbols:
            self.changes.say(Change(symbol, ChangeKind.CANDLE, int(self.ts[-1])))

    def rebuilt(self, back: int) -> None:
        """Jump back some candles."""
        self.ts = self.ts[:-back]
        for symbol in self.symbols:
            self.close[symbol] = self.close[symbol][:-back]
            self.price[symbol] = float(self.close[symbol][-1])
        self.clock_ms = int(self.ts[-1]) + STEP_MS
        for symbol in self.symbols:
            self.changes.say(Change(symbol, ChangeKind.REBUILT, self.clock_ms))


async def _never(_context, _call) -> Reply:
    raise AssertionError("commands of the tests are answered by FakeCommands")


class FakeCommands:
    """Answer a few lines, remember who asked."""

    def __init__(self) -> None:
        symbol = Parameter(name="symbol", kind=Kind.SYMBOL, description="which market", required=True)
        self.registry = Registry(
            [
                Command(noun="heatmap", description="The heatmap", run=_never, parameters=(symbol,)),
                Command(noun="help", description="What can be asked", run=_never),
            ]
        )
        self.asked: list[tuple[str, object]] = []
        self.gate: asyncio.Event | None = None

    def completions(self, line, cursor=None, front=None) -> list[Completion]:
        if line.startswith("/heatmap "):
            return [Completion(line="/heatmap btc ", label="btc", about="BTCUSDT")]
        return [Completion(line="/heatmap ", label="/heatmap symbol", about="The heatmap")]

    async def dispatch(self, line, caller) -> Reply:
        self.asked.append((line, caller))
        if self.gate is not None:
            await self.gate.wait()
        match line.split()[0]:
            case "/heatmap":
                return self.picture()
            case "/zones":
                table = Table(
                    headings=("Side", "Range", "Dollars"),
                    rows=(("short", "113,400 to 113,900", "$38M"), ("long", "110,500 to 110,900", "$55M")),
                    numeric=("Dollars",),
                )
                return Reply(command="zones", title="BTC zones", table=table, fields=(("Price", "$112,000"),))
            case "/data":
                file = File(content=b'{"me": 1}', name="mine.json", media_type="application/json")
                return Reply(command="data export", title="Everything about you", files=(file,))
            case "/boom":
                raise RuntimeError("secret detail of the inside")
        return Reply(command="", error="I do not know that command.", example="/help", tone=Tone.BAD)

    async def press(self, action, caller) -> Reply:
        self.asked.append((action, caller))
        reply = await self.dispatch("/zones", caller)
        return replace(reply, edits="!" in action)

    def picture(self) -> Reply:
        buttons = (
            Button(label="3d", action="v1:heatmap:-!:btc:3d"),
            Button(label="Chart", url="/?symbol=ETHUSDT&window=3d"),
            Button(label="Elsewhere", url="https://example.org/"),
        )
        image = Image(
            png=png(1280, 720), name="btc-24h.png", alt="BTC heatmap, 24 hours", width=1280, height=720
        )
        return Reply(
            command="heatmap",
            title="BTC, last 24 hours",
            text="Nearest zone above: $38M.\nNearest zone below: $55M.",
            images=(image,),
            buttons=(buttons,),
            notice="REPLAY 2025-10-10 20:35 UTC",
            source="replay",
            now_ms=NOW_MS,
            price=112_000.0,
        )


class FakeInApp:
    """Keep messages in a list and push what the test sends."""

    def __init__(self) -> None:
        self.sinks: list[Callable] = []
        self.kept: list[InAppMessage] = []
        self.seen: set[int] = set()
        self.acked: list[int] = []

    def register(self, user_id, sink):
        self.sinks.append(sink)
        return lambda: self.sinks.remove(sink)

    async def push(self, message: InAppMessage) -> None:
        self.kept = [m for m in self.kept if m.message_id != message.message_id] + [message]
        for sink in self.sinks:
            await sink("local:owner", message)

    async def inbox(self, user_id) -> list[InAppMessage]:
        kept = [replace(m, picture=None, unread=m.delivery_id not in self.seen) for m in self.kept]
        return kept[::-1]

    async def unread(self, user_id) -> int:
        return sum(m.delivery_id not in self.seen for m in self.kept)

    async def delivered(self, user_id, delivery_id) -> bool:
        self.seen.add(delivery_id)
        return True

    async def acknowledged(self, user_id, delivery_id) -> bool:
        self.acked.append(delivery_id)
        return True

    async def picture(self, user_id, delivery_id) -> Picture | None:
        if not any(m.delivery_id == delivery_id for m in self.kept):
            raise UserError("That message is not in your inbox.")
        return Picture(png=png(4, 4), alt="BTC heatmap", name="btc.png")


def alert(number: int = 1, **more) -> InAppMessage:
    """Make a message of the inbox."""
    values = {
        "message_id": f"alert-{number}",
        "delivery_id": number,
        "alert_id": f"alert-{number}",
        "kind": "zone_proximity",
        "severity": Severity.WARNING,
        "symbol": "BTCUSDT",
        "title": "BTC is 0.9% above $55M of longs",
        "text": "Price 112,000. The zone lies at 110,500 to 110,900.",
        "market_ms": NOW_MS,
        "buttons": ((("Snooze 1h", f"v1:alert:snooze:{number}:1h"), ("Pause", f"v1:alert:pause:{number}")),),
        "label": "REPLAY 2025-10-10 20:35 UTC",
        "has_picture": True,
        "picture": Picture(png=png(1280, 720), alt="BTC heatmap with the zone", name="btc.png"),
    }
    return InAppMessage(**(values | more))


def part(name: str, state: PartState = PartState.RUNNING, **more) -> PartHealth:
    """Make the health of a part."""
    return PartHealth(name=name, state=state, since_s=1.0, restarts=0, **more)


class Site:
    """A running server, the fakes behind it, and a client of it."""

    def __init__(self, server: WebServer, market, commands, inapp, parts: list[PartHealth]) -> None:
        self.server = server
        self.market = market
        self.commands = commands
        self.inapp = inapp
        self.parts = parts
        self.base = f"http://127.0.0.1:{server.port}"
        self.client = aiohttp.ClientSession(self.base, timeout=aiohttp.ClientTimeout(total=10))

    def get(self, path: str, **more):
        return self.client.get(path, **more)

    def ws(self, path: str, **more):
        return self.client.ws_connect(path, timeout=aiohttp.ClientWSTimeout(ws_close=3), **more)


@pytest.fixture
async def serve() -> AsyncIterator[Callable]:
    """Return a function that starts a server with settings and limits of the test's own."""
    sites: list[Site] = []

    async def start(
        *,
        limits: Limits | None = None,
        library_dir: Path | None = None,
        usual: str = "flow",
        venue_past: VenuePast = nothing_kept,
        reports=None,
        accuracy=None,
        api: ApiSettings | None = None,
        ws: dict | None = None,
        measures=tuple,
        links=None,
        linked=None,
        **settings,
    ) -> Site:
        market, commands, inapp = FakeMarket(), FakeCommands(), FakeInApp()
        parts = [part("feed")]
        shown = None if usual == "flow" else Usual(market, PRESETS[usual])
        behind = Behind(
            market=market,
            commands=commands,
            inapp=inapp,
            health=lambda: parts,
            usual=shown,
            venue_past=venue_past,
            reports=reports,
            accuracy=accuracy,
            measures=measures,
            links=links,
            linked=linked,
        )
        folder = {} if library_dir is None else {"library_dir": library_dir}
        server = WebServer(
            behind,
            WebSettings(**({"port": 0} | settings)),
            api=api or ApiSettings(burst=100_000),
            ws=StreamSettings(**(ws or {})),
            limits=limits,
            **folder,
        )
        await server.start()
        sites.append(Site(server, market, commands, inapp, parts))
        return sites[-1]

    yield start
    for site in sites:
        await site.client.close()
        await site.server.stop()


@pytest.fixture
async def site(serve) -> Site:
    """Return a server on loopback, as it runs by default."""
    return await serve()


@pytest.fixture
async def open_site(serve) -> Site:
    """Return a server that listens on every address, with a fixed token."""
    return await serve(host=EVERYWHERE, panel_token=TOKEN)


@pytest.fixture
def make_alert() -> Callable[..., InAppMessage]:
    return alert


@pytest.fixture
def make_part() -> Callable[..., PartHealth]:
    return part


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
def make_market() -> Callable[..., FakeMarket]:
    return FakeMarket
