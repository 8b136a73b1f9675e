"""Messages of OKX in their exact shapes: frames, answers and rows, as documented and recorded."""

import json
from decimal import Decimal

SWAP = "SWAP"
BARS = {"1m": 60_000, "5m": 300_000, "15m": 900_000, "1H": 3_600_000, "4H": 14_400_000, "1Dutc": 86_400_000}


def packed(message):
    return json.dumps(message, separators=(",", ":"))


def contract(base, *, quote="USDT", ct_val="1", ct_mult="1", lot="0.01", tick="0.1", **more):
    """Return a row of the list of instruments; an inverse contract is quoted in USD."""
    inverse = quote == "USD"
    return {
        "alias": "",
        "auctionEndTime": "",
        "baseCcy": "",
        "category": "1",
        "ctMult": ct_mult,
        "ctType": "inverse" if inverse else "linear",
        "ctVal": ct_val,
        "ctValCcy": "USD" if inverse else base,
        "contTdSwTime": "",
        "expTime": "",
        "instFamily": f"{base}-{quote}",
        "instId": f"{base}-{quote}-SWAP",
        "instIdCode": 1,
        "instType": SWAP,
        "lever": "100",
        "listTime": "1611916828000",
        "lotSz": lot,
        "maxLmtSz": "100000000",
        "minSz": lot,
        "optType": "",
        "quoteCcy": "",
        "ruleType": "normal",
        "settleCcy": base if inverse else quote,
        "state": "live",
        "stk": "",
        "tickSz": tick,
        "uly": f"{base}-{quote}",
        **more,
    }


def candle(ts, price, contracts, *, ct_val="0.01", confirm="1"):
    """Return a row of candles around a price, its volumes as they belong together."""
    base = Decimal(contracts) * Decimal(ct_val)
    high, low = Decimal(price) * Decimal("1.01"), Decimal(price) * Decimal("0.99")
    quote = base * Decimal(price)
    return [
        str(ts),
        str(price),
        str(high),
        str(low),
        str(price),
        str(contracts),
        str(base),
        str(quote),
        confirm,
    ]


def mark(inst, price, ts):
    return {"instId": inst, "instType": SWAP, "markPx": str(price), "ts": str(ts)}


def trade(inst, price, contracts, ts, *, side="buy", number=1):
    return {
        "instId": inst,
        "tradeId": str(number),
        "px": str(price),
        "sz": str(contracts),
        "side": side,
        "ts": str(ts),
        "count": "3",
        "source": "0",
        "seqId": number,
    }


def interest(inst, contracts, coins, ts, *, usd="50000"):
    return {
        "instId": inst,
        "instType": SWAP,
        "oi": str(contracts),
        "oiCcy": str(coins),
        "oiUsd": usd,
        "ts": str(ts),
    }


def funding(inst, rate, at_ms, ts, *, every_ms=28_800_000):
    return {
        "formulaType": "noRate",
        "fundingRate": str(rate),
        "fundingTime": str(at_ms),
        "impactValue": "",
        "instId": inst,
        "instType": SWAP,
        "interestRate": "",
        "maxFundingRate": "0.00375",
        "method": "current_period",
        "minFundingRate": "-0.00375",
        "nextFundingRate": "",
        "nextFundingTime": str(at_ms + every_ms),
        "premium": "0.0000910113652644",
        "settFundingRate": "0.0000145824401745",
        "settState": "settled",
        "ts": str(ts),
    }


def paid(inst, predicted, realized, at_ms):
    return {
        "formulaType": "noRate",
        "fundingRate": str(predicted),
        "fundingTime": str(at_ms),
        "instId": inst,
        "instType": SWAP,
        "method": "current_period",
        "realizedRate": str(realized),
    }


def tier(family, number, floor, cap, rate, leverage):
    return {
        "baseMaxLoan": "",
        "imr": "0.01",
        "instFamily": family,
        "instId": "",
        "maxLever": str(leverage),
        "maxSz": str(cap),
        "minSz": str(floor),
        "mmr": str(rate),
        "optMgnFactor": "0",
        "quoteMaxLoan": "",
        "tier": str(number),
        "uly": family,
    }


def forced(side, price, contracts, ts, *, position=None):
    """Return one detail of a liquidation; the order sells where a long is closed."""
    return {
        "bkLoss": "0",
        "bkPx": str(price),
        "ccy": "",
        "posSide": position if position is not None else {"sell": "long", "buy": "short"}[side],
        "side": side,
        "sz": str(contracts),
        "ts": str(ts),
    }


def forced_row(inst, *details, kind=SWAP):
    family = inst.removesuffix("-SWAP")
    return {"details": list(details), "instFamily": family, "instId": inst, "instType": kind, "uly": family}


def data(channel, what, rows, *, key="instId"):
    return packed({"arg": {"channel": channel, key: what}, "data": rows})


def ack(op, arg, conn, number=None):
    return packed({**({"id": number} if number else {}), "event": op, "arg": arg, "connId": conn})


def error(code, words, conn, number=None):
    known = {"id": number} if number else {}
    return packed({**known, "event": "error", "code": code, "msg": words, "connId": conn})


def notice(conn):
    words = "The connection will soon be closed for a service upgrade. Please reconnect."
    return packed({"event": "notice", "code": "64008", "msg": words, "connId": conn})


def answer(rows):
    return {"code": "0", "msg": "", "data": rows}


def refusal(code, words):
    return {"code": code, "msg": words, "data": []}
