"""Secrets on their way through the real Collector, sent by somebody without our library: none reaches a backend."""

import re
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from collector.stack.programs.otelcol import Otelcol
from collector.stack.stack import Stack
from tests.otlp_stand_in import StandIn, attributes, stand_in
from tests.secrets_corpus import HARMLESS, SECRETS, leaked
from tests.sentry_stand_in import PUBLIC_KEY, SentryStandIn, sentry_stand_in
from tests.stack.asking import eventually
from tests.stack.otelcol_raw import LINKED, as_text, counter, log, send, trace

MASKED_THOUGH_HARMLESS = frozenset({
    "4111111111111112",  # looks like a card; its check digit is wrong
    "DE00370400440532013000", "GB82 WEST 1234 5698 7654 33",  # IBANs with the same flaw
    "password=None", '{"api_key": null}', "has_password=true",  # the name is all that counts
})  # fmt: skip
"""What a second line without arithmetic and look-around takes for secrets; docs/collector.md documents it."""

BARE = (
    "Bearer my" + "SecretTokenValue", "Bearer x1y2z3_" + "q4w5e6_r7t8y9", "Bearer a1b2c3." + "d4e5f6.g7h8i9",
    "token x1y2z3_" + "q4w5e6_r7t8y9", "sk-" + "proj-abcdefghijklmnop", "sent bearer a1b2c3_" + "d4e5f6 twice",
)  # fmt: skip
"""Secrets that are all of a value, made of what looks like words: no rule for harmless words may let them pass."""

LAYERS = ("base", "privacy", "span-metrics", "prometheus", "jaeger", "logs", "sentry")
METRICS_BY_OTLP = """
exporters: {{otlp_http/metrics: {{endpoint: "{}"}}}}
service: {{pipelines: {{metrics/otlp: {{receivers: [forward/metrics], exporters: [otlp_http/metrics]}}}}}}
"""
"""A layer of the user's own, since Prometheus is not given all of a metric."""

Q, F, U = "[redacted:query]", "[redacted:fragment]", "[redacted:credentials]"

NAMELESS = [secret.text for secret in SECRETS if not secret.name]
NAMED = [(secret.name or "note", secret.text) for secret in SECRETS]
KEPT = [(one.name or "note", one.text) for one in HARMLESS if one.text not in MASKED_THOUGH_HARMLESS]


@dataclass
class Backends:
    """A Collector, and what stands in Jaeger's, Loki's and Sentry's place."""

    stack: Stack
    jaeger: StandIn
    loki: StandIn
    sentry: SentryStandIn

    def send(self, request: Any) -> None:
        send(self.stack.address("collector.otlp_grpc"), request)

    def scraped(self) -> str:
        """What Prometheus would be given."""
        asked = urllib.request.Request(
            f"http://{self.stack.address('collector.scrape')}/metrics",
            headers={"Accept": "application/openmetrics-text; version=1.0.0"},
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return str(answer.read().decode())

    def spans(self, count: int) -> list[Any]:
        """Wait for as many spans in Jaeger's and Sentry's place; return those in Jaeger's."""
        self.jaeger.wait_until(lambda: len(self.jaeger.spans()) >= count)
        self.sentry.wait_until(lambda: self._sentry_spans() >= count)
        return [span for span, _ in self.jaeger.spans()]

    def records(self, count: int) -> list[Any]:
        """Wait for as many log records in Loki's place; return them."""
        self.loki.wait_until(lambda: len(self.loki.logs()) >= count)
        self.sentry.wait_until(lambda: sum(_records(request) for request in self.sentry.logs) >= count)
        return self.loki.logs()

    def _sentry_spans(self) -> int:
        return sum(
            len(scope.spans)
            for request in self.sentry.traces
            for one in request.resource_spans
            for scope in one.scope_spans
        )

    def everything(self) -> str:
        """All that arrived anywhere, as a text."""
        stored = [message for backend in (self.jaeger, self.loki) for _, message, _ in backend.requests]
        return as_text([*stored, *self.sentry.traces, *self.sentry.logs]) + self.scraped()


def _records(request: Any) -> int:
    return sum(len(scope.log_records) for one in request.resource_logs for scope in one.scope_logs)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    """One for all tests here."""
    with stand_in() as jaeger, stand_in() as loki, sentry_stand_in() as sentry:
        variables = {
            "JAEGER_OTLP": jaeger.grpc.removeprefix("http://"),
            "LOGS_OTLP": loki.http,
            "SENTRY_OTLP_ENDPOINT": sentry.otlp_endpoint,
            "SENTRY_PUBLIC_KEY": PUBLIC_KEY,
        }
        folder = tmp_path_factory.mktemp("stack")
        (folder / "metrics-by-otlp.yaml").write_text(METRICS_BY_OTLP.format(loki.http))
        collector = Otelcol("collector", (*LAYERS, str(folder / "metrics-by-otlp")))
        with Stack([collector], data_dir=folder, environment=variables) as stack:
            yield Backends(stack, jaeger, loki, sentry)
            assert sentry.mistakes == []


@pytest.fixture
def backends(running: Backends) -> Backends:
    """Nothing has arrived yet."""
    for kept in (running.jaeger.requests, running.loki.requests, running.sentry.traces, running.sentry.logs):
        kept.clear()
    return running


def test_no_secret_in_a_trace_reaches_a_backend(backends: Backends) -> None:
    """Names, status messages, attributes, lists, maps, whole numbers, events, baggage, trace state, links."""
    spans: list[dict[str, Any]] = [
        {"attributes": {name: text}, "events": [("event", {name: text})]} for name, text in NAMED
    ]
    spans += [{"attributes": {"list": ["x", text], "map": {"in": {"deep": text}}}} for text in NAMELESS]
    spans += [{"attributes": {"map": {"n": 1, name: text}}} for name, text in NAMED]
    spans += [{"name": text, "status": text, "state": f"vendor={text}"} for text in NAMELESS]
    spans += [{"events": [(text, {})]} for text in NAMELESS]
    spans += [{"attributes": {f"baggage.{name}": text}} for name, text in NAMED]
    bare = [text.split()[1] for text in NAMELESS if text.startswith(("key ", "paid ", "call ", "to "))]
    spans += [{"attributes": {"map": {"lines": f"first\n{text}\nlast"}}} for text in NAMELESS + bare]  # it sees JSON
    spans += [{"attributes": {"map": {"lines": "\n".join(NAMELESS)}}, "status": "\n".join(NAMELESS)}]
    cards = [int(secret.text.split()[-1]) for secret in SECRETS if secret.kind == "card" and "paid" in secret.text]
    spans += [{"attributes": {"number": card if card < 2**63 else str(card)}} for card in cards]
    spans += [{"links": [{name: text}, {"map": {"in": [text]}}]} for name, text in NAMED]
    spans += [{"links": [{}], "link_state": f"vendor={text}"} for text in NAMELESS]
    backends.send(trace(spans))
    backends.spans(len(spans))
    eventually(lambda: "traces_span_metrics_calls_total" in backends.scraped())
    everything = backends.everything()
    assert leaked(everything) == []
    assert [card for card in cards if str(card) in everything] == []


def test_what_looks_like_words_is_hidden_where_it_is_all_of_a_value(backends: Backends) -> None:
    """In attributes, names, status messages and bodies."""
    backends.send(trace([{"attributes": {"note": text}, "name": text, "status": text} for text in BARE]))
    backends.send(log([{"body": text, "attributes": {"note": text}} for text in BARE]))
    backends.spans(len(BARE))
    backends.records(len(BARE))
    everything = backends.everything()
    assert [text for text in BARE if text in everything or text.split()[-1] in everything.split()] == []


def test_no_secret_in_a_log_reaches_a_backend(backends: Backends) -> None:
    """Bodies, plain and structured, the keys inside them, attributes, event names, severity texts."""
    records: list[dict[str, Any]] = [{"body": text, "event": text, "severity": text} for text in NAMELESS]
    records += [
        {"body": {"n": 1, name: text, "in": [{name: text}]}, "attributes": {name: text}} for name, text in NAMED
    ]
    records += [{"body": ["x", text]} for text in NAMELESS]
    backends.send(log(records))
    backends.records(len(records))
    assert leaked(backends.everything()) == []


def test_no_secret_in_a_metric_reaches_a_backend(backends: Backends) -> None:
    """Attributes of data points and of exemplars; an exemplar keeps its trace."""
    points = [{"attributes": {name: text, "n": n}, "exemplar": {name: text}} for n, (name, text) in enumerate(NAMED)]
    backends.send(counter("shop.sales", points, time.time_ns()))
    text = eventually(lambda: (found := backends.scraped()).count("shop_sales_total{") == len(points) and found)
    backends.loki.wait_until(lambda: len(backends.loki.metric("shop.sales")) == len(points))
    assert leaked(backends.everything()) == []
    assert text.count('trace_id="000102030405060708090a0b0c0d0e0f"') == len(points)


URLS = {
    "url.full": (
        "https://ada:pw@shop.example:443/search?q=my+illness&page=2&user%5Bname%5D=x#top",
        f"https://{U}@shop.example:443/search?q={Q}&page={Q}&user%5Bname%5D={Q}#{F}",
    ),
    "http.url": ("https://ada:p?w@shop.example/", f"https://{U}?{Q}"),
    "http.target": ("/search?my+illness&ada%40example.com=1&c2VjcmV0MQ==", f"/search?{Q}&{Q}={Q}&{Q}="),
    "url.query": ("q=my+illness&next=%2Fa%3Fpassword%3Dhunter22", f"q={Q}&next={Q}"),
    "http.query": ("?q=a;b&&c", f"?q={Q};{Q}&&{Q}"),
    "url.fragment": ("top", Q),
    "http.request.query.q": ("my illness", Q),
    "requestUrl": ("/a?q=x", f"/a?q={Q}"),
    "http.request.header.referer": (["https://a/?q=x"], f'["https://a/?q={Q}'),
    "url.original": (f"/search?q={Q}#{F}", f"/search?q={Q}#{F}"),
    "url.path": ("/search", "/search"),
    "http.route": ("/a/{b}", "/a/{b}"),
    "search.query": ("why?", "why?"),
}
"""By attribute: what somebody else records, and what is left of it."""


def test_no_query_of_a_url_reaches_a_backend(backends: Backends) -> None:
    """In attributes of spans, events, log records and data points; names of parameters stay, as do our markers."""
    given = {name: sent for name, (sent, _) in URLS.items()}
    backends.send(trace([{"attributes": given, "events": [("event", given)]}]))
    backends.send(log([{"attributes": given}]))
    backends.send(counter("shop.sales", [{"attributes": given}], time.time_ns()))
    (span,), (record,) = backends.spans(1), backends.records(1)
    backends.loki.wait_until(lambda: bool(backends.loki.metric("shop.sales")))
    (point,) = backends.loki.metric("shop.sales")
    stored = {name: left for name, (_, left) in URLS.items()}
    for item in (span, span.events[0], record, point):
        assert attributes(item.attributes) == stored
    everything = backends.everything()
    assert [word for word in ("illness", "hunter22", "ada:pw") if word in everything] == []


ESCAPED = (
    "password%3Dhunter22", "next=%2Flogin%3Fpassword%3Dhunter22%26x%3D1", "token%253Dhunter22",
    "Authorization%3A%20Bearer%20hunter22", "%22password%22%3A%22hunter22%22", "https%3A%2F%2Fada%3Ahunter22%40a%2F",
    "key%3Dsk-proj-" + "hunter22hunter22hunter22", "a%20Bearer%20hunter22x",
)  # fmt: skip


def test_secrets_behind_percent_escapes_are_found_like_plain_ones(backends: Backends) -> None:
    """Escaped twice too; in attributes, names, status messages and bodies."""
    backends.send(trace([{"attributes": {"note": f"a {text} b"}, "name": text, "status": text} for text in ESCAPED]))
    backends.send(log([{"body": text, "attributes": {"url.path": f"/{text}"}} for text in ESCAPED]))
    backends.spans(len(ESCAPED))
    backends.records(len(ESCAPED))
    assert "hunter22" not in backends.everything()


def test_what_is_harmless_stays_as_it_is(backends: Backends) -> None:
    """Ids, times, versions, names of rpcs and models, numbers: in names, attributes and bodies."""
    spans: list[dict[str, Any]] = [{"attributes": {name: text}, "name": text, "status": text} for name, text in KEPT]
    numbers = {
        "ns": 1_700_000_000_123_456_789,
        "port": 4317,
        "score": 0.4111111111111111,
        "has": True,
        "token_count": 5,
    }
    spans += [{"name": "/pamazon.Gateway/Search", "attributes": numbers}]
    backends.send(trace(spans))
    backends.send(log([{"body": text, "attributes": {name: text}} for name, text in KEPT]))
    found, records = backends.spans(len(spans)), backends.records(len(KEPT))
    assert [(attributes(span.attributes), span.name, span.status.message) for span in found] == [
        (one["attributes"], one["name"], one.get("status", "")) for one in spans
    ]
    assert [(attributes(record.attributes), record.body.string_value) for record in records] == [
        ({name: text}, text) for name, text in KEPT
    ]


def test_markers_of_the_library_stay(backends: Backends) -> None:
    """What the library has scrubbed comes through as it left."""
    marked = {"password": "[redacted:secret]", "note": "password=[redacted:secret] of [redacted:email]"}
    backends.send(trace([{"attributes": marked}], scope="search-telemetry"))
    (span,) = backends.spans(1)
    assert attributes(span.attributes) == marked


@pytest.mark.parametrize("scope", ["search-telemetry", "opentelemetry.instrumentation.kafka"])
def test_links_arrive_with_their_ids_and_without_their_attributes(backends: Backends, scope: str) -> None:
    """Whoever sent them; the span around them is as it was, and each link has how much it has lost."""
    given = [{"n": 1, "deep": {"m": 2}}, {}]
    backends.send(trace([{"attributes": {"n": 1}, "links": given, "link_state": "vendor=1"}], scope=scope))
    (span,) = backends.spans(1)
    assert attributes(span.attributes) == {"n": 1}
    assert [(link.trace_id, link.span_id, link.trace_state, attributes(link.attributes)) for link in span.links] == [
        (*LINKED, "", {}) for _ in given
    ]
    assert [link.dropped_attributes_count for link in span.links] == [2, 0]


def test_the_list_of_what_is_masked_though_harmless_is_true(backends: Backends) -> None:
    """No more than the list has, and no less: a text that stays needs no excuse."""
    backends.send(log([{"body": text} for text in MASKED_THOUGH_HARMLESS]))
    bodies = [record.body.string_value for record in backends.records(len(MASKED_THOUGH_HARMLESS))]
    assert [body for body in bodies if not re.search(r"\*{4}", body)] == []
