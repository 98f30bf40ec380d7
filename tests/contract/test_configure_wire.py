"""`configure` and the wire: TLS, and the headers that carry context."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.otlp_stand_in import stand_in
from tests.unit.own_process import python

ONE_SPAN = """
handle = telemetry.configure("x", metrics="none")
with telemetry.stage("work"):
    pass
show(handle.flush(10))
"""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and a certificate for localhost that signs itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    key, pem = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-keyout", str(key), "-out", str(pem)),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    return key, pem


class TestTls:
    def test_a_collector_is_known_by_its_certificate(self, certificate: tuple[Path, Path]) -> None:
        """`https` means TLS, checked by the certificate that was set."""
        key, pem = certificate
        credentials = grpc.ssl_server_credentials([(key.read_bytes(), pem.read_bytes())])
        with stand_in(credentials) as collector:
            ended = python(
                ONE_SPAN, OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc, OTEL_EXPORTER_OTLP_CERTIFICATE=str(pem)
            )
            assert ended.shown == [True], ended.err
            assert len(collector.spans()) == 1

    def test_the_collector_may_ask_for_ours(self, certificate: tuple[Path, Path]) -> None:
        """Mutual TLS: without a key the export fails, and nothing else; with one it arrives."""
        key, pem = certificate
        credentials = grpc.ssl_server_credentials(
            [(key.read_bytes(), pem.read_bytes())], pem.read_bytes(), require_client_auth=True
        )
        with stand_in(credentials) as collector:
            common: dict[str, Any] = {
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc,
                "OTEL_EXPORTER_OTLP_CERTIFICATE": str(pem),
            }
            ours: dict[str, Any] = {
                "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(key),
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(pem),
            }
            assert python(ONE_SPAN.replace("flush(10)", "flush(0.5)"), **common).shown == [False]
            assert python(ONE_SPAN, **common, **ours).shown == [True]

    def test_an_unknown_certificate_is_not_trusted(self, certificate: tuple[Path, Path]) -> None:
        """A collector that nobody vouches for gets nothing; the process goes on."""
        key, pem = certificate
        credentials = grpc.ssl_server_credentials([(key.read_bytes(), pem.read_bytes())])
        with stand_in(credentials) as collector:
            ended = python(ONE_SPAN.replace("flush(10)", "flush(0.5)"), OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc)
            assert (ended.status, ended.shown, collector.requests) == (0, [False], [])
            assert ended.err.count("spans cannot be delivered to") == 1


@pytest.mark.parametrize(
    ("propagators", "headers"),
    [
        ("", {"traceparent", "baggage"}),
        ("tracecontext", {"traceparent"}),
        ("b3", {"b3"}),
        ("b3multi,baggage", {"x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "baggage"}),
        ("jaeger", {"uber-trace-id", "uberctx-search.operation", "uberctx-search.entry"}),
        ("none", set()),
    ],
)
def test_context_travels_in_the_configured_headers(propagators: str, headers: set[str]) -> None:
    """W3C, B3 and Jaeger carry the trace to the next process, and those that know baggage the operation."""
    sent = python(
        """
telemetry.configure("first", endpoint="http://127.0.0.1:9", metrics="none", exit_timeout=0)
from opentelemetry import propagate
carrier = {}
with telemetry.endpoint("/search") as span:
    propagate.inject(carrier)
show([carrier, format(span.get_span_context().trace_id, "032x")])
        """,
        OTEL_PROPAGATORS=propagators,
    )
    ((carrier, trace_id),) = sent.shown
    assert {name.lower() for name in carrier} == headers
    received = python(
        """
telemetry.configure("second", endpoint="http://127.0.0.1:9", metrics="none", exit_timeout=0)
from opentelemetry import baggage, propagate
from telemetry.context import attach
attach(propagate.extract(json.loads(sys.argv[1])))
with telemetry.stage("work") as span:
    show([format(span.get_span_context().trace_id, "032x"), baggage.get_baggage("search.operation")])
        """,
        json.dumps(carrier),
        OTEL_PROPAGATORS=propagators,
    )
    ((arrived, operation),) = received.shown
    assert (arrived == trace_id) == bool(headers)
    assert operation == ("search" if headers & {"baggage", "uberctx-search.operation"} else None)
