"""Write dollars, prices, percentages and times the way every picture and caption shows them.

Numbers keep the digits that matter and no more; a minus is the typographic one, so that signs line up.
"""

import math
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from bot.lang import _, ngettext, speech

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
        return f"<{speech().usd('0.01')}"
    step = 0
    while step < len(SUFFIXES) - 1 and float(_short(value)) >= THOUSAND:
        value, step = value / THOUSAND, step + 1
    if value >= HUGE:
        return f"{sign}${value:.1e}T"
    return speech().usd(_short(value), SUFFIXES[step], sign=sign)


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
    return speech().figure(_bare(text) if decimals is None and abs(value) < 1 else text).replace("-", MINUS)


def step_usd(value: float) -> str:
    """Return a price step in dollars without idle zeros: $100, $2.5, $0.00000002."""
    if not math.isfinite(value) or abs(value) >= HUGE or abs(value) < 10.0**-MAX_DECIMALS:
        return f"${price(value)}"
    text = f"{value:,.{min(decimals_for(value, 3) + 1, MAX_DECIMALS)}f}"
    return speech().usd(_bare(text))


def _bare(text: str) -> str:
    """Return a number without idle zeros."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(fraction: float, *, signed: bool = True) -> str:
    """Return a distance or change: +2.5%, −0.84% (two decimals below 1 %), +12%."""
    if not math.isfinite(fraction):
        return UNKNOWN
    size = abs(fraction) * 100
    places = 2 if size < 0.995 else 1 if size < 9.95 else 0
    body = f"{size:.{places}f}"
    unsigned = not signed or not body.strip("0.")
    return speech().percent(body, sign="" if unsigned else "+" if fraction > 0 else MINUS)


def change(fraction: float) -> str:
    """Return a day's change with two decimals: +7.22%."""
    if not math.isfinite(fraction):
        return UNKNOWN
    body = f"{abs(fraction) * 100:,.2f}"
    return speech().percent(body, sign="" if not body.strip("0.") else "+" if fraction > 0 else MINUS)


def days(value: float) -> str:
    """Return a length of history: 6 h, 9.8 days, 30 days."""
    if value < 1:
        return age(value * 86_400)
    shown = f"{value:.0f}" if value >= WHOLE_FROM else f"{value:.1f}"
    whole = round(value) if value >= WHOLE_FROM else 2  # a broken number goes with the form of a few
    return ngettext("{count} day", "{count} days", whole).format(count=speech().figure(shown))


def age(seconds: float) -> str:
    """Return how old something is: 4 s, 12 min, 3 h, 2 d."""
    value = max(0.0, seconds)
    for size, shown in ((86_400, _("{count} d")), (3_600, _("{count} h")), (60, _("{count} min"))):
        if value >= size:
            return shown.format(count=f"{value / size:.0f}")
    return _("{count} s").format(count=f"{value:.0f}")


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
    return f"<{speech().percent('1')}" if 0 < part < CENT else speech().percent(f"{part * 100:.0f}")
