"""Realistic spans in a store: `python -m benchmarks.realistic PATH --spans 10000000`.

In: how many spans, over which time. Out: a store with searches and indexings of 13 spans each, of four services, as
Pamazon sends them: 8 attributes a span, two of which are random texts and one a random number; 1 % of the requests
fail. They are written by the collector's own code. State: the store.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from collector.local.settings import CollectorSettings
from collector.local.store.rows import ExportRows, SpanRow
from collector.local.store.spans.tables import (
    ATTRIBUTE_FILTERS,
    ENTRY_MINUTE_ROWS,
    SPAN_MINUTE_ROWS,
    SPAN_ROWS,
    TRACE_ROWS,
)
from collector.local.store.store import Store

Array = np.ndarray[Any, Any]
NS = 1_000_000_000
TRACES_AT_ONCE = 1_500
BASE_TRACES = 144_000
"""96 full segments of spans: what is rare by chance in some must not be repeated in too many copies."""
PLATFORMS = ("web", "ios", "android", "linux")
REGIONS = ("de", "us", "cl", "fr", "jp", "br", "in", "gb", "es", "it")
LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz", np.uint8)


@dataclass(frozen=True)
class Shape:
    """One of the 13 spans of a request; times in thousandths of the request's duration."""

    parent: int | None
    name: str
    kind: str
    service: str
    begin: int
    end: int
    attributes: str = ""


def _rpc(method: str) -> str:
    return f'"rpc.system.name":"grpc","rpc.method":"{method}",'


_SEARCH, _PROCESS = _rpc("pamazon.Gateway/Search"), _rpc("pamazon.Executor/Process")
TREE = (
    Shape(None, "/pamazon.Gateway/Search", "client", "shop", 0, 1000, _SEARCH),
    Shape(0, "/pamazon.Gateway/Search", "server", "gateway", 20, 980, _SEARCH),
    Shape(1, "/search", "internal", "gateway", 25, 975, '"search.entry":true,"len_docs":1,'),
    Shape(2, "/pamazon.Executor/Process", "client", "gateway", 40, 700, _PROCESS),
    Shape(3, "/pamazon.Executor/Process", "server", "clip_encoder", 60, 690, _PROCESS),
    Shape(4, "/encode", "internal", "clip_encoder", 65, 685, '"len_docs":1,'),
    Shape(5, "encode", "internal", "clip_encoder", 70, 680, '"runtime":"onnx","device":"cpu",'),
    Shape(6, "inference", "internal", "clip_encoder", 80, 670, '"minibatch_size":32,'),
    Shape(7, "txt_minibatch_encoding", "internal", "clip_encoder", 100, 660, '"minibatch_size":1,'),
    Shape(2, "/pamazon.Executor/Process", "client", "gateway", 720, 970, _PROCESS),
    Shape(9, "/pamazon.Executor/Process", "server", "qdrant_indexer", 740, 960, _PROCESS),
    Shape(10, "/search", "internal", "qdrant_indexer", 745, 955, '"len_docs":1,'),
    Shape(11, "qdrant_search", "internal", "qdrant_indexer", 750, 950, '"db.system.name":"qdrant","search.hits":10,'),
)
SERVICES = ("shop", "gateway", "clip_encoder", "qdrant_indexer")


def resource_id(service: str) -> int:
    """The id of a service's resource."""
    return SERVICES.index(service) + 1


def exports(traces: int, since_ns: int, until_ns: int, seed: int = 1) -> Iterator[tuple[int, list[ExportRows]]]:
    """Some traces after the other, with the time at which they arrive: an export of each service."""
    dice = np.random.default_rng(seed)
    step = (until_ns - since_ns) // traces
    for first in range(0, traces, TRACES_AT_ONCE):
        count = min(TRACES_AT_ONCE, traces - first)
        starts = since_ns + step * np.arange(first, first + count)
        yield int(starts[-1]) + NS, _exports(dice, starts)


def _exports(dice: np.random.Generator, starts: Array) -> list[ExportRows]:
    count, size = len(starts), len(TREE)
    durations = dice.lognormal(17.3, 0.6, count).astype(np.int64)
    trace_ids = [dice.bytes(16).hex() for _ in range(count)]
    span_ids = np.frombuffer(dice.bytes(8 * count * size), np.uint64).reshape(count, size)
    ids = [[f"{number or 1:016x}" for number in row] for row in span_ids.tolist()]
    texts = _texts(dice, 2 * count * size)
    scores = dice.random(count * size).tolist()
    failed = dice.random(count) < 0.01
    who = [
        f'"search.operation":"{operation}","client.platform":"{platform}","client.region":"{region}",'
        for operation, platform, region in zip(
            dice.choice(("search", "search", "search", "index"), count),
            dice.choice(PLATFORMS, count),
            dice.choice(REGIONS, count),
            strict=True,
        )
    ]
    rows: dict[str, list[Any]] = {service: [] for service in SERVICES}
    for place, (start, duration) in enumerate(zip(starts.tolist(), durations.tolist(), strict=True)):
        status = "error" if failed[place] else "unset"
        for number, shape in enumerate(TREE):
            at = place * size + number
            rows[shape.service].append(
                SpanRow(
                    trace_ids[place],
                    ids[place][number],
                    None if shape.parent is None else ids[place][shape.parent],
                    shape.name,
                    shape.kind,
                    shape.service,
                    start + duration * shape.begin // 1000,
                    start + duration * shape.end // 1000,
                    status if number in (0, 1, 2, 9, 10, 11, 12) else "unset",
                    "",
                    f'{{{who[place]}{shape.attributes}"request.id":"{texts[2 * at]}",'
                    f'"session.id":"{texts[2 * at + 1]}","score":{scores[at]}}}',
                    0,
                    0,
                    0,
                    "",
                    257,
                    resource_id(shape.service),
                    1,
                )
            )
    return [_export(service, mine) for service, mine in rows.items()]


def _export(service: str, rows: list[Any]) -> ExportRows:
    number = resource_id(service)
    attributes = f'{{"service.name":"{service}","service.version":"1.4.{number}"}}'
    resource = {number: (number, service, attributes, 0, "")}
    return ExportRows("traces", len(rows), {"spans": rows}, resource, {1: (1, "search-telemetry", "1", "{}", 0, "")})


def _texts(dice: np.random.Generator, count: int) -> list[str]:
    letters = LETTERS[dice.integers(0, len(LETTERS), (count, 16))]
    return [text.decode() for text in letters.view("S16").ravel().tolist()]


def fill(path: Path, spans: int, hours: float, *, progress: bool = False) -> int:
    """Write so many spans of the last hours into a store; return how many there are.

    The first ones are written as an export is, the others are copies of these with other ids and times: a text comes
    again after an hour or so, when nothing remembers it.
    """
    store = Store.open(path, settings=CollectorSettings(max_store_bytes=None))
    copies = max(1, round(spans / (BASE_TRACES * len(TREE))))
    shift_s = int(hours * 60) * 60 // copies // 60 * 60
    now = time.time_ns()
    begin = (now // (60 * NS) - int(hours * 60)) * 60 * NS
    for number, (arrived, group) in enumerate(exports(BASE_TRACES, begin, begin + shift_s * NS)):
        store.write(group, [f"{number}-{place}" for place in range(len(group))], arrived)
        store.fold(arrived)
    store.fold(begin + 2 * shift_s * NS, everything=True)
    with store.reader() as cursor:
        for copy in range(1, copies):
            _copy(cursor, copy, copy * shift_s)
            if progress:
                print(f"{(copy + 1) * BASE_TRACES * len(TREE):,} spans", flush=True)
    store.close()
    return copies * BASE_TRACES * len(TREE)


def _copy(cursor: duckdb.DuckDBPyConnection, copy: int, shift_s: int) -> None:
    """Copy what was written first, so many seconds later."""
    segments = BASE_TRACES // TRACES_AT_ONCE
    changes = {
        "trace_no": f"trace_no + {copy * BASE_TRACES}",
        "trace_id": f"md5(trace_id || '{copy}')",
        "id_key": f"('0x' || md5(trace_id || '{copy}')[:8])::UINTEGER",
        "segment_no": f"segment_no + {copy * segments}",
        "minute_unix_s": f"minute_unix_s + {shift_s}",
    }
    changes["span_id"] = f"xor(span_id, {copy}::UBIGINT << 40)"
    changes["parent_span_id"] = (
        f"CASE WHEN parent_span_id = 0 THEN 0 ELSE xor(parent_span_id, {copy}::UBIGINT << 40) END"
    )
    for name in ("start_unix_ns", "ingested_unix_ns", "last_ingested_unix_ns"):
        changes[name] = f"{name} + {shift_s * NS}"
    originals = {
        SPAN_ROWS: f"segment_no < {segments}",
        TRACE_ROWS: f"trace_no <= {BASE_TRACES}",
        ATTRIBUTE_FILTERS: f"segment_no < {segments}",
        ENTRY_MINUTE_ROWS: "rowid < (SELECT count(*) FROM entry_minute_rows) // $copy",
        SPAN_MINUTE_ROWS: "rowid < (SELECT count(*) FROM span_minute_rows) // $copy",
    }
    cursor.begin()
    for table, which in originals.items():
        values = ", ".join(changes.get(column.name, column.name) for column in table.columns)
        sql = f"INSERT INTO {table.name} SELECT {values} FROM {table.name} WHERE {which}"
        cursor.execute(sql.replace("$copy", str(copy)))
    cursor.commit()


def main() -> None:
    """Fill a store."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.realistic", description=__doc__)
    parser.add_argument("path", type=Path, help="of the store")
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--hours", type=float, default=24, help="the time over which they are spread, until now")
    arguments = parser.parse_args()
    fill(arguments.path, arguments.spans, arguments.hours, progress=True)


if __name__ == "__main__":
    main()
