"""List every address of the API."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.web.api import BINARY
from bot.web.rest import answers, asks
from bot.web.rest.fields import Nothing
from bot.web.rest.heatmap import Heatmaps
from bot.web.rest.kept import JSON, Kept
from bot.web.rest.markets import Markets
from bot.web.rest.metrics import MEDIA_TYPE
from bot.web.rest.operators import Operators
from bot.web.rest.route import Deprecation, Route

HEATMAP = "/liquidations/heatmap-timeseries"
LEVELS = Deprecation(
    since_s=1_793_491_200,  # 2026-11-01
    sunset="Mon, 01 Nov 2027 00:00:00 GMT",
    successor=HEATMAP,
)
Simple = Callable[[Nothing], Awaitable[Kept]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """Who answers."""

    heatmaps: Heatmaps
    markets: Markets
    operators: Operators
    health: Simple
    alive: Simple
    ready: Simple


def table(to: Handlers) -> tuple[Route, ...]:
    """Return every address."""
    return (*_market(to), *_process(to))


def _market(to: Handlers) -> tuple[Route, ...]:
    markets = to.markets
    return (
        Route(
            path=HEATMAP,
            name="heatmapTimeseries",
            summary="What stood where, over time",
            about="The heatmap of a stretch of time, with each exchange's part of its newest column. binary "
            "is the compact form that docs/api.md describes: some 80 kB where JSON has megabytes.",
            ask=asks.HeatmapAsk,
            answer=answers.HeatmapAnswer,
            handle=to.heatmaps.timeseries,
            examples=(
                "symbol=BTC&interval=15m&window=24h",
                "symbol=BTC&interval=1h&window=3d&bins=100&side=long&format=binary",
            ),
            media_types=(JSON, BINARY),
            statuses=(404, 503),
        ),
        Route(
            path="/liquidations/levels",
            name="liquidationLevels",
            summary="What stands now, level by level",
            about="The predecessor of the timeseries, whose newest column says the same.",
            ask=asks.LevelsAsk,
            answer=answers.LevelsAnswer,
            handle=markets.levels,
            examples=("symbol=BTC&bin_bp=10&min_usd=100000",),
            deprecation=LEVELS,
        ),
        Route(
            path="/zones",
            name="zones",
            summary="Groups of levels that are denser than usual, nearest first",
            ask=asks.ZonesAsk,
            answer=answers.ZonesAnswer,
            handle=markets.zones,
            examples=("symbol=BTC", "symbol=BTC&side=short&min_usd=1000000"),
        ),
        Route(
            path="/liquidations",
            name="liquidations",
            summary="What exchanges reported as liquidated",
            about="By exchange, by step of time, and the largest. A replay has none and answers 404.",
            ask=asks.LiquidationsAsk,
            answer=answers.LiquidationsAnswer,
            handle=markets.liquidations,
            examples=("symbol=BTC&window=4h",),
            statuses=(404,),
        ),
        Route(
            path="/candles",
            name="candles",
            summary="Closed candles",
            ask=asks.CandlesAsk,
            answer=answers.CandlesAnswer,
            handle=markets.candles,
            examples=("symbol=BTC&interval=1h&window=24h",),
            statuses=(404,),
        ),
        Route(
            path="/symbols",
            name="symbols",
            summary="Every market that is served, as it stands",
            ask=Nothing,
            answer=answers.SymbolsAnswer,
            handle=markets.symbols,
        ),
        Route(
            path="/exchanges",
            name="exchanges",
            summary="Every exchange that is read, and how much of its liquidations is seen",
            ask=Nothing,
            answer=answers.ExchangesAnswer,
            handle=markets.exchanges,
        ),
        Route(
            path="/exchanges/health",
            name="exchangesHealth",
            summary="How each exchange is doing, and how its last day went",
            about="Worked out once in ten seconds.",
            ask=Nothing,
            answer=answers.HealthAnswer,
            handle=to.health,
            cache_control="max-age=10",
        ),
        Route(
            path="/accuracy",
            name="accuracy",
            summary="How well the heatmap explains reported liquidations, beside placebos",
            ask=asks.AccuracyAsk,
            answer=answers.AccuracyAnswer,
            handle=markets.accuracy,
            examples=("symbol=BTC",),
            statuses=(404,),
        ),
    )


def _process(to: Handlers) -> tuple[Route, ...]:
    return (
        Route(
            path="/healthz",
            name="alive",
            summary="Whether the process answers",
            ask=Nothing,
            answer=answers.AliveAnswer,
            handle=to.alive,
            cache_control="no-store",
            limited=False,
        ),
        Route(
            path="/readyz",
            name="ready",
            summary="Whether every part does its work, or why not",
            about="503 with the same body where it does not.",
            ask=Nothing,
            answer=answers.ReadyAnswer,
            handle=to.ready,
            cache_control="no-store",
            statuses=(503,),
            limited=False,
        ),
        Route(
            path="/metrics",
            name="metrics",
            summary="Metrics in the text form of Prometheus",
            about="On this machine, or with LIQWATCH_METRICS_TOKEN as a bearer token.",
            ask=Nothing,
            answer=None,
            handle=to.operators.metrics,
            cache_control="no-store",
            media_types=(MEDIA_TYPE,),
            private=True,
            limited=False,
        ),
        Route(
            path="/ws/stats",
            name="streamStats",
            summary="How the WebSocket is doing",
            about="On this machine, or with LIQWATCH_METRICS_TOKEN as a bearer token.",
            ask=Nothing,
            answer=answers.StreamStats,
            handle=to.operators.stream,
            cache_control="no-store",
            private=True,
            limited=False,
        ),
    )
