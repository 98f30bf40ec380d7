"""The doctor, with the real programs: all is well, one is away, traces are sampled, callers are refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.doctor import options
from collector.doctor.finding import Status
from collector.stack.programs.jaeger import Jaeger
from collector.stack.programs.otelcol import Otelcol
from collector.stack.programs.program import Program
from collector.stack.stack import Stack
from tests import certificates
from tests.certificates import TOKEN
from tests.doctor_stand_in import examine, line, verdicts

PATIENCE = 60.0
"""Seconds for everything to arrive, on a machine that is shared: the promise is 20."""


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> certificates.Pems:
    return certificates.make(tmp_path_factory.mktemp("pems"))


def test_the_whole_stack_is_well_and_then_one_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace, metric and log are where they belong; a killed Jaeger is told, asked for or not, the rest stays well."""
    with Stack("full", data_dir=tmp_path) as stack:
        urls = {
            "jaeger": stack.url("jaeger.query"),
            "prometheus": stack.url("prometheus.web"),
            "victorialogs": stack.url("victorialogs.http"),
        }
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": stack.url("collector.otlp_grpc"), "OTEL_LOGS_EXPORTER": "otlp"}
        well = examine(endpoint, timeout=PATIENCE, **urls)
        assert verdicts(well) == {
            "sampling": "ok",
            "send traces": "ok",
            "send metrics": "ok",
            "send logs": "ok",
            "jaeger: trace": "ok",
            "prometheus: metric": "ok",
            "prometheus targets": "ok",
            "victorialogs: log": "ok",
            "clocks": "ok",
        }
        assert line(well, "prometheus: metric").detail.startswith("is search_doctor_runs_total")
        stack.kill("jaeger")
        monkeypatch.setattr(options, "DEFAULTS", {**options.DEFAULTS, **urls})
        guessed = examine(endpoint, timeout=PATIENCE, **dict.fromkeys(urls, ""))
        assert [(one.check, one.code) for one in guessed.findings if one.status is Status.FAILED] == [
            ("jaeger", "target_down")
        ]
        ill = examine(endpoint, timeout=PATIENCE, **urls)
        assert [(one.check, one.code) for one in ill.findings if one.status is Status.FAILED] == [
            ("jaeger", "nothing_listens")
        ]


def test_a_gateway_that_keeps_no_trace_keeps_the_marked_one(tmp_path: Path) -> None:
    """Tail sampling at 0 %, by its policy `marked`; the other protocol's port is recognised with a real Collector."""
    layers = ("base", "privacy", "gateway", "jaeger")
    programs: list[Program] = [Jaeger(), Otelcol("gateway", layers)]
    with Stack(programs, data_dir=tmp_path, environment={"OTELCOL_KEEP_PERCENT": "0"}) as stack:
        http = {"OTEL_EXPORTER_OTLP_ENDPOINT": stack.url("gateway.otlp_http"), "OTEL_METRICS_EXPORTER": "none"}
        by_http = {**http, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        found = examine(by_http, timeout=PATIENCE, jaeger=stack.url("jaeger.query"))
        assert verdicts(found)["jaeger: trace"] == "ok"
        assert "the collector agree" in line(found, "clocks").detail
        assert line(examine(http), "send traces").code == "wrong_protocol"
        grpc = {**by_http, "OTEL_EXPORTER_OTLP_ENDPOINT": stack.url("gateway.otlp_grpc")}
        assert line(examine(grpc), "send traces").code == "wrong_protocol"


@pytest.fixture(scope="module")
def guarded(pems: certificates.Pems, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Collector with TLS and a token."""
    tokens = tmp_path_factory.mktemp("tokens") / "token"
    tokens.write_text(TOKEN)
    environment = {
        "OTELCOL_TLS_CERT": str(pems.certificate),
        "OTELCOL_TLS_KEY": str(pems.key),
        "OTELCOL_TOKEN_FILE": str(tokens),
    }
    programs = [Otelcol("collector", ("base", "privacy", "tls", "token"))]
    with Stack(programs, data_dir=tmp_path_factory.mktemp("guarded"), environment=environment) as stack:
        yield stack


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize(
    ("scheme", "authority", "token", "code"),
    [
        ("http", "authority", TOKEN, "plain_to_tls"),
        ("https", "", TOKEN, "unknown_authority"),
        ("https", "authority", "", "unauthorized"),
        ("https", "authority", "not-the-token", "unauthorized"),
        ("https", "authority", TOKEN, ""),
    ],
    ids=["plain text", "unknown authority", "no token", "wrong token", "well"],
)
def test_what_a_guarded_collector_refuses(
    guarded: Stack, pems: certificates.Pems, protocol: str, scheme: str, authority: str, token: str, code: str
) -> None:
    """The real Collector's own refusals, by gRPC and HTTP."""
    use = "otlp_grpc" if protocol == "grpc" else "otlp_http"
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{scheme}://{guarded.address(f'collector.{use}')}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(getattr(pems, authority)) if authority else "",
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{token}" if token else "",
    }
    assert line(examine(environ), "send traces").code == code


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_collector_that_wants_a_client_certificate(pems: certificates.Pems, protocol: str, tmp_path: Path) -> None:
    """Missing, of a stranger, and right: the real Collector's own alerts."""
    environment = {
        "OTELCOL_TLS_CERT": str(pems.certificate),
        "OTELCOL_TLS_KEY": str(pems.key),
        "OTELCOL_TLS_CLIENT_CA": str(pems.authority),
    }
    programs = [Otelcol("collector", ("base", "privacy", "tls", "mtls"))]
    use = "otlp_grpc" if protocol == "grpc" else "otlp_http"
    with Stack(programs, data_dir=tmp_path, environment=environment) as stack:

        def code(client: str) -> str:
            environ = {
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://{stack.address(f'collector.{use}')}",
                "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
                "OTEL_EXPORTER_OTLP_CERTIFICATE": str(pems.authority),
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": client,
                "OTEL_EXPORTER_OTLP_CLIENT_KEY": client,
            }
            return line(examine(environ), "send traces").code

        assert [code(client) for client in ("", str(pems.other_client), str(pems.client))] == [
            "client_certificate_wanted",
            "client_certificate_refused",
            "",
        ]
