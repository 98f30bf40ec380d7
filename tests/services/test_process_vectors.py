"""A gRPC client and its server, each a process, each call one trace through both."""

from __future__ import annotations

import pytest

from tests.services.asking import Collector, exceptions, logs, one, tree
from tests.services.running import PROGRAMS, address, environment, run, running

pytest.importorskip("grpc_tools", reason="grpcio-tools, which read vectors.proto, are not installed")

FOUND = """\
/similar internal vectors_client
  /shop.Vectors/Encode client vectors_client
    /shop.Vectors/Encode server vectors
      /encode internal vectors
        inference internal vectors
  /shop.Vectors/Nearest client vectors_client
    /shop.Vectors/Nearest server vectors
      /nearest internal vectors
        index_search internal vectors"""
REFUSED = """\
/similar internal vectors_client rejected
  /shop.Vectors/Encode client vectors_client ! INVALID_ARGUMENT
    /shop.Vectors/Encode server vectors
      /encode internal vectors rejected"""
FAILED = """\
/similar internal vectors_client ! UNKNOWN
  /shop.Vectors/Encode client vectors_client ! UNKNOWN
    /shop.Vectors/Encode server vectors ! ZeroDivisionError
      /encode internal vectors ! ZeroDivisionError
        inference internal vectors ! ZeroDivisionError"""


@pytest.fixture(scope="module")
def printed(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the client printed of its three requests; both processes have ended."""
    folder, variables = tmp_path_factory.mktemp("vectors"), environment(f"http://{collector.grpc}")
    with running(str(PROGRAMS / "vectors_server.py"), ready="listening on", folder=folder, variables=variables) as log:
        requests = ("jacket,coat", "too,many,texts,at,once", "")
        return run(str(PROGRAMS / "vectors_client.py"), address(log), *requests, folder=folder, variables=variables)


def test_each_call_is_one_trace_through_both_processes(printed: list[str], collector: Collector) -> None:
    """What is found, what the server refuses, what breaks in the server."""
    assert printed == ["hat, winter coat", "refused: at most four texts", "failed: UNKNOWN"]
    assert [tree(trace) for trace in collector.traces("vectors_client")] == [FOUND, REFUSED, FAILED]


def test_an_exception_is_reported_once_where_it_happened(printed: list[str], collector: Collector) -> None:
    """In each process: the server's own, and what the client makes of it."""
    found, refused, failed = collector.traces("vectors_client")
    assert exceptions(found) == []
    assert [name for name, _ in exceptions(refused)] == ["/similar", "/encode"]
    assert ("inference", "ZeroDivisionError") in exceptions(failed)
    assert [name for name, _ in exceptions(failed)] == ["/similar", "inference"]


def test_requests_and_documents_count_by_outcome(printed: list[str], collector: Collector) -> None:
    """Under the operation that the client's endpoint begins, in both processes."""
    assert collector.requests("vectors_client") == {
        ("similar", "ok"): 1,
        ("similar", "rejected"): 1,
        ("similar", "error", "UNKNOWN"): 1,
    }
    assert collector.requests("vectors") == {
        ("similar", "ok"): 2,
        ("similar", "rejected"): 1,
        ("similar", "error", "ZeroDivisionError"): 1,
    }
    assert (collector.entries("vectors_client"), collector.entries("vectors")) == (
        {"similar": True},
        {"similar": False},
    )
    assert collector.documents("vectors_client") == {
        ("similar", "ok"): 2,
        ("similar", "rejected"): 5,
        ("similar", "error"): 0,
    }
    assert collector.documents("vectors") == {
        ("similar", "ok"): 3,
        ("similar", "rejected"): 5,
        ("similar", "error"): 0,
    }


def test_the_first_hit_of_a_stream_is_timed(printed: list[str], collector: Collector) -> None:
    """On the span that streams, and as a metric with the same value."""
    streamed = one(collector.traces("vectors_client")[0], "/nearest")
    seconds = streamed["attributes"]["search.first_item.duration"]
    assert 0 < seconds <= streamed["duration_ns"] / 1e9
    assert collector.first_items("vectors") == {("similar",): (1, seconds)}


def test_log_records_of_both_processes_are_in_the_trace(printed: list[str], collector: Collector) -> None:
    """Each on the span that it was made in; the server's handler first."""
    found, refused, _ = collector.traces("vectors_client")
    assert logs(found) == [
        ("/nearest vectors", "found 2 goods"),
        ("/similar vectors_client", "found ['hat', 'winter coat']"),
    ]
    assert logs(refused) == []
