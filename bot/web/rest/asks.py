"""Model every request of the API."""

from typing import Annotated, Literal, Self

from pydantic import model_validator

from bot.web.rest.fields import (
    WEIGHTS,
    Ask,
    Exchanges,
    Interval,
    MinUsd,
    Moment,
    Side,
    Symbol,
    Window,
    parameter,
)

Price = Annotated[
    float | None, parameter("a price in quote currency", "a number above 0, up to 1e12", gt=0, le=1e12)
]


class RangeAsk(Ask):
    """Ask for a stretch of time: `window` back from now, or from `start` to `end` (now without one)."""

    window: Window = None
    start: Moment = None
    end: Moment = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.window is not None and (self.start is not None or self.end is not None):
            raise ValueError("window says how far back from now; it does not go with start or end.")
        if self.end is not None and self.start is None:
            raise ValueError("end needs a start.")
        return self


class HeatmapAsk(RangeAsk):
    """Ask for a heatmap over time."""

    symbol: Symbol
    interval: Interval = "5m"
    exchanges: Exchanges = None
    model: Annotated[
        str | None,
        parameter(
            "how positions are estimated (docs/model.md); flow without it, leverage with leverage_weights",
            "flow, leverage, simple, or a model of the installation",
            "flow",
            pattern=r"^[a-z0-9_\-]{1,32}$",
        ),
    ] = None
    leverage_weights: Annotated[
        str | None,
        parameter(
            "weights of the model's levels in place of its own: of 5x, 10x, 25x, 50x and 100x",
            "numbers split by a slash or a comma, one for each level of the model, above 0 in all",
            "15/30/25/20/10",
            pattern=WEIGHTS,
        ),
    ] = None
    bins: Annotated[
        int, parameter("price bins at most", "a whole number from 50 to 1000", 500, ge=50, le=1000)
    ] = 500
    low: Price = None
    high: Price = None
    side: Side = "both"
    format: Annotated[
        Literal["json", "binary"] | None,
        parameter(
            "json or the compact binary form; without it what Accept prefers", "json or binary", "json"
        ),
    ] = None

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low must be below high.")
        return self


class LevelsAsk(Ask):
    """Ask for what stands now, in levels."""

    symbol: Symbol
    exchanges: Exchanges = None
    bin_bp: Annotated[
        float, parameter("width of a level, basis points", "a number from 2 to 100", 5, ge=2, le=100)
    ] = 5.0
    min_usd: MinUsd = 0.0


class ZonesAsk(Ask):
    """Ask for the zones of a market."""

    symbol: Symbol
    exchanges: Exchanges = None
    side: Side = "both"
    min_usd: MinUsd = 0.0


class CandlesAsk(RangeAsk):
    """Ask for closed candles."""

    symbol: Symbol
    interval: Interval = "5m"


class LiquidationsAsk(RangeAsk):
    """Ask for what venues reported as liquidated."""

    symbol: Annotated[
        str | None,
        parameter(
            "the market; all without it",
            "a symbol that /symbols lists",
            "BTC",
            min_length=1,
            max_length=32,
            pattern=r"^[A-Za-z0-9][A-Za-z0-9/:._\-]*$",
        ),
    ] = None
    exchanges: Exchanges = None
    min_usd: MinUsd = 0.0
    limit: Annotated[
        int, parameter("how many of the largest", "a whole number from 1 to 500", 50, ge=1, le=500)
    ] = 50


class AccuracyAsk(Ask):
    """Ask how well a market's heatmap explains reported liquidations."""

    symbol: Symbol
