"""Be the command `export`: write what is kept of the market into a Parquet file."""

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adapters.coverage import coverage, limits_of
from bot.truth.place import market_opened, symbol_named, venue_named
from config.kinds import moment_ms
from config.settings import Settings
from engine.errors import DataError, UserError
from storage.market import MarketStore
from storage.market_tables import LIQUIDATIONS, TABLES, Table

ROWS_AT_ONCE = 100_000
EXAMPLE = "liqwatch export liquidations liquidations.parquet --symbol btc --from 2026-01-01"
COVERED = "liqwatch.coverage"
EXPORTED = tuple(sorted(t.name for t in TABLES.values() if t.time is not None and t.owner is None))
"""Tables that can be exported: what is kept of the market by time, nobody's own rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows are wanted: of a table, a symbol and a venue where named, `since_ms <= time < until_ms`."""

    table: Table
    symbol: str | None
    venue: str | None
    since_ms: int
    until_ms: int

    def query(self) -> tuple[str, list[object]]:
        """Return the query and its values; UserError where the table does not know what is asked for."""
        table = self.table
        columns, time = ", ".join(table.columns), table.time
        sql = f"SELECT {columns} FROM {table.name} WHERE {time} >= ? AND {time} < ?"  # noqa: S608  # constants
        values: list[object] = [self.since_ms, self.until_ms]
        venue = "exchange" if "exchange" in table.columns else "venue"
        for column, value in (("symbol", self.symbol), (venue, self.venue)):
            if value is None:
                continue
            if column not in table.columns:
                raise UserError(f"{table.name} is not kept by {column}.", example=EXAMPLE)
            sql += f" AND {column} = ?"
            values.append(value)
        return f"{sql} ORDER BY {time}", values


def wanted_of(given: argparse.Namespace) -> Wanted:
    """Return what was asked for on the command line; raise UserError for what cannot be."""
    if given.table not in EXPORTED:
        raise UserError(
            f"There is no table {given.table!r}; there are: {', '.join(EXPORTED)}.", example=EXAMPLE
        )
    return Wanted(
        table=TABLES[given.table],
        symbol=symbol_named(given.symbol) if given.symbol else None,
        venue=venue_named(given.venue) if given.venue else None,
        since_ms=_moment(given.begin, 0),
        until_ms=_moment(given.end, 1 << 62),
    )


def _moment(text: str | None, usual: int) -> int:
    if not text:
        return usual
    try:
        return int(str(moment_ms(text)))
    except ValueError:
        raise UserError(f"{text!r} is not a time.", example=EXAMPLE) from None


def export(given: argparse.Namespace, settings: Settings) -> int:
    """Write the file; print how many rows it holds."""
    wanted = wanted_of(given)

    async def work() -> Written:
        async with market_opened(settings) as store:
            return await write(store, wanted, given.file)

    written = asyncio.run(work())
    sys.stdout.write(f"{written.rows:,} rows of {wanted.table.name} in {given.file}\n")
    sys.stdout.writelines(f"{line}\n" for line in limits_of(written.coverage))
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a file holds: how many rows, and how much is seen of the liquidations of each venue in it."""

    rows: int
    coverage: dict[str, str]


async def write(store: MarketStore, wanted: Wanted, file: Path) -> Written:
    """Write the rows into a file, which is there only once it is whole; return what it holds.

    A file of liquidations says for each venue how much of them is seen, in its metadata under COVERED.
    Raise DataError where the file cannot be written.
    """
    sql, values = wanted.query()
    part = file.with_name(f"{file.name}.part")
    reported = wanted.table is LIQUIDATIONS

    def work(cursor: duckdb.DuckDBPyConnection) -> Written:
        count, venues = 0, set[str]()
        with pq.ParquetWriter(part, wanted.table.schema, compression="zstd") as writer:
            for batch in cursor.sql(sql, params=values).to_arrow_reader(ROWS_AT_ONCE):
                writer.write_batch(batch.cast(wanted.table.schema))
                count += batch.num_rows
                if reported:
                    venues.update(pc.unique(batch.column("exchange")).to_pylist())
            seen = {venue: coverage(venue).sentence for venue in sorted(venues)}
            if reported:
                writer.add_key_value_metadata({COVERED: json.dumps(seen)})
        part.replace(file)
        return Written(rows=count, coverage=seen)

    try:
        return await store.read(work)
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
