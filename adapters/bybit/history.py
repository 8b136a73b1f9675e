"""Say what Bybit has of the past: everything from the launch on, ratios since July 2020."""

from adapters.bybit import rest
from adapters.bybit.answers import ACCOUNTS
from adapters.series import Series, Wanted, What

RATIOS_SINCE_MS = 1_593_561_600_000
"""2020-07-01: ratios begin in July 2020."""


def series(wanted: Wanted) -> tuple[Series, ...]:
    """Return the series of what is wanted; open interest and ratios in steps of five minutes and more."""
    known, what = wanted.known, wanted.what
    if what is What.CANDLES:
        return (Series(what=what, page=rest.candles(known, wanted.step_ms)),)
    if what is What.FUNDING:
        return (Series(what=what, page=rest.funding(known)),)
    if what is What.OPEN_INTEREST:
        return (Series(what=what, page=rest.interest(known, wanted.step_ms)),)
    page = rest.ratios(known, wanted.step_ms)
    return (Series(what=what, kind=ACCOUNTS, page=page, oldest_ms=RATIOS_SINCE_MS),)
