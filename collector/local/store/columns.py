"""Inserts rows into DuckDB by columns: one statement for thousands of rows."""

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
"""Numbers that are never NULL go to DuckDB as numbers. All others go as text, or None, and the insert casts them: a
floating-point array of numpy does not distinguish NaN and NULL, and has no lists."""

CONFIG = {"pandas_analyze_sample": 0}
"""DuckDB then treats objects as text, instead of analysing a sample of each column of each insert."""


def texts(values: Sequence[str | None]) -> np.ndarray[Any, Any]:
    """Texts, or Nones, as a column."""
    return np.array(values, np.object_)


def insert_columns(
    cursor: duckdb.DuckDBPyConnection,
    table: Table,
    columns: Columns,
    **constants: int,
) -> None:
    """Insert columns of numbers and texts.

    Args:
        cursor: on the store.
        table: takes the rows.
        columns: by name, all but those of `constants`, and those that are empty or 0 in all rows.
        constants: columns with one value in all rows.
    """
    values = [
        str(constants[column.name])
        if column.name in constants
        else ("''" if column.kind.startswith("VARCHAR") else "0")
        if column.name not in columns
        else f'"{column.name}"'
        for column in table.columns
    ]
    incoming = columns  # noqa: F841 (DuckDB finds it by its name, without a view)
    cursor.execute(f'INSERT INTO "{table.name}" SELECT {", ".join(values)} FROM incoming')  # noqa: S608 (our names)


def insert(
    cursor: duckdb.DuckDBPyConnection,
    table: Table,
    rows: Sequence[tuple[Any, ...]],
    now_unix_ns: int,
    condition: str = "",
) -> None:
    """Insert rows with the table's columns in order, without the last, `ingested_unix_ns`, which is `now_unix_ns`."""
    names = ", ".join(f'"{column.name}"' for column in table.columns[:-1])
    incoming = columns_of(table, rows)  # noqa: F841 (DuckDB finds it by its name, without a view)
    cursor.execute(
        f'INSERT INTO "{table.name}" SELECT {names}, {now_unix_ns} FROM incoming {condition}'  # noqa: S608 (our names)
    )


def columns_of(table: Table, rows: Sequence[tuple[Any, ...]]) -> Columns:
    """The rows as one array for each column."""
    return {
        column.name: np.array(values, dtype=NUMPY_TYPES.get(column.kind, np.object_))
        for column, values in zip(table.columns, zip(*rows, strict=True), strict=False)
    }
