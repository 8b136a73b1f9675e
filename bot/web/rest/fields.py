"""Describe the parameters of requests once, with what they allow, and read times and lengths of time."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.model import DAY_MS, HOUR_MS, STEP_MS

INTERVALS = {"5m": STEP_MS, "15m": 3 * STEP_MS, "1h": HOUR_MS, "4h": 4 * HOUR_MS}
"""How long columns and candles may be, ms."""
UNITS_MS = {"m": 60_000, "h": HOUR_MS, "d": DAY_MS}
WINDOW = r"^[1-9][0-9]{0,5}[mhd]$"
_DAY = r"20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
MOMENT = rf"^([0-9]{{13}}|{_DAY}(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?Z)?)$"
EXCHANGES = r"^[a-z0-9_]{1,32}(,[a-z0-9_]{1,32}){0,15}$"
WEIGHTS = r"^[0-9]{1,3}(\.[0-9]{1,4})?([/,][0-9]{1,3}(\.[0-9]{1,4})?){0,31}$"


def parameter(about: str, allowed: str, *examples: object, **limits: Any) -> Any:  # noqa: ANN401 - as Field
    """Return a pydantic field of a request that says what it allows."""
    return Field(
        description=about, examples=list(examples), json_schema_extra={"x-allowed": allowed}, **limits
    )


class Ask(BaseModel):
    """Be what a request asks for; parameters that are not known are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Nothing(Ask):
    """Ask for what has no parameters."""


Symbol = Annotated[
    str,
    parameter(
        "the market: BTC, BTCUSDT and BTC-PERP are the same",
        "a symbol that /symbols lists",
        "BTC",
        min_length=1,
        max_length=32,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9/:._\-]*$",
    ),
]
Interval = Annotated[
    Literal["5m", "15m", "1h", "4h"],
    parameter("how long a column or candle is", "one of 5m, 15m, 1h, 4h", "15m"),
]
Window = Annotated[
    str | None,
    parameter(
        "how far back from now; not together with start",
        "a number and m, h or d, such as 90m, 24h or 7d",
        "24h",
        pattern=WINDOW,
    ),
]
Moment = Annotated[
    str | None,
    parameter(
        "where the stretch of time begins or ends; it ends now without an end",
        "milliseconds UTC of 13 digits, a day such as 2025-10-10, or a time such as 2025-10-10T20:00Z",
        "2025-10-10T20:00Z",
        pattern=MOMENT,
    ),
]
Exchanges = Annotated[
    str | None,
    parameter(
        "exchanges to look at, split by commas; all without it",
        "exchanges that /exchanges lists, split by commas",
        "binance",
        pattern=EXCHANGES,
    ),
]
Side = Annotated[
    Literal["both", "long", "short"],
    parameter("whose positions", "one of both, long, short", "both"),
]
MinUsd = Annotated[
    float,
    parameter("leave out what is smaller, USD", "a number from 0 to 1e15", 100000, ge=0, le=1e15),
]


def window_ms(window: str) -> int:
    """Return a length of time that matches `WINDOW` as ms."""
    return int(window[:-1]) * UNITS_MS[window[-1]]


def moment_ms(moment: str) -> int:
    """Return a time that matches `MOMENT` as ms UTC; raise ValueError for a day that there is none of."""
    if moment.isdigit():
        return int(moment)
    return int(datetime.fromisoformat(moment.removesuffix("Z")).replace(tzinfo=UTC).timestamp() * 1000)
