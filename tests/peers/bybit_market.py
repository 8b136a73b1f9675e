"""What the local Bybit knows: contracts, bars, open interest, funding and tiers, in the venue's own shapes.

Every figure follows from symbol and time, so a test can work out what it should have been told.
"""

from dataclasses import dataclass, field

MINUTE = 60_000
NOW = 1_760_000_000_000
LAUNCH = 1_585_526_400_000
STEPS = {"1": 1, "3": 3, "5": 5, "15": 15, "30": 30, "60": 60, "120": 120, "240": 240, "360": 360, "720": 720}
STEPS |= {"D": 1440}
PERIODS = {"5min": 5, "15min": 15, "30min": 30, "1h": 60, "4h": 240, "1d": 1440}


def contract(symbol, base, quote="USDT", **changed):
    """Return a row of instruments-info."""
    return {
        "symbol": symbol,
        "symbolId": 5,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": base,
        "quoteCoin": quote,
        "launchTime": str(LAUNCH),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": "2",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "lotSizeFilter": {
            "maxOrderQty": "1190.000",
            "minOrderQty": "0.001",
            "qtyStep": "0.001",
            "postOnlyMaxOrderQty": "1190.000",
            "maxMktOrderQty": "500.000",
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "settleCoin": quote,
        "copyTrading": "both",
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
        "symbolType": "",
    } | changed


def contracts():
    """Return more than the 500 that fit a page by default, with everything odd that there is among them."""
    rows = [
        contract("BTCUSDT", "BTC"),
        contract("ETHUSDT", "ETH"),
        contract("BTCPERP", "BTC", "USDC"),
        contract("1000PEPEUSDT", "1000PEPE"),
        contract("SHIB1000USDT", "SHIB1000"),
        contract("BTCUSDT-26DEC25", "BTC", contractType="LinearFutures", deliveryTime="1766736000000"),
        contract("TSLAUSDT", "TSLA", symbolType="stock", marketRegion="US"),
    ]
    return rows + [contract(f"C{number}XUSDT", f"C{number}X") for number in range(600)]


@dataclass
class Market:
    """The market at a moment, `now_ms`; what is in `holes` (opens of bars) was never recorded."""

    now_ms: int = NOW
    contracts: list = field(default_factory=contracts)
    holes: set = field(default_factory=set)
    percent: bool = False  # margin tiers in percent instead of fractions
    doubled_only: bool = False  # rows from before one side was told
    tickers: dict = field(default_factory=dict)

    def trading(self):
        """Return the contracts that are listed by default."""
        return [row for row in self.contracts if row["status"] == "Trading"]

    def has(self, symbol):
        """Say whether a symbol trades."""
        return any(row["symbol"] == symbol for row in self.trading())

    def delist(self, symbol):
        """Let a symbol vanish, as delisted ones do."""
        self.contracts = [row for row in self.contracts if row["symbol"] != symbol]

    def times(self, step, first, last, limit):
        """Return the newest times of a range, newest first, none that has not begun."""
        last = min(last, self.now_ms) // step * step
        found = []
        while last >= max(first, LAUNCH) and len(found) < limit:
            if last not in self.holes:
                found.append(last)
            last -= step
        return found

    @staticmethod
    def bar(at):
        """Return the row of the bar that opened at a time."""
        base = 60_000 + at // MINUTE % 977
        values = (base, base + 25.5, base - 25.5, base + 10, 268.5, 16_110_000.25)
        return [str(at), *(f"{value:g}" if value < 1e6 else f"{value:.2f}" for value in values)]

    def interest(self, at):
        """Return the row of open interest at a time."""
        both = 100_000 + 2 * (at // MINUTE % 499)
        row = {"openInterest": f"{both}.00000000", "timestamp": str(at)}
        return row if self.doubled_only else row | {"singleOpenInterest": str(both // 2)}

    @staticmethod
    def ratio(symbol, at):
        """Return the row of the share of accounts at a time."""
        return {"symbol": symbol, "buyRatio": "0.6", "sellRatio": "0.4", "timestamp": str(at)}

    @staticmethod
    def funding(symbol, at):
        """Return the row of funding paid at a time."""
        return {"symbol": symbol, "fundingRate": "0.0001", "fundingRateTimestamp": str(at)}

    def tiers(self, symbol):
        """Return the rows of a symbol's margin tiers."""
        unit = 100 if self.percent else 1
        steps = ((2_000_000, 0.005, 0.01, "100.00", ""), (4_000_000, 0.01, 0.02, "50.00", "10000"))
        return [
            {
                "id": number,
                "symbol": symbol,
                "riskLimitValue": str(cap),
                "maintenanceMargin": f"{maintenance * unit:g}",
                "initialMargin": f"{initial * unit:g}",
                "isLowestRisk": int(number == 1),
                "maxLeverage": leverage,
                "mmDeduction": deduction,
            }
            for number, (cap, maintenance, initial, leverage, deduction) in enumerate(steps, 1)
        ]

    def ticker(self, symbol):
        """Return what stands of a symbol, as a snapshot tells it."""
        return self.tickers.setdefault(
            symbol,
            {
                "symbol": symbol,
                "tickDirection": "PlusTick",
                "price24hPcnt": "-0.158315",
                "lastPrice": "60000.50",
                "prevPrice24h": "66000.00",
                "markPrice": "60001.00",
                "indexPrice": "60002.00",
                "openInterest": "100000.00",
                "openInterestValue": "6000050000.00",
                "singleOpenInterest": "50000.00",
                "singleOpenInterestValue": "3000025000.00",
                "turnover24h": "1.0",
                "volume24h": "1.0",
                "nextFundingTime": "1760025600000",
                "fundingRate": "0.0001",
                "fundingIntervalHour": "8",
                "fundingCap": "0.005",
                "bid1Price": "60000.40",
                "ask1Price": "60000.60",
            },
        )

    def candle(self, at, *, confirm=False, interval="5"):
        """Return the data of a kline push for the bar that opened at a time."""
        step = STEPS[interval] * MINUTE
        names = ("open", "high", "low", "close", "volume", "turnover")
        return {
            "start": at,
            "end": at + step - 1,
            "interval": interval,
            **dict(zip(names, self.bar(at)[1:], strict=True)),
            "confirm": confirm,
            "timestamp": self.now_ms,
        }
