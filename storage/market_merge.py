"""Write batches of rows so that a row given twice is kept once, the later one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage.market_tables import Table

_ORDER = "order_given"
"""The column that says which row of a batch came later; no table has one of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Rows for one table."""

    table: Table
    rows: pa.Table


@contextmanager
def transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what is done inside, or undo all of it."""
    cursor.execute("BEGIN")
    try:
        yield
        cursor.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):  # a commit that failed has rolled back; a fatal error ends everything
            cursor.execute("ROLLBACK")
        raise


def write(cursor: duckdb.DuckDBPyConnection, batch: Sequence[Append]) -> None:
    """Write appends in one transaction, those of a table together, in the order given."""
    by_table: dict[str, list[Append]] = {}
    for append in batch:
        by_table.setdefault(append.table.name, []).append(append)
    with transaction(cursor):
        for appends in by_table.values():
            _merge(cursor, appends[0].table, pa.concat_tables([append.rows for append in appends]))


def write_whole(cursor: duckdb.DuckDBPyConnection, parts: Sequence[Append]) -> None:
    """Write parts one after the other in one transaction: all of them are kept, or none."""
    with transaction(cursor):
        for part in parts:
            _merge(cursor, part.table, part.rows)


def _merge(cursor: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table) -> None:
    if not len(rows):
        return
    cursor.register("incoming", rows.append_column(_ORDER, pa.array(np.arange(len(rows)))))
    same = " AND ".join(f"kept.{name} = incoming.{name}" for name in table.key)
    span = []
    if table.time is not None:
        same += f" AND kept.{table.time} BETWEEN ? AND ?"
        span = list(pc.min_max(rows.column(table.time)).as_py().values())
    columns, key = ", ".join(table.columns), ", ".join(table.key)
    # The names in these statements are constants of storage.market_tables; values are bound.
    cursor.execute(f"DELETE FROM {table.name} AS kept USING incoming WHERE {same}", span)  # noqa: S608
    cursor.execute(
        f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM incoming "  # noqa: S608
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {_ORDER} DESC) = 1 ORDER BY {_ORDER}"
    )
    cursor.unregister("incoming")
    if table.keep is not None:
        _prune(cursor, table, table.keep)


def _prune(cursor: duckdb.DuckDBPyConnection, table: Table, keep: int) -> None:
    """Drop all but the newest `keep` rows of each key without its time."""
    key = ", ".join(table.key)
    group = ", ".join(name for name in table.key if name != table.time)
    same = " AND ".join(f"kept.{name} = old.{name}" for name in table.key)
    cursor.execute(
        f"DELETE FROM {table.name} AS kept USING (SELECT {key} FROM {table.name} QUALIFY "  # noqa: S608
        f"row_number() OVER (PARTITION BY {group} ORDER BY {table.time} DESC) > {keep}) AS old WHERE {same}"
    )
