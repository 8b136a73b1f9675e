"""Write coins, dollars, percentages, prices and times as alerts show them. Pure functions."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from bot.lang import speech

SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
QUOTES = ("USDT", "USDC", "USD")


def base(symbol: str) -> str:
    """Return the coin of a symbol: BTC of BTCUSDT."""
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol.removesuffix(quote)
    return symbol


def usd(value: float) -> str:
    """Return dollars in two or three figures: "$42M", "$1.2B"."""
    for scale, letter in SCALES:
        if value >= scale * 0.9995:
            scaled = value / scale
            short = f"{scaled:.1f}".replace(".0", "") if scaled < 9.95 else f"{scaled:.0f}"
            return speech().usd(short, letter)
    return speech().usd(f"{value:.0f}")


def percent(fraction: float) -> str:
    """Return a fraction as a percentage: "0.8%"."""
    value = fraction * 100
    return speech().percent(f"{value:.2f}" if value < 0.1 else f"{value:.1f}")


def price(value: float) -> str:
    """Return a price with the decimals its size calls for."""
    if value >= 10_000:
        return speech().figure(f"{value:,.0f}")
    if value >= 100:
        return speech().figure(f"{value:,.1f}")
    return speech().figure(f"{value:,.3f}" if value >= 1 else f"{value:.4g}")


def clock(ts_ms: int, tz: str) -> str:
    """Return a time of day in a zone: "20:41 UTC"."""
    local = datetime.fromtimestamp(ts_ms / 1000, _zone(tz))
    return f"{local:%H:%M} {local.tzname()}"


def span(begin_ms: int, end_ms: int, tz: str) -> tuple[str, str]:
    """Return two times of day, to the second where they are in one minute, with the day where not of one."""
    begin, end = (datetime.fromtimestamp(ms / 1000, _zone(tz)) for ms in (begin_ms, end_ms))
    if begin.date() != end.date():
        return moment(begin_ms, tz), moment(end_ms, tz)
    shown = "%H:%M:%S" if f"{begin:%H:%M}" == f"{end:%H:%M}" else "%H:%M"
    return begin.strftime(shown), f"{end.strftime(shown)} {end.tzname()}"


def moment(ts_ms: int, tz: str) -> str:
    """Return a day and time in a zone: "10 Oct 20:41 UTC"."""
    local = datetime.fromtimestamp(ts_ms / 1000, _zone(tz))
    return f"{speech().day(local)} {local:%H:%M} {local.tzname()}"


def _zone(tz: str) -> tzinfo:
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError):
        return UTC
