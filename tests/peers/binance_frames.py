"""The shapes of Binance frames, what may be traded, and recorded frames: for the peer and the tests."""

import csv
import gzip
import json
from pathlib import Path

from adapters.instruments import Instrument, Instruments

DATA = Path(__file__).parents[1] / "data" / "binance"
NOW_MS = 1_763_000_000_000

TRADE = {
    "e": "aggTrade", "E": 1751000000123, "a": 5933014, "s": "BTCUSDT", "p": "0.001", "q": "100", "nq": "100",
    "f": 100, "l": 105, "T": 1751000000085, "m": True, "st": 1,
}  # fmt: skip
KLINE = {
    "e": "kline", "E": 1638747660000, "s": "BTCUSDT", "st": 1,
    "k": {
        "t": 1638747600000, "T": 1638747899999, "s": "BTCUSDT", "i": "5m", "f": 100, "L": 200, "o": "0.0010",
        "c": "0.0020", "h": "0.0025", "l": "0.0010", "v": "1000", "n": 100, "x": True, "q": "1.0000",
        "V": "500", "Q": "0.500", "B": "123456",
    },
}  # fmt: skip
MARK = {
    "e": "markPriceUpdate", "E": 1562305380000, "s": "BTCUSDT", "p": "11794.15", "i": "11784.62659091",
    "P": "11784.25641265", "r": "0.00038167", "T": 1562306400000, "st": 1,
}  # fmt: skip
FORCED = {
    "e": "forceOrder", "E": 1568014460893, "st": 1, "ps": "BTCUSDT",
    "o": {
        "s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "0.014", "p": "9910", "ap": "9911",
        "X": "FILLED", "l": "0.014", "z": "0.014", "T": 1568014460893,
    },
}  # fmt: skip


def perpetual(native, base=None, coins=1.0, quote="USDT"):
    """Return an instrument that is traded."""
    base = base or native.removesuffix(quote)
    return Instrument(
        venue="binance", native=native, symbol=base + quote, base=base, quote=quote, coins=coins, priced=coins
    )


KNOWN = Instruments(
    [
        *(perpetual(f"{base}USDT") for base in ("BTC", "ETH", "SUSHI", "AKRO", "KEEP", "CTK", "1INCH")),
        perpetual("1000PEPEUSDT", "PEPE", 1000.0),
        perpetual("币安人生USDT"),
    ]
)


def recorded(name):
    """Return the frames of a file that ships with the tests."""
    return (DATA / name).read_text(encoding="utf-8").splitlines()


def forced_orders(path):
    """Return recorded forced orders as the frames they came in."""
    names = ("s", "S", "o", "f", "q", "p", "ap", "X", "l", "z", "T")
    with path.open(newline="") as lines:
        for row in csv.reader(lines):
            order = dict(zip(names, row, strict=False))
            order |= {"s": order["s"] + "USDT", "T": int(order["T"])}
            yield json.dumps({"e": "forceOrder", "E": order["T"] + 2, "o": order})


def stamped(path):
    """Return the frames of a gzipped recording whose lines begin with a time."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            head, _, frame = line.strip().partition(" ")
            if head.rstrip(":").replace(".", "").isdigit():
                yield frame
