"""A search of the demo shop as its trace stands in the store, with times that are easy to check by hand."""

import json
from typing import Any

from collector.local import query
from collector.local.api.as_json import plain
from tests.unit.query_store import MS, START, HandFilledStore

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
_OK = {"rpc.system.name": "grpc"}
_FAILED = {"rpc.system.name": "grpc", "rpc.response.status_code": "INTERNAL", "error.type": "INTERNAL"}


def search_trace(*, failed: bool = False) -> dict[str, Any]:
    """The JSON of a search's trace; `failed`: the index raised."""
    store = HandFilledStore()
    try:
        _fill(store, failed=failed)
        answer: dict[str, Any] = plain(query.trace(store.connection, TRACE_ID))
        return answer
    finally:
        store.connection.close()


def _fill(store: HandFilledStore, *, failed: bool) -> None:
    status = "error" if failed else "unset"
    rpc = _FAILED if failed else _OK
    raised = {"error.type": "StoreError"} if failed else {}
    found = {} if failed else {"search.hits": 10, "search.top_score": 0.87312}
    encode = {"runtime": "onnx", "device": "cpu", "model": "pamazon-tiny"}
    inference = {"minibatch_size": 32, "has_img_da": False, "has_txt_da": True}
    query = {"db.system.name": "qdrant", "db.collection.name": "pamazon", "db.vector.query.top_k": 10}
    index = {**query, **found, **raised}
    rows: list[tuple[int, int | None, str, float, float, str, str, str, dict[str, Any]]] = [
        (1, None, "/pamazon.Gateway/Search", 0, 41.2, "pamazon", "client", status, rpc),
        (2, 1, "/pamazon.Gateway/Search", 0.6, 40.7, "gateway", "server", status, rpc),
        (3, 2, "/search", 0.8, 40.2, "gateway", "internal", status, raised),
        (4, 3, "/pamazon.Executor/Process", 1.1, 28.9, "gateway", "client", "unset", _OK),
        (5, 4, "/pamazon.Executor/Process", 1.9, 28.2, "clip_encoder", "server", "unset", _OK),
        (6, 5, "/search", 2, 28, "clip_encoder", "internal", "unset", {"len_docs": 1}),
        (7, 6, "encode", 2.2, 27.8, "clip_encoder", "internal", "unset", encode),
        (8, 7, "inference", 2.5, 27.6, "clip_encoder", "internal", "unset", inference),
        (9, 8, "txt_minibatch_encoding", 3.1, 27.2, "clip_encoder", "internal", "unset", {"minibatch_size": 1}),
        (10, 3, "/pamazon.Executor/Process", 29.3, 39.8, "gateway", "client", status, rpc),
        (11, 10, "/pamazon.Executor/Process", 30, 39.2, "qdrant_indexer", "server", status, rpc),
        (12, 11, "/search", 30.2, 39, "qdrant_indexer", "internal", status, {"len_docs": 1, **raised}),
        (13, 12, "qdrant_search", 30.6, 38.7, "qdrant_indexer", "internal", status, index),
    ]
    for number, parent, name, start, end, service, kind, span_status, attributes in rows:
        store.span(
            TRACE_ID,
            f"{number:016x}",
            None if parent is None else f"{parent:016x}",
            name,
            start,
            end,
            service=service,
            kind=kind,
            status=span_status,
            attributes={"search.operation": "search", **attributes},
        )
    if failed:
        message = "collection pamazon is locked by another process"
        attributes = {"exception.type": "StoreError", "exception.message": message}
        store.insert(
            "span_events",
            trace_id=TRACE_ID,
            span_id=f"{13:016x}",
            name="exception",
            time_unix_ns=START + 38 * MS,
            attributes=json.dumps(attributes),
        )
