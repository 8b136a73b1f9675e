"""A query by venue reads no more than one without: told by the plan that ran, not by the time it took."""

import json

import pytest

from storage import venue_reads as reads
from storage.venue_reads import Asked, Ranked
from storage.venues import VenueStore

ROWS = 500_000
VENUES = ("binance", "bybit", "okx", "hyperliquid")
EVERY_MS = 1_000
FILL = (
    "INSERT INTO liquidations BY NAME SELECT 'BTCUSDT' AS symbol, i * 1000 AS ts, "
    "if(i % 3 = 0, 'long', 'short') AS side, 6e4 AS price, 'fill' AS price_kind, 1 AS quantity, "
    "6e4 + i AS notional_usd, i * 1000 AS received_ms, '' AS venue_id, 0 AS nth, "
    "(['binance', 'bybit', 'okx', 'hyperliquid'])[1 + i % 4] AS exchange FROM range(500000) AS t(i)"
)
SUMS = {
    "by step": lambda cursor, asked: reads.by_step(cursor, asked, 60_000),
    "by venue": reads.by_venue,
    "by symbol": lambda cursor, asked: reads.by_symbol(cursor, asked, Ranked.TOTAL, 10),
}
LISTS = {"largest": lambda cursor, asked: reads.largest(cursor, asked, 10)}
SPANS = {"all of it": (0, 1 << 62), "a part": (400_000_000, 410_000_000)}


class Profiled:
    """A cursor that keeps the plan of what it runs, with what was counted while it ran."""

    def __init__(self, cursor):
        self.cursor = cursor
        self.paths = []

    def execute(self, sql, values):
        ((_, said),) = self.cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values).fetchall()
        self._walk(json.loads(said)["operator"], ())
        return self.cursor.execute(sql, values)

    def _walk(self, operators, above):
        """Keep the way from the result down to each operator that reads the table."""
        for each in operators:
            if "SCAN" in each["type"]:
                self.paths.append((*above, each))
            self._walk(each.get("children", []), (*above, each))

    @property
    def scans(self):
        """The operators that read the table."""
        return [path[-1] for path in self.paths]

    @property
    def passed(self):
        """How many rows go on from the one place where they are read and sifted."""
        (path,) = self.paths
        sifting = [path[-1]]
        while path[-1 - len(sifting)]["type"] == "FILTER":
            sifting.append(path[-1 - len(sifting)])
        return sifting[-1]["intermediate_rows"]


@pytest.fixture
async def filled(market):
    await market.call(lambda cursor: cursor.execute(FILL))
    await market.call(lambda cursor: cursor.execute("CHECKPOINT"))
    return market


async def planned(market, query, **asked):
    def work(cursor):
        profiled = Profiled(cursor)
        query(profiled, Asked(symbol="BTCUSDT", **asked))
        return profiled

    return await market.read(work)


async def test_a_venue_is_sifted_where_rows_are_read_and_no_more_are_read_for_it(filled):
    for t0, t1 in SPANS.values():
        held = range(-(-t0 // EVERY_MS), min(ROWS, -(-t1 // EVERY_MS)))
        for name, query in SUMS.items():
            whole = await planned(filled, query, t0=t0, t1=t1)
            assert whole.passed == len(held), name
            for venues in (("bybit",), ("bybit", "okx"), VENUES):
                part = await planned(filled, query, t0=t0, t1=t1, venues=venues)
                for counted in ("rows_scanned", "row_groups_scanned"):
                    assert part.scans[0][counted] <= whole.scans[0][counted], (name, venues)
                assert part.passed == sum(VENUES[row % 4] in venues for row in held), (name, venues)
                if len(venues) == 1:  # nothing of another venue leaves the table
                    assert part.scans[0]["intermediate_rows"] == part.passed, name


async def test_a_span_of_one_venue_reads_the_row_groups_of_that_span_alone(filled):
    t0, t1 = SPANS["a part"]
    for name, query in (SUMS | LISTS).items():
        for scan in (await planned(filled, query, t0=t0, t1=t1, venues=("okx",))).scans:
            assert scan["total_row_groups_to_scan"] >= 4, name
            assert scan["row_groups_scanned"] <= 2, name


async def test_dollars_of_a_venue_are_its_part_of_all(filled):
    venues = VenueStore(filled)
    _, everything = await venues.liquidated_usd("BTCUSDT", 60_000)
    parts = [(await venues.liquidated_usd("BTCUSDT", 60_000, venues=[name]))[1].sum() for name in VENUES]
    assert everything.sum() == ROWS * 6e4 + ROWS * (ROWS - 1) / 2
    assert parts[1] == sum(6e4 + row for row in range(1, ROWS, 4))
    assert sum(parts) == everything.sum()
