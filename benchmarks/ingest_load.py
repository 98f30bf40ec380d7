"""Exports of spans as a search pipeline sends them, cheap to make: the machine's time belongs to the collector.

In: a batch size and a seed. Out: bytes of `ExportTraceServiceRequest`, each with new ids and times.
Owns one template, in which the ids and times of the next export are written over those of the last.
"""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from benchmarks.realistic import SERVICES
from benchmarks.realistic import TREE as SPANS

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
    """Makes exports of `batch` spans of one kind, in traces of eight."""

    def __init__(self, batch: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self.spans = [batch]
        """In each export; those of a list follow each other."""
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


class RealisticLoad:
    """Makes exports of about `batch` spans as the services of a search send them: each has spans of one service.

    The traces are those of `realistic.py`: 13 spans, of four services, whose exports follow each other. Every span has
    two random texts and a random number.
    """

    def __init__(self, batch: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._traces = max(1, batch * len(SERVICES) // len(SPANS))
        count = self._traces * len(SPANS)
        self._kinds = {
            "trace": [self._random.bytes(16) for _ in range(self._traces)],
            "span": [self._random.bytes(8) for _ in range(count)],
            "start": [self._random.bytes(8) for _ in range(count)],
            "end": [self._random.bytes(8) for _ in range(count)],
            "text": [self._letters(1)[0].tobytes() for _ in range(2 * count)],
            "number": [self._random.bytes(8) for _ in range(count)],
        }
        bodies = [_service_template(service, self._kinds) for service in SERVICES]
        self._bodies = [np.frombuffer(body, np.uint8).copy() for body in bodies]
        self._marks = [{kind: _Marks(body, marks) for kind, marks in self._kinds.items()} for body in bodies]
        self._next = 0
        self.spans = [self._traces * sum(shape.service == service for shape in SPANS) for service in SERVICES]
        """In the export of each service."""

    def next(self) -> bytes:
        """The next service's export of the same traces, or the first one's of new traces."""
        service = self._next % len(SERVICES)
        if service == 0:
            self._renew()
        self._next += 1
        for kind, marks in self._marks[service].items():
            marks.write(self._bodies[service], self._values[kind])
        return self._bodies[service].tobytes()

    def _renew(self) -> None:
        traces, size = self._traces, len(SPANS)
        begun = time.time_ns() - self._random.integers(0, 1_000_000_000, traces)
        lasted = self._random.lognormal(17.3, 0.6, traces).astype(np.int64)
        begin = np.array([shape.begin for shape in SPANS])
        end = np.array([shape.end for shape in SPANS])
        starts = begun[:, None] + lasted[:, None] * begin // 1000
        ends = begun[:, None] + lasted[:, None] * end // 1000
        self._values: dict[str, Array] = {
            "trace": self._random.integers(1, 256, (traces, 16), np.uint8),
            "span": self._random.integers(1, 256, (traces * size, 8), np.uint8),
            "start": starts.astype("<i8").ravel().view(np.uint8).reshape(-1, 8),
            "end": ends.astype("<i8").ravel().view(np.uint8).reshape(-1, 8),
            "text": self._letters(2 * traces * size),
            "number": self._random.random(traces * size).astype("<f8").view(np.uint8).reshape(-1, 8),
        }

    def _letters(self, count: int) -> Array:
        return self._random.integers(97, 123, (count, 16), np.uint8)


def _service_template(service: str, kinds: dict[str, list[bytes]]) -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.append(_attribute("service.name", service))
    resource_spans.resource.attributes.append(_attribute("service.version", "1.4.2"))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "search-telemetry"
    size = len(SPANS)
    for trace, trace_id in enumerate(kinds["trace"]):
        for number, shape in enumerate(SPANS):
            if shape.service != service:
                continue
            at = trace * size + number
            parent = b"" if shape.parent is None else kinds["span"][trace * size + shape.parent]
            span = scope_spans.spans.add(
                trace_id=trace_id,
                span_id=kinds["span"][at],
                parent_span_id=parent,
                name=shape.name,
                kind={"client": Span.SPAN_KIND_CLIENT, "server": Span.SPAN_KIND_SERVER}.get(
                    shape.kind, Span.SPAN_KIND_INTERNAL
                ),
                start_time_unix_nano=int.from_bytes(kinds["start"][at], "little"),
                end_time_unix_nano=int.from_bytes(kinds["end"][at], "little"),
                flags=257,
            )
            attributes = {
                "search.operation": "search",
                "client.platform": ("web", "ios", "android", "linux")[trace % 4],
                "client.region": ("de", "us", "cl", "fr", "jp")[trace % 5],
                **json.loads(f"{{{shape.attributes.rstrip(',')}}}"),
                "request.id": kinds["text"][2 * at].decode(),
                "session.id": kinds["text"][2 * at + 1].decode(),
            }
            span.attributes.extend(_attribute(key, value) for key, value in attributes.items())
            score = span.attributes.add(key="score").value
            score.double_value = float(np.frombuffer(kinds["number"][at], "<f8")[0])
    return request.SerializeToString()


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
    if isinstance(value, bool):
        return KeyValue(key=key, value=AnyValue(bool_value=value))
    if isinstance(value, str):
        return KeyValue(key=key, value=AnyValue(string_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    return KeyValue(key=key, value=AnyValue(double_value=value))
