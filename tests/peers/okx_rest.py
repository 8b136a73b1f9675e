"""The REST side of the local OKX: each endpoint with its parameters, page size and limit."""

from collections import defaultdict, deque

LIMITS = {  # requests in two seconds, and whether they are counted for each contract
    "public/time": (10, False),
    "public/instruments": (20, False),
    "market/candles": (40, False),
    "market/history-candles": (20, False),
    "public/open-interest": (20, True),
    "rubik/stat/contracts/open-interest-history": (10, True),
    "rubik/stat/contracts/long-short-account-ratio-contract": (5, False),
    "rubik/stat/contracts/long-short-account-ratio-contract-top-trader": (5, False),
    "rubik/stat/contracts/long-short-position-ratio-contract-top-trader": (5, False),
    "public/funding-rate": (10, True),
    "public/funding-rate-history": (10, True),
    "public/position-tiers": (10, False),
    "public/liquidation-orders": (40, False),
}
WINDOW_S = 2.0
RECENT = 1440


class Refusal(Exception):
    """Answer with an error of OKX's."""

    def __init__(self, code, words, status=200):
        super().__init__(words)
        self.code, self.words, self.status = code, words, status


class Meter:
    """Count requests of a rolling window, and remember every excess."""

    def __init__(self, clock):
        self.clock = clock
        self.exceeded = []
        self._seen = defaultdict(deque)

    def count(self, name, budget, window_s, key=""):
        """Return whether one more is within the budget."""
        now_s, seen = self.clock(), self._seen[name, key]
        while seen and seen[0] <= now_s - window_s:
            seen.popleft()
        seen.append(now_s)
        if len(seen) > budget:
            self.exceeded.append(f"{name}: more than {budget} in {window_s:g} s {key}".rstrip())
        return len(seen) <= budget


def respond(world, path, query):
    """Return the rows that an endpoint answers with; raise Refusal for what OKX refuses."""
    if path not in LIMITS or (path == "public/liquidation-orders" and not world.lists_liquidations):
        raise Refusal("50005", "API is offline or unavailable", 410)
    name = path.removeprefix("public/").removeprefix("market/").removeprefix("rubik/stat/contracts/")
    if name.startswith("long-short"):
        return _statistic(world, query, world.ratios[name])
    return _ENDPOINTS[name](world, query)


def _needed(query, name):
    if not query.get(name):
        raise Refusal("50014", f"Parameter {name} can not be empty.", 400)
    return query[name]


def _contract(world, query):
    native = _needed(query, "instId")
    if not any(row["instId"] == native for row in world.instruments):
        raise Refusal("51001", "Instrument ID doesn't exist.", world.refusal_status)
    return native


def _number(query, name, otherwise):
    raw = query.get(name) or str(otherwise)
    if not raw.isdecimal():
        raise Refusal("51000", f"Parameter {name} error", 400)
    return int(raw)


def _page(world, query, rows, *, most, default=100, time=lambda row: int(row[0])):
    """Return a page, newest first: `after` and `before` are not included themselves."""
    limit = _number(query, "limit", default)
    if limit > most:
        world.faults.append(f"limit {limit} is above {most}")
    after, before = _number(query, "after", 1 << 60), _number(query, "before", 0)
    found = [row for row in rows if before < time(row) < after]
    return sorted(found, key=time, reverse=True)[: min(limit, most)]


def _candles(world, query, *, most, rows):
    native, bar = _contract(world, query), query.get("bar", "1m")
    if bar not in world.bars:
        raise Refusal("51000", "Parameter bar error", 400)
    step_ms, now_ms = world.bars[bar], world.now_ms()
    known = [row for row in world.candles[native, bar] if int(row[0]) <= now_ms][-rows:]
    found = [[*row[:8], "1" if int(row[0]) + step_ms <= now_ms else "0"] for row in known]
    return _page(world, query, found, most=most)


def _statistic(world, query, table):
    native, period = _contract(world, query), query.get("period", "5m")
    begin, end = _number(query, "begin", 0), _number(query, "end", 1 << 60)
    limit = _number(query, "limit", 100)
    if limit > 100:
        world.faults.append(f"limit {limit} is above 100")
    rows = [row for row in table[native, period][-RECENT:] if begin <= int(row[0]) <= end]
    return sorted(rows, key=lambda row: -int(row[0]))[: min(limit, 100)]


def _of_type(world, query, rows):
    if _needed(query, "instType") != "SWAP":
        raise Refusal("51000", "Parameter instType error", 400)
    return list(rows)


def _funding(world, query):
    if query.get("instId") == "ANY" and world.funding_any:
        return list(world.funding.values())
    return [world.funding[_contract(world, query)]]


def _funding_history(world, query):
    rows = world.funding_history[_contract(world, query)]
    return _page(world, query, rows, most=100, time=lambda row: int(row["fundingTime"]))


def _tiers(world, query):
    _needed(query, "tdMode")
    families = _needed(query, "instFamily").split(",")
    if len(families) > 5:
        raise Refusal("51000", "Parameter instFamily error", 400)
    rows = _of_type(world, query, world.tiers)
    return [row for row in rows if row["instFamily"] in families]


def _liquidations(world, query):
    _needed(query, "state")
    family = query.get("instFamily") or _needed(query, "uly")
    return [row for row in _of_type(world, query, world.liquidations) if row["instFamily"] == family]


_ENDPOINTS = {
    "time": lambda world, query: [{"ts": str(world.now_ms())}],
    "instruments": lambda world, query: _of_type(world, query, world.instruments),
    "candles": lambda world, query: _candles(world, query, most=300, rows=RECENT),
    "history-candles": lambda world, query: _candles(world, query, most=100, rows=1 << 30),
    "open-interest": lambda world, query: _of_type(world, query, world.open_interest.values()),
    "open-interest-history": lambda world, query: _statistic(world, query, world.open_interest_history),
    "funding-rate": _funding,
    "funding-rate-history": _funding_history,
    "position-tiers": _tiers,
    "liquidation-orders": _liquidations,
}
