"""Gives traces and operations their numbers.

In: ids and operations as decoded. Out: numbers; which traces are new, and which were folded before. State: the traces
that are not folded yet, the operations used last, and a filter of all ids; read from the store again after a failure.
Used by the writing thread only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from collector.local.store.columns import insert_columns, texts
from collector.local.store.spans.facts import Operation
from collector.local.store.spans.seen_ids import SeenIds
from collector.local.store.spans.tables import OPERATIONS, TRACE_PARTS, TRACE_ROWS

Array = np.ndarray[Any, Any]
LEAST_IDS = 100_000
"""The smallest filter of ids."""
MOST_OPERATIONS = 20_000
"""So many operations are kept in memory; others are looked up."""


@dataclass(frozen=True)
class Numbered:
    """The traces of a transaction: the number of each id, and those that were folded before."""

    numbers: dict[str, int]
    folded: list[int]


class Numbers:
    """The numbers of one open store."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}
        self._operations: dict[Operation, int] = {}
        self._all_operations = False  # whether they are all in memory
        self._next_trace = 0
        self._next_operation = 0
        self._seen = SeenIds(LEAST_IDS)

    @property
    def open_traces(self) -> int:
        """How many traces are not folded."""
        return len(self._open)

    def read(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Read the state from the store."""
        parts = cursor.execute(
            f"SELECT DISTINCT trace_no, trace_id FROM {TRACE_PARTS.name}"  # noqa: S608 (our names)
        ).fetchall()
        self._open = {str(text): int(number) for number, text in parts}
        self._next_trace = 1 + max(_most(cursor, "trace_no", name) for name in (TRACE_ROWS.name, TRACE_PARTS.name))
        self._operations = _operations(cursor, f"LIMIT {MOST_OPERATIONS}", [])
        self._all_operations = len(self._operations) < MOST_OPERATIONS
        self._next_operation = 1 + _most(cursor, "operation_no", OPERATIONS.name)
        self._read_seen(cursor)

    def traces(self, cursor: duckdb.DuckDBPyConnection, ids: Iterable[str]) -> Numbered:
        """The numbers of traces by their ids, hexadecimal; new ones get the next numbers."""
        wanted = dict.fromkeys(ids)
        numbers = {text: self._open[text] for text in wanted if text in self._open}
        unknown = [text for text in wanted if text not in numbers]
        if not unknown:
            return Numbered(numbers, [])
        halves = halves_of(unknown)
        folded = self._look_up(cursor, unknown, halves)
        new = [text for text in unknown if text not in folded]
        numbers |= folded
        numbers.update(zip(new, range(self._next_trace, self._next_trace + len(new)), strict=True))
        self._next_trace += len(new)
        self._open.update((text, numbers[text]) for text in unknown)
        self._seen.add(halves[:, 1])
        if self._seen.count > self._seen.capacity:
            self._read_seen(cursor)
        return Numbered(numbers, list(folded.values()))

    def operations(self, cursor: duckdb.DuckDBPyConnection, wanted: Sequence[Operation]) -> list[int]:
        """The number of each operation; new ones are stored."""
        known = self._operations
        missing = [operation for operation in dict.fromkeys(wanted) if operation not in known]
        if missing:
            if len(known) > MOST_OPERATIONS:
                known.clear()
                missing, self._all_operations = list(dict.fromkeys(wanted)), False
            if not self._all_operations:
                names = list({operation[2] for operation in missing})
                known |= _operations(cursor, "WHERE name IN (SELECT unnest(?::VARCHAR[]))", [names])
                missing = [operation for operation in missing if operation not in known]
            self._add_operations(cursor, missing)
        return [known[operation] for operation in wanted]

    def forget_operations(self) -> None:
        """Some were deleted from the store."""
        self._operations.clear()
        self._all_operations = False

    def folded(self, numbers: Iterable[int]) -> None:
        """These traces were folded, or deleted."""
        gone = set(numbers)
        self._open = {text: number for text, number in self._open.items() if number not in gone}

    def _look_up(self, cursor: duckdb.DuckDBPyConnection, ids: Sequence[str], halves: Array) -> dict[str, int]:
        """The numbers of those among unknown ids that were folded before."""
        likely = np.flatnonzero(self._seen.may_have(halves[:, 1]))
        if not len(likely):
            return {}
        rows = cursor.execute(
            f"SELECT trace_id, trace_no FROM {TRACE_ROWS.name} WHERE id_key IN (SELECT unnest(?::UINTEGER[])) "  # noqa: S608
            "AND trace_id IN (SELECT unnest(?::VARCHAR[]))",
            [[int(ids[place][:8], 16) for place in likely.tolist()], [ids[place] for place in likely.tolist()]],
        ).fetchall()
        return {str(text): int(number) for text, number in rows}

    def _add_operations(self, cursor: duckdb.DuckDBPyConnection, new: Sequence[Operation]) -> None:
        if not new:
            return
        numbers = range(self._next_operation, self._next_operation + len(new))
        names = [column.name for column in OPERATIONS.columns]
        service, version, name, kind, is_rpc, search_operation = zip(*new, strict=True)
        arrays = (np.array(numbers), texts(service), texts(version), texts(name), texts(kind), np.array(is_rpc),
                  texts(search_operation))  # fmt: skip
        insert_columns(cursor, OPERATIONS, dict(zip(names, arrays, strict=True)))
        self._operations.update(zip(new, numbers, strict=True))
        self._next_operation += len(new)

    def _read_seen(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Make the filter anew, with room for twice as many ids."""
        arrays = [
            cursor.execute(f"SELECT ('0x' || trace_id[17:])::UBIGINT AS low FROM {name}").fetchnumpy()["low"]  # noqa: S608
            for name in (TRACE_ROWS.name, TRACE_PARTS.name)
        ]
        ids = np.concatenate([np.asarray(array, np.uint64) for array in arrays])
        self._seen = SeenIds(max(LEAST_IDS, 2 * (len(ids) + len(self._open))))
        self._seen.add(ids)
        if self._open:  # those of the transaction under way are not in the store yet
            self._seen.add(halves_of(list(self._open))[:, 1])


def halves_of(ids: Sequence[str]) -> Array:
    """The two halves of ids of 32 hexadecimal digits, as one row each."""
    return np.frombuffer(bytes.fromhex("".join(ids)), ">u8").astype(np.uint64).reshape(-1, 2)


def _operations(cursor: duckdb.DuckDBPyConnection, where: str, parameters: list[Any]) -> dict[Operation, int]:
    rows = cursor.execute(f"SELECT * FROM {OPERATIONS.name} {where}", parameters).fetchall()  # noqa: S608 (our names)
    return {
        (service, version, name, kind, rpc, search): int(number)
        for number, service, version, name, kind, rpc, search in rows
    }


def _most(cursor: duckdb.DuckDBPyConnection, column: str, table: str) -> int:
    row = cursor.execute(f"SELECT coalesce(max({column}), 0) FROM {table}").fetchone()  # noqa: S608 (our names)
    return int(row[0]) if row else 0
