"""Write the shipped tier table of Binance from its leverage brackets: `python -m config.build_tiers CSV`.

The input is a CSV (gzipped or not) with a row per market and bracket: `market`, `notional_floor`,
`notional_cap`, `maint_margin_ratio`, `max_leverage`, `cum`. Markets with the same brackets share a line, and
maintenance amounts are left out, because the rates give them; the build stops where one would come out
otherwise.
"""

import csv
import gzip
import math
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from config.tiers import SHIPPED
from engine.errors import MarginError
from engine.margin.tiers import make_tiers
from engine.symbols import canonical, told_apart, unbundled

STOCKS = frozenset({"CATUSDT"})
"""Stocks under the name of a coin: the coin's symbol is the coin's (1000CATUSDT), not Caterpillar's."""

Rows = list[tuple[float, float, float]]

HEAD = """# Margin tiers of Binance USD-margined futures, as published in its leverage brackets.
# A line: markets | cap:rate:highest leverage, smallest first; caps in quote currency.
venue: binance
as of: {as_of}
source: Binance leverage brackets
unit: value
"""


def symbol_of(market: str) -> str:
    """Return the exchange's own name of a market: BTCUSDT of BTC/USDT:USDT, with its date if it has one."""
    base, _, rest = market.partition("/")
    quote, _, settled = rest.partition(":")
    date = re.search(r"-(\d{6})$", settled)
    return f"{base}{quote}" + (f"_{date[1]}" if date else "")


def read_brackets(lines: Iterable[str]) -> dict[str, Rows]:
    """Return brackets by canonical symbol: 1000PEPEUSDT's are PEPEUSDT's, for they go by dollars.

    Raise MarginError where a maintenance amount does not follow from rates.
    """
    found: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for row in csv.DictReader(lines):
        found[symbol_of(row["market"])].append(row)
    kept = {market: rows for market, rows in found.items() if market not in STOCKS}
    symbols = told_apart([(canonical(market), unbundled(market)[1]) for market in kept])
    return {symbol: _rows(market, rows) for symbol, (market, rows) in zip(symbols, kept.items(), strict=True)}


def _rows(symbol: str, brackets: list[dict[str, str]]) -> Rows:
    brackets.sort(key=lambda row: float(row["notional_floor"]))
    rows = [
        (float(b["notional_cap"]), float(b["maint_margin_ratio"]), float(b["max_leverage"])) for b in brackets
    ]
    for tier, bracket in zip(make_tiers(rows), brackets, strict=True):
        same = math.isclose(tier.amount, float(bracket["cum"]), rel_tol=1e-9, abs_tol=1e-6)
        if not same or tier.floor != float(bracket["notional_floor"]):
            raise MarginError(
                f"{symbol}: the bracket from {bracket['notional_floor']} does not fit the others"
            )
    return rows


def text_of(brackets: Mapping[str, Rows], *, as_of: str) -> str:
    """Return the file: a line for each set of brackets, with every market that has it."""
    sharing: defaultdict[tuple[tuple[float, float, float], ...], list[str]] = defaultdict(list)
    for symbol, rows in sorted(brackets.items()):
        sharing[tuple(rows)].append(symbol)
    lines = [
        " ".join(symbols) + " | " + " ".join(f"{cap:.12g}:{rate:.6g}:{lev:.6g}" for cap, rate, lev in rows)
        for rows, symbols in sharing.items()
    ]
    return HEAD.format(as_of=as_of) + "\n" + "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    """Read the CSV named first and write the table; the date is in the file's name (`…_2026-09.csv.gz`)."""
    path = Path(arguments[0])
    dated = re.search(r"\d{4}-\d{2}(-\d{2})?", path.name)
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    brackets = read_brackets(text.splitlines())
    out = Path(arguments[1]) if len(arguments) > 1 else SHIPPED / "binance.tiers"
    out.write_text(text_of(brackets, as_of=dated[0] if dated else "unknown"), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
