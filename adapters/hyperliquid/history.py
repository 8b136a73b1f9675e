"""Say what Hyperliquid has of the past: the latest 5000 candles of each step, and what funding was paid."""

from adapters.hyperliquid import rest
from adapters.series import Series, Wanted, What


def series(wanted: Wanted) -> tuple[Series, ...]:
    """Return the series of what is wanted; past open interest and ratios are not published."""
    if wanted.what is What.CANDLES:
        oldest_ms = (wanted.now_ms // wanted.step_ms - rest.CANDLES + 1) * wanted.step_ms
        page = rest.candles(wanted.known, wanted.step, wanted.now_ms)
        return (Series(what=wanted.what, page=page, oldest_ms=oldest_ms),)
    if wanted.what is What.FUNDING:
        return (Series(what=wanted.what, page=rest.funding(wanted.known, wanted.now_ms)),)
    return ()
