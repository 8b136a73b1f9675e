"""What the local Binance knows of its market, and what each REST path answers, to the sheet's shapes."""

import math
from dataclasses import dataclass, field

STEPS = {
    "1m": 60_000, "3m": 180_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000, "1h": 3_600_000,
    "2h": 7_200_000, "4h": 14_400_000, "6h": 21_600_000, "8h": 28_800_000, "12h": 43_200_000,
    "1d": 86_400_000,
}  # fmt: skip
PERIODS = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")
MONTH_MS = 30 * 86_400_000
NEVER_MS = 4_133_404_800_000
RATIOS = ("globalLongShortAccountRatio", "topLongShortAccountRatio", "topLongShortPositionRatio")


class Refused(Exception):
    """An error of the venue: the HTTP status, its code and its words."""

    def __init__(self, status, code, msg):
        super().__init__(msg)
        self.status, self.body = status, {"code": code, "msg": msg}


def listed(symbol, base, quote="USDT", **values):
    """Return a row of exchangeInfo."""
    return {
        "symbol": symbol,
        "pair": symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": NEVER_MS,
        "onboardDate": 1_569_398_400_000,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": base,
        "quoteAsset": quote,
        "marginAsset": quote,
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.10", "maxPrice": "1000000", "tickSize": "0.10"},
            {"filterType": "LOT_SIZE", "stepSize": "0.001", "maxQty": "1000", "minQty": "0.001"},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
        ],
    } | values


def usual():
    """Return what is listed unless a test says otherwise: coins, a bundle, an equity, a delivery."""
    return [
        listed("BTCUSDT", "BTC"),
        listed("ETHUSDT", "ETH"),
        listed("1000PEPEUSDT", "1000PEPE"),
        listed("1INCHUSDT", "1INCH"),
        listed("币安人生USDT", "币安人生"),
        listed("AAPLUSDT", "AAPL", contractType="TRADIFI_PERPETUAL", underlyingType="EQUITY"),
        listed("BTCUSDT_261225", "BTC", contractType="CURRENT_QUARTER", deliveryDate=1_798_185_600_000),
        listed("LUNAUSDT", "LUNA", status="SETTLING", deliveryDate=1_652_400_000_000),
    ]


@dataclass
class Market:
    """The state behind the answers. Bars and statistics follow from the time; `holes` are buckets left out.

    `newest` says which rows of too long a range of statistics are given: its newest ones, or its oldest.
    """

    clock: object
    symbols: list = field(default_factory=usual)
    prices: dict = field(default_factory=lambda: {"BTCUSDT": 60_000.0, "1000PEPEUSDT": 0.0123})
    hours: dict = field(default_factory=lambda: {"ETHUSDT": 4})
    holes: set = field(default_factory=set)
    newest: bool = True

    def delist(self, symbol):
        """Settle a symbol: it stays in the list, and its streams go silent."""
        row = self.row(symbol)
        row["status"], row["deliveryDate"] = "SETTLING", self.clock()

    def row(self, symbol):
        for row in self.symbols:
            if row["symbol"] == symbol:
                return row
        raise Refused(400, -1121, "Invalid symbol.")

    def trading(self, symbol):
        return any(r["symbol"] == symbol and r["status"] == "TRADING" for r in self.symbols)

    def price(self, symbol, ts):
        """Return the price at a time: the same whoever asks."""
        return self.prices.get(symbol, 100.0) * (1 + 0.01 * math.sin(ts / 7_000_000))

    def bar(self, symbol, step, ts):
        """Return a bar as klines give it; one that is not over has traded less."""
        share = min(max((self.clock() - ts) / step, 0.0), 1.0)
        opened = self.price(symbol, ts)
        last = self.price(symbol, ts + int(step * share))
        low, high = min(opened, last) * 0.999, max(opened, last) * 1.001
        volume = 100.0 * share
        figures = [f"{value:.8f}" for value in (opened, high, low, last, volume)]
        taker = [f"{0.6 * volume:.8f}", f"{0.6 * volume * opened:.8f}", "0"]
        return [ts, *figures, ts + step - 1, f"{volume * opened:.8f}", 308, *taker]

    def answer(self, path, query):
        """Return the answer of a path; raise Refused where the venue would refuse."""
        name = path.rsplit("/", 1)[-1]
        if name in RATIOS:
            return self._buckets(query, self._ratio)
        if name not in ANSWERS:
            raise Refused(404, -1000, "Not found")
        return ANSWERS[name](self, query)

    def _time(self, _):
        return {"serverTime": self.clock()}

    def _ping(self, _):
        return {}

    def _info(self, _):
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400}
        return {
            "timezone": "UTC",
            "serverTime": self.clock(),
            "futuresType": "U_MARGINED",
            "rateLimits": [limit],
            "symbols": self.symbols,
        }

    def _klines(self, query):
        symbol, step = self._symbol(query), STEPS.get(query.get("interval", ""))
        if step is None:
            raise Refused(400, -1120, "Invalid interval.")
        size = self._limit(query, 500, 1500)
        since = int(query.get("startTime", self.clock() - size * step))
        until = min(int(query.get("endTime", self.clock())), self.clock())
        first = max(-(-since // step) * step, self.row(symbol)["onboardDate"])
        stamps = range(first, until + 1, step)[:size]
        return [self.bar(symbol, step, ts) for ts in stamps]

    def _open_interest(self, query):
        symbol = self._symbol(query)
        return {"openInterest": "10659.509", "symbol": symbol, "time": self.clock()}

    def _open_interest_history(self, query):
        return self._buckets(query, self._interest)

    def _premium_index(self, query):
        if "symbol" in query:
            return self._premium(self._symbol(query))
        return [self._premium(row["symbol"]) for row in self.symbols]

    def _premium(self, symbol):
        now, hour = self.clock(), 3_600_000 * self.hours.get(symbol, 8)
        perpetual = not symbol[-6:].isdigit()
        return {
            "symbol": symbol,
            "markPrice": f"{self.price(symbol, now):.8f}",
            "indexPrice": f"{self.price(symbol, now):.8f}",
            "estimatedSettlePrice": f"{self.price(symbol, now):.8f}",
            "lastFundingRate": "0.00010000" if perpetual else "",
            "interestRate": "0.00010000" if perpetual else "",
            "nextFundingTime": (now // hour + 1) * hour if perpetual else 0,
            "time": now,
        }

    def _funding_rate(self, query):
        symbol = self._symbol(query)
        step, size = 3_600_000 * self.hours.get(symbol, 8), self._limit(query, 100, 1000)
        since = int(query.get("startTime", self.clock() - 200 * step))
        until = min(int(query.get("endTime", self.clock())), self.clock())
        paid = [ts + ts // step % 7 for ts in range(-(-(since - 7) // step) * step, until + 1, step)]
        rows = [ts for ts in paid if since <= ts <= until][:size]
        return [
            {"symbol": symbol, "fundingRate": "-0.00003750", "fundingTime": ts, "markPrice": "34287.54"}
            for ts in rows
        ]

    def _funding_info(self, _):
        return [
            {
                "symbol": symbol,
                "adjustedFundingRateCap": "0.03000000",
                "adjustedFundingRateFloor": "-0.03000000",
                "fundingIntervalHours": hours,
                "disclaimer": False,
            }
            for symbol, hours in self.hours.items()
        ]

    def _brackets(self, _):
        raise Refused(401, -2014, "API-key format invalid.")

    def _forced_orders(self, _):
        raise Refused(400, -1130, "The endpoint has been out of maintenance.")

    def _buckets(self, query, row):
        """Return statistics; a range that begins before a month ago is refused."""
        symbol, period = self._symbol(query), query.get("period")
        if period not in PERIODS:
            raise Refused(400, -1130, "Data sent for parameter 'period' is not valid.")
        step, size, now = STEPS[period], self._limit(query, 30, 500), self.clock()
        until = min(int(query.get("endTime", now)), now)
        since = int(query.get("startTime", until - size * step))
        if since < now - MONTH_MS:
            raise Refused(400, -1130, "parameter 'startTime' is invalid.")
        stamps = [ts for ts in range(-(-since // step) * step, until + 1, step) if ts not in self.holes]
        kept = stamps[-size:] if self.newest else stamps[:size]
        return [row(symbol, ts) for ts in kept]

    def _interest(self, symbol, ts):
        coins = 75_000 + ts // 300_000 % 1000
        return {
            "symbol": symbol,
            "sumOpenInterest": f"{coins:.8f}",
            "sumOpenInterestValue": f"{coins * self.price(symbol, ts):.8f}",
            "CMCCirculatingSupply": "19700000.00000000",
            "timestamp": ts,
        }

    def _ratio(self, symbol, ts):
        return {
            "symbol": symbol,
            "longAccount": "0.6617",
            "longShortRatio": "1.9559",
            "shortAccount": "0.3383",
            "timestamp": ts,
        }

    def _symbol(self, query):
        if not query.get("symbol"):
            raise Refused(
                400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."
            )
        return self.row(query["symbol"])["symbol"]

    def _limit(self, query, usual, most):
        size = int(query.get("limit", usual))
        if not 1 <= size <= most:
            raise Refused(400, -1130, "Data sent for parameter 'limit' is not valid.")
        return size


def weight(path, query):
    """Return which limit a call counts against, and how much."""
    name = path.rsplit("/", 1)[-1]
    if path.startswith("/futures/data/"):
        return "statistics", 1
    if name in ("fundingRate", "fundingInfo"):
        return "funding", 1
    if name == "klines":
        size = int(query.get("limit", 500))
        return "weight", 1 if size < 100 else 2 if size < 500 else 5 if size <= 1000 else 10
    return "weight", 10 if name == "premiumIndex" and "symbol" not in query else 1


ANSWERS = {
    "time": Market._time,
    "ping": Market._ping,
    "exchangeInfo": Market._info,
    "klines": Market._klines,
    "openInterest": Market._open_interest,
    "openInterestHist": Market._open_interest_history,
    "premiumIndex": Market._premium_index,
    "fundingRate": Market._funding_rate,
    "fundingInfo": Market._funding_info,
    "leverageBracket": Market._brackets,
    "allForceOrders": Market._forced_orders,
}
