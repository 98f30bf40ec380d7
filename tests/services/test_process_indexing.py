"""A Celery worker and the program that sends it tasks: each a process, each task in the trace of its sender."""

from __future__ import annotations

import pytest

from tests.services.asking import Collector, exceptions, logs, one, tree
from tests.services.running import PROGRAMS, environment, run, running

pytest.importorskip("celery", reason="Celery is not installed")

INDEXED = """\
/upload internal indexing_client
  /index internal indexing
    encode internal indexing"""
REFUSED = """\
/upload internal indexing_client
  /index internal indexing rejected"""
FAILED = """\
/upload internal indexing_client
  /index internal indexing ! ZeroDivisionError
    encode internal indexing ! ZeroDivisionError"""


@pytest.fixture(scope="module")
def printed(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the program printed of its tasks; it has ended, and so has the worker."""
    folder, variables = tmp_path_factory.mktemp("indexing"), environment(f"http://{collector.grpc}")
    for name in ("queue", "results", "control"):
        (folder / name).mkdir()
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    command = ("-m", "celery", "-A", "indexing", "worker", "--loglevel", "info", "--concurrency", "1", *quiet)
    with running(*command, ready=" ready.", folder=folder, variables=variables):
        return run(str(PROGRAMS / "indexing_client.py"), folder=folder, variables=variables)


def test_a_task_is_in_the_trace_of_its_sender(printed: list[str], collector: Collector) -> None:
    """What is indexed, what the worker refuses, what breaks in it: none of it is the sender's error."""
    assert printed == [
        "2 done",
        "UnknownShelf: there is no shelf 'sofas'",
        "ZeroDivisionError: division by zero",
        "3 done",
    ]
    assert [tree(trace) for trace in collector.traces("indexing_client")] == [INDEXED, REFUSED, FAILED]


def test_a_task_that_is_tried_again_is_a_request_each_time(printed: list[str], collector: Collector) -> None:
    """A decorator above Celery's: the task keeps its `.delay`, and its attempts are distinguished."""
    first, second = collector.traces("indexing")
    assert tree(first) == "/refresh internal indexing ! celery.exceptions.Retry"
    assert tree(second) == "/refresh internal indexing"
    assert one(second, "/refresh")["attributes"]["len_docs"] == 3


def test_an_exception_is_reported_once_where_it_happened(printed: list[str], collector: Collector) -> None:
    """On the innermost span."""
    indexed, refused, failed = collector.traces("indexing_client")
    assert exceptions(indexed) == []
    assert exceptions(refused) == [("/index", "indexing.UnknownShelf")]
    assert exceptions(failed) == [("encode", "ZeroDivisionError")]


def test_requests_and_documents_count_by_outcome(printed: list[str], collector: Collector) -> None:
    """The sender's requests are fine; the worker has an outcome for each, under the operation of the sender."""
    assert collector.requests("indexing_client") == {("upload", "ok"): 3}
    assert collector.documents("indexing_client") == {("upload", "ok"): 5}
    assert collector.requests("indexing") == {
        ("upload", "ok"): 1,
        ("upload", "rejected"): 1,
        ("upload", "error", "ZeroDivisionError"): 1,
        ("refresh", "error", "celery.exceptions.Retry"): 1,
        ("refresh", "ok"): 1,
    }
    assert collector.entries("indexing_client") == {"upload": True}
    assert collector.entries("indexing") == {"upload": False, "refresh": True}
    assert collector.documents("indexing") == {
        ("upload", "ok"): 2,
        ("upload", "rejected"): 1,
        ("upload", "error"): 2,
        ("refresh", "error"): 3,
        ("refresh", "ok"): 3,
    }


def test_what_a_task_logs_is_in_its_trace(printed: list[str], collector: Collector) -> None:
    """By the logger that Celery gives to tasks, which it keeps apart from the root logger's handlers."""
    assert logs(collector.traces("indexing_client")[0]) == [("/index indexing", "indexed 2 documents")]
