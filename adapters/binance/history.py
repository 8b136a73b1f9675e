"""Say what Binance has of the past: candles and funding from the listing on, statistics of a month."""

from adapters.binance import rest
from adapters.series import Series, Wanted, What


def series(wanted: Wanted) -> tuple[Series, ...]:
    """Return the series of what is wanted; statistics come in steps of five minutes and more."""
    known, what = wanted.known, wanted.what
    oldest_ms = wanted.now_ms - rest.STATISTICS_MS
    if what is What.CANDLES:
        return (Series(what=what, page=rest.candles(known, wanted.step, wanted.now_ms)),)
    if what is What.FUNDING:
        return (Series(what=what, page=rest.funding_history(known)),)
    if what is What.OPEN_INTEREST:
        page = rest.open_interest_history(known, wanted.step)
        return (Series(what=what, page=page, oldest_ms=oldest_ms),)
    return tuple(
        Series(what=what, kind=kind, page=rest.long_short(known, kind, wanted.step), oldest_ms=oldest_ms)
        for kind in rest.RATIOS
    )
