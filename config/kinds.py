"""Read what people write in settings: lists with commas, moments in UTC, "max", blank for none."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, SecretStr, StringConstraints

from engine.symbols import canonical

HTTP_ADDRESS = r"^https?://[^\s/?#]+(/[^\s?#]*)?$"
WS_ADDRESS = r"^wss?://[^\s/?#]+(/[^\s?#]*)?$"
"""What an address to call or to connect to looks like: without query and fragment."""


class SourceChoice(StrEnum):
    """Which market data the user asked for."""

    AUTO = "auto"
    LIVE = "live"
    REPLAY = "replay"


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class LogFormat(StrEnum):
    """How a log line looks."""

    CONSOLE = "console"
    JSON = "json"


def listed(value: object) -> object:
    """Split a comma-separated text; leave lists alone."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def speed(value: object) -> object:
    """Read "max" as no limit at all (None)."""
    return None if isinstance(value, str) and value.strip().lower() == "max" else value


def moment_ms(value: object) -> object:
    """Read a date and time, UTC unless it says otherwise, as int ms; digits alone are ms already."""
    if isinstance(value, str) and not value.strip().isdigit():
        value = datetime.fromisoformat(value.strip().removesuffix("UTC").strip())
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return int(aware.timestamp() * 1000)
    return value


def upper(value: object) -> object:
    """Write a text in capitals."""
    return value.strip().upper() if isinstance(value, str) else value


def symbol(value: object) -> object:
    """Write the name of a market as its canonical symbol: PEPEUSDT for 1000PEPEUSDT and kPEPEUSDT."""
    written = upper(value)
    return canonical(written) if isinstance(written, str) else written


def lower(value: object) -> object:
    """Write a text in small letters."""
    return value.strip().lower() if isinstance(value, str) else value


def blank_is_none(value: object) -> object:
    """Read an empty text as "not set"."""
    return None if isinstance(value, str) and not value.strip() else value


def distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list that names something twice."""
    if len(set(values)) != len(values):
        raise ValueError("names something twice")
    return values


def written_times(value: object) -> object:
    """Split a list of times; 20:00 that YAML read as a number in base 60 becomes a time again."""
    value = listed(value)
    if not isinstance(value, list | tuple):
        return value
    return tuple(f"{v // 60:02d}:{v % 60:02d}" if isinstance(v, int) else v for v in value)


def clock_times(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is not a time of day such as 08:00."""
    if any(not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value) for value in values):
        raise ValueError("is not a time of day")
    return values


Symbol = Annotated[str, BeforeValidator(symbol), StringConstraints(pattern=r"^[A-Z0-9]{2,24}$")]
SymbolList = Annotated[tuple[Symbol, ...], BeforeValidator(listed), AfterValidator(distinct)]
Address = Annotated[str, BeforeValidator(lower), StringConstraints(pattern=r"^0x[0-9a-f]{40}$")]
AddressList = Annotated[tuple[Address, ...], BeforeValidator(listed), AfterValidator(distinct)]
TextList = Annotated[tuple[str, ...], BeforeValidator(listed)]
TimeList = Annotated[tuple[str, ...], BeforeValidator(written_times), AfterValidator(clock_times)]
Secret = Annotated[SecretStr | None, BeforeValidator(blank_is_none)]
File = Annotated[Path | None, BeforeValidator(blank_is_none)]
Name = Annotated[str, BeforeValidator(lower)]
NameList = Annotated[tuple[Name, ...], BeforeValidator(listed), AfterValidator(distinct)]
Text = Annotated[str | None, BeforeValidator(blank_is_none)]
Speed = Annotated[float | None, BeforeValidator(speed)]
Moment = Annotated[int | None, BeforeValidator(moment_ms), BeforeValidator(blank_is_none)]
Choice = Annotated[SourceChoice, BeforeValidator(lower)]
Level = Annotated[LogLevel, BeforeValidator(upper)]
Format = Annotated[LogFormat, BeforeValidator(lower)]
