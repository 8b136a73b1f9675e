"""Answer as Bybit's REST interface does, and hold callers to its parameters, page sizes and limits."""

from urllib.parse import quote, unquote

RULES = {
    "time": (set(), set(), 0, 0),
    "instruments-info": ({"category"}, {"symbol", "status", "baseCoin", "limit", "cursor"}, 500, 1000),
    "kline": ({"category", "symbol", "interval"}, {"start", "end", "limit"}, 200, 1000),
    "open-interest": (
        {"category", "symbol", "intervalTime"},
        {"startTime", "endTime", "limit", "cursor"},
        50,
        200,
    ),
    "tickers": ({"category"}, {"symbol"}, 0, 0),
    "funding/history": ({"category", "symbol"}, {"startTime", "endTime", "limit"}, 200, 200),
    "account-ratio": ({"category", "symbol", "period"}, {"startTime", "endTime", "limit", "cursor"}, 50, 500),
    "risk-limit": ({"category"}, {"symbol", "cursor"}, 0, 0),
}
"""Path -> parameters that are needed, that are allowed, rows by default, rows at most."""
TIER_SYMBOLS = 15
FUNDING_STEP = 8 * 3_600_000


class Refused(Exception):
    """A call that is answered with a code."""

    def __init__(self, code, words):
        super().__init__(words)
        self.code = code


class Answers:
    """The answers to good calls, each from the market."""

    def __init__(self, market, periods, steps):
        self.market = market
        self._periods = periods
        self._steps = steps

    def answer(self, path, query):
        """Return the result of a call; raise Refused for a bad one."""
        needed, allowed, usual, most = RULES[path]
        given = set(query)
        if not needed <= given:
            raise Refused(10001, f"params error: {sorted(needed - given)[0]} is required")
        if odd := given - needed - allowed:
            raise Refused(10001, f"params error: {sorted(odd)[0]} unknown")
        if query.get("category", "linear") != "linear":
            raise Refused(10001, "params error: category invalid")
        limit = int(query.get("limit") or usual)
        if not 0 <= limit <= most:
            raise Refused(10001, "params error: limit invalid")
        symbol = query.get("symbol")
        if symbol and not self.market.has(symbol):
            raise Refused(10001, f"params error: symbol invalid {symbol}")
        return getattr(self, "_" + path.replace("-", "_").replace("/", "_"))(query, limit)

    def _time(self, query, limit):
        now = self.market.now_ms
        return {"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000 + 423)}

    def _instruments_info(self, query, limit):
        rows = self.market.trading()
        if query.get("symbol"):
            rows = [row for row in rows if row["symbol"] == query["symbol"]]
        start, following = self._page(query.get("cursor", ""), limit, len(rows))
        return {"category": "linear", "list": rows[start : start + limit], "nextPageCursor": following}

    def _risk_limit(self, query, limit):
        symbols = [row["symbol"] for row in self.market.trading()]
        if query.get("symbol"):
            symbols = [query["symbol"]]
        start, following = self._page(query.get("cursor", ""), TIER_SYMBOLS, len(symbols))
        rows = [row for each in symbols[start : start + TIER_SYMBOLS] for row in self.market.tiers(each)]
        return {"category": "linear", "list": rows, "nextPageCursor": following}

    @staticmethod
    def _page(cursor, size, count):
        """Return where a page starts and the cursor of the next one, which is percent-encoded already."""
        if "%" in cursor:
            raise Refused(10001, "params error: cursor invalid (encoded twice)")
        start = int(unquote(cursor).partition("first=")[2].partition("&")[0] or 0) if cursor else 0
        end = start + size
        return start, quote(f"first={end}&last={count}", safe="") if end < count else ""

    def _kline(self, query, limit):
        step = self._steps.get(query["interval"])
        if step is None:
            raise Refused(10001, "params error: interval invalid")
        first, last = int(query.get("start") or 0), int(query.get("end") or self.market.now_ms)
        rows = [self.market.bar(at) for at in self.market.times(step * 60_000, first, last, limit)]
        return {"symbol": query["symbol"], "category": "linear", "list": rows}

    def _open_interest(self, query, limit):
        times = self._times(query, "intervalTime", limit)
        rows = [self.market.interest(at) for at in times]
        return {"symbol": query["symbol"], "category": "linear", "list": rows, "nextPageCursor": ""}

    def _account_ratio(self, query, limit):
        times = self._times(query, "period", limit)
        rows = [self.market.ratio(query["symbol"], at) for at in times]
        return {"list": rows, "nextPageCursor": ""}

    def _times(self, query, name, limit):
        step = self._periods.get(query[name])
        if step is None:
            raise Refused(10001, f"params error: {name} invalid")
        first, last = int(query.get("startTime") or 0), int(query.get("endTime") or self.market.now_ms)
        return self.market.times(step * 60_000, first, last, limit)

    def _funding_history(self, query, limit):
        if query.get("startTime") and not query.get("endTime"):
            raise Refused(10001, "params error: endTime is required with startTime")
        first, last = int(query.get("startTime") or 0), int(query.get("endTime") or self.market.now_ms)
        times = self.market.times(FUNDING_STEP, first, last, limit)
        rows = [self.market.funding(query["symbol"], at) for at in times]
        return {"category": "linear", "list": rows}

    def _tickers(self, query, limit):
        symbols = [query["symbol"]] if query.get("symbol") else [r["symbol"] for r in self.market.trading()]
        return {"category": "linear", "list": [self.market.ticker(each) for each in symbols]}
