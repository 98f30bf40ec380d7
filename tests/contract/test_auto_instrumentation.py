"""Beside OpenTelemetry's own `opentelemetry-instrument`, with a real uvicorn, and with variables as it sets them."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.contract.prefork_server import APP, free_port, start
from tests.otlp_stand_in import StandIn, attributes
from tests.unit.own_process import python

INSTRUMENT = str(Path(sys.executable).with_name("opentelemetry-instrument"))
SEARCH = """
@telemetry.endpoint("/search")
def search(docs):
    with telemetry.stage("work"):
        pass
"""


def test_a_service_under_opentelemetry_instrument_serves_and_its_console_shows_our_spans(
    collector: StandIn, tmp_path: Path
) -> None:
    """`opentelemetry-instrument --traces_exporter console uvicorn app`: its providers are used as they are.

    Its logs leave once, though both of us were asked to export them.
    """
    pytest.importorskip("opentelemetry.exporter.otlp.proto.grpc", reason="its default for logs and metrics")
    (tmp_path / "shop_app.py").write_text(APP)
    port = free_port()
    command = [INSTRUMENT, "--traces_exporter", "console", sys.executable, "-m", "uvicorn", "--port", str(port)]
    with start(
        tmp_path, collector, [*command, "shop_app:asgi"],
        FLUSHES="yes", OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED="true", PYTHONWARNINGS="ignore",
    ) as server:  # fmt: skip
        assert httpx.get(server.address, timeout=20, trust_env=False).status_code == 200
        server.end(signal.SIGINT)  # after which uvicorn ends with its exit hooks
    assert [name for name in ('"name": "work"', '"name": "/search"') if name not in server.out] == []
    assert collector.spans() == []
    assert [record.body.string_value for record in collector.logs()].count("sold out") == 1


def test_standard_variables_of_an_adopted_provider_stop_nobody() -> None:
    """Settings of an adopted provider are its owner's: a name that only their packages know is not a mistake here."""
    ended = python(
        """
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(SpanProcessor())
trace.set_tracer_provider(provider)
show(telemetry.configure("x", metrics="none").stats.spans.owned)
        """,
        OTEL_TRACES_EXPORTER="theirs",
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="carrier/pigeon",
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", [False])


def test_what_is_replaced_is_reported_once_and_works(collector: StandIn) -> None:
    """A process whose variables ask for what we cannot do exports all the same; each is one line in its log."""
    ended = python(
        f"telemetry.configure('x')\ntelemetry.configure('x')\n{SEARCH}search([1])",
        OTEL_TRACES_EXPORTER="zipkin",
        OTEL_METRICS_EXPORTER="otlp_proto_grpc",
        OTEL_EXPORTER_OTLP_PROTOCOL="http/json",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.http,
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=collector.grpc.replace("http://127.0.0.1", "ipv4:127.0.0.1"),
        OTEL_EXPORTER_OTLP_COMPRESSION="deflate",
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="lowmemory",
        OTEL_PROPAGATORS="xray,b3",
    )
    assert ended.status == 0
    assert [span.name for span, _ in collector.spans()] == ["work", "/search"]
    assert [point.count for point in collector.metric("search.request.duration")] == [1]
    output = [line.partition("=")[0] for line in ended.err.splitlines()]
    assert sorted(output) == [
        "OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_PROPAGATORS", "OTEL_TRACES_EXPORTER",
    ]  # fmt: skip


def test_a_propagator_that_is_not_installed_stops_no_import() -> None:
    """OpenTelemetry's own module refuses to be imported then; what is installed carries the context."""
    ended = python(
        """
import telemetry.rpc
from opentelemetry import trace
context = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(1))
with trace.use_span(trace.NonRecordingSpan(context)):
    show(sorted(telemetry.context.inject()))
        """,
        OTEL_PROPAGATORS="ottrace,b3",
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", [["b3"]])


@pytest.mark.parametrize("exporters", ["console", "console,otlp"])
def test_the_console_gets_what_is_exported(collector: StandIn, exporters: str) -> None:
    """One line of OTLP's JSON for each request, ids in hex, secrets hidden; beside OTLP, where both are asked for."""
    code = f"""
handle = telemetry.configure("x", metrics="console")
{SEARCH}search([1])
with telemetry.stage("pay", password="s3cret-word"):
    pass
handle.shutdown()
print(handle.stats.spans.exported, handle.stats.spans.lost, handle.stats.metrics.lost)
    """
    command = [sys.executable, "-c", f"import telemetry\n{code}"]
    variables = {"OTEL_TRACES_EXPORTER": exporters, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=True)
    *lines, last = done.stdout.splitlines()
    assert (done.stderr, last) == ("", "3 0 0")
    output = [json.loads(line) for line in lines]
    spans = [
        span
        for request in output
        for of_resource in request.get("resourceSpans", ())
        for scope in of_resource["scopeSpans"]
        for span in scope["spans"]
    ]
    assert [span["name"] for span in spans] == ["work", "/search", "pay"]
    assert spans[0]["parentSpanId"] == spans[1]["spanId"]
    assert len(spans[0]["traceId"]) == 32
    assert "s3cret" not in done.stdout
    assert any("resourceMetrics" in request for request in output)
    assert {name for span, _ in collector.spans() for name in attributes(span.attributes)} == (
        {"search.operation", "search.entry", "len_docs", "password"} if "otlp" in exporters else set()
    )
