"""Write dollars, prices, percentages and times the way every picture and caption shows them.

Numbers keep the digits that matter and no more; a minus is the typographic one, so that signs line up.
"""

import math
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

MINUS = "−"
UNKNOWN = "–"
PRICE_DIGITS = 5
MAX_DECIMALS = 12
HUGE = 1e13
SUFFIXES = ("", "K", "M", "B", "T")
THOUSAND = 1000.0
WHOLE_FROM = 10.0
CENT = 0.01


def money(usd: float) -> str:
    """Return dollars short enough for a label: $62M, $1.2B, $850, $0.42; two or three digits that matter."""
    if not math.isfinite(usd):
        return UNKNOWN
    sign, value = (MINUS if usd < 0 else ""), abs(usd)
    if 0 < value < CENT / 2:
        return "<$0.01"
    step = 0
    while step < len(SUFFIXES) - 1 and float(_short(value)) >= THOUSAND:
        value, step = value / THOUSAND, step + 1
    return f"{sign}${_short(value)}{SUFFIXES[step]}" if value < HUGE else f"{sign}${value:.1e}T"


def _short(value: float) -> str:
    """Return a value with one decimal below ten (two below one), none from there on."""
    if value >= WHOLE_FROM or value == 0:
        return f"{value:.0f}"
    words = f"{value:.1f}" if value >= 1 else f"{value:.2g}"
    return words.removesuffix(".0")


def decimals_for(price: float, digits: int = PRICE_DIGITS) -> int:
    """Return how many decimals show `digits` digits that matter; cents once there are any, for a price."""
    if price <= 0 or not math.isfinite(price):
        return 2
    places = digits - 1 - math.floor(math.log10(price))
    if places == 1:
        places = 2
    return max(0, min(places, MAX_DECIMALS))


def price(value: float, decimals: int | None = None) -> str:
    """Return a price with thousands separators and sensible digits: 106,700; 3,412.50; 0.00001234."""
    if not math.isfinite(value):
        return UNKNOWN
    places = decimals_for(abs(value)) if decimals is None else decimals
    if value != 0 and (abs(value) >= HUGE or abs(value) < 10.0**-MAX_DECIMALS):
        return f"{value:.3e}".replace("e-0", "e-").replace("e+", "e").replace("-", MINUS)
    text = f"{value:,.{places}f}"
    if decimals is None and abs(value) < 1 and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", MINUS)


def step(value: float) -> str:
    """Return a price step without idle zeros: 100, 2.5, 0.00000002."""
    words = price(value, min(decimals_for(value, 3) + 1, MAX_DECIMALS))
    return words.rstrip("0").rstrip(".") if "." in words and "e" not in words else words


def percent(fraction: float, *, signed: bool = True) -> str:
    """Return a distance or change: +2.5%, −0.84% (two decimals below 1 %), +12%."""
    if not math.isfinite(fraction):
        return UNKNOWN
    size = abs(fraction) * 100
    places = 2 if size < 0.995 else 1 if size < 9.95 else 0
    body = f"{size:.{places}f}%"
    if not signed or not body.strip("0.%"):
        return body
    return ("+" if fraction > 0 else MINUS) + body


def change(fraction: float) -> str:
    """Return a day's change with two decimals: +7.22%."""
    if not math.isfinite(fraction):
        return UNKNOWN
    body = f"{abs(fraction) * 100:,.2f}%"
    return body if not body.strip("0.%") else ("+" if fraction > 0 else MINUS) + body


def days(value: float) -> str:
    """Return a length of history: 6 h, 9.8 days, 30 days."""
    if value < 1:
        return age(value * 86_400)
    return f"{value:.0f} days" if value >= WHOLE_FROM else f"{value:.1f} days"


def age(seconds: float) -> str:
    """Return how old something is: 4 s, 12 min, 3 h, 2 d."""
    value = max(0.0, seconds)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if value >= size:
            return f"{value / size:.0f} {unit}"
    return f"{value:.0f} s"


def moment(ts_ms: int, zone: tzinfo = UTC) -> datetime:
    """Return a time in int64 ms UTC as an aware datetime."""
    return datetime.fromtimestamp(ts_ms / 1000, zone)


def zone_of(name: str) -> tzinfo:
    """Return an IANA time zone, or UTC where there is no such name."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return UTC


def zone_name(at: datetime) -> str:
    """Return what to call a zone at a moment: UTC, CEST, or UTC+3 where it has no letters of its own."""
    name = at.tzname() or ""
    if name and not name.startswith(("+", "-")):
        return name
    minutes = int((at.utcoffset() or timedelta()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes >= 0 else MINUS
    return f"UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")


def clock(ts_ms: int, zone: tzinfo = UTC) -> str:
    """Return a time of day with its zone: 20:35 UTC."""
    at = moment(ts_ms, zone)
    return f"{at:%H:%M} {zone_name(at)}"


def base(symbol: str) -> str:
    """Return the coin of a symbol as people say it: BTC for BTCUSDT."""
    for quote in ("USDT", "USDC", "USD"):
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol.removesuffix(quote)
    return symbol


def share(part: float) -> str:
    """Return a part of the whole: "62%", "<1%"."""
    return "<1%" if 0 < part < CENT else f"{part:.0%}"
