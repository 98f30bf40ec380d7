"""Exports of spans as a search pipeline sends them, cheap to make: the machine's time belongs to the collector.

In: a batch size and a seed. Out: bytes of `ExportTraceServiceRequest`, each with new ids and times.
Owns one template, in which the ids and times of the next export are written over those of the last.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TREE = (
    ("/pamazon.Gateway/Search", Span.SPAN_KIND_SERVER),
    ("/search", Span.SPAN_KIND_INTERNAL),
    ("/pamazon.Executor/Process", Span.SPAN_KIND_CLIENT),
    ("/pamazon.Executor/Process", Span.SPAN_KIND_SERVER),
    ("encode", Span.SPAN_KIND_INTERNAL),
    ("inference", Span.SPAN_KIND_INTERNAL),
    ("txt_minibatch_encoding", Span.SPAN_KIND_INTERNAL),
    ("qdrant_search", Span.SPAN_KIND_INTERNAL),
)
Array = np.ndarray[Any, Any]


class Load:
    """Makes exports of `batch` spans, in traces of eight."""

    def __init__(self, batch: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        trace_ids = [self._random.bytes(16) for _ in range(-(-batch // len(TREE)))]
        span_ids = [self._random.bytes(8) for _ in range(batch)]
        starts = [int(mark) for mark in self._random.integers(1 << 60, 1 << 61, batch)]
        ends = [int(mark) for mark in self._random.integers(1 << 60, 1 << 61, batch)]
        body = _template(trace_ids, span_ids, starts, ends)
        self._body = np.frombuffer(body, np.uint8).copy()
        self._trace_ids = _Marks(body, trace_ids)
        self._span_ids = _Marks(body, span_ids)
        self._starts = _Marks(body, [mark.to_bytes(8, "little") for mark in starts])
        self._ends = _Marks(body, [mark.to_bytes(8, "little") for mark in ends])

    def next(self) -> bytes:
        """One export, unlike any before it."""
        self._trace_ids.write(self._body, self._random.integers(1, 256, self._trace_ids.shape, np.uint8))
        self._span_ids.write(self._body, self._random.integers(1, 256, self._span_ids.shape, np.uint8))
        count = self._starts.shape[0]
        starts = time.time_ns() + self._random.integers(0, 1_000_000, count)
        ends = starts + self._random.lognormal(14, 1, count).astype(np.int64)
        self._starts.write(self._body, starts.astype("<i8").view(np.uint8).reshape(count, 8))
        self._ends.write(self._body, ends.astype("<i8").view(np.uint8).reshape(count, 8))
        return self._body.tobytes()


class _Marks:
    """Where the marks of one kind stand in the template."""

    def __init__(self, body: bytes, marks: list[bytes]) -> None:
        self.shape = (len(marks), len(marks[0]))
        found = [(place, number) for number, mark in enumerate(marks) for place in _find(body, mark)]
        self._numbers = np.array([number for _, number in found])
        self._places = np.array([place for place, _ in found])[:, None] + np.arange(len(marks[0]))

    def write(self, body: Array, values: Array) -> None:
        """Write a value of each mark wherever the mark stands."""
        body[self._places] = values[self._numbers]


def _find(body: bytes, mark: bytes) -> list[int]:
    places = []
    place = body.find(mark)
    while place >= 0:
        places.append(place)
        place = body.find(mark, place + 1)
    return places


def _template(trace_ids: list[bytes], span_ids: list[bytes], starts: list[int], ends: list[int]) -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.append(_attribute("service.name", "gateway"))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "telemetry"
    for number, span_id in enumerate(span_ids):
        depth = number % len(TREE)
        name, kind = TREE[depth]
        span = scope_spans.spans.add(
            trace_id=trace_ids[number // len(TREE)],
            span_id=span_id,
            parent_span_id=span_ids[number - 1] if depth else b"",
            name=name,
            kind=kind,
            start_time_unix_nano=starts[number],
            end_time_unix_nano=ends[number],
        )
        span.attributes.append(_attribute("search.operation", "search"))
        span.attributes.append(_attribute("rpc.method", "Search"))
        span.attributes.append(_attribute("device", "cpu"))
        span.attributes.append(_attribute("len_docs", number % 50))
        span.attributes.append(_attribute("top_score", 1 / (1 + number)))
    return request.SerializeToString()


def _attribute(key: str, value: str | float) -> KeyValue:
    if isinstance(value, str):
        return KeyValue(key=key, value=AnyValue(string_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    return KeyValue(key=key, value=AnyValue(double_value=value))
