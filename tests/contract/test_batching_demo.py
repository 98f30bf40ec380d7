"""The demo's forward passes: searches of one moment share one, in a trace of its own that each of them points to."""

import os
from typing import Any

import grpc
import pytest

from demo_flow.proto.pamazon_pb2 import SearchRequest
from demo_flow.proto.pamazon_pb2_grpc import GatewayStub
from tests.pamazon_fixtures import Shop, Trace


def _batch_of(shop: Shop, trace: Trace, encoding: str = "txt_minibatch_encoding") -> dict[str, Any]:
    """The batch that a minibatch of `trace` went into: a trace of its own, with what it did to its documents."""
    (link,) = trace.named(encoding)[0]["links"]
    whole = Trace(shop.ask(f"/api/traces/{link['trace_id']}", wait="10s"))
    (batch,) = whole.named("batch")
    texts = "  preprocess clip_encoder\n" if encoding.startswith("txt") else ""
    assert whole.tree() == f"batch clip_encoder\n{texts}  forward clip_encoder"
    assert whole.named("forward")[0]["attributes"] == {"minibatch_size": batch["attributes"]["minibatch_size"]}
    assert (batch["span_id"], batch["name"], batch["parent_span_id"]) == (link["span_id"], "batch", None)
    return dict(batch)


def test_a_search_and_its_forward_pass_point_to_each_other(shop: Shop) -> None:
    """The batch is a trace of its own, of no request's operation; one who reads either finds the other."""
    search = shop.search("black jacket")
    (encoding,) = search.named("txt_minibatch_encoding")
    batch = _batch_of(shop, search)
    assert batch["attributes"] == {
        "search.stage": "encode_text_batch", "minibatch_size": 1, "search.batch.requests": 1,
    }  # fmt: skip
    assert [(link["trace_id"], link["span_id"]) for link in batch["links"]] == [
        (search.data["trace_id"], encoding["span_id"])
    ]
    assert encoding["attributes"]["search.batch.share"] == pytest.approx(batch["duration_ns"] / 1e9)
    assert encoding["duration_ns"] >= batch["duration_ns"]


def test_each_minibatch_of_pictures_is_a_batch(shop: Shop) -> None:
    """A full minibatch has no room for others."""
    rows = shop.ask("/api/traces", operation="/pamazon.Gateway/Index", limit="100")["traces"]
    indexing = shop.trace(rows[-1]["trace_id"])
    links = [span["links"] for span in indexing.named("img_minibatch_encoding")]
    assert len({link["span_id"] for (link,) in links}) == 2
    batch = _batch_of(shop, indexing, "img_minibatch_encoding")
    assert batch["attributes"]["minibatch_size"] == 32


def test_searches_of_one_moment_share_a_forward_pass(shop: Shop) -> None:
    """While the model works on one search three more come: one batch, linked to each, and each has a third of it."""
    gate = os.open(shop.gate, os.O_RDWR)
    try:
        with grpc.insecure_channel(shop.gateway) as channel:
            search = GatewayStub(channel).Search  # type: ignore[no-untyped-call]
            first = search.future(SearchRequest(text="gate"), timeout=20)
            os.read(gate, 4096)  # the model has it
            calls = [search.future(SearchRequest(text=text), timeout=20) for text in ("hat", "mug", "Jacke")]
            ids = [dict(call.trailing_metadata())["trace-id"] for call in (first, *calls)]
    finally:
        os.close(gate)
    traces = [shop.trace(trace_id) for trace_id in ids]
    batch = _batch_of(shop, traces[1])
    assert (batch["attributes"]["minibatch_size"], batch["attributes"]["search.batch.requests"]) == (3, 3)
    assert {link["trace_id"] for link in batch["links"]} == set(ids[1:])
    for trace in traces[1:]:
        (encoding,) = trace.named("txt_minibatch_encoding")
        assert [link["span_id"] for link in encoding["links"]] == [batch["span_id"]]
        assert encoding["attributes"]["search.batch.share"] == pytest.approx(batch["duration_ns"] / 3e9)
        assert encoding["attributes"]["search.batch.queue_wait"] > 0
