"""Read what requests have in common: which market, which exchanges, which stretch of time."""

from dataclasses import dataclass
from functools import lru_cache

from bot.commands import venues_asked
from bot.commands.symbols import Markets, available, resolve
from bot.web.ports import Market
from bot.web.rest.answers import Head
from bot.web.rest.asks import RangeAsk
from bot.web.rest.fields import moment_ms, window_ms
from bot.web.rest.problems import about, bad_field
from engine.model import DAY_MS, STEP_MS

MOST_DAYS = 400
DEFAULT_MS = DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A stretch of time, ms UTC; `open` where it ends now."""

    t0: int
    t1: int
    open: bool


class Reading:
    """Read requests about a market."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def head(self) -> Head:
        """Return what every answer about now begins with."""
        return Head(source=self._market.source_kind, now_ms=self._market.now_ms())

    def symbol(self, given: str) -> str:
        """Return the canonical symbol of a market that is served; raise Refused."""
        known = self._market.symbols
        with about("symbol", given, lambda: available(known).removesuffix(".")):
            return _resolved(given, known)

    def exchanges(self, given: str | None, symbol: str = "") -> tuple[str, ...]:
        """Return the exchanges that are named, none for all; raise Refused for one that is not read there."""
        if given is None:
            return ()
        read = self._market.venues_of(symbol) if symbol else self._market.venues
        with about("exchanges", given, lambda: f"some of {', '.join(read)}, split by commas"):
            named = venues_asked.read(given, self._market.venues)
            if isinstance(named, str):
                return ()
            if not symbol:
                return tuple(venue for venue in read if venue in named)
            return venues_asked.among(read, named, symbol, "?symbol=")

    def end_of(self, symbol: str) -> int:
        """Return when the newest closed candle of a symbol ended."""
        return self._market.view(symbol).candle_ts + STEP_MS

    def between(self, ask: RangeAsk, end: int, usual_ms: int = DEFAULT_MS) -> Between:
        """Return the stretch that is asked for, `end` being the end of what is known; raise Refused."""
        if ask.start is None:
            span = usual_ms if ask.window is None else window_ms(ask.window)
            if span > MOST_DAYS * DAY_MS:
                raise bad_field("window", ask.window, f"{MOST_DAYS}d at most")
            return Between(t0=end - span, t1=end, open=True)
        t0 = _moment("start", ask.start)
        t1 = end if ask.end is None else _moment("end", ask.end)
        if t0 >= end:
            raise bad_field("start", ask.start, f"a time before {end}, up to which data is known")
        if t1 <= t0:
            raise bad_field("end", ask.end, "a time after start")
        if min(t1, end) - t0 > MOST_DAYS * DAY_MS:
            raise bad_field("start", ask.start, f"a time at most {MOST_DAYS} days before end")
        return Between(t0=t0, t1=min(t1, end), open=t1 >= end)


@lru_cache(maxsize=1024)
def _resolved(given: str, known: tuple[str, ...]) -> str:
    """Return the symbol that a name stands for; what is refused is not remembered."""
    return resolve(given, Markets(known=known))


def _moment(field: str, given: str) -> int:
    try:
        return moment_ms(given)
    except ValueError:
        raise bad_field(field, given, "a day that there is, such as 2025-10-10T20:00Z") from None


def fits(between: Between, step_ms: int, most: int, ask: RangeAsk) -> None:
    """Raise Refused for a stretch of more than `most` columns of `step_ms`."""
    count = -(-(between.t1 - between.t0) // step_ms)
    if count <= most:
        return
    field, sent = ("window", ask.window) if ask.start is None else ("start", ask.start)
    detail = f"That is {count:,} columns or candles; {most:,} are the most in one answer."
    raise bad_field(field, sent, f"at most {most:,} times the interval", detail)
