"""Answers stay small whatever was sent: names, values and keys of telemetry with up to a megabyte."""

import re
from collections.abc import Iterator, Mapping

import httpx
import pytest

from collector.local.api.answers import QUESTIONS
from collector.local.api.bounds import MOST_BYTES, small
from tests.integration.otlp_by_hand import running_collector, send, span

KB = 1_000
TRACES = 100
TIMES = {"since": "2023-11-14", "until": "2023-11-16"}
ASKED: Mapping[str, Mapping[str, str]] = {
    "/api/query": {"query": "queue_length"},
    "/api/query_range": {"query": "queue_length", "start": "1699999900", "end": "1700000100", "step": "15"},
    "/api/query_exemplars": {"query": "queue_length", "start": "1699999900", "end": "1700000100"},
    "/api/compare": {"left": "slow", "right": "typical", **TIMES},
    "/api/traces": {"limit": "100", "stages": "true"},
    "/api/filter": {"text": "operation=", "at": "10"},
}
WHOLE = {question.path for question in QUESTIONS if question.is_whole}


@pytest.fixture(scope="module")
def api() -> Iterator[httpx.Client]:
    """A hundred traces, of which every text is long, in a collector."""
    with running_collector() as collector:
        for number in range(TRACES):
            trace = f"{number + 1:032x}"
            words = {
                "search.entry": True,
                "client.region": f"{number}" + "r" * 5 * KB,
                "client.platform": f"{number}" + "p" * 5 * KB,
                "search.operation": f"{number % 5}" + "o" * 5 * KB,
                "len_docs": number,
                "k" * 5 * KB + f"{number % 7}": "v" * KB,
                "shared": f"{number % 3}" + "s" * 5 * KB,
            }
            if number == 0:
                words["huge"] = "h" * 1000 * KB
            begin, end = number * 10, number * 10 + (5 if number % 9 else 500)
            name, error = f"/{number % 30}" + "n" * 20 * KB, "" if number % 4 else "e" * 5 * KB
            root = span(trace, 1, None, name, "server", error=error, attributes=words, start_ms=begin, end_ms=end)
            below = span(trace, 2, 1, "inner" + name, "internal", attributes=words, start_ms=begin, end_ms=end)
            send(collector.addresses.http, "traces", f"service{number % 6}" + "x" * 5 * KB, [root, below])
        gauge = {"name": "queue.length", "gauge": {"dataPoints": [
            {"asInt": "1", "timeUnixNano": "1700000000000000000", "attributes": [
                {"key": "name", "value": {"stringValue": f"{number}" + "m" * 20 * KB}}]} for number in range(10)
        ]}}  # fmt: skip
        send(collector.addresses.http, "metrics", "m" * 20 * KB, [gauge])
        with httpx.Client(base_url=f"http://{collector.addresses.api}", timeout=60, trust_env=False) as client:
            yield client


PATHS = [question.path for question in QUESTIONS if not question.is_whole]


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_is_small_whatever_was_sent(api: httpx.Client, path: str) -> None:
    """100 kB."""
    for more in ({}, {"scope": "inner"}) if path == "/api/performance" else ({},):
        given = ASKED.get(path) or (TIMES if "since" in _parameters(path) else {})
        response = api.get(re.sub(r"{\w+}", "last", path), params={**given, **more})
        assert response.status_code == 200, response.text[:300]
        assert len(response.content) <= MOST_BYTES
        assert response.json()


def _parameters(path: str) -> tuple[str, ...]:
    return next(question.parameters for question in QUESTIONS if question.path == path)


def test_choices_that_are_too_long_are_left_out_and_counted(api: httpx.Client) -> None:
    """A part of a value chooses nothing."""
    seen = api.get("/api/who", params=TIMES).json()
    assert (seen["regions"], seen["platforms"], seen["operations"]) == ([], [], [])
    assert seen["left_out"] >= 3 * 30
    proposed = api.get("/api/filter", params={"text": "region=", "at": "7"}).json()
    assert proposed["completions"] == []
    assert proposed["left_out"] >= 1


def test_what_is_asked_for_by_its_id_is_whole(api: httpx.Client) -> None:
    trace = f"{1:032x}"
    assert "h" * 1000 * KB in api.get(f"/api/traces/{trace}").text
    assert "h" * 1000 * KB in api.get(f"/api/traces/{trace}/span", params={"id": f"{1:016x}"}).text
    assert {
        "/api/traces/{trace_id}", "/api/traces/{trace_id}/span", "/api/traces/{trace_id}/otlp",
        "/api/metrics/{name}", "/api/logs", "/api/openapi.json",
    } == WHOLE  # fmt: skip


def test_only_what_is_long_is_cut() -> None:
    """Ids and cursors never; a term that is too long is left out."""
    assert small({"a": "x" * 90_000}) == b'{"a":"' + b"x" * 90_000 + b'"}'
    trace = f"{7:032x}"
    rows = [{"trace_id": trace, "name": "n" * 3000, "filter": "f" * 3000, "short": "s"} for _ in range(50)]
    found = httpx.Response(200, content=small({"rows": rows, "next": "c" * 300}, "rows")).json()
    assert found["next"] == "c" * 300
    assert found["rows"][0] == {"trace_id": trace, "name": "n" * 199 + "…", "filter": "", "short": "s"}
