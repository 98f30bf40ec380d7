"""The whole trees of the demo's requests, as the local collector stored them after a real run of all processes."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from PIL import Image

import demo_flow
from demo_flow.demo import free_address
from demo_flow.processes import Processes
from demo_flow.proto.pamazon_pb2 import DeleteRequest, Document, IndexRequest, SearchRequest
from demo_flow.proto.pamazon_pb2_grpc import GatewayStub
from telemetry import conventions as c
from tests.pamazon_fixtures import ANYWHERE, Shop, Trace, pamazon_command, pattern_of
from tests.pamazon_trees import FAILED, SEARCH

THRESHOLD = Path(demo_flow.__file__).parent / "model" / "threshold.json"

INDEX = """
/pamazon.Gateway/Index CLIENT pamazon
  /pamazon.Gateway/Index SERVER gateway
    /index gateway
      /pamazon.Executor/Process CLIENT gateway
        /pamazon.Executor/Process SERVER clip_encoder
          /index clip_encoder
            encode clip_encoder
              inference clip_encoder
                img_minibatch_encoding clip_encoder
                preprocess clip_encoder
                preprocess clip_encoder
                img_minibatch_encoding clip_encoder
      /pamazon.Executor/Process CLIENT gateway
        /pamazon.Executor/Process SERVER qdrant_indexer
          /index qdrant_indexer
            qdrant_index qdrant_indexer
"""


PICTURE = """\
                img_minibatch_encoding clip_encoder
                preprocess clip_encoder
"""


@pytest.fixture(scope="module")
def search_trace(shop: Shop) -> Trace:
    return shop.search("black jacket", "--limit", "5")


@pytest.fixture(scope="module")
def index_trace(shop: Shop) -> Trace:
    """The trace of a full batch, 64 goods, of the catalogue's indexing."""
    rows = shop.ask("/api/traces", operation="/pamazon.Gateway/Index", limit="100")["traces"]
    return shop.trace(rows[-1]["trace_id"])


def test_a_search_is_one_tree_through_all_processes(search_trace: Trace) -> None:
    """One search, one trace: client, gateway, encoder and indexer, nothing missing and nothing more."""
    assert search_trace.tree() == SEARCH.strip()


def test_indexing_is_one_tree_with_a_span_for_each_minibatch(index_trace: Trace) -> None:
    """64 pictures at 32 in a minibatch are encoded in two steps and stored in one."""
    assert index_trace.tree() == INDEX.strip()


def test_the_spans_of_a_search_record_what_was_done(search_trace: Trace) -> None:
    """The encoder records how it encoded, the indexer what it was asked and found; never the query, never a vector."""
    spans = {(span["service"], span["name"]): span["attributes"] for span in search_trace.spans}
    for service in ("gateway", "clip_encoder", "qdrant_indexer"):
        entry = service == "gateway"
        assert spans[service, "/search"] == {"search.operation": "search", "search.entry": entry, "len_docs": 1}
    assert spans["clip_encoder", "encode"] == {
        "search.operation": "search", "runtime": "onnx", "device": "cpu", "model": "pamazon-tiny",
        "gen_ai.operation.name": "embeddings", "gen_ai.request.model": "pamazon-tiny",
    }  # fmt: skip
    assert spans["clip_encoder", "inference"] == {
        "search.operation": "search", "has_img_da": False, "has_txt_da": True, "len_docs": 1, "minibatch_size": 32,
    }  # fmt: skip
    encoding = dict(spans["clip_encoder", "txt_minibatch_encoding"])
    assert min(encoding.pop("search.batch.queue_wait"), encoding.pop("search.batch.share")) > 0
    assert encoding == {"search.operation": "search", "minibatch_size": 1}
    found = dict(spans["qdrant_indexer", "qdrant_search"])
    assert 0 < found.pop("search.margin") < found.pop("search.top_score") <= 1.0001
    assert found == {
        "search.operation": "search", "db.system.name": "qdrant", "db.collection.name": "goods",
        "db.operation.name": "query", "db.vector.query.top_k": 5, "search.hits": 5, "search.exact": False,
        "search.threshold": json.loads(THRESHOLD.read_text())["threshold"], "search.below_threshold": 0,
        "gen_ai.operation.name": "retrieval", "gen_ai.request.top_k": 5,
    }  # fmt: skip
    assert "black jacket" not in str(search_trace.data)


def test_the_spans_of_indexing_record_what_was_done(index_trace: Trace) -> None:
    """Counts of documents and minibatches stand where users of CLIP-as-service look for them."""
    spans = {(span["service"], span["name"]): span["attributes"] for span in index_trace.spans}
    assert spans["gateway", "/index"] == {"search.operation": "index", "search.entry": True, "len_docs": 64}
    assert spans["clip_encoder", "inference"] == {
        "search.operation": "index", "has_img_da": True, "has_txt_da": False, "len_docs": 64, "minibatch_size": 32,
    }  # fmt: skip
    encoding = dict(spans["clip_encoder", "img_minibatch_encoding"])
    assert min(encoding.pop("search.batch.queue_wait"), encoding.pop("search.batch.share")) > 0
    assert encoding == {"search.operation": "index", "minibatch_size": 32, "num_pool_workers": 2}
    assert spans["qdrant_indexer", "qdrant_index"] == {
        "search.operation": "index", "db.system.name": "qdrant", "db.collection.name": "goods",
        "db.operation.name": "upsert", "len_docs": 64,
    }  # fmt: skip


def test_rpc_spans_carry_todays_names_and_where_they_went(search_trace: Trace, shop: Shop) -> None:
    """Each CLIENT span names method and address, each SERVER span the peer and what was used; all have the outcome."""
    calls = [span for span in search_trace.spans if span["kind"] == "client"]
    assert [f"{s['attributes']['server.address']}:{s['attributes']['server.port']}" for s in calls] == [
        shop.gateway, shop.clip_encoder, shop.qdrant_indexer,
    ]  # fmt: skip
    served = [span for span in search_trace.spans if span["kind"] == "server"]
    assert {span["attributes"]["network.peer.address"] for span in served} == {"127.0.0.1"}
    used = ("search.operation", "search.entry", "model", "minibatch_size", "db.collection.name")
    assert {span["service"]: {name: span["attributes"].get(name) for name in used} for span in served} == {
        "gateway": dict(zip(used, ("search", True, None, None, None), strict=True)),
        "clip_encoder": dict(zip(used, ("search", False, "pamazon-tiny", 32, None), strict=True)),
        "qdrant_indexer": dict(zip(used, ("search", False, None, None, "goods"), strict=True)),
    }
    for span in (*calls, *served):
        assert span["attributes"]["rpc.system.name"] == "grpc"
        assert span["attributes"]["rpc.method"] == span["name"].removeprefix("/")
        assert span["attributes"]["rpc.response.status_code"] == "OK"


@pytest.fixture(scope="module")
def shop_trace(shop: Shop) -> Trace:
    """That of a search by the shop's page, whose browser sends nothing: it begins with the gateway."""
    who = {"baggage": "client.platform=linux,client.region=nowhere"}
    answer = httpx.post(f"http://{shop.page}/api/search", json={"text": "black jacket"}, headers=who, timeout=20)
    return shop.trace(answer.json()["trace_id"])


def test_a_search_over_http_is_the_same_tree_below_another_span(shop_trace: Trace) -> None:
    """The page asks the gateway itself: no hop between them. A country that nobody has declared is not a value."""
    assert shop_trace.tree() == "POST /api/search SERVER gateway\n" + "\n".join(
        line[2:] for line in SEARCH.strip().splitlines()[2:]
    )
    assert {span["attributes"]["client.region"] for span in shop_trace.spans} == {c.OTHER}


@pytest.mark.parametrize("kind", ["search_trace", "index_trace", "shop_trace"])
def test_nothing_is_emitted_that_the_vocabulary_does_not_declare(kind: str, request: pytest.FixtureRequest) -> None:
    """Every span and each of its attributes stands in telemetry.conventions."""
    trace: Trace = request.getfixturevalue(kind)
    for span in trace.spans:
        declared = [s for s in c.SPANS if s.kind == span["kind"] and re.fullmatch(pattern_of(s.name), span["name"])]
        assert declared, f"declare the span {span['name']} ({span['kind']}) in telemetry/conventions/"
        known = {a.name for s in declared for a in s.attributes} | {a.name for a in c.BAGGAGE}
        if span["parent_span_id"] is None:  # the local collector adds it in its answers
            known.add(c.SEARCH_TRANSIT_DURATION.name)
        assert set(span["attributes"]) <= known, f"declare these for {span['name']} in telemetry/conventions/"


def test_finding_out_about_an_encoder_leaves_no_trace(shop: Shop) -> None:
    """`--encoder` asks it what it is; health is asked as well: neither is a request that somebody made."""
    rows = shop.ask("/api/operations", service="clip_encoder")["operations"]
    assert {row["operation"] for row in rows if row["kind"] == "server"} == {"/pamazon.Executor/Process"}


def test_every_span_names_the_operation_and_its_service(search_trace: Trace, index_trace: Trace) -> None:
    """The baggage reaches every span; each process has its own service, and all of them the flow's namespace."""
    for trace, operation in ((search_trace, "search"), (index_trace, "index")):
        assert {span["attributes"]["search.operation"] for span in trace.spans} == {operation}
        assert {span["resource"]["service.namespace"] for span in trace.spans} == {"pamazon"}
        assert set(trace.data["services"]) == {"pamazon", "gateway", "clip_encoder", "qdrant_indexer"}


def test_a_search_by_picture_encodes_a_picture(shop: Shop, tmp_path: Path) -> None:
    """The tree is that of a search in words, but for the minibatch, which is of pictures and is prepared beside it."""
    picture = tmp_path / "red.png"
    Image.new("RGB", (80, 60), "red").save(picture)
    tree = shop.search("--image", str(picture)).tree()
    text = "                txt_minibatch_encoding clip_encoder\n"
    assert tree == SEARCH.strip().replace(text, PICTURE)


def test_an_exact_search_reports_it(shop: Shop) -> None:
    """`--exact` reaches the index and stands on its span."""
    (span,) = shop.search("guitarra", "--exact").named("qdrant_search")
    assert span["attributes"]["search.exact"] is True


def test_deleting_asks_the_indexer_alone(shop: Shop) -> None:
    """What is deleted needs no vector, and is found no more. The caller here is not instrumented."""
    with grpc.insecure_channel(shop.gateway) as channel:
        gateway = GatewayStub(channel)  # type: ignore[no-untyped-call]
        gateway.Index(IndexRequest(documents=[Document(id="short-lived", text="a thing of the moment")]), timeout=20)
        query = SearchRequest(text="a thing of the moment", exact=True, limit=1, threshold=0.0)
        assert gateway.Search(query, timeout=20).results[0].id == "short-lived"
        _, call = gateway.Delete.with_call(DeleteRequest(ids=["short-lived"]), timeout=20)
        assert gateway.Search(query, timeout=20).results[0].id != "short-lived"
    trace = shop.trace(dict(call.trailing_metadata())["trace-id"])
    assert (
        trace.tree()
        == """
/pamazon.Gateway/Delete SERVER gateway
  /delete gateway
    /pamazon.Executor/Process CLIENT gateway
      /pamazon.Executor/Process SERVER qdrant_indexer
        /delete qdrant_indexer
          qdrant_delete qdrant_indexer
""".strip()
    )
    assert trace.named("qdrant_delete")[0]["attributes"] == {
        "search.operation": "delete", "db.system.name": "qdrant", "db.collection.name": "goods",
        "db.operation.name": "delete", "len_docs": 1,
    }  # fmt: skip


def test_an_executors_error_marks_every_span_above_it(shop: Shop) -> None:
    """The user sees the error at the gateway and its cause at the leaf; the indexer is never asked."""
    trace = shop.search("explode")
    assert trace.tree() == FAILED.strip()
    events = [(s["service"], s["name"]) for s in trace.spans for e in s["events"] if e["name"] == "exception"]
    assert ("clip_encoder", "txt_minibatch_encoding") in events
    assert len([event for event in events if event[0] == "clip_encoder"]) == 1


def test_an_executors_error_is_logged_once_under_its_trace(shop: Shop) -> None:
    """The stack is in the log of the process that failed, and in the collector; a caller's mistake is not logged."""
    trace = shop.search("explode")
    trace_id = trace.data["trace_id"]
    (written,) = [line for line in (shop.logs / "clip_encoder.log").read_text().splitlines() if trace_id in line]
    record = json.loads(written)
    assert (record["level"], record["message"], record["service"]) == ("ERROR", "a request failed", "clip_encoder")
    assert record["exception"].endswith("RuntimeError: the weights are gone")
    assert [line for line in (shop.logs / "gateway.log").read_text().splitlines() if trace_id in line] == []
    (stored,) = shop.await_logs(trace_id)
    assert (stored["service"], stored["body"]) == ("clip_encoder", "a request failed")


def test_a_callers_mistake_is_the_clients_error_and_not_the_servers(shop: Shop) -> None:
    """A limit out of range: the CLIENT span failed; what served it did its work and stays unset."""
    trace = shop.search("guitarra", "--limit", "0")
    assert (
        trace.tree()
        == """
/pamazon.Gateway/Search CLIENT pamazon INVALID_ARGUMENT ! INVALID_ARGUMENT
  /pamazon.Gateway/Search SERVER gateway INVALID_ARGUMENT
    /search gateway
""".strip()
    )


def test_an_unknown_collection_is_reported_by_the_indexer(shop: Shop) -> None:
    """The encoder has done its part; the indexer knows no such collection, and no SERVER span is an error."""
    trace = shop.search("guitarra", "--collection", "nowhere")
    assert (
        trace.tree()
        == """
/pamazon.Gateway/Search CLIENT pamazon NOT_FOUND ! NOT_FOUND
  /pamazon.Gateway/Search SERVER gateway NOT_FOUND
    /search gateway
      /pamazon.Executor/Process CLIENT gateway
        /pamazon.Executor/Process SERVER clip_encoder
          /search clip_encoder
            encode clip_encoder
              inference clip_encoder
                txt_minibatch_encoding clip_encoder
      /pamazon.Executor/Process CLIENT gateway NOT_FOUND ! NOT_FOUND
        /pamazon.Executor/Process SERVER qdrant_indexer NOT_FOUND
          /search qdrant_indexer
""".strip()
    )


def test_bytes_that_are_not_a_picture_are_reported_by_the_encoder(shop: Shop, tmp_path: Path) -> None:
    """The exception stands at the preparation that met it."""
    (tmp_path / "none.png").write_bytes(b"not a picture")
    trace = shop.search("--image", str(tmp_path / "none.png"))
    assert (
        trace.tree()
        == """
/pamazon.Gateway/Search CLIENT pamazon INVALID_ARGUMENT ! INVALID_ARGUMENT
  /pamazon.Gateway/Search SERVER gateway INVALID_ARGUMENT
    /search gateway
      /pamazon.Executor/Process CLIENT gateway INVALID_ARGUMENT ! INVALID_ARGUMENT
        /pamazon.Executor/Process SERVER clip_encoder INVALID_ARGUMENT
          /search clip_encoder
            encode clip_encoder
              inference clip_encoder
                img_minibatch_encoding clip_encoder
                preprocess clip_encoder
""".strip()
    )


STOPPED = """
/pamazon.Gateway/Search CLIENT pamazon {client}
  /pamazon.Gateway/Search SERVER gateway {server}
    /search gateway{gateway}
      /pamazon.Executor/Process CLIENT gateway CANCELLED ! CANCELLED
        /pamazon.Executor/Process SERVER clip_encoder CANCELLED
          /search clip_encoder
            encode clip_encoder
              inference clip_encoder
                txt_minibatch_encoding clip_encoder
"""

TIMED_OUT = "DEADLINE_EXCEEDED ! DEADLINE_EXCEEDED"


def test_a_timed_out_search_ends_every_span(shop: Shop) -> None:
    """The client's deadline ends the work in every process; the gateway's SERVER span is an error, as its caller's."""
    trace = shop.search("stall", "--timeout", "0.4")
    expected = STOPPED.format(client=TIMED_OUT, server=TIMED_OUT, gateway=" ! DEADLINE_EXCEEDED")
    assert trace.tree() == expected.strip()


def test_a_cancelled_search_ends_every_span(shop: Shop) -> None:
    """Ctrl-C at the client while the encoder works: cancelled everywhere, and nothing that served it is an error."""
    gate = os.open(shop.gate, os.O_RDWR)
    try:
        command = pamazon_command("search", "gate", "--gateway", shop.gateway)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
            trace_id = os.read(gate, 4096).decode().strip()  # what the encoder writes when it has the search
            client.send_signal(signal.SIGINT)
        assert client.returncode == 130
    finally:
        os.close(gate)
    expected = STOPPED.format(client="! KeyboardInterrupt", server="CANCELLED", gateway="")
    assert shop.trace(trace_id).tree() == expected.strip()


@pytest.fixture
def gateway_without(shop: Shop, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A gateway for which one executor is down."""
    addresses = {"clip_encoder": shop.clip_encoder, "qdrant_indexer": shop.qdrant_indexer}
    addresses[request.param] = free_address()
    where = [f"--{name.replace('_', '-')}={address}" for name, address in addresses.items()]
    with Processes(tmp_path / "logs") as processes:
        command = pamazon_command("serve", "gateway", "--listen", ANYWHERE, "--follow-parent", *where)
        yield processes.ready(processes.start_role("gateway", command))["address"]


@pytest.mark.parametrize("gateway_without", ["clip_encoder"], indirect=True)
def test_without_the_encoder_the_gateways_call_is_the_error(shop: Shop, gateway_without: str) -> None:
    """The error begins at the CLIENT span that reached nobody."""
    assert (
        shop.search("guitarra", gateway=gateway_without).tree()
        == """
/pamazon.Gateway/Search CLIENT pamazon UNAVAILABLE ! UNAVAILABLE
  /pamazon.Gateway/Search SERVER gateway UNAVAILABLE ! UNAVAILABLE
    /search gateway ! UNAVAILABLE
      /pamazon.Executor/Process CLIENT gateway UNAVAILABLE ! UNAVAILABLE
""".strip()
    )


@pytest.mark.parametrize("gateway_without", ["qdrant_indexer"], indirect=True)
def test_without_the_indexer_the_encoders_part_is_whole(shop: Shop, gateway_without: str) -> None:
    """The encoder's spans are as ever; the second call failed."""
    assert (
        shop.search("guitarra", gateway=gateway_without).tree()
        == """
/pamazon.Gateway/Search CLIENT pamazon UNAVAILABLE ! UNAVAILABLE
  /pamazon.Gateway/Search SERVER gateway UNAVAILABLE ! UNAVAILABLE
    /search gateway ! UNAVAILABLE
      /pamazon.Executor/Process CLIENT gateway
        /pamazon.Executor/Process SERVER clip_encoder
          /search clip_encoder
            encode clip_encoder
              inference clip_encoder
                txt_minibatch_encoding clip_encoder
      /pamazon.Executor/Process CLIENT gateway UNAVAILABLE ! UNAVAILABLE
""".strip()
    )
