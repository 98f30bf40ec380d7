"""Who may send to the real Collector by TLS, certificates and tokens; the errors of everyone else, on both sides."""

import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from collector.stack.programs.otelcol import Otelcol
from collector.stack.stack import Stack
from telemetry.config.settings import ExporterSettings
from telemetry.otlp.grpc import GrpcSender
from telemetry.otlp.http import HttpSender
from telemetry.otlp.outcome import Outcome, Sender, explained
from tests import certificates
from tests.certificates import BEARER, TOKEN, Pems
from tests.otlp_stand_in import StandIn, stand_in
from tests.stack.asking import eventually
from tests.stack.otelcol_raw import trace
from tests.unit.own_process import python

PAGE = (Path(__file__).parents[2] / "docs" / "collector.md").read_text("utf-8")
CLEAN = ("base", "privacy", "jaeger")
METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
EXPIRED = (
    "receivers: {{otlp: {{protocols: {{grpc: {{tls: &e {{cert_file: {0}, key_file: {1}}}}}, http: {{tls: *e}}}}}}}}"
)


@dataclass
class Running:
    """Collectors that ask for different things, and what stands in Jaeger's place."""

    stack: Stack
    jaeger: StandIn
    pems: Pems

    def endpoint(self, collector: str, protocol: str, scheme: str = "https") -> str:
        path = "/v1/traces" if protocol == "http" else ""
        return f"{scheme}://{self.stack.address(f'{collector}.otlp_{protocol}')}{path}"

    def send(self, case: "Case", protocol: str, name: str = "x") -> Outcome:
        """Send a span as our library does."""
        files = {what: getattr(self.pems, which) for what, which in case.files.items()}
        endpoint = self.endpoint(case.collector, protocol, case.scheme)
        settings = ExporterSettings(endpoint=endpoint, headers=case.headers, **files)
        sender: Sender = GrpcSender(settings, METHOD) if protocol == "grpc" else HttpSender(settings)
        try:
            return sender.send(trace([{"name": name}]).SerializeToString(), 10.0)
        finally:
            sender.close()

    def log(self, collector: str) -> str:
        return self.stack.log(collector).read_text("utf-8")


@dataclass(frozen=True)
class Case:
    """A sender: what it shows, and what comes of it: a part of its message, its hint, the Collector's words.

    `grpc` and `http` are the Collector's words by protocol; "" where it logs nothing.
    """

    collector: str
    scheme: str = "https"
    headers: Any = ()
    files: dict[str, str] = field(default_factory=dict)
    hint: str = ""
    grpc: str = ""
    http: str = ""


CA = {"certificate": "authority"}
TOKENS: Any = (("authorization", BEARER),)
RIGHT = {
    "open": Case("open", scheme="http"),
    "TLS and a token": Case("guarded", headers=TOKENS, files=CA),
    "a certificate": Case("mutual", files=CA | {"client_certificate": "client", "client_key": "client"}),
}
ASKS, HANGS_UP = (
    "it asks for a token: set OTEL_EXPORTER_OTLP_HEADERS",
    "the collector asks for a client certificate",
)
NOT_TLS = "first record does not look like a TLS handshake"
WRONG = {
    "no token": Case("guarded", files=CA, hint=ASKS),
    "a wrong token": Case("guarded", headers=(("authorization", f"{BEARER}x"),), files=CA, hint=ASKS),
    "plain text to a TLS port": Case("guarded", scheme="http", headers=TOKENS, hint="write https://",
                                     grpc=NOT_TLS, http="client sent an HTTP request to an HTTPS server"),
    "TLS to a plain port": Case("open", files=CA, hint="that port speaks plain text: write http://"),
    "an unknown authority": Case("guarded", headers=TOKENS, files={"certificate": "other_authority"},
                                 hint="of an authority that is not trusted here", http="bad record MAC"),
    "an expired certificate": Case("expired", files=CA, hint="renew the collector's certificate",
                                   http="bad record MAC"),
    "no client certificate": Case("mutual", files=CA, hint=HANGS_UP, grpc="client didn't provide a certificate",
                                  http="client didn't provide a certificate"),
    "an unknown client": Case("mutual", files=CA | {"client_certificate": "other_client", "client_key": "other_client"},
                              hint=HANGS_UP, grpc="certificate signed by unknown authority",
                              http="certificate signed by unknown authority"),
}  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("stack")
    pems = certificates.make(folder / "pems")
    (folder / "tokens").write_text(f"an-older-token\n{TOKEN}\n")
    (folder / "expired.yaml").write_text(EXPIRED.format(pems.expired, pems.expired_key))
    collectors = [
        Otelcol("guarded", (*CLEAN, "tls", "token")),
        Otelcol("mutual", (*CLEAN, "tls", "mtls"), shift=1000),
        Otelcol("open", CLEAN, shift=2000),
        Otelcol("expired", (*CLEAN, "tls", str(folder / "expired")), shift=3000),
    ]
    variables = {
        "OTELCOL_TLS_CERT": str(pems.certificate),
        "OTELCOL_TLS_KEY": str(pems.key),
        "OTELCOL_TLS_CLIENT_CA": str(pems.authority),
        "OTELCOL_TOKEN_FILE": str(folder / "tokens"),
        "OTELCOL_LOG_LEVEL": "debug",
    }
    with stand_in() as jaeger:
        environment = variables | {"JAEGER_OTLP": jaeger.grpc.removeprefix("http://")}
        with Stack(collectors, data_dir=folder, environment=environment) as stack:
            yield Running(stack, jaeger, pems)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("case", RIGHT.values(), ids=RIGHT)
def test_who_shows_what_is_asked_gets_through(running: Running, case: Case, protocol: str) -> None:
    """In plain text where nothing is asked, by TLS with a token, by TLS with a certificate."""
    name = f"{case.collector} {protocol}"
    assert running.send(case, protocol, name).response is not None
    running.jaeger.wait_until(lambda: name in {span.name for span, _ in running.jaeger.spans()})


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("what", WRONG)
def test_who_does_not_is_refused_and_reported_on_both_sides(running: Running, what: str, protocol: str) -> None:
    """The sender's words name the hint; the Collector's log, the cause, where it can see one."""
    case = WRONG[what]
    before = len(running.log(case.collector))
    outcome = running.send(case, protocol, "intruder")
    assert outcome.response is None
    assert case.hint in explained(outcome.problem)
    assert f"| {what} |" in PAGE
    assert case.hint in PAGE
    expected = case.grpc if protocol == "grpc" else case.http
    if expected:
        assert expected in PAGE
        eventually(lambda: expected in running.log(case.collector)[before:])
    assert "intruder" not in {span.name for span, _ in running.jaeger.spans()}
    assert TOKEN not in running.log(case.collector)


def test_senders_without_the_token_are_counted(running: Running) -> None:
    """By protocol, in the Collector's own metrics: its log has nothing of them."""
    running.send(WRONG["no token"], "grpc")
    running.send(WRONG["no token"], "http")
    with urllib.request.urlopen(f"http://{running.stack.address('guarded.metrics')}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    for name, status in (("rpc_server_call_duration", "UNAUTHENTICATED"), ("http_server_request_duration", '"401"')):
        assert f"`{name}" in PAGE
        assert [line for line in lines if line.startswith(f"{name}_count") and status in line]


def test_a_new_token_is_let_in_without_a_restart(running: Running, tmp_path: Path) -> None:
    """The file holds one a line, and is watched."""
    tokens = running.pems.authority.parent.parent / "tokens"
    before = tokens.read_text()
    newer = Case("guarded", headers=(("authorization", f"{BEARER}-newer"),), files=CA)
    assert running.send(newer, "grpc").response is None
    try:
        tokens.write_text(f"{before}{TOKEN}-newer\n")
        eventually(lambda: running.send(newer, "grpc").response is not None)
        assert running.send(RIGHT["TLS and a token"], "http").response is not None
    finally:
        tokens.write_text(before)


def test_a_service_with_a_wrong_token_reports_it_once(running: Running) -> None:
    """Its log has the cause and the hint, no token, and no stack trace; its work goes on."""
    ended = python(
        """
telemetry.configure("shop", endpoint=sys.argv[1])
for _ in range(3):
    with telemetry.stage("work"):
        pass
    telemetry.configure("shop").flush(5)
show("done")
        """,
        running.endpoint("guarded", "grpc"),
        OTEL_METRICS_EXPORTER="none",
        OTEL_EXPORTER_OTLP_CERTIFICATE=str(running.pems.authority),
        OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20stolen-token",
    )
    assert (ended.status, ended.shown) == (0, ["done"]), ended.err
    assert ended.err.count("spans cannot be delivered") == 1, ended.err
    assert ended.err.count(ASKS) == 1
    assert "stolen-token" not in ended.err + running.log("guarded")
    assert "Traceback" not in ended.err
