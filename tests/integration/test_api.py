"""The query API over HTTP, of a real collector that was sent real OTLP."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from collector.local.server import LocalCollector
from tests.integration.otlp_by_hand import MS, START, running_collector, send, span

A, B = "a" * 32, "b" * 32
RPC = {"rpc.system.name": "grpc"}


@pytest.fixture(scope="module")
def collector() -> Iterator[LocalCollector]:
    """A collector that holds a search of two services with an error, a lone span, a histogram and a log record."""
    with running_collector() as running:
        http = running.addresses.http
        search = [
            span(
                A, 1, None, "/search", "server", start_ms=0, end_ms=50, attributes={**RPC, "n": 2**63 - 1, "half": 0.5}
            ),
            span(A, 2, 1, "/encode", "client", start_ms=5, end_ms=45, attributes={**RPC, "ok": True}),
        ]
        send(http, "traces", "gateway", search)
        encode = span(A, 3, 2, "/encode", "server", start_ms=10, end_ms=40, error="no model", attributes=RPC)
        send(http, "traces", "clip_encoder", [encode])
        send(http, "traces", "gateway", [span(B, 1, None, "/index", start_ms=1000, end_ms=1200)])
        exemplar = {"timeUnixNano": str(START), "asDouble": 0.25, "traceId": A, "spanId": f"{1:016x}"}
        point = {
            "startTimeUnixNano": str(START),
            "timeUnixNano": str(START + MS),
            "count": "3",
            "sum": 0.5,
            "bucketCounts": ["2", "1"],
            "explicitBounds": [0.1],
            "exemplars": [exemplar],
            "attributes": [],
        }
        histogram = {
            "name": "search/duration?x",
            "unit": "s",
            "histogram": {"aggregationTemporality": 2, "dataPoints": [point]},
        }
        gauge = {"name": "odd", "gauge": {"dataPoints": [{"timeUnixNano": str(START), "asDouble": "NaN"}]}}
        send(http, "metrics", "gateway", [histogram, gauge])
        record = {"timeUnixNano": str(START), "traceId": A, "body": {"stringValue": "searched"}, "severityText": "INFO"}
        send(http, "logs", "gateway", [record])
        yield running


@pytest.fixture
def api(collector: LocalCollector) -> Iterator[httpx.Client]:
    """A client of its API."""
    with httpx.Client(base_url=f"http://{collector.addresses.api}", timeout=20, trust_env=False) as client:
        yield client


def test_a_trace_has_the_documented_shape(api: httpx.Client) -> None:
    """Every field of the trace's JSON, with 64-bit integers exact."""
    answer = api.get(f"/api/traces/{A}")
    assert answer.headers["content-type"] == "application/json"
    trace = answer.json()
    assert {key: trace[key] for key in ("trace_id", "duration_ns", "services")} == {
        "trace_id": A,
        "duration_ns": 50 * MS,
        "services": ["gateway", "clip_encoder"],
    }
    assert "complete" not in trace
    assert trace["spans"][0] == {
        "trace_id": A,
        "span_id": f"{1:016x}",
        "parent_span_id": None,
        "depth": 0,
        "name": "/search",
        "kind": "server",
        "service": "gateway",
        "start_unix_ns": START,
        "end_unix_ns": START + 50 * MS,
        "offset_ns": 0,
        "duration_ns": 50 * MS,
        "self_ns": 10 * MS,
        "critical_ns": 10 * MS,
        "critical_parts": [[0, 5 * MS], [45 * MS, 5 * MS]],
        "status": "unset",
        "status_message": "",
        "attributes": {"rpc.system.name": "grpc", "n": 2**63 - 1, "half": 0.5},
        "resource": {"service.name": "gateway"},
        "scope": "by.hand",
        "scope_version": "1.2",
        "scope_attributes": {},
        "trace_state": "",
        "flags": 0,
        "events": [],
        "links": [],
        "dropped_attributes": 0,
        "dropped_events": 0,
        "dropped_links": 0,
    }
    rest = [
        (s["depth"], s["name"], s["kind"], s["service"], s["status"], s["status_message"]) for s in trace["spans"][1:]
    ]
    assert rest == [
        (1, "/encode", "client", "gateway", "unset", ""),
        (2, "/encode", "server", "clip_encoder", "error", "no model"),
    ]
    assert sum(s["critical_ns"] for s in trace["spans"]) == trace["duration_ns"]


def test_lists_have_their_rows_under_the_last_word_of_the_path(api: httpx.Client) -> None:
    """And a cursor, null on the last page."""
    for path in ("services", "operations", "traces", "metrics", "logs"):
        answer = api.get(f"/api/{path}").json()
        assert set(answer) == {path, "next"}
        assert answer[path]
        assert answer["next"] is None


def test_rows_have_the_documented_shape(api: httpx.Client) -> None:
    """A trace row and an operation row, field by field."""
    assert api.get("/api/traces?limit=1").json()["traces"] == [
        {
            "trace_id": B,
            "root_service": "gateway",
            "root_operation": "/index",
            "start_unix_ns": START + 1000 * MS,
            "duration_ns": 200 * MS,
            "span_count": 1,
            "error_count": 0,
            "open_count": 0,
            "untimed_count": 0,
            "entry_service": "gateway",
            "entry_operation": "/index",
            "entry_duration_ns": 200 * MS,
            "search_operation": None,
            "platform": None,
            "region": None,
            "outcome": "ok",
            "len_docs": None,
            "hits": None,
            "transit_ns": None,
        }
    ]
    assert api.get("/api/operations?service=clip_encoder").json()["operations"] == [
        {
            "service": "clip_encoder",
            "operation": "/encode",
            "kind": "server",
            "count": 1,
            "rate": 1.0,
            "error_ratio": 1.0,
            "p50_ns": 30 * MS,
            "p95_ns": 30 * MS,
            "p99_ns": 30 * MS,
        }
    ]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("", "ba"),
        ("service=clip_encoder", "a"),
        ("operation=/index", "b"),
        ("status=error", "a"),
        ("min_duration=60ms", "b"),
        ("attribute=n=9223372036854775807", "a"),
        ("attribute=ok=true&attribute=half=0.5", "a"),
        ("attribute=ok=false", ""),
        ("service=gateway&operation=/search&min_duration=50ms", "a"),
        ("service=", "ba"),
    ],
)
def test_traces_by_filter(api: httpx.Client, parameters: str, expected: str) -> None:
    """Each parameter, alone and with others."""
    rows = api.get(f"/api/traces?{parameters}").json()["traces"]
    assert "".join(row["trace_id"][0] for row in rows) == expected


def test_the_cursor_leads_to_the_next_page(api: httpx.Client) -> None:
    """It is passed as `before`, unchanged."""
    first = api.get("/api/traces?limit=1").json()
    second = api.get("/api/traces", params={"limit": 1, "before": first["next"]}).json()
    assert [first["traces"][0]["trace_id"], second["traces"][0]["trace_id"], second["next"]] == [B, A, None]


def test_last_and_beginnings_name_a_trace(api: httpx.Client) -> None:
    """`last` is the latest, whatever its root."""
    assert api.get("/api/traces/last").json()["trace_id"] == B
    assert api.get("/api/traces/BBB").json()["trace_id"] == B


def test_a_metric_with_any_name_comes_back_with_its_exemplars(api: httpx.Client) -> None:
    """Slashes and question marks in the path are part of the name; the exemplar leads to its trace."""
    answer = api.get("/api/metrics/search%2Fduration%3Fx").json()
    assert (answer["name"], answer["type"], answer["unit"], answer["next"]) == (
        "search/duration?x",
        "histogram",
        "s",
        None,
    )
    (series,) = answer["series"]
    (point,) = series["points"]
    assert (series["service"], point["count"], point["sum"], point["bucket_counts"]) == ("gateway", 3, 0.5, [2, 1])
    assert point["exemplars"][0]["trace_id"] == A


def test_nan_and_infinity_are_strings(api: httpx.Client) -> None:
    """JSON has no NaN; every parser reads the answer."""
    text = api.get("/api/metrics/odd").text

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert json.loads(text, parse_constant=refuse)["series"][0]["points"][0]["value"] == "NaN"


def test_logs_of_a_trace(api: httpx.Client) -> None:
    """Body, severity and span of a record."""
    (row,) = api.get(f"/api/logs?trace_id={A.upper()}").json()["logs"]
    assert (row["body"], row["severity_text"], row["service"], row["trace_id"]) == ("searched", "INFO", "gateway", A)
    assert api.get(f"/api/logs?trace_id={B}").json()["logs"] == []
    assert api.get("/api/logs?trace_id=aaaa&level=info&service=gateway").json()["logs"] == [row]
    assert api.get("/api/logs?level=error").json()["logs"] == []
    trace = api.get(f"/api/traces/{A}").json()
    assert (trace["logs"], trace["log_count"]) == ([row | {"offset_ns": 0}], 1)


def test_stats_count_by_signal(api: httpx.Client) -> None:
    """Received, stored, refused, malformed; and what the store holds."""
    answer = api.get("/api/stats").json()
    for signal, records in (("traces", 4), ("metrics", 2), ("logs", 1)):
        figures = answer[signal]
        assert (figures["received"], figures["stored"], figures["refused"], figures["malformed"]) == (
            records,
            records,
            0,
            0,
        )
    assert answer["held"] == {"traces": 2, "spans": 4, "metric_points": 2, "logs": 1}


ERRORS = [
    ("GET", "/nothing", 404, "not_found"),
    ("GET", "/api", 404, "not_found"),
    ("GET", "/api/nothing", 404, "not_found"),
    ("GET", "/api/traces/", 404, "not_found"),
    ("GET", "/api/traces/ffff", 404, "not_found"),
    ("GET", "/api/traces/xyz", 400, "bad_request"),
    ("GET", "/api/traces/a/b", 400, "bad_request"),
    ("GET", "/api/metrics/none", 404, "not_found"),
    ("GET", "/api/metrics/odd?latest=1", 400, "bad_request"),
    ("POST", "/api/traces", 405, "method_not_allowed"),
    ("DELETE", f"/api/traces/{A}", 405, "method_not_allowed"),
    ("OPTIONS", "/api/stats", 405, "method_not_allowed"),
    ("GET", "/api/health?x=1", 400, "bad_request"),
    ("GET", "/api/stats?x=1", 400, "bad_request"),
    ("GET", "/api/services?service=a", 400, "bad_request"),
    ("GET", "/api/traces?limt=5", 400, "bad_request"),
    ("GET", "/api/traces?limit=0", 400, "bad_request"),
    ("GET", "/api/traces?limit=10001", 400, "bad_request"),
    ("GET", "/api/traces?limit=", 400, "bad_request"),
    ("GET", "/api/traces?limit=1&limit=2", 400, "bad_request"),
    ("GET", "/api/traces?status=broken", 400, "bad_request"),
    ("GET", "/api/traces?min_duration=50", 400, "bad_request"),
    ("GET", "/api/traces?attribute=key", 400, "bad_request"),
    ("GET", "/api/traces?attribute==value", 400, "bad_request"),
    ("GET", "/api/traces?attribute=a=1&attribute=a=2", 400, "bad_request"),
    ("GET", "/api/traces?before=x", 400, "bad_request"),
    ("GET", "/api/traces?before=now&after=now", 400, "bad_request"),
    ("GET", "/api/traces?after=x", 400, "bad_request"),
    ("GET", "/api/traces?batches=yes", 400, "bad_request"),
    ("GET", "/api/traces?wait=1s", 400, "bad_request"),
    ("GET", "/api/logs?level=eror", 400, "bad_request"),
    ("GET", "/api/logs?trace_id=xyz", 400, "bad_request"),
    ("GET", "/api/logs?after=now&wait=61s", 400, "bad_request"),
    ("GET", f"/api/traces/{A}?wait=soon", 400, "bad_request"),
    ("GET", f"/api/traces/{A}?wait=61s", 400, "bad_request"),
    ("GET", "/api/traces/xyz?wait=1s", 400, "bad_request"),
    ("GET", "/api/traces/ffff?wait=1ms", 404, "not_found"),
]


@pytest.mark.parametrize(("method", "path", "status", "code"), ERRORS, ids=[f"{row[0]} {row[1]}" for row in ERRORS])
def test_every_error_has_one_shape(api: httpx.Client, method: str, path: str, status: int, code: str) -> None:
    """Code, message and hint, whatever went wrong, on every path."""
    answer = api.request(method, path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(answer.json()) == {"error"}
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == code
    assert error["message"]
    assert error["hint"]


def test_a_misspelt_parameter_is_answered_with_those_there_are(api: httpx.Client) -> None:
    """A filter that is not understood must not find everything."""
    assert api.get("/api/traces?servce=x").json()["error"] == {
        "code": "bad_request",
        "message": "There is no parameter 'servce'.",
        "hint": "Use filter, service, operation, status, min_duration, attribute, since, until, platform, region, "
        "version, batches, order, stages, limit, before, after, wait.",
    }


def test_an_unknown_path_is_answered_with_those_there_are(api: httpx.Client) -> None:
    """The API lists its paths."""
    hint = api.get("/api/trace").json()["error"]["hint"]
    assert "/api/traces/{trace_id}" in hint
    assert "/api/health" in hint


def test_a_wrong_method_lists_the_right_ones(api: httpx.Client) -> None:
    """As HTTP asks for: with Allow."""
    assert set(api.post("/api/traces").headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_health(api: httpx.Client) -> None:
    """A probe needs no more."""
    assert api.get("/api/health").json() == {"status": "ok"}


@pytest.mark.parametrize(("host", "status"), [("evil.example", 403), ("localhost:4319", 200), ("127.0.0.1", 200)])
def test_a_page_under_another_name_gets_nothing(api: httpx.Client, host: str, status: int) -> None:
    """A browser that was lured to this address under a name of its own (DNS rebinding) reads no telemetry."""
    answer = api.get("/api/traces", headers={"host": host})
    assert answer.status_code == status
    assert ("traces" in answer.json()) == (status == 200)


def test_an_error_of_our_own_has_no_stack_trace(collector: LocalCollector, api: httpx.Client) -> None:
    """The caller learns that it was not their mistake; the reason stands in the log."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collector, "stats", lambda: 1 / 0)
        answer = api.get("/api/stats")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "ZeroDivision" not in answer.text


def test_a_long_question_holds_up_no_other(collector: LocalCollector, api: httpx.Client) -> None:
    """Queries run beside the event loop: while one is busy, the collector is alive and answers others."""
    began, may_end = threading.Event(), threading.Event()

    def slow(*_: object) -> dict[str, Any]:
        began.set()
        assert may_end.wait(20)
        return {}

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as pool:
        patch.setattr("collector.local.api.answers.ask", slow)
        answer = pool.submit(httpx.get, f"http://{collector.addresses.api}/api/traces", timeout=30)
        assert began.wait(10)
        assert api.get("/api/health").status_code == 200
        assert api.get("/api/stats").status_code == 200
        may_end.set()
        assert answer.result(20).json() == {}
