"""The API's document, on a collector with data: what it says is what is answered, and no request makes it fail."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from collector.local.api.answers import PATHS, QUESTIONS
from collector.local.server import LocalCollector
from tests.integration.otlp_by_hand import running_collector, send
from tests.otlp_samples import every_metric
from tests.otlp_samples import logs as log_export
from tests.unit.flow_traces import export_of, requests

MADE = requests(60)
LAST = max(MADE, key=lambda request: request.start_ms)


@pytest.fixture(scope="module")
def collector() -> Iterator[LocalCollector]:
    """A collector with some requests, a metric of each type with every field, and log records."""
    with running_collector() as running:
        http = f"http://{running.addresses.http}/v1"
        for exported in export_of(MADE):
            assert httpx.post(f"{http}/traces", json=exported, timeout=20).is_success
        send(running.addresses.http, "metrics", "gateway", every_metric())
        record = {"body": {"stringValue": "sold out"}, "severityNumber": 13, "traceId": LAST.trace_id}
        assert httpx.post(f"{http}/logs", json=log_export(record), timeout=20).is_success
        yield running


@pytest.fixture(scope="module")
def api(collector: LocalCollector) -> Iterator[httpx.Client]:
    """A client of its API."""
    with httpx.Client(base_url=f"http://{collector.addresses.api}", timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def document(api: httpx.Client) -> dict[str, Any]:
    """The document, from the collector."""
    found: dict[str, Any] = api.get("/api/openapi.json").json()
    return found


def test_every_path_has_a_typed_answer(document: dict[str, Any]) -> None:
    """All of them, with every parameter that it takes, and no other."""
    assert set(document["paths"]) == {*PATHS}
    assert document["openapi"] == "3.1.0"
    for question in QUESTIONS:
        described = document["paths"][question.path]["get"]
        names = {*question.parameters, *re.findall(r"{(\w+)}", question.path)}
        assert {parameter["name"] for parameter in described["parameters"]} == names
        assert question.returns is not None, f"{question.path} does not say what it returns"


def test_documents_are_small(api: httpx.Client) -> None:
    """Of the page's answers, too."""
    assert len(api.get("/api/openapi.json").content) < 130_000


TIMES = {"since": "2023-11-14", "until": "2023-11-16"}
FILLED: Mapping[str, Mapping[str, str]] = {
    **{
        f"/api/{name}": TIMES
        for name in ("performance", "worst", "who", "summary", "scatter", "map", "suspects", "tags")
    },
    "/api/traces": {"stages": "true"},
    "/api/query": {"query": "queue_length"},
    "/api/query_range": {"query": "queue_length", "start": "0", "end": "60", "step": "15"},
    "/api/query_exemplars": {"query": "queue_length", "start": "0", "end": "60"},
    "/api/compare": {"left": "slow", "right": "typical", **TIMES},
    "/api/traces/{trace_id}/span": {"id": f"{LAST.number + 1:08x}00000001"},
    "/api/traces/{trace_id}": {"wait": "1ms"},
    "/api/filter": {"text": "ser"},
}
METRICS = ("queue.length", "requests", "duration", "duration.fine", "old")


def cases() -> list[tuple[str, str, Mapping[str, str]]]:
    """Path of the document, path asked, parameters."""
    found: list[tuple[str, str, Mapping[str, str]]] = [
        (path, re.sub(r"{\w+}", name, path), FILLED.get(path, {}))
        for path in PATHS
        for name in (METRICS if "{name}" in path else ("last",))
    ]
    found += [("/api/traces", "/api/traces", {"after": "now"}), ("/api/logs", "/api/logs", {"after": "now"})]
    found += [("/api/performance", "/api/performance", {**TIMES, "scope": scope}) for scope in ("inner", "rpc")]
    return found


@pytest.mark.parametrize(("path", "asked", "more"), cases(), ids=lambda value: value if isinstance(value, str) else "")
def test_documented_equals_answered(
    api: httpx.Client, document: dict[str, Any], path: str, asked: str, more: Mapping[str, str]
) -> None:
    """Each answer has the fields of its schema, and no other."""
    response = api.get(asked, params=more)
    assert response.status_code == 200, response.text
    schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(response.json(), {**schema, "components": document["components"]})


FUZZ = settings(
    max_examples=5,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CONFORMS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
@pytest.mark.parametrize("path", PATHS)
def test_no_request_makes_it_fail(
    collector: LocalCollector, document: dict[str, Any], path: str, mode: GenerationMode
) -> None:
    """Whatever parameters: an answer of the schema, or an error of its shape; never 500."""
    narrowed = {**document, "paths": {path: document["paths"][path]}}
    operation = schemathesis.openapi.from_dict(narrowed)[path]["GET"]
    if mode is GenerationMode.NEGATIVE and not document["paths"][path]["get"]["parameters"]:
        pytest.skip("it has no parameters")

    @FUZZ
    @given(operation.as_strategy(mode))
    def run(case: schemathesis.Case[Any]) -> None:
        case.query.pop("wait", None)  # it would wait
        response = case.call(base_url=f"http://{collector.addresses.api}", timeout=30)
        case.validate_response(response, checks=list(CONFORMS))

    run()
