"""Traces of a small flow, made by chance from a seed, as plain objects and in a store.

A client calls the gateway, which calls the encoder. What a test expects is computed from the objects, not the store.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from collector.local.decode.signals import BY_PATH
from collector.local.store.store import Store
from telemetry.conventions import SCOPE
from tests.integration.otlp_by_hand import KINDS, MS, START, pairs
from tests.otlp_samples import decode

HOUR = START // (3600 * 10**9) * 3600 * 10**9 + 3600 * 10**9
"""A whole hour, in Unix nanoseconds."""
OUTCOMES = (("error", 0.05), ("rejected", 0.08), ("cancelled", 0.1))
"""Outcomes with the share up to which a request has it."""
CELLS = [("web", "de"), ("web", "us"), ("ios", "de"), ("android", "us"), ("linux", "cl")]


@dataclass(frozen=True)
class Request:
    """One request, with the durations of its spans in milliseconds."""

    number: int
    start_ms: float
    operation: str
    platform: str
    region: str
    version: str
    way_ms: float
    gateway_ms: float
    encode_ms: float
    outcome: str
    len_docs: int

    @property
    def trace_id(self) -> str:
        return f"{self.number + 1:032x}"

    @property
    def client_ms(self) -> float:
        """What the client waited."""
        return self.way_ms + self.entry_ms

    @property
    def entry_ms(self) -> float:
        """The gateway's endpoint."""
        return self.gateway_ms + self.encode_ms + 1

    def start_ns(self) -> int:
        return HOUR + int(self.start_ms * MS)


def utc(nanoseconds: int) -> str:
    """A moment as the API reads it."""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat()


WHOLE = {"since": utc(HOUR), "until": utc(HOUR + 30 * 60 * 10**9)}
"""The parameters of a question about all requests, unless they last longer than half an hour."""


def rank(values: Sequence[float], quantile: float) -> float:
    """The percentile by nearest rank."""
    return sorted(values)[max(math.ceil(quantile * len(values) - 1e-9), 1) - 1]


def near(milliseconds: float) -> Any:
    """About so many nanoseconds, as exact as the buckets of durations are."""
    return pytest.approx(milliseconds * MS, rel=0.05)


def requests(count: int, seed: int = 1, *, chile_ms: float = 0, minutes: float = 30) -> list[Request]:
    """So many requests; `chile_ms`: how much longer the way of clients in Chile is."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        platform, region = chance.choice(CELLS)
        failed = chance.random()
        made.append(
            Request(
                number=number,
                start_ms=chance.uniform(0, minutes * 60_000),
                operation="search" if chance.random() < 0.8 else "index",
                platform=platform,
                region=region,
                version=chance.choice(["1.0.0", "2.0.0"]),
                way_ms=chance.uniform(2, 20) + (chile_ms if region == "cl" else 0),
                gateway_ms=chance.uniform(1, 4),
                encode_ms=chance.lognormvariate(3, 0.7),
                outcome="error"
                if failed < 0.05
                else "rejected"
                if failed < 0.08
                else "cancelled"
                if failed < 0.1
                else "ok",
                len_docs=chance.choice([0, 1, 1, 2, 50]),
            )
        )
    return made


def export_of(made: list[Request]) -> list[dict[str, Any]]:
    """The spans of these requests as OTLP, an export for each process."""
    processes = (("pamazon", ""), ("gateway", "1.0.0"), ("encoder", "1.0.0"), ("encoder", "2.0.0"))
    spans: dict[tuple[str, str], list[dict[str, Any]]] = {process: [] for process in processes}
    for request in made:
        for process, span in _spans(request):
            spans[process].append(span)
    exports = []
    for (service, version), of_process in spans.items():
        resource = {"service.name": service} | ({"service.version": version} if version else {})
        of_scope = [{"scope": {"name": SCOPE}, "spans": of_process}]
        exports.append({"resourceSpans": [{"resource": {"attributes": pairs(resource)}, "scopeSpans": of_scope}]})
    return exports


def store_of(made: list[Request]) -> Store:
    """A store in memory with the spans of these requests, as a collector wrote them."""
    return store_of_exports(export_of(made))


def store_of_exports(exported: list[dict[str, Any]]) -> Store:
    """A store in memory with what these exports hold, which arrived an hour after `HOUR`."""
    exports = [decode(BY_PATH["/v1/traces"], one) for one in exported]
    store = Store.open(None)
    store.write(exports, [str(number) for number in range(len(exports))], HOUR + 3600 * 10**9)
    return store


def _spans(request: Request) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Each span with its process: service and version."""
    common = {
        "search.operation": request.operation,
        "client.platform": request.platform,
        "client.region": request.region,
    }
    failed = request.outcome == "error"
    outcome = {"search.outcome": request.outcome} if request.outcome in {"rejected", "cancelled"} else {}
    error = {"error.type": "INTERNAL"} if failed else {}
    rpc = {"rpc.system.name": "grpc", **error}
    entry = {"search.entry": True, "len_docs": request.len_docs, **outcome, **error}
    began = {"error.type": "ModelError"} if failed else {}
    way, stop, half = request.way_ms / 2, request.client_ms, request.gateway_ms / 2
    method, process = f"/pamazon.Gateway/{request.operation.title()}", "/pamazon.Executor/Process"
    client, gateway, encoder = ("pamazon", ""), ("gateway", "1.0.0"), ("encoder", request.version)
    inner = way + half + 0.5
    rows: list[tuple[tuple[str, str], int, int, str, float, str, dict[str, Any]]] = [
        (client, 1, 0, method, 0, "client", rpc),
        (gateway, 2, 1, method, way, "server", rpc),
        (gateway, 3, 2, f"/{request.operation}", way, "internal", entry),
        (gateway, 4, 3, process, way + half, "client", rpc),
        (encoder, 5, 4, process, inner, "server", rpc),
        (encoder, 6, 5, "encode", inner, "internal", began),
    ]
    for of_process, number, parent, name, start, kind, attributes in rows:
        yield (
            of_process,
            {
                "traceId": request.trace_id,
                "spanId": f"{request.number + 1:08x}{number:08x}",
                **({"parentSpanId": f"{request.number + 1:08x}{parent:08x}"} if parent else {}),
                "name": name,
                "kind": KINDS[kind],
                "startTimeUnixNano": str(request.start_ns() + int(start * MS)),
                "endTimeUnixNano": str(request.start_ns() + int((stop - start) * MS)),
                "attributes": pairs({**common, **attributes}),
                "status": {"code": 2} if failed else {},
            },
        )
