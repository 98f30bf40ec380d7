"""A Flask service under gunicorn, asked by a page whose trace it goes on with."""

from __future__ import annotations

import pytest

from tests.services.asking import Collector, exceptions, logs, one, tree
from tests.services.running import PROGRAMS, address, environment, running

pytest.importorskip("flask", reason="Flask is not installed")
pytest.importorskip("gunicorn", reason="gunicorn is not installed")
pytest.importorskip("opentelemetry.instrumentation.wsgi", reason="OpenTelemetry's WSGI middleware is not installed")

FOUND = """\
click internal page
  GET /search server catalogue
    /search internal catalogue
      search_shelf internal catalogue
      search_shelf internal catalogue"""
REFUSED = """\
click internal page
  GET /search server catalogue
    /search internal catalogue rejected"""
FAILED = """\
click internal page
  GET /search server catalogue !
    /search internal catalogue ! OSError
      search_shelf internal catalogue ! OSError"""
QUERIES = {
    "found": {"q": "black"},
    "unknown shelf": {"q": "black", "shelf": "sofas"},
    "no query": {},
    "damaged shelf": {"q": "black", "shelf": "torn"},
}


@pytest.fixture(scope="module")
def traces(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The traces of the requests, after the server's end."""
    folder, variables = tmp_path_factory.mktemp("catalogue"), environment(f"http://{collector.grpc}")
    options = ("--bind", "127.0.0.1:0", "--worker-class", "gthread", "--threads", "4", "--no-control-socket")
    command = ("-m", "gunicorn", *options, "--chdir", str(PROGRAMS), "catalogue:app")
    begun, answered = {}, {}
    with running(*command, ready="Listening at", folder=folder, variables=variables) as log:
        for name, query in QUERIES.items():
            with collector.click() as click:
                url = f"http://{address(log)}/search"
                answered[name] = collector.client.get(url, params=query, headers=click.headers).status_code
            begun[name] = click.trace_id
    assert answered == {"found": 200, "unknown shelf": 404, "no query": 400, "damaged shelf": 500}
    return begun


def test_a_request_is_one_trace_from_the_page_to_the_shelves(traces: dict[str, str], collector: Collector) -> None:
    """The stages in threads of a pool are below the endpoint, as it is below the server's span."""
    drawn = {name: tree(collector.trace(trace)) for name, trace in traces.items()}
    assert drawn == {"found": FOUND, "unknown shelf": REFUSED, "no query": REFUSED, "damaged shelf": FAILED}


def test_an_exception_is_reported_once_where_it_happened(traces: dict[str, str], collector: Collector) -> None:
    """Though it goes from a pool's thread through the endpoint; an abort is recorded by the endpoint itself."""
    assert exceptions(collector.trace(traces["found"])) == []
    assert exceptions(collector.trace(traces["damaged shelf"])) == [("search_shelf", "OSError")]
    (refused,) = exceptions(collector.trace(traces["unknown shelf"]))
    assert refused == ("/search", "werkzeug.exceptions.NotFound")


def test_requests_and_documents_count_by_outcome(traces: dict[str, str], collector: Collector) -> None:
    """A request without a query has no document."""
    assert collector.requests("catalogue") == {
        ("search", "ok"): 1,
        ("search", "rejected"): 2,
        ("search", "error", "OSError"): 1,
    }
    assert collector.documents("catalogue") == {("search", "ok"): 1, ("search", "rejected"): 1, ("search", "error"): 1}


def test_the_query_is_recorded_nowhere(traces: dict[str, str], collector: Collector) -> None:
    """Nor in what others record: of the address of the request only the names of its parameters are kept."""
    served = one(collector.trace(traces["unknown shelf"]), "GET /search")
    assert served["attributes"]["http.target"] == "/search?q=[redacted:query]&shelf=[redacted:query]"
    assert "black" not in str([collector.trace(trace) for trace in traces.values()])


def test_log_records_are_in_the_trace(traces: dict[str, str], collector: Collector) -> None:
    """Those of the service, and what Flask logs of an exception that nobody caught."""
    assert logs(collector.trace(traces["found"])) == [("/search catalogue", "2 goods on 2 shelves")]
    failed = collector.trace(traces["damaged shelf"])
    assert logs(failed) == [("GET /search catalogue", "Exception on /search [GET]")]
    assert failed["logs"][0]["attributes"]["exception.type"] == "OSError"
    assert logs(collector.trace(traces["unknown shelf"])) == []
