"""Write predictions for others to judge: one row an hour, UTC, in Parquet with an index for pandas."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bot.truth.files import whole
from engine.accuracy import Outcome
from engine.model import HOUR_MS

COLUMNS = ("long", "short", "long_frozen", "short_frozen")
INDEX = "ts"


def export(outcome: Outcome, path: Path) -> None:
    """Write the first model's predictions in USD: walk-forward in `long` and `short`, and the frozen ones.

    The index `ts` holds the starts of the hours. The file appears whole or not at all.
    """
    values = np.hstack([outcome.walk, outcome.frozen])
    times = pa.array(outcome.hour * HOUR_MS * 1000, pa.timestamp("us", "UTC"))  # the unit pandas joins by
    table = pa.table({name: values[:, at] for at, name in enumerate(COLUMNS)} | {INDEX: times})
    table = table.replace_schema_metadata({b"pandas": json.dumps(_pandas()).encode()})
    with whole(path) as made:
        pq.write_table(table, made)


def _pandas() -> dict[str, object]:
    """Return what pandas keeps beside a table, so that the index comes back as one."""

    def column(name: str, kind: str, numpy_type: str, more: object = None) -> dict[str, object]:
        return {
            "name": name,
            "field_name": name,
            "pandas_type": kind,
            "numpy_type": numpy_type,
            "metadata": more,
        }

    return {
        "index_columns": [INDEX],
        "column_indexes": [column("", "unicode", "object", {"encoding": "UTF-8"}) | {"name": None}],
        "columns": [
            *(column(name, "float64", "float64") for name in COLUMNS),
            column(INDEX, "datetimetz", "datetime64[us]", {"timezone": "UTC"}),
        ],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.0.0",
    }
