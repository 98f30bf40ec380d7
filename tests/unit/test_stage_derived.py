"""What a stage adds of itself: names of generative AI's conventions, and on the SERVER span what the request uses."""

from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry.context import Context

import telemetry
from telemetry.recording.request.scope import Scope
from telemetry.rpc.calls.call import Call
from telemetry.rpc.calls.names import method_of
from telemetry.rpc.calls.outcome import OK, SERVER
from telemetry.testing.spans import Spans

EMBEDDINGS = {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "ViT-B-32::openai"}
CALLED = {"rpc.grpc.status_code": 0, "rpc.response.status_code": "OK"}
RETRIEVAL = {"gen_ai.operation.name": "retrieval", "gen_ai.request.top_k": 5}


@pytest.mark.parametrize(
    ("stage", "attributes", "added"),
    [
        ("encode", {"model": "ViT-B-32::openai"}, EMBEDDINGS),
        ("qdrant_search", {"db.system.name": "qdrant", "db.vector.query.top_k": 5}, RETRIEVAL),
        ("nearest", {"db.vector.query.top_k": 5}, RETRIEVAL),
        ("encode", {}, {}),
        ("rerank", {"model": "ViT-B-32::openai"}, {}),
        ("qdrant_index", {"db.system.name": "qdrant", "len_docs": 3}, {}),
        ("encode", {"model": "mine", **EMBEDDINGS}, EMBEDDINGS),
        ("encode", {"model": None}, {}),
    ],
)
def test_encoding_and_retrieval_have_their_names(
    spans: Spans, stage: str, attributes: dict[str, Any], added: dict[str, Any]
) -> None:
    """By what the stage says already; what only has a model, or only calls a database, is neither."""
    with telemetry.stage(stage, attributes):
        pass
    found = dict(spans.one(stage).attributes or {})
    assert {name: value for name, value in found.items() if name.startswith("gen_ai.")} == added
    assert all(found[name] == value for name, value in attributes.items() if value is not None)


def test_the_server_span_has_what_its_stages_use(spans: Spans) -> None:
    """Model, collection and minibatch size, each from the first stage that has it; nothing else of theirs."""
    scope = Scope()
    server = _call(scope)
    token = otel_context.attach(server.context)
    with telemetry.endpoint("/search"):
        with telemetry.stage("encode", model="ViT-B-32::openai", runtime="onnx"):
            with telemetry.stage("inference", minibatch_size=32):
                for _ in range(2):
                    with telemetry.stage("txt_minibatch_encoding", minibatch_size=1):
                        pass
            with telemetry.stage("rerank", model="another"):
                pass
        with telemetry.stage("qdrant_search", {"db.system.name": "qdrant", "db.collection.name": "goods"}):
            pass
    otel_context.detach(token)
    server.end(OK)
    with telemetry.stage("qdrant_search", {"db.collection.name": "outside of a request"}):
        pass
    assert dict(spans.one("/shop.Search/Find").attributes or {}) == {
        "search.operation": "search", "search.entry": True, "model": "ViT-B-32::openai", "minibatch_size": 32,
        "db.collection.name": "goods", **CALLED,
    }  # fmt: skip


def test_a_server_span_that_has_ended_is_left_alone(spans: Spans) -> None:
    """Work that outlasts the call: the SDK would log a warning for each attribute."""
    scope = Scope()
    server = _call(scope)
    server.end(OK)
    token = otel_context.attach(server.context)
    with telemetry.stage("encode", model="late"):
        pass
    otel_context.detach(token)
    assert "model" not in (spans.one("/shop.Search/Find").attributes or {})


def test_an_attribute_of_the_users_stays(spans: Spans) -> None:
    """What a handler sets on the SERVER span itself; and a text that is long is cut as the limits of spans say."""
    for handler, of_span, model in ((True, {"model": "mine"}, "mine"), (False, {}, "m" * 300)):
        scope = Scope()
        server = _call(scope)
        token = otel_context.attach(server.context)
        with telemetry.stage("encode", model="m" * 300):
            if handler:
                server.span.set_attributes(of_span)
        otel_context.detach(token)
        server.end(OK)
        assert (spans.named("/shop.Search/Find")[-1].attributes or {})["model"] == model


def _call(scope: Scope) -> Call:
    return Call(SERVER, method_of("/shop.Search/Find"), Context(), {}, None, None, scope)
