"""What is recorded of URLs: where they lead and which parameters they have, not their values."""

import logging
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode

from telemetry import JsonFormatter
from telemetry.otlp.writing.logs import encode_log_records
from telemetry.otlp.writing.spans import encode_spans
from telemetry.privacy import ScrubbingSpanProcessor, scrub, scrubber
from telemetry.privacy.options import Scrub
from telemetry.privacy.scrubber import NoScrubber, Scrubber
from telemetry.privacy.urls import LOGGED
from tests.own_spans import ended

Q, F, U = "[redacted:query]", "[redacted:fragment]", "[redacted:credentials]"


@pytest.mark.parametrize(
    ("name", "given", "recorded"),
    [
        ("url.full", "https://shop.example:443/search?q=my+illness&page=2#top",
         f"https://shop.example:443/search?q={Q}&page={Q}#{F}"),
        ("url.full", "https://ada:pw@shop.example/", f"https://{U}@shop.example/"),
        ("url.full", "https://ada:p?w@shop.example/", f"https://{U}?{Q}"),
        ("url.full", "//ada@shop.example/x", f"//{U}@shop.example/x"),
        ("url.full", "https://[::1]:80/x", "https://[::1]:80/x"),
        ("url.full", "https://shop.example/a%20b", "https://shop.example/a%20b"),
        ("url.full", ["https://a/?q=x", "/b?c=d"], [f"https://a/?q={Q}", f"/b?c={Q}"]),
        ("url.full", "https://shop.example/#/search?q=x", f"https://shop.example/#{F}"),
        ("http.url", "http://shop.example/?my+illness", f"http://shop.example/?{Q}"),
        ("http.target", "/search?q=a;b", f"/search?q={Q};{Q}"),
        ("http.target", "/search?user%5Bname%5D=x&ids[]=1", f"/search?user%5Bname%5D={Q}&ids[]={Q}"),
        ("http.target", "/search?a+b=c&ada%40example.com=1", f"/search?{Q}={Q}&{Q}={Q}"),
        ("http.target", "/search?q=&=x", f"/search?q=&{Q}={Q}"),
        ("http.target", "/search?dXNlcjpwYXNz1234==", f"/search?{Q}={Q}"),
        ("url.query", "q=my+illness", f"q={Q}"),
        ("url.query", "?q=x&&y", f"?q={Q}&&{Q}"),
        ("url.query", b"q=x", f"q={Q}".encode()),
        ("url.query", "next=%2Fa%3Fpassword%3Dhunter22", f"next={Q}"),
        ("url.query", f"q={Q}", f"q={Q}"),
        ("url.query", "", ""),
        ("url.fragment", "top", F),
        ("http.query", "q=x", f"q={Q}"),
        ("http.query_string", "q=x", f"q={Q}"),
        ("http.request.query.page", 5, Q),
        ("http.request.query_params", {"q": "x"}, Q),
        ("http.request.header.referer", ["https://a/?q=x"], [f"https://a/?q={Q}"]),
        ("http.response.header.location", ("/a?q=x",), [f"/a?q={Q}"]),
        ("location.href", "https://a/?q=x", f"https://a/?q={Q}"),
        ("requestUrl", "https://a/?q=x", f"https://a/?q={Q}"),
        ("exception.message", "404 for url 'https://u:p@a/x?q=my+illness'", f"404 for url 'https://{U}@a/x?q={Q}'"),
        ("exception.message", "Max retries exceeded with url: /x?q=ill (why?)",
         f"Max retries exceeded with url: /x?q={Q} (why?)"),
        (LOGGED, 'Request: GET https://a/x?q=ill "HTTP/1.1"', f'Request: GET https://a/x?q={Q} "HTTP/1.1"'),
        (LOGGED, '127.0.0.1 - "GET /x?q=my+illness HTTP/1.1" 200', f'127.0.0.1 - "GET /x?q={Q} HTTP/1.1" 200'),
        (LOGGED, "POST /x?q=ill&p=2 took 3 ms (why?)", f"POST /x?q={Q}&p={Q} took 3 ms (why?)"),
    ],
)  # fmt: skip
def test_values_of_a_url_become_markers(name: str, given: Any, recorded: Any) -> None:
    """Of its query, its fragment and its user; names of parameters stay. It is the same with no scrubbing at all."""
    for hiding in (Scrubber(Scrub()), Scrubber(Scrub(off=["credentials"])), NoScrubber(contents=False)):
        assert hiding.value(name, given) == recorded
    assert Scrubber(Scrub()).value(name, recorded) == recorded


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("db.query.text", "SELECT a FROM b WHERE c = ?"), ("search.query", "why?"), ("http.route", "/a/{b}"),
        ("url.path", "/search"), ("url.scheme", "https"), ("note", "https://a/?q=x"), ("url.full", 5),
        ("url.full", None), ("exception.message", "why? because"), ("db.vector.query.top_k", 5),
        ("http.request.method", "GET"), (LOGGED, "GET ready? /a?b=c"), (LOGGED, "is /a?b=c a path?"),
    ],
)  # fmt: skip
def test_what_is_not_a_url_of_a_request_stays(name: str, value: Any) -> None:
    """The user's own attributes are the user's."""
    assert Scrubber(Scrub()).value(name, value) == value


def test_with_contents_urls_are_kept_and_scrubbed() -> None:
    """Who asks for contents has the query too, and no secret."""
    mine = Scrubber(Scrub(), contents=True)
    given = "https://ada:pw@a/?q=my+illness&password=hunter22"
    assert mine.value("url.full", given) == f"https://{U}@a/?q=my+illness&password=[redacted:secret]"
    assert NoScrubber(contents=True).value("url.full", given) == given


def test_a_name_that_is_kept_is_kept() -> None:
    """`Scrub(keep=…)` goes before all."""
    mine = Scrubber(Scrub(keep=["url.query"]))
    assert (mine.value("url.query", "q=x"), mine.value("http.url", "/?q=x")) == ("q=x", f"/?q={Q}")


@pytest.mark.parametrize(
    "text",
    [
        "password%3Dhunter22", "next=%2Flogin%3Fpassword%3Dhunter22%26x%3D1", "token%253Dhunter22",
        "GET /a%3Fpassword=hunter22", "Authorization%3A%20Bearer%20hunter22", "%22password%22%3A%22hunter22%22",
        "https%3A%2F%2Fada%3Ahunter22%40a%2F", "key%3Dsk-proj-hunter22hunter22hunter22",
    ],
)  # fmt: skip
def test_secrets_behind_percent_escapes_are_found_like_plain_ones(text: str) -> None:
    """In any text, escaped twice too."""
    hidden = scrub(f"a {text} b")
    assert "hunter22" not in hidden
    assert "[redacted:" in hidden
    assert hidden.startswith("a ")
    assert hidden.endswith(" b")


@pytest.mark.parametrize("text", ["100%", "50%25 of", "/a%20b/c%3Fd", "%zz %", "name%3Dshoes", "caf%C3%A9", "%" * 3000])
def test_harmless_escapes_stay_as_they_are(text: str) -> None:
    """Nothing is decoded where nothing is hidden."""
    assert scrub(text) == text


def test_events_statuses_and_lists_of_a_span_are_looked_at() -> None:
    """In all its parts, as it is encoded."""
    span = ended(
        "GET",
        attributes={"url.full": "/?q=illness", "http.query_params": {"q": "illness"}, "url.query": ("q=illness",)},
        status=Status(StatusCode.ERROR, "no answer from https://ada:x@a/?q=illness"),
    )  # fmt: skip
    scrubber.use(Scrub())
    sent = str(ExportTraceServiceRequest.FromString(encode_spans([span])))
    assert "illness" not in sent
    assert "ada" not in sent
    assert sent.count(f"q={Q}") == 3


def test_what_is_logged_is_looked_at() -> None:
    """In records that are exported, and in lines of JSON, with the words of their exceptions."""
    asked = "HTTP Request: GET https://a/x?q=illness"
    scrubber.use(Scrub())
    record = ReadableLogRecord(LogRecord(body=asked), Resource({}))
    sent = ExportLogsServiceRequest.FromString(encode_log_records([record]))
    (exported,) = sent.resource_logs[0].scope_logs[0].log_records
    assert exported.body.string_value == f"HTTP Request: GET https://a/x?q={Q}"
    error = ConnectionError("no answer from https://a/x?q=illness")
    made = logging.getLogger("httpx").makeRecord("httpx", 20, "", 1, asked, (), (ConnectionError, error, None))
    line = JsonFormatter().format(made)
    assert "illness" not in line
    assert line.count(f"q={Q}") == 2


def test_a_provider_of_the_users_own_hides_them_too() -> None:
    """Behind the processor that scrubs."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(ScrubbingSpanProcessor(SimpleSpanProcessor(exporter)))
    with provider.get_tracer("x").start_as_current_span("GET", attributes={"http.url": "/?q=illness"}):
        pass
    assert (exporter.get_finished_spans()[0].attributes or {})["http.url"] == f"/?q={Q}"
    provider.shutdown()
