"""Say what OKX has of the past: all candles, 1440 rows of open interest and ratios, 90 days of funding."""

from adapters.instruments import Instruments
from adapters.okx import rest
from adapters.series import Series, Wanted, What
from engine.model import DAY_MS

SPARE_ROWS = 2
"""How many of the oldest rows are left alone: they go while they are asked for."""


def series(wanted: Wanted) -> tuple[Series, ...]:
    """Return the series of what is wanted; open interest and ratios in steps of five minutes and more."""
    known, what, step_ms, now_ms = wanted.known, wanted.what, wanted.step_ms, wanted.now_ms
    if what is What.CANDLES:
        recent = wanted.since_ms >= rest.recent_from_ms(step_ms, now_ms)
        return (Series(what=what, page=rest.candles(known, step_ms, recent=recent)),)
    if what is What.FUNDING:
        page = rest.funding_history(known, Instruments([known]))
        return (Series(what=what, page=page, oldest_ms=now_ms - rest.FUNDING_DAYS * DAY_MS),)
    oldest_ms = (now_ms // step_ms - rest.HISTORY_ROWS + SPARE_ROWS) * step_ms
    if what is What.OPEN_INTEREST:
        page = rest.open_interest_history(known, step_ms)
        return (Series(what=what, page=page, oldest_ms=oldest_ms),)
    return tuple(
        Series(what=what, kind=kind.value, page=rest.long_short(known, step_ms, kind), oldest_ms=oldest_ms)
        for kind in rest.Ratio
    )
