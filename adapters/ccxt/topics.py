"""Say which of ccxt's methods are kept being called for an instrument, and read what they return.

A topic is the name of the method and ccxt's symbol: `watch_ohlcv BTC/USDT:USDT`. What is watched comes by
itself; what is fetched is asked for again after `every_s`.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from adapters.ccxt import parse
from adapters.ccxt.calls import STEP
from adapters.ccxt.known import Meaning
from adapters.instruments import Instrument
from adapters.parsed import Parsed
from adapters.stream.dialect import Channel
from adapters.venue import Feed
from engine.model import STEP_MS, Candle, Tick

SILENT_S = 120.0
"""A price or a bar that is not heard of for so long has stalled."""
EVERY_S: Mapping[str, float] = MappingProxyType({"fetch_ohlcv": 15.0, "fetch_ticker": 5.0})
"""How often is asked for what cannot be watched."""
ROWS = 3
"""How many candles are asked for where they cannot be watched."""

Has = Callable[[str], bool]
Read = Callable[[object, object, int], Parsed]
"""Read an answer, with the liquidations that ccxt keeps, and when it came (the venue's time, ms)."""


def channels(known: Sequence[Instrument], has: Has, meant: Meaning) -> list[Channel]:
    """Return the topics of some instruments, as far as the venue has them."""
    methods = _methods(has, meant)
    return [
        Channel(topic=f"{method} {each.native}", feed=feed, url="", silent_s=silent_s)
        for each in known
        for method, feed, silent_s in methods
    ]


def _methods(has: Has, meant: Meaning) -> list[tuple[str, Feed, float | None]]:
    found: list[tuple[str, Feed, float | None]] = []
    watched = has("watchOHLCV") and meant.watched_bars
    found.append(("watch_ohlcv" if watched else "fetch_ohlcv", Feed.CANDLES, SILENT_S))
    if has("watchTicker"):
        found.append(("watch_ticker", Feed.PRICES, SILENT_S))
    elif has("fetchTicker"):
        found.append(("fetch_ticker", Feed.PRICES, SILENT_S))
    if meant.forced is not None and has("watchLiquidations"):
        found.append(("watch_liquidations", Feed.LIQUIDATIONS, None))
    elif meant.forced is not None and has("watchLiquidationsForSymbols"):
        found.append(("watch_liquidations_for_symbols", Feed.LIQUIDATIONS, None))
    return found


def arguments(topic: str) -> tuple[str, dict[str, object]]:
    """Return the method of a topic and what it is called with."""
    method, _, native = topic.partition(" ")
    if method == "watch_liquidations_for_symbols":
        return method, {"symbols": [native]}
    if method == "fetch_ohlcv":
        return method, {"symbol": native, "timeframe": STEP, "limit": ROWS}
    if method == "watch_ohlcv":
        return method, {"symbol": native, "timeframe": STEP}
    return method, {"symbol": native}


class Reader:
    """Read what one topic returns, answer after answer. `priced` says that prices come by another topic."""

    def __init__(self, topic: str, known: Instrument, meant: Meaning, *, priced: bool) -> None:
        self._method = topic.partition(" ")[0]
        self._known = known
        self._meant = meant
        self._priced = priced
        self._bars = parse.Bars(known, meant)
        self._forced = parse.Forced()

    def lost(self) -> None:
        """Take in that answers may have been missed."""
        self._bars.forget()

    def read(self, answer: object, kept: object, received_ms: int) -> Parsed:
        """Return what an answer says; `kept` are the liquidations that ccxt keeps."""
        if self._method == "watch_ohlcv":
            return self._with_price(self._bars.read(answer), received_ms)
        if self._method == "fetch_ohlcv":
            return self._with_price(parse.candles(answer, self._known, self._meant, received_ms), received_ms)
        if self._method.endswith("_ticker"):
            return parse.price(answer, self._known, received_ms)
        rows = [row for row in self._forced.new(answer, kept) if self._mine(row)]
        return parse.liquidations(rows, self._known, self._meant, received_ms)

    def _mine(self, row: object) -> bool:
        """Say whether a liquidation is for this topic to read; what names no symbol is dropped by all."""
        return not isinstance(row, dict) or row.get("symbol") in (None, self._known.native)

    def _with_price(self, parsed: Parsed, received_ms: int) -> Parsed:
        """Add the newest bar's close as a price, where no other topic says one."""
        bars = [each for each in parsed.events if isinstance(each, Candle)]
        if self._priced or not bars or not 0 <= received_ms - bars[-1].ts < STEP_MS:
            return parsed
        bar = bars[-1]
        tick = Tick(venue=bar.venue, symbol=bar.symbol, ts=received_ms, price=bar.close)
        return Parsed(events=(*parsed.events, tick), dropped=parsed.dropped)
