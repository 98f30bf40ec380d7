"""What tests ask the local collector, over its JSON API, and the caller's side of a trace that begins in a test."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.entry import ENTRY


@dataclass(frozen=True)
class Click:
    """A request that a page makes: what it sends along, and the trace that it begins."""

    trace_id: str
    span_id: str

    @property
    def headers(self) -> dict[str, str]:
        """The context, as every OpenTelemetry SDK sends it."""
        return {"traceparent": f"00-{self.trace_id}-{self.span_id}-01"}


@dataclass(frozen=True)
class Collector:
    """A collector that runs, by its three addresses, and what tests call it and the services with."""

    client: httpx.Client
    grpc: str
    http: str
    api: str

    def get(self, path: str, **parameters: str) -> Any:
        """One answer of the query API."""
        answer = self.client.get(f"http://{self.api}/api/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @contextmanager
    def click(self) -> Iterator[Click]:
        """A page's span around a request, of whatever SDK: sent as JSON once the block ends."""
        click = Click(secrets.token_hex(16), secrets.token_hex(8))
        start = time.time_ns()
        try:
            yield click
        finally:
            span = {"traceId": click.trace_id, "spanId": click.span_id, "name": "click", "kind": 1}
            span |= {"startTimeUnixNano": str(start), "endTimeUnixNano": str(time.time_ns())}
            page = {"attributes": [{"key": "service.name", "value": {"stringValue": "page"}}]}
            export = {"resourceSpans": [{"resource": page, "scopeSpans": [{"spans": [span]}]}]}
            assert self.client.post(f"http://{self.http}/v1/traces", json=export).status_code == 200

    def traces(self, service: str) -> list[Any]:
        """The traces that begin in a service, first come first."""
        rows = self.get("traces", service=service)["traces"]
        return [self.trace(row["trace_id"]) for row in reversed(rows) if row["root_service"] == service]

    def trace(self, trace_id: str) -> Any:
        """One trace, with its log records."""
        return self.get(f"traces/{trace_id}")

    def requests(self, service: str) -> dict[tuple[str, ...], int]:
        """How many requests were counted: by operation, outcome and, where there is one, type of error."""
        return {labels: point["count"] for labels, point in self._values("search.request.duration", service).items()}

    def entries(self, service: str) -> dict[str, bool]:
        """For each operation, whether its requests entered at this service."""
        series = self.get("metrics/search.request.duration", latest="true")["series"]
        found = [one["attributes"] for one in series if one["service"] == service]
        return {one["search.operation"]: one["search.entry"] for one in found}

    def documents(self, service: str) -> dict[tuple[str, ...], int]:
        """How many documents were counted: by operation and outcome."""
        return {labels: point["value"] for labels, point in self._values("search.documents", service).items()}

    def first_items(self, service: str) -> dict[tuple[str, ...], tuple[int, float]]:
        """How many first items of streamed answers were counted, and their seconds together: by operation."""
        found = self._values("search.first_item.duration", service)
        return {labels: (point["count"], point["sum"]) for labels, point in found.items()}

    def _values(self, name: str, service: str) -> dict[tuple[str, ...], Any]:
        """The last point of each series, by its labels; each service here counts in one process."""
        found = {}
        for series in self.get(f"metrics/{name}", latest="true")["series"]:
            if series["service"] == service:
                labels = tuple(value for name, value in series["attributes"].items() if name not in ENTRY)
                assert labels not in found
                found[labels] = series["points"][-1]
        return found


def tree(trace: Any) -> str:
    """The spans as lines, each below its parent: name, kind, service, an outcome, `!` with the error's type."""
    lines = []
    for span in trace["spans"]:
        found = span["attributes"]
        words = [span["name"], span["kind"], span["service"]]
        words += [found["search.outcome"]] if "search.outcome" in found else []
        words += ["!", found.get("error.type", "")] if span["status"] == "error" else []
        lines.append("  " * span["depth"] + " ".join(words).rstrip())
    return "\n".join(lines)


def logs(trace: Any) -> list[tuple[str, str]]:
    """The log records in the order of time: the span that each was made in, and its text."""
    names = {span["span_id"]: f"{span['name']} {span['service']}" for span in trace["spans"]}
    return [(names[record["span_id"]], record["body"]) for record in trace["logs"]]


def one(trace: Any, name: str) -> Any:
    """The span of that name."""
    (found,) = [span for span in trace["spans"] if span["name"] == name]
    return found


def exceptions(trace: Any) -> list[tuple[str, str]]:
    """Where the trace's exceptions are recorded: the span and the class."""
    return [
        (span["name"], event["attributes"]["exception.type"])
        for span in trace["spans"]
        for event in span["events"]
        if event["name"] == "exception"
    ]
