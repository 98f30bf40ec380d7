"""Sentry's web API for tests, by HTTP on a free port: boards, monitors and alerts, and what boards ask.

Written from the types of `@sentry/api` 0.1.0 and the serializers of sentry (`rest_framework/dashboard.py`, November
2026): what is required, what is refused, which fields Sentry adds to what it was sent. It keeps everything in memory.
"""

import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "sntrys_of-a-test"
ORGANIZATION, PROJECT, PROJECT_ID = "shop", "search", "42"
LAYOUT = {"x", "y", "w", "h", "minH"}
DISPLAYS = {"line", "area", "stacked_area", "bar", "table", "big_number", "top_n", "details", "categorical_bar"}
WIDGETS = {"discover", "issue", "metrics", "error-events", "transaction-like", "spans", "logs", "tracemetrics"}
Json = Any
Query = dict[str, list[str]]


@dataclass
class SentryApi:
    """What it holds, what it was asked, and how it misbehaves."""

    address: str = ""
    boards: dict[str, Json] = field(default_factory=dict)
    monitors: dict[str, Json] = field(default_factory=dict)
    alerts: dict[str, Json] = field(default_factory=dict)
    asked: list[tuple[str, str, Query, Json]] = field(default_factory=list)
    data: Callable[[str, Query], Json] | None = None  # answers `events` and `events-timeseries`; ValueError: 400
    answer: tuple[int, Json] | None = None  # to everything
    delay_s: float = 0.0
    page: int = 100  # rows of a list
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        error = {"id": "1", "name": "Error Monitor", "type": "error", "projectId": PROJECT_ID}
        self.monitors["1"] = error

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.address}"

    def changes(self) -> list[tuple[str, str]]:
        """The requests that change something: method and path."""
        return [(method, path) for method, path, _, _ in self.asked if method != "GET"]

    def respond(self, method: str, path: str, query: Query, token: str, body: Json) -> tuple[int, Json]:
        """Answer one request."""
        self.asked.append((method, path, query, body))
        time.sleep(self.delay_s)
        if self.answer:
            return self.answer
        if token != f"Bearer {TOKEN}":
            return 401, {"detail": "Invalid token"}
        found = re.fullmatch(r"/api/0/organizations/([^/]+)/(.*)", path)
        if not found or found[1] != ORGANIZATION:
            return 404, {"detail": "The requested resource does not exist"}
        try:
            return self._of_organization(method, found[2], query, body)
        except (ValueError, KeyError) as error:
            return 400, {"detail": str(error)}

    def _of_organization(self, method: str, rest: str, query: Query, body: Json) -> tuple[int, Json]:
        urls = {"organizationUrl": self.url, "regionUrl": self.url}
        known = {
            "": {"id": "1", "slug": ORGANIZATION, "name": "Shop", "links": urls},
            "projects/": [{"id": PROJECT_ID, "slug": PROJECT, "name": "Search"}],
        }
        if rest in known:
            return 200, known[rest]
        if rest in {"events/", "events-timeseries/"} and self.data:
            return 200, self.data(rest.strip("/"), query)
        if method == "POST" and rest == f"projects/{PROJECT}/detectors/":
            return self._create(self.monitors, _monitor(body))
        kind, _, number = rest.strip("/").partition("/")
        kept = {"dashboards": self.boards, "detectors": self.monitors, "workflows": self.alerts}.get(kind)
        if kept is None or (number and number not in kept):
            return 404, {"detail": "The requested resource does not exist"}
        if method == "GET":
            return 200, kept[number] if number else self._listed(kept, query)
        return self._change(method, kind, kept, number, body)

    def _change(self, method: str, kind: str, kept: dict[str, Json], number: str, body: Json) -> tuple[int, Json]:
        make = {"dashboards": self._board, "detectors": _monitor, "workflows": _alert}[kind]
        if method == "PUT" and number:
            kept[number] = {**kept[number], **make(body)}
            return 200, kept[number]
        if method != "POST" or number or kind == "detectors":
            return 405, {"detail": "Method not allowed"}
        if kind == "dashboards" and any(board["title"] == body.get("title") for board in kept.values()):
            return 409, {"detail": "Dashboard with that title already exists."}
        return self._create(kept, make(body))

    def _create(self, kept: dict[str, Json], made: Json) -> tuple[int, Json]:
        number = str(next(self.ids) + 100)
        kept[number] = {**made, "id": number, "dateCreated": "2026-11-30T00:00:00Z"}
        return 201, kept[number]

    def _listed(self, kept: dict[str, Json], query: Query) -> list[Json]:
        wanted = query.get("query", [""])[0]
        kind, name = re.search(r"type:(\w+)", wanted), re.search(r'name:"([^"]*)"', wanted)
        rows = [row for row in kept.values() if not kind or row["type"] == kind[1]]
        return [row for row in rows if not name or row["name"] == name[1]]

    def _board(self, body: Json) -> Json:
        if not body.get("title"):
            raise ValueError("title: This field is required.")
        widgets = [self._widget(widget) for widget in body.get("widgets", [])]
        return {"createdBy": None, "projects": [], "filters": {}, "prebuiltId": None, **body, "widgets": widgets}

    def _widget(self, body: Json) -> Json:
        """Refuse what Sentry refuses; add what it adds."""
        wrong = [
            body["displayType"] not in DISPLAYS and "displayType",
            body["widgetType"] not in WIDGETS and "widgetType",
            (body.get("limit") or 1) > 10 and "limit",
            len(body.get("description") or "") > 255 and "description",
            set(body["layout"]) != LAYOUT and "layout",
            any({"fields", "conditions"} - set(query) for query in body["queries"]) and "queries",
        ]
        if any(wrong):
            raise ValueError(f"{body['title']}: {[name for name in wrong if name]}")
        added = {"fieldAliases": [], "onDemand": [], "isHidden": False, "selectedAggregate": None}
        queries = [{"id": str(next(self.ids)), **added, **query} for query in body["queries"]]
        number = body.get("id") or str(next(self.ids))
        return {"thresholds": None, "interval": "5m", "dashboardId": "1", **body, "id": number, "queries": queries}


def _monitor(body: Json) -> Json:
    if not (body.get("name") and body.get("type") == "metric_issue"):
        raise ValueError("name, type: required")
    source = {"id": "7", "type": "snuba_query_subscription", "sourceId": "8"}
    sources = [{**source, "queryObj": {"id": "9", "snubaQuery": sent}} for sent in body["dataSources"]]
    conditions = [{"id": "5", **each} for each in body["conditionGroup"]["conditions"]]
    group = {"id": "6", **body["conditionGroup"], "conditions": conditions, "actions": []}
    return {**body, "projectId": PROJECT_ID, "dataSources": sources, "conditionGroup": group, "workflowIds": []}


def _alert(body: Json) -> Json:
    if not body.get("name"):
        raise ValueError("name: required")
    return {"createdBy": None, "lastTriggered": None, "environment": None, **body}


@contextmanager
def sentry_api(**behaviour: Any) -> Iterator[SentryApi]:
    """Run one."""
    api = SentryApi(**behaviour)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            length = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            token = self.headers.get("authorization", "")
            status, answer = api.respond(self.command, asked.path, parse_qs(asked.query), token, body)
            more = None
            if isinstance(answer, list):
                start = int(parse_qs(asked.query).get("cursor", ["0"])[0])
                more, answer = len(answer) > start + api.page, answer[start : start + api.page]
            text = json.dumps(answer).encode() if not isinstance(answer, bytes) else answer
            self.send_response(status)
            self.send_header("content-type", "application/json")
            if more is not None:
                following = (
                    f'<{api.url}{asked.path}>; rel="next"; results="{str(more).lower()}"; cursor="{start + api.page}"'
                )
                self.send_header("link", following)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            with suppress(OSError):  # nobody waits any more
                self.wfile.write(text)

        do_POST = do_PUT = do_GET  # noqa: N815  (names of the server)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
