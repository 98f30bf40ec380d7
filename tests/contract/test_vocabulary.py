"""Declared equals emitted, both ways: `telemetry.conventions` against what the whole demo left in the collector."""

import re
import time
from typing import Any

import grpc
import httpx
import pytest

from demo_flow.processes import Processes
from demo_flow.proto.pamazon_pb2 import DeleteRequest, IndexRequest
from demo_flow.proto.pamazon_pb2_grpc import GatewayStub
from telemetry import conventions as c
from tests.pamazon_fixtures import ANYWHERE, Shop, pamazon_command, pattern_of

FOREIGN = re.compile(r"otel\.|telemetry\.sdk\.")
"""What OpenTelemetry's SDK reports of itself."""

NOT_EMITTED = {
    c.FIRST_ITEM_DURATION.name: "an endpoint that streams its response: no role of Pamazon does",
}
"""Metrics that the demo cannot emit, and what they need. None needs a GPU, or a collector that is broken: those of
dropped, overflowed and repaired telemetry are exported as zeros."""


@pytest.fixture(scope="module")
def busy(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop, after every kind of request: found, not found, failed, deleted, empty."""
    shop.search("guitarra", "--limit", "2")
    shop.search("explode")
    assert httpx.post(f"http://{shop.page}/api/search", json={"text": "guitarra"}, timeout=10).status_code == 200
    with grpc.insecure_channel(shop.gateway) as channel:
        gateway: Any = GatewayStub(channel)  # type: ignore[no-untyped-call]
        gateway.Delete(DeleteRequest(ids=["nothing-has-this-id"]), timeout=10)
        gateway.Index(IndexRequest(), timeout=10)
    folder = tmp_path_factory.mktemp("empty")
    with Processes(folder / "logs") as processes:
        empty = [
            "qdrant_indexer",
            f"--listen={ANYWHERE}",
            "--follow-parent",
            f"--path={folder / 'index'}",
            "--threshold=0.3",
        ]
        indexer = processes.ready(processes.start_role("qdrant_indexer", pamazon_command("serve", *empty)))["address"]
        encoder = pamazon_command("serve", "clip_encoder", f"--listen={ANYWHERE}", "--follow-parent")  # with a cache
        where = [f"--clip-encoder={processes.ready(processes.start_role('clip_encoder', encoder))['address']}"]
        where.append(f"--qdrant-indexer={indexer}")
        gateway = ["gateway", f"--listen={ANYWHERE}", "--follow-parent", *where]
        address = processes.ready(processes.start_role("gateway", pamazon_command("serve", *gateway)))["address"]
        shop.search("guitarra", gateway=address)
    return shop


def metrics_of(shop: Shop) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in shop.ask("/api/metrics", limit="1000")["metrics"]}


def test_every_declared_metric_is_emitted_and_no_other(busy: Shop) -> None:
    """Metrics leave every five seconds; each arrives with its declared unit, kind and attributes."""
    declared = {metric.name: metric for metric in c.METRICS if metric.name not in NOT_EMITTED}
    deadline = time.monotonic() + 15
    while missing := declared.keys() - (found := metrics_of(busy)).keys():
        assert time.monotonic() < deadline, f"nothing emits {missing}: delete them, or let the demo reach them"
    undeclared = {name for name in found.keys() - declared.keys() if not FOREIGN.match(name)}
    assert not undeclared - NOT_EMITTED.keys(), "declare these in telemetry/conventions/"
    assert not undeclared, "the demo emits these: take them from the list"
    assert NOT_EMITTED.keys() <= {metric.name for metric in c.METRICS}
    for name, metric in declared.items():
        assert found[name]["unit"] == metric.unit
        answer = busy.ask(f"/api/metrics/{name}")
        allowed = {attribute.name for attribute in metric.attributes}
        for series in answer["series"]:
            assert set(series["attributes"]) <= allowed, f"declare these for {name} in telemetry/conventions/"
            if metric.buckets:
                assert tuple(series["points"][-1]["bounds"]) == metric.buckets


def test_every_declared_span_is_emitted(busy: Shop) -> None:
    """No span of the vocabulary is only a promise."""
    rows = busy.ask("/api/operations", limit="1000")["operations"]
    found = {(row["operation"], row["kind"]) for row in rows}
    for span in c.SPANS:
        emitted = any(kind == span.kind and re.fullmatch(pattern_of(span.name), name) for name, kind in found)
        assert emitted, f"nothing emits {span.name} ({span.kind}): delete it, or let the demo reach it"
