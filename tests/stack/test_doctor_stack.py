"""The doctor, with the real programs: all is well, one is away, traces are sampled, callers are refused."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.doctor import options
from collector.stack import state
from collector.stack.programs.jaeger import Jaeger
from collector.stack.programs.otelcol import Otelcol
from collector.stack.programs.program import Program
from collector.stack.stack import Stack
from tests import certificates
from tests.certificates import TOKEN
from tests.doctor_stand_in import examine, failures, line, verdicts
from tests.stack import prometheus
from tests.stack.asking import assert_becomes, eventually, get, post, span

PATIENCE = 60.0
"""Seconds for everything to arrive, on a machine that is shared: the promise is 20."""


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> certificates.Pems:
    return certificates.make(tmp_path_factory.mktemp("pems"))


def test_the_whole_stack_is_well_and_then_one_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace, metric and log are where they belong; a killed Jaeger is reported, asked for or not, the rest stays well.

    Of the running stack the doctor knows by what that one wrote down, as `telemetry stack up` does: nothing is named.
    """
    guess: dict[str, Any] = dict.fromkeys(("jaeger", "prometheus", "victorialogs", "otelcol"), "")
    with Stack("full", data_dir=tmp_path) as stack:
        urls: dict[str, Any] = {
            "jaeger": stack.url("jaeger.query"),
            "prometheus": stack.url("prometheus.web"),
            "victorialogs": stack.url("victorialogs.http"),
        }
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": stack.url("collector.otlp_grpc"), "OTEL_LOGS_EXPORTER": "otlp"}
        state.write(tmp_path, "full", stack.ports)
        well = examine(endpoint, timeout=PATIENCE, data=tmp_path, **guess)
        assert verdicts(well) == {
            "sampling": "ok",
            "stack": "ok",
            "collector": "ok",
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
        levels = {"ok": 11.0, "warning": 0.0, "failed": 0.0, "skipped": 0.0}
        result = "max by (search_doctor_level) (last_over_time(search_doctor_findings[1h]))"
        assert_becomes(
            lambda: {m["search_doctor_level"]: value for m, value in prometheus.query(stack, result)}, levels
        )
        stack.kill("jaeger")
        unscraped = {**endpoint, "OTEL_METRICS_EXPORTER": "none"}
        known = examine(unscraped, timeout=5.0, data=tmp_path, **guess)
        assert failures(known) == {"stack": "not_ready", "collector": "not_delivered", "jaeger": "nothing_listens"}
        assert "otlp_grpc/jaeger" in line(known, "collector").detail
        (tmp_path / "stack.json").unlink()
        monkeypatch.setattr(options, "DEFAULTS", {**options.DEFAULTS, **urls})
        guessed = examine(endpoint, timeout=PATIENCE, data=None, **dict.fromkeys(urls, ""))
        assert failures(guessed) == {"jaeger": "target_down"}
        assert failures(examine(endpoint, timeout=PATIENCE, **urls)) == {"jaeger": "nothing_listens"}


def test_gateways_that_keep_no_trace_keep_the_marked_ones_and_all_batches(tmp_path: Path) -> None:
    """Tail sampling at 0 %, by policies of their own; one trace comes by each gateway, and a dead gateway is named.

    The other protocol's port is recognised with a real Collector.
    """
    gateway = ("base", "privacy", "gateway", "jaeger")
    programs: list[Program] = [
        Jaeger(),
        Otelcol("gateway-1", gateway, shift=1),
        Otelcol("gateway-2", gateway, shift=2),
        Otelcol("agent", ("base", "privacy", "agent")),
    ]
    with Stack(programs, data_dir=tmp_path, environment={"OTELCOL_KEEP_PERCENT": "0"}) as stack:
        plain, batch = (secrets.token_hex(16) for _ in range(2))
        post(stack.url("agent.otlp_http", "/v1/traces"), span(plain, "shop", seconds=0.001))
        post(stack.url("agent.otlp_http", "/v1/traces"), span(batch, "shop", seconds=0.001, batch_of=1))
        http = {"OTEL_EXPORTER_OTLP_ENDPOINT": stack.url("agent.otlp_http"), "OTEL_METRICS_EXPORTER": "none"}
        by_http = {**http, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        urls: dict[str, Any] = {"jaeger": stack.url("jaeger.query"), "otelcol": stack.url("agent.metrics")}
        found = examine(by_http, timeout=PATIENCE, **urls)
        assert line(found, "jaeger: trace").detail.startswith("can be read (by gateway-1 and gateway-2)")
        assert "the collector agree" in line(found, "clocks").detail
        eventually(lambda: get(stack.url("jaeger.query", f"/api/traces/{batch}")))
        assert get(stack.url("jaeger.query", f"/api/traces/{plain}")) is None
        stack.kill("gateway-2")
        without = examine(by_http, timeout=PATIENCE / 5, **urls)
        assert failures(without) == {"otelcol": "not_delivered", "jaeger: trace": "not_arrived"}
        assert line(without, "jaeger: trace").detail.startswith("1 of 2 (by gateway-2) was accepted by the endpoint")
        assert "otlp_grpc/gateway-2" in line(without, "otelcol").detail
        assert line(examine(http), "send traces").code == "wrong_protocol"
        grpc = {**by_http, "OTEL_EXPORTER_OTLP_ENDPOINT": stack.url("agent.otlp_grpc")}
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
