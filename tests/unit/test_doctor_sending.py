"""The doctor sends as a service would, and states what keeps a service's telemetry from leaving."""

import socket
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from collector.doctor.checks import sending
from collector.doctor.finding import Status
from collector.doctor.network.place import of_exporter
from telemetry import conventions as c
from telemetry.config.settings import load
from tests.doctor_stand_in import OVER, backend, examine, failures, line, listener, sent, silence, verdicts
from tests.otlp_stand_in import StandIn, attributes

PROTOCOLS = ("grpc", "http/protobuf")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_of_each_is_sent_as_a_service_would_and_is_recognisable(collector: StandIn, protocol: str) -> None:
    """Headers and resource are the service's; the name and the mark are the doctor's; the three share one trace."""
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc if protocol == "grpc" else collector.http,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=shop",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_SERVICE_NAME": "clip_encoder",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        "OTEL_LOGS_EXPORTER": "otlp",
    }
    report = examine(environ)
    assert [(one.check, one.status) for one in report.findings if one.check.startswith("send")] == [
        ("send traces", Status.OK), ("send metrics", Status.OK), ("send logs", Status.OK)
    ]  # fmt: skip
    ((span, resource),) = collector.spans()
    (point,) = collector.metric(c.DOCTOR_RUNS.name)
    (record,) = collector.logs()
    marks = [attributes(one.attributes) for one in (span, point, record)]
    assert marks == [{c.SEARCH_DOCTOR.name: report.mark}] * 3
    assert span.trace_id.hex() == record.trace_id.hex() == report.trace_id
    assert resource["service.name"] == c.DOCTOR_SERVICE
    assert resource["deployment.environment.name"] == "test"
    assert {headers["x-tenant"] for _, _, headers in collector.requests} == {"shop"}
    assert len(collector.requests) == 4  # the result is the last


def test_nothing_listens_and_what_listens_instead(collector: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The collector is there, for HTTP alone: the hint names its port and its protocol."""
    port = int(collector.http.rpartition(":")[2])
    monkeypatch.setattr(sending, "_USUAL_PORTS", (port,))
    found = sent("http://127.0.0.1:9")
    assert (found.status, found.code) == (Status.FAILED, "nothing_listens")
    assert found.detail.endswith(f"nothing listens on 127.0.0.1:9, but on the same host {port} speaks HTTP")
    assert f"port {port} and OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in found.hint


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_listens_at_all(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint has what to start, and the variable of the address."""
    monkeypatch.setattr(sending, "_USUAL_PORTS", ())
    found = sent("http://127.0.0.1:9", protocol, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://127.0.0.1:9")
    assert (found.code, found.detail.partition(": ")[2]) == ("nothing_listens", "nothing listens on 127.0.0.1:9")
    assert found.hint == (
        "start a collector (telemetry collect, or telemetry stack up), or correct OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_port_of_the_other_protocol_is_recognised(collector: StandIn, protocol: str) -> None:
    """4317 for 4318, and the reverse: what speaks there is asked, not guessed by its number."""
    found = sent(collector.http if protocol == "grpc" else collector.grpc, protocol)
    here, there = ("gRPC", "HTTP") if protocol == "grpc" else ("HTTP", "gRPC")
    assert (found.status, found.code) == (Status.FAILED, "wrong_protocol")
    assert found.detail.endswith(f"speaks {there}, and the exporter {here}")
    other = "http/protobuf" if protocol == "grpc" else "grpc"
    assert found.hint.endswith(f"or OTEL_EXPORTER_OTLP_PROTOCOL={other}")


@pytest.mark.parametrize(
    ("protocol", "refusal", "code"),
    [
        ("grpc", (grpc.StatusCode.PERMISSION_DENIED, ()), "forbidden"),
        ("http/protobuf", (403, {}), "forbidden"),
        ("grpc", (grpc.StatusCode.UNIMPLEMENTED, ()), "not_taken"),
        ("http/protobuf", (404, {}), "not_found"),
        ("http/protobuf", (415, {}), "not_taken"),
        ("grpc", (grpc.StatusCode.RESOURCE_EXHAUSTED, ()), "overloaded"),
        ("http/protobuf", (503, {}), "overloaded"),
        ("http/protobuf", (500, {}), "refused"),
    ],
)
def test_a_refusal_is_reported_by_its_kind(collector: StandIn, protocol: str, refusal: Any, code: str) -> None:
    """The server was reached: its response counts."""
    collector.refusals.append(refusal)
    found = sent(collector.grpc if protocol == "grpc" else collector.http, protocol)
    assert (found.status, found.code) == (Status.FAILED, code)
    assert found.hint


def test_a_path_that_is_missing_or_added(collector: StandIn) -> None:
    """A signal's own variable is taken as it is; to that of all signals the library adds the path."""
    collector.refusals.append((404, {}))
    own = sent("http://127.0.0.1:9", "http/protobuf", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.http}/x/traces")
    assert own.hint == "end the address in OTEL_EXPORTER_OTLP_TRACES_ENDPOINT with /v1/traces"
    collector.refusals.append((404, {}))
    common = sent(collector.http, "http/protobuf")
    assert common.hint == (
        "check that OTEL_EXPORTER_OTLP_ENDPOINT is the address of an OpenTelemetry Collector, "
        "whose usual path is /v1/traces"
    )


COMMON, OF_TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"


@pytest.mark.parametrize(
    ("variable", "path", "protocol", "hint"),
    [
        (COMMON, "/v1/traces", "http/protobuf", f"remove /v1/traces from {COMMON}"),
        (COMMON, "/v1/metrics/", "http/protobuf", f"remove /v1/metrics from {COMMON}"),
        (COMMON, "/v1/traces", "grpc", f"remove /v1/traces from {COMMON}, and set {PROTOCOL}=http/protobuf"),
        (OF_TRACES, "/v1/traces", "grpc", f"remove /v1/traces from {OF_TRACES}, and set {PROTOCOL}=http/protobuf"),
        (OF_TRACES, "/v1/logs", "http/protobuf", "end it with /v1/traces"),
    ],
)  # fmt: skip
def test_an_address_with_a_signals_path_that_does_not_belong_there(
    collector: StandIn, variable: str, path: str, protocol: str, hint: str
) -> None:
    """The library adds `/v1/traces` to the address of all signals: there it must not stand already."""
    collector.refusals.append((404, {}))
    environ = {variable: f"{collector.http}{path}", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, **OVER}
    found = line(examine(environ), "send traces")
    assert (found.status, found.code, found.hint) == (Status.FAILED, "wrong_path", hint)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_query_api_of_a_local_collector_accepts_no_telemetry(protocol: str) -> None:
    """4319 for 4318: the response shows what it is, for any port number."""
    with backend({"/api/health": (200, {"status": "ok"})}) as api:
        found = sent(api.url, protocol)
    assert found.code == "reading_port"
    assert "is the query API of a local collector" in found.detail
    assert "4317 (grpc) or port 4318 (http/protobuf)" in found.hint


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("page", [(404, b"<html>not here"), (200, b"<html>welcome"), (501, b"no such method")])
def test_a_plain_web_server_is_not_a_collector(protocol: str, page: Any) -> None:
    """For any response, it is reported as a web server, and no other path or protocol is proposed."""
    with backend(dict.fromkeys(("/v1/traces", "/v1/metrics", "/v1/logs"), page)) as web:
        found = sent(web.url, protocol)
    assert (found.code, "web server" in found.detail) == ("foreign", True), found
    assert found.hint.startswith("use the address of an OpenTelemetry Collector")


def test_a_web_server_of_http2_is_not_a_collector() -> None:
    """Such as a proxy: it responds to gRPC's request with a page that is not found, which gRPC calls UNIMPLEMENTED."""
    with listener(web_server) as address:
        found = sent(f"http://{address}")
    assert (found.code, "a web server responds" in found.detail) == ("foreign", True), found


def web_server(connection: socket.socket) -> None:
    """Settings; then, to the first request, headers with `:status: 404` (RFC 7541, index 13) that end the stream."""
    connection.sendall(b"\0\0\0\x04\0\0\0\0\0")
    frames = connection.makefile("rb")
    frames.read(24)  # the preface
    while (head := frames.read(9)) and head[3] != 1:  # until HEADERS
        frames.read(int.from_bytes(head[:3], "big"))
    connection.sendall(b"\0\0\x01\x01\x05\0\0\0\x01\x8d")
    silence(connection)


def test_what_is_taken_and_refused_all_the_same_is_a_failure(collector: StandIn) -> None:
    """A partial success that refuses the one span."""
    refused = ExportTracePartialSuccess(rejected_spans=1, error_message="quota spent")
    collector.reply = ExportTraceServiceResponse(partial_success=refused).SerializeToString()
    found = sent(collector.grpc)
    assert (found.code, "quota spent" in found.detail) == ("rejected", True)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_collector_that_takes_and_never_answers_ends_within_the_timeout(collector: StandIn, protocol: str) -> None:
    """The service's own limit for one export is kept as well."""
    collector.hang.set()
    found = sent(collector.grpc if protocol == "grpc" else collector.http, protocol, OTEL_EXPORTER_OTLP_TIMEOUT="300")
    assert found.code == "no_answer", found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_someone_who_speaks_neither_grpc_nor_http(protocol: str) -> None:
    """Such as a database: it sends its own bytes, and closes the connection."""
    with listener(lambda connection: connection.sendall(b"\x4a\x00\x00\x00\x0a8.0.36\x00")) as address:
        found = sent(f"http://{address}", protocol)
    assert found.code == "unknown_protocol", found


def test_a_server_that_does_not_respond() -> None:
    """Silence is looked into for a bounded time."""
    with listener(silence) as address:
        found = sent(f"http://{address}", OTEL_EXPORTER_OTLP_TIMEOUT="300")
    assert found.code == "no_answer", found
    assert found.detail.endswith("accepts connections and does not respond")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_unknown_host_name(protocol: str) -> None:
    """Such as that of a service of Docker, from outside. `.invalid` never exists (RFC 6761)."""
    found = sent("http://collector.invalid:4317", protocol)
    assert found.code == "unknown_name", found
    assert "the name collector.invalid is not known" in found.detail


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_proxy_in_the_way(collector: StandIn, protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not answer, a direct connection works: the hint is an exception for the host. No password is shown."""
    for name in ("http_proxy", "no_proxy", "NO_PROXY", "grpc_proxy", "https_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://user:password@127.0.0.1:9")
    endpoint = (collector.grpc if protocol == "grpc" else collector.http).replace("127.0.0.1", "0.0.0.0")
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, **OVER}
    environ["http_proxy"] = "http://user:password@127.0.0.1:9"
    report = examine(environ)
    found = line(report, "send traces")
    assert (found.code, found.hint) == ("proxy", "add 0.0.0.0 to no_proxy")
    assert "http_proxy=http://***@127.0.0.1:9 and fails; a direct connection works" in found.detail
    assert line(report, "proxy").detail == "exports to 0.0.0.0 go through http_proxy=http://***@127.0.0.1:9"
    monkeypatch.setenv("no_proxy", "0.0.0.0")
    fixed = examine({**environ, "no_proxy": "0.0.0.0"})
    assert line(fixed, "send traces").status is Status.OK
    assert "proxy" not in verdicts(fixed)


def test_the_result_of_the_last_run_is_a_gauge(collector: StandIn) -> None:
    """The findings by level, of one instance for all runs on a machine; without metrics it is not sent."""
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc}
    for _ in range(2):
        report = examine(endpoint)
    levels = [finding.status.value for finding in report.findings]
    points = {
        attributes(point.attributes)["search.doctor.level"]: point.as_int
        for point in collector.metric(c.DOCTOR_FINDINGS.name)
    }
    assert points == {level: levels.count(level) for level in ("ok", "warning", "failed", "skipped")}
    assert points["failed"] == 2  # nothing has confirmed the trace and the metric
    assert "send result" not in verdicts(report)
    resources = [attributes(request.resource_metrics[0].resource.attributes) for request in collector.got("metrics")]
    assert [one["service.instance.id"] == socket.gethostname() for one in resources] == [False, True] * 2
    examine({**endpoint, "OTEL_METRICS_EXPORTER": "none"})
    assert len(collector.got("metrics")) == 4


def test_a_result_that_is_refused_is_reported(collector: StandIn) -> None:
    """After the three marked signals had been accepted."""
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.http, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    collector.refusals += [None, None, None, (429, {})]
    assert failures(examine(endpoint))["send result"] == "overloaded"


def test_signals_that_no_service_exports_are_not_sent(collector: StandIn) -> None:
    """Each names the variable; none is a failure. Only logs are sent if no variable is set."""
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc}
    report = examine({**endpoint, "OTEL_METRICS_EXPORTER": "prometheus", "OTEL_LOGS_EXPORTER": "console"})
    assert verdicts(report) == {
        "sampling": "ok",
        "send traces": "ok",
        "send metrics": "skipped pulled",
        "send logs": "skipped not_exported",
        "trace kept": "failed unconfirmed",
        "clocks": "skipped not_known",
    }
    assert collector.got("metrics") == collector.got("logs") == []
    unset = examine(endpoint)
    assert (line(unset, "log export").code, line(unset, "log export").hint) == (
        "not_exported", "set OTEL_LOGS_EXPORTER=otlp"
    )  # fmt: skip
    assert len(collector.logs()) == 1


@pytest.mark.parametrize(
    ("metrics", "logs"), [("none", "none"), ("console", "none"), ("prometheus", "console"), ("none", "")]
)
def test_services_that_export_nothing_are_a_failure_that_names_the_variables(
    collector: StandIn, metrics: str, logs: str
) -> None:
    """Nothing was sent that a backend could confirm; the log that is tried anyway is nothing that services send."""
    off = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": metrics, "OTEL_LOGS_EXPORTER": logs}
    report = examine({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc, **off})
    assert (failures(report), report.exit_status) == ({"settings": "not_exported"}, 1)
    last = f"OTEL_LOGS_EXPORTER={logs}" if logs else "OTEL_LOGS_EXPORTER is not set"
    assert line(report, "settings").detail == (
        f"OTEL_TRACES_EXPORTER=none, OTEL_METRICS_EXPORTER={metrics}, {last}: services send nothing by OTLP"
    )
    assert line(report, "settings").hint == "set one of them to otlp"
    assert "every trace" not in line(report, "sampling").detail
    assert line(report, "sampling").code == "not_exported"
    assert (collector.got("traces"), collector.got("metrics"), len(collector.got("logs"))) == ([], [], not logs)


def test_logs_that_no_service_exports_may_be_refused(collector: StandIn) -> None:
    """If logs are not enabled, an endpoint without logs is not a failure."""
    collector.refusals += [None, None, None]
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc, "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://127.0.0.1:9"}
    report = examine(endpoint)
    assert verdicts(report)["send logs"] == "skipped nothing_listens"
    assert failures(examine({**endpoint, "OTEL_LOGS_EXPORTER": "otlp"}))["send logs"] == "nothing_listens"


@pytest.mark.parametrize(
    ("sampler", "share", "status", "message"),
    [
        ("parentbased_always_on", "", Status.OK, "services send every trace"),
        ("always_off", "", Status.WARNING, "services send no trace; the marked one is always sent"),
        ("parentbased_always_off", "", Status.WARNING, "services send no trace"),
        ("traceidratio", "0", Status.WARNING, "services send no trace"),
        ("parentbased_traceidratio", "0.005", Status.SKIPPED, "services send 0.5 % of the traces; the marked one"),
    ],
)
def test_head_sampling_is_reported_and_does_not_apply_to_the_marked_trace(
    collector: StandIn, sampler: str, share: str, status: Status, message: str
) -> None:
    """Sampling is a choice, no failure; to send nothing at all is hardly meant, and a warning."""
    variables = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": share}
    report = examine({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc, **variables})
    assert message in line(report, "sampling").detail
    assert line(report, "sampling").status is status
    ((span, _),) = collector.spans()
    assert span.flags & 1


def test_settings_that_are_wrong_are_all_reported_and_nothing_is_sent(collector: StandIn) -> None:
    """As in services with these settings; a secret is not shown."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc, "OTEL_EXPORTER_OTLP_PROTOCOL": "pigeon"}
    report = examine({**environ, "OTEL_TRACES_SAMPLER_ARG": "7", "OTEL_EXPORTER_OTLP_HEADERS": "secret"})
    assert {one.code for one in report.findings} == {"wrong_setting"}
    details = " ".join(one.detail for one in report.findings)
    assert all(name in details for name in ("PROTOCOL='pigeon'", "SAMPLER_ARG='7'", "HEADERS=***"))
    assert (collector.requests, report.exit_status) == ([], 1)


def test_a_process_that_records_nothing_is_reported(collector: StandIn) -> None:
    """All the rest may be well."""
    report = examine({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc, "OTEL_SDK_DISABLED": "true"})
    assert (line(report, "settings").code, line(report, "send traces").status) == ("disabled", Status.OK)
    assert (line(report, "sampling").status, line(report, "sampling").code) == (Status.SKIPPED, "disabled")
    assert not report.ok


@pytest.mark.parametrize(
    ("variables", "address", "tls", "speech"),
    [
        ({}, "localhost:4317", False, "grpc"),
        ({"ENDPOINT": "collector:4317"}, "collector:4317", False, "grpc"),
        ({"ENDPOINT": "collector:4317", "INSECURE": "false"}, "collector:4317", True, "grpc"),
        ({"ENDPOINT": "http://collector"}, "collector:443", False, "grpc"),
        ({"ENDPOINT": "http://collector/otlp", "PROTOCOL": "http/protobuf"}, "collector:80", False, "http"),
        ({"ENDPOINT": "https://[::1]", "PROTOCOL": "http/protobuf"}, "[::1]:443", True, "http"),
        ({"PROTOCOL": "http/protobuf"}, "localhost:4318", False, "http"),
    ],
)
def test_the_place_that_is_looked_at_is_the_one_that_is_sent_to(
    variables: dict[str, str], address: str, tls: bool, speech: str
) -> None:
    """With the defaults of the protocol: gRPC takes port 443 where none is written, in plain text too."""
    settings = load({}, {f"OTEL_EXPORTER_OTLP_{name}": value for name, value in variables.items()})
    place = of_exporter(settings.traces, "")
    assert place is not None
    assert (place.address, place.tls, place.speech) == (address, tls, speech)


def test_a_socket_file_is_an_endpoint_too(tmp_path: Path) -> None:
    """An address as gRPC has it; if nothing listens, the failure has no port."""
    found = sent(f"unix:///{tmp_path}/none.sock")
    assert found.status is Status.FAILED
