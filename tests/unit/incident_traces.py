"""Searches and index requests of Pamazon with two encoders and two indexers, as spans, and what incidents make of them.

In: a seed, and the incident. Out: exports of OTLP for a store. The spans are those of a recorded Pamazon, with times of
a machine that has nothing else to do; of an incident, what it changes in them.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from collector.local.decode.signals import BY_PATH
from collector.local.store.store import Store
from telemetry.conventions import SCOPE
from tests.integration.otlp_by_hand import KINDS, MS, pairs
from tests.otlp_samples import decode

REQUESTS: Final = 130
"""Of each time, three in eight of them to `/index`."""
LENGTH_MS: Final = 60_000
Attributes = dict[str, Any]


@dataclass
class Facts:
    """One request before it is made: what an incident changes."""

    operation: str
    platform: str
    region: str
    replica: str
    version: str
    cached: bool
    documents: int
    way_ms: float
    forward_ms: float
    queue_ms: float
    index_ms: float
    batches: int = 1
    error: str = ""
    """The type of the error with which the index fails."""
    client: str = "load"
    """The process that asks."""
    score: float | None = None
    """Of the best result; None: any."""


Change = Callable[[Facts], object]


@dataclass
class Spans:
    """The spans of all requests, by process."""

    source: random.Random
    by_process: defaultdict[tuple[str, str, str], list[dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    number: int = 0

    def add(
        self, process: tuple[str, str, str], trace: str, parent: str, name: str, kind: str, at: tuple[float, float],
        attributes: Attributes, error: str = "", link: str = "",
    ) -> str:  # fmt: skip
        """Add a span between two moments in milliseconds; return its id."""
        self.number += 1
        span_id = f"{self.number:016x}"
        self.by_process[process].append(
            {
                "traceId": trace,
                "spanId": span_id,
                **({"parentSpanId": parent} if parent else {}),
                "name": name,
                "kind": KINDS[kind],
                "startTimeUnixNano": str(int(at[0] * MS)),
                "endTimeUnixNano": str(int(at[1] * MS)),
                "attributes": pairs({**attributes, **({"error.type": error} if error else {})}),
                "status": {"code": 2} if error else {},
                "links": [{"traceId": link, "spanId": "00000000000000ff"}] if link else [],
            }
        )
        return span_id

    def exports(self) -> Iterator[dict[str, Any]]:
        for (service, version, instance), spans in self.by_process.items():
            resource = {"service.name": service, "service.version": version, "service.instance.id": instance}
            scopes = [{"scope": {"name": SCOPE}, "spans": spans}]
            yield {"resourceSpans": [{"resource": {"attributes": pairs(resource)}, "scopeSpans": scopes}]}


def store_of(incidents: Mapping[str, Change], start_ms: float) -> Store:
    """A store in memory with these exports."""
    exports = [decode(BY_PATH["/v1/traces"], exported) for exported in exports_of(incidents, start_ms)]
    store = Store.open(None)
    store.write(exports, [str(number) for number in range(len(exports))], int(start_ms * MS))
    return store


def exports_of(incidents: Mapping[str, Change], start_ms: float) -> list[dict[str, Any]]:
    """For each incident a healthy time and then its own, `LENGTH_MS` each, one after the other."""
    made = Spans(random.Random(7))
    for number, change in enumerate(incidents.values()):
        for is_incident in (False, True):
            begin = start_ms + (2 * number + is_incident) * LENGTH_MS
            for request in range(REQUESTS):
                facts = _facts(made.source, "index" if request % 8 < 3 else "search")
                if is_incident:
                    change(facts)
                _add(made, facts, begin + (request + 0.5) * LENGTH_MS / REQUESTS)
    return list(made.exports())


def _facts(source: random.Random, operation: str) -> Facts:
    platform, region = source.choice(
        [("web", "us"), ("web", "de"), ("ios", "de"), ("android", "us"), ("android", "es"), ("linux", "cl")]
    )
    return Facts(
        operation, platform, region, source.choice("ab"), source.choice(["0.1.0", "2.0.0"]),
        cached=operation == "search" and source.random() < 0.5,
        documents=1 if operation == "search" else 8,
        way_ms=source.lognormvariate(3, 0.3) + (130 if region == "cl" else 0),
        forward_ms=source.lognormvariate(0, 0.3) * (1 if operation == "search" else 5),
        queue_ms=source.lognormvariate(-2, 0.3),
        index_ms=source.lognormvariate(0.5, 0.3),
    )  # fmt: skip


def _add(made: Spans, facts: Facts, at: float) -> None:
    """The spans of one request that begins at a moment."""
    trace = f"{made.number + 1:032x}"
    common = {"search.operation": facts.operation, "client.platform": facts.platform, "client.region": facts.region}
    rpc = {**common, "rpc.system.name": "grpc"}
    gateway, encoder, indexer = _processes(facts)
    name, method = f"/{facts.operation}", f"/pamazon.Gateway/{facts.operation.title()}"
    encode = 0.5 + (0 if facts.cached or not facts.documents else facts.queue_ms + facts.forward_ms)
    way, total = facts.way_ms / 2, encode + facts.index_ms + 4
    served = (at + way, at + way + total)
    outer = "INTERNAL" if facts.error else ""
    client = made.add(
        ("pamazon", "0.1.0", facts.client), trace, "", method, "client", (at, at + 2 * way + total), rpc, outer
    )
    server = made.add(gateway, trace, client, method, "server", served, {**rpc, "search.entry": True}, outer)
    entry = {**common, "search.entry": True, "len_docs": facts.documents}
    endpoint = made.add(gateway, trace, server, name, "internal", served, entry, outer)
    begin = served[0] + 1
    above = _called(made, gateway, encoder, trace, endpoint, name, (begin, begin + encode), common, "")
    _add_encode(made, encoder, trace, above, facts, common, begin)
    begin += encode + 1
    ran = (begin, begin + facts.index_ms)
    above = _called(made, gateway, indexer, trace, endpoint, name, ran, common, outer)
    score = made.source.random() if facts.score is None else facts.score
    found = {**common, "search.hits": made.source.randrange(11), "search.top_score": score}
    made.add(indexer, trace, above, f"qdrant_{facts.operation}", "internal", ran, found, facts.error)


def _processes(facts: Facts) -> Sequence[tuple[str, str, str]]:
    return (
        ("gateway", "0.1.0", "gateway-1"),
        ("clip_encoder", facts.version, f"encoder-{facts.version}"),
        ("qdrant_indexer", "0.1.0", f"indexer-{facts.replica}"),
    )


def _called(
    made: Spans, caller: tuple[str, str, str], called: tuple[str, str, str], trace: str, parent: str, name: str,
    at: tuple[float, float], common: Attributes, error: str,
) -> str:  # fmt: skip
    """A call with its server and its endpoint."""
    rpc = {**common, "rpc.system.name": "grpc", "rpc.response.status_code": error or "OK"}
    around = (at[0] - 0.4, at[1] + 0.4)
    client = made.add(caller, trace, parent, "/pamazon.Executor/Process", "client", around, rpc, error)
    server = made.add(called, trace, client, "/pamazon.Executor/Process", "server", at, rpc, error)
    return made.add(called, trace, server, name, "internal", at, common, error)


def _add_encode(
    made: Spans, encoder: tuple[str, str, str], trace: str, above: str, facts: Facts, common: Attributes, begin: float
) -> None:
    """The stages of the encoder, and the batches that ran for them, each in a trace of its own."""
    took = facts.queue_ms + facts.forward_ms
    end = begin + (0 if facts.cached or not facts.documents else took) + 0.5
    encode = made.add(encoder, trace, above, "encode", "internal", (begin, end), {**common, "runtime": "onnx"})
    if facts.cached or not facts.documents:
        return
    inference = made.add(encoder, trace, encode, "inference", "internal", (begin, end), common)
    name = "txt_minibatch_encoding" if facts.operation == "search" else "img_minibatch_encoding"
    size = facts.documents // facts.batches
    for number in range(facts.batches):
        first = begin + number * facts.forward_ms / facts.batches
        runs = (first + facts.queue_ms, first + facts.queue_ms + facts.forward_ms / facts.batches)
        batch = f"b{made.number + 1:031x}"
        minibatch = {**common, "minibatch_size": size, "search.batch.queue_wait": facts.queue_ms / 1000}
        made.add(encoder, trace, inference, name, "internal", (first, runs[1]), minibatch, link=batch)
        root = made.add(encoder, batch, "", "batch", "internal", runs, {"minibatch_size": size})
        made.add(encoder, batch, root, "forward", "internal", runs, {"minibatch_size": size})
