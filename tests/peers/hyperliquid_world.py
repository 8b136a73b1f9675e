"""What there is on the local Hyperliquid: coins in their order, candles, funding, fills, accounts."""

import math
from dataclasses import dataclass, field

STEPS_MS = {
    "1m": 60_000,
    "3m": 180_000,
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "2h": 7_200_000,
    "4h": 14_400_000,
    "8h": 28_800_000,
    "12h": 43_200_000,
    "1d": 86_400_000,
    "3d": 259_200_000,
    "1w": 604_800_000,
}
HOUR_MS = 3_600_000
CANDLES, FUNDINGS, FILLS, FILLS_REACH = 5000, 500, 2000, 10_000
PARENT = "0xdfc24b077bc1425ad1dea75bcb6f8158e10df303"


class Unknown(Exception):
    """The coin is not there: the venue answers 500 with null."""


def said(value):
    """Return a number as the venue writes it."""
    text = f"{value:.10f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


@dataclass
class Coin:
    """One entry of the universe; delisted ones stay where they are."""

    name: str
    mark: float = 100.0
    decimals: int = 2
    leverage: int = 20
    table: int = 20
    interest: float = 1000.0
    funding: float = 0.0000125
    mid: float | None = None
    delisted: bool = False
    born_ms: int = 0

    def entry(self):
        entry = {
            "szDecimals": self.decimals,
            "name": self.name,
            "maxLeverage": self.leverage,
            "marginTableId": self.table,
        }
        return entry | ({"isDelisted": True} if self.delisted else {})

    def context(self):
        liquid = self.mid is not None
        return {
            "funding": said(0.0 if self.delisted else self.funding),
            "openInterest": said(0.0 if self.delisted else self.interest),
            "prevDayPx": said(self.mark),
            "dayNtlVlm": "0.0",
            "premium": "0.0001" if liquid else None,
            "oraclePx": said(self.mark),
            "markPx": said(self.mark),
            "midPx": said(self.mid) if liquid else None,
            "impactPxs": [said(self.mid), said(self.mid)] if liquid else None,
            "dayBaseVlm": "0.0",
        }

    def price(self, t):
        """Return a price that anybody can compute again, at a time."""
        return self.mark * (1 + 0.01 * math.sin(t / 7_000_000))


@dataclass
class World:
    """The state that answers are made from; `now_ms` is the venue's clock."""

    now_ms: object
    coins: list = field(default_factory=list)
    tables: dict = field(
        default_factory=lambda: {
            56: [("0.0", 40), ("150000000.0", 20)],
        }
    )
    fills: dict = field(default_factory=dict)
    accounts: dict = field(default_factory=dict)
    trades: dict = field(default_factory=dict)
    children: list = field(default_factory=list)
    holes: set = field(default_factory=set)
    _tid: int = 700_000_000_000_000

    def coin(self, name):
        for coin in self.coins:
            if coin.name == name:
                return coin
        raise Unknown(name)

    def next_tid(self):
        self._tid += 1
        return self._tid

    # the calls

    def meta(self, body):
        return {
            "universe": [coin.entry() for coin in self.coins],
            "marginTables": [
                [
                    number,
                    {
                        "description": "",
                        "marginTiers": [{"lowerBound": low, "maxLeverage": lev} for low, lev in tiers],
                    },
                ]
                for number, tiers in self.tables.items()
            ],
            "collateralToken": 0,
        }

    def meta_and_asset_ctxs(self, body):
        return [self.meta(body), [coin.context() for coin in self.coins]]

    def all_mids(self, body):
        return {coin.name: said(coin.mark) for coin in self.coins} | {"@107": "1.5"}

    def l2_book(self, body):
        coin = self.coin(body["coin"])
        level = {"px": said(coin.mark), "sz": "1.0", "n": 1}
        return {"coin": coin.name, "levels": [[level], [level]], "time": self.now_ms()}

    def candle_snapshot(self, body):
        asked = body["req"]
        coin, step = self.coin(asked["coin"]), STEPS_MS[asked["interval"]]
        newest = self.now_ms() // step * step
        oldest = max(newest - (CANDLES - 1) * step, -(-coin.born_ms // step) * step)
        first = max(oldest, asked["startTime"] // step * step)
        last = min(newest, asked["endTime"] // step * step)
        times = range(first, last + 1, step)
        return [self.candle(coin, asked["interval"], t) for t in times if (coin.name, t) not in self.holes]

    def candle(self, coin, interval, t, **changes):
        step = STEPS_MS[interval]
        opened, close = coin.price(t), coin.price(t + step)
        row = {
            "t": t,
            "T": t + step - 1,
            "s": coin.name,
            "i": interval,
            "o": said(opened),
            "c": said(close),
            "h": said(max(opened, close) * 1.001),
            "l": said(min(opened, close) * 0.999),
            "v": said(10.0 + t // step % 7),
            "n": 12,
        }
        return row | changes

    def funding_history(self, body):
        coin = self.coin(body["coin"])
        first = max(body["startTime"], coin.born_ms)
        last = min(body.get("endTime") or self.now_ms(), self.now_ms())
        hours = range(-(-first // HOUR_MS) * HOUR_MS, last + 1, HOUR_MS)
        return [
            {
                "coin": coin.name,
                "fundingRate": said(coin.funding),
                "premium": "0.0003",
                "time": hour + min(hour // HOUR_MS % 90, last - hour),
            }
            for hour in hours[:FUNDINGS]
        ]

    def recent_trades(self, body):
        return self.trades.get(self.coin(body["coin"]).name, [])[:-11:-1]

    def clearinghouse_state(self, body):
        held = self.accounts.get(body["user"].lower(), [])
        worth = {
            "accountValue": "1000.0",
            "totalNtlPos": "0.0",
            "totalRawUsd": "0.0",
            "totalMarginUsed": "0.0",
        }
        return {
            "marginSummary": worth,
            "crossMarginSummary": worth,
            "crossMaintenanceMarginUsed": "0.0",
            "withdrawable": "1000.0",
            "assetPositions": [{"type": "oneWay", "position": position} for position in held],
            "time": self.now_ms(),
        }

    def user_fills(self, body):
        return self.fills.get(body["user"].lower(), [])[: -FILLS - 1 : -1]

    def user_fills_by_time(self, body):
        known = self.fills.get(body["user"].lower(), [])[-FILLS_REACH:]
        last = body.get("endTime") or self.now_ms()
        return [fill for fill in known if body["startTime"] <= fill["time"] <= last][:FILLS]

    def vault_details(self, body):
        named = {"childAddresses": self.children}
        return {"vaultAddress": body["vaultAddress"], "relationship": {"type": "parent", "data": named}}

    def exchange_status(self, body):
        return {"time": self.now_ms(), "specialStatuses": None}

    # what happens

    def trade(self, name, px, sz, side="B", *, users=("0x" + "b" * 40, "0x" + "a" * 40), ago_ms=0):
        """Let two trade; return the row. `users` are buyer and seller."""
        row = {
            "coin": self.coin(name).name,
            "side": side,
            "px": said(px),
            "sz": said(sz),
            "time": self.now_ms() - ago_ms,
            "hash": "0x" + "0" * 64,
            "tid": self.next_tid(),
            "users": list(users),
        }
        self.trades.setdefault(name, []).append(row)
        return row

    def liquidate(self, user, name, side, px, sz, *, by, method="market", direction=None):
        """Liquidate a user's long ("A") or short ("B") against somebody; return the trade and both fills.

        Both fills carry the mark and the id of the trade.
        """
        users = (by, user) if side == "A" else (user, by)
        trade = self.trade(name, px, sz, side, users=users)
        held = sz if side == "A" else -sz
        other = "B" if side == "A" else "A"
        word = "Long" if side == "A" else "Short"
        mark = {"liquidatedUser": user, "markPx": said(self.coin(name).mark), "method": method}
        own = self._fill(trade, side, held, direction or f"Close {word}", crossed=True) | {
            "liquidation": mark
        }
        theirs = self._fill(trade, other, 0.0, direction or f"Open {word}", crossed=False) | {
            "liquidation": mark
        }
        self.fills.setdefault(user, []).append(own)
        self.fills.setdefault(by, []).append(theirs)
        return trade, {user: own, by: theirs}

    def ordinary(self, user, name, side, px, sz):
        """Let a user trade for other reasons, as a vault does that unwinds; return the trade and the fill."""
        users = (user, "0x" + "a" * 40) if side == "B" else ("0x" + "b" * 40, user)
        trade = self.trade(name, px, sz, side, users=users)
        fill = self._fill(trade, side, sz, "Close Long" if side == "A" else "Open Long", crossed=True)
        self.fills.setdefault(user, []).append(fill)
        return trade, {user: fill}

    def _fill(self, trade, side, start, direction, *, crossed):
        return {
            "coin": trade["coin"],
            "px": trade["px"],
            "sz": trade["sz"],
            "side": side,
            "time": trade["time"],
            "startPosition": said(start),
            "dir": direction,
            "closedPnl": "0.0",
            "hash": trade["hash"],
            "oid": trade["tid"] + 1,
            "crossed": crossed,
            "fee": "0.0",
            "tid": trade["tid"],
            "feeToken": "USDC",
            "twapId": None,
        }
