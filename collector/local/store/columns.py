"""Rows to columns to DuckDB: one statement for thousands of rows, never row by row.

In: a table and its rows. Out: one INSERT on the caller's cursor. No state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np

from collector.local.store.schema import Table

Columns = dict[str, np.ndarray[Any, Any]]

NUMPY_TYPES: dict[str, Any] = {
    "BIGINT NOT NULL": np.int64,
    "UINTEGER NOT NULL": np.uint32,
    "INTEGER NOT NULL": np.int32,
    "BOOLEAN NOT NULL": np.bool_,
}
"""Numbers that are never NULL go to DuckDB as numbers. All else goes as text, or None, and is cast by the insert: a
floating-point array of numpy cannot tell NaN from NULL, nor hold lists."""

CONFIG = {"pandas_analyze_sample": 0}
"""DuckDB then takes objects for text, instead of looking at a sample of them in every column of every insert."""


def insert(
    cursor: duckdb.DuckDBPyConnection,
    table: Table,
    rows: Sequence[tuple[Any, ...]],
    now_unix_ns: int,
    condition: str = "",
) -> None:
    """Insert rows that hold the table's columns in order but the last, `ingested_unix_ns`, which is `now_unix_ns`."""
    names = ", ".join(f'"{column.name}"' for column in table.columns[:-1])
    incoming = columns_of(table, rows)  # noqa: F841 (DuckDB finds it by its name, which spares making a view of it)
    cursor.execute(
        f'INSERT INTO "{table.name}" SELECT {names}, {now_unix_ns} FROM incoming {condition}'  # noqa: S608 (our names)
    )


def columns_of(table: Table, rows: Sequence[tuple[Any, ...]]) -> Columns:
    """Rows to one array for each column."""
    return {
        column.name: np.array(values, dtype=NUMPY_TYPES.get(column.kind, np.object_))
        for column, values in zip(table.columns, zip(*rows, strict=True), strict=False)
    }
