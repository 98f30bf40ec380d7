"""The doctor asks every backend whether what was sent arrived, and reports why not."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from collector.doctor import options
from collector.doctor.checks import clocks
from collector.doctor.finding import Status
from collector.doctor.network import api as backend_api
from collector.local.cli.calling import CERTIFICATE
from collector.local.net.access import TOKEN as TOKEN_VARIABLE
from collector.local.net.access import Access, Tokens
from collector.local.net.tls import Tls
from collector.local.server import LocalCollector
from telemetry import conventions as c
from telemetry.errors import TelemetryError
from tests import certificates
from tests.certificates import TOKEN
from tests.doctor_stand_in import (
    NOTHING_LISTENS,
    SOON,
    Backend,
    backend,
    environ,
    examine,
    failures,
    line,
    listener,
    silence,
    verdicts,
)
from tests.otlp_stand_in import StandIn

JAEGER: dict[str, Any] = {"/api/services": (200, {"data": []})}
LOKI = {"/loki/api/v1/status/buildinfo": (200, {"version": "3.7.8"}), "/loki/api/v1/labels": (200, {})}


def of_local(collector: LocalCollector, **more: str) -> dict[str, str]:
    scheme = "https" if collector.access.tls else "http"
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{scheme}://{collector.addresses.grpc}",
        "OTEL_LOGS_EXPORTER": "otlp",
        **more,
    }


# ── The local collector ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def local() -> Iterator[LocalCollector]:
    with LocalCollector(None, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0") as running:
        yield running


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_local_collector_alone_has_everything(local: LocalCollector, protocol: str) -> None:
    """Three arrivals, no failure, and no finding about backends that are not configured."""
    address = local.addresses.grpc if protocol == "grpc" else local.addresses.http
    variables = of_local(local, OTEL_EXPORTER_OTLP_PROTOCOL=protocol, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{address}")
    report = examine(variables, api=str(local.addresses.api))
    assert verdicts(report) == {
        "sampling": "ok",
        "send traces": "ok",
        "send metrics": "ok",
        "send logs": "ok",
        "local collector: trace": "ok",
        "local collector: metric": "ok",
        "local collector: log": "ok",
        "clocks": "ok",
    }
    assert report.exit_status == 0


def test_a_local_collector_with_tls_and_a_token(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked as the reading commands ask it, by their variables; without the token it refuses."""
    pems = certificates.make(tmp_path_factory.mktemp("pems"))
    access = Access(Tokens([TOKEN]), Tls(pems.certificate, pems.key))
    monkeypatch.setenv(CERTIFICATE, str(pems.authority))
    headers = f"authorization=Bearer%20{TOKEN}"
    with LocalCollector(None, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", access=access) as running:
        trusted = of_local(
            running, OTEL_EXPORTER_OTLP_CERTIFICATE=str(pems.authority), OTEL_EXPORTER_OTLP_HEADERS=headers
        )
        api = str(running.addresses.api)
        assert examine({**trusted, TOKEN_VARIABLE: TOKEN}, api=api).ok
        refused = line(examine(trusted, api=api), "local collector")
        plain = line(examine(trusted, api=f"http://{api}"), "local collector")
        monkeypatch.delenv(CERTIFICATE)
        unknown = line(examine(trusted, api=f"https://{api}"), "local collector")
    assert (refused.code, TOKEN_VARIABLE in refused.hint) == ("unauthorized", True), refused
    assert (plain.code, plain.hint) == ("plain_to_tls", "write https:// in --api")
    assert unknown.code == "unknown_authority"
    assert unknown.hint.startswith(f"set {CERTIFICATE}")


def test_a_local_collector_that_is_not_the_one_that_was_sent_to(local: LocalCollector, collector: StandIn) -> None:
    """Two collectors: the endpoint's took it, the API's does not have it."""
    report = examine(environ(collector), timeout=SOON, api=str(local.addresses.api))
    assert line(report, "local collector: trace").code == "not_arrived"
    assert report.exit_status == 1


# ── What is there, and what is not ───────────────────────────────────────────────────────────────────────────────────


def test_a_backend_that_was_asked_for_and_does_not_listen_is_a_failure(collector: StandIn) -> None:
    """By option or by variable, and the hint names which."""
    report = examine(environ(collector), jaeger=NOTHING_LISTENS)
    assert (line(report, "jaeger").code, line(report, "jaeger").hint) == (
        "nothing_listens", "start it (telemetry stack up), or correct --jaeger"
    )  # fmt: skip
    assert report.exit_status == 1


def usually(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a URL be where Jaeger usually is."""
    monkeypatch.setattr(options, "DEFAULTS", {**options.DEFAULTS, "jaeger": url})


def test_a_backend_that_is_a_default_is_not_configured(collector: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing at its usual port, or something else there: no failure."""
    usually(NOTHING_LISTENS, monkeypatch)
    report = examine(environ(collector), jaeger="")
    assert verdicts(report)["jaeger"] == "skipped not_configured"
    with backend({"/api/services": (200, b"<html>")}) as other:
        usually(other.url, monkeypatch)
        report = examine(environ(collector), jaeger="")
        assert verdicts(report)["jaeger"] == "skipped not_configured"
        assert line(examine(environ(collector), jaeger=other.url), "jaeger").code == "foreign"
    assert failures(report) == dict.fromkeys(("trace kept", "metric kept", "log kept"), "unconfirmed")


def test_a_guess_is_not_a_failure_where_services_send_elsewhere(
    collector: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Jaeger of this machine need not have what went to another; one that was asked for does."""
    elsewhere = environ(collector, OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc.replace("127.0.0.1", "0.0.0.0"))
    with backend(JAEGER) as jaeger:
        usually(jaeger.url, monkeypatch)
        guessed = examine(elsewhere, timeout=SOON, jaeger="")
        assert verdicts(guessed)["jaeger: trace"] == "skipped elsewhere"
        named = examine({**elsewhere, options.variable("jaeger"): jaeger.url}, timeout=SOON, jaeger="")
        assert verdicts(named)["jaeger: trace"] == "failed not_arrived"


def test_what_could_not_be_sent_is_not_looked_for(collector: StandIn) -> None:
    """Nobody waits for it, and it is one failure, not two."""
    with backend(JAEGER) as jaeger:
        report = examine(environ(collector, OTEL_EXPORTER_OTLP_ENDPOINT=NOTHING_LISTENS), jaeger=jaeger.url)
    assert verdicts(report)["jaeger: trace"] == "skipped not_sent"
    assert report.seconds < 5


def _drip(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n[")
    pace = threading.Event()
    while True:
        connection.sendall(b" ")
        pace.wait(0.05)  # slower than anything that ends, faster than a timeout of reading


@pytest.mark.parametrize("respond", [silence, _drip], ids=["silence", "a drip without end"])
def test_a_backend_that_hangs_does_not_hang_the_doctor(
    collector: StandIn, respond: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither silence nor an answer that never ends lasts longer than one answer may."""
    monkeypatch.setattr(backend_api, "_PATIENCE", 0.3)
    with listener(respond) as address:
        report = examine(environ(collector), jaeger=f"http://{address}")
    assert line(report, "jaeger").code == "no_answer"
    assert report.seconds < 5


# ── Jaeger ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def jaeger_having(collector: StandIn, moved_s: float = 0.0) -> dict[str, Any]:
    """A Jaeger that has what the collector got, `moved_s` later than it was."""

    def trace(_: object) -> tuple[int, Any]:
        spans = [{"startTime": span.start_time_unix_nano // 1000 + moved_s * 1e6} for span, _ in collector.spans()]
        return 200, {"data": [{"spans": spans}]}

    class Routes(dict[str, Any]):
        def get(self, path: str, default: Any = None) -> Any:
            wanted = [f"/api/traces/{span.trace_id.hex()}" for span, _ in collector.spans()]
            return trace if path in wanted else super().get(path, default)

    return Routes(JAEGER)


def test_jaeger_is_asked_for_the_very_trace(collector: StandIn) -> None:
    """Found by its id."""
    with backend({}) as jaeger:
        jaeger.routes = jaeger_having(collector)
        report = examine(environ(collector), jaeger=jaeger.url)
    assert line(report, "jaeger: trace").status is Status.OK
    assert f"/api/traces/{report.trace_id}" in [path for path, _, _ in jaeger.asked]


def test_a_span_that_was_moved_in_time_is_reported(collector: StandIn) -> None:
    """As Jaeger's adjustment of clock skew does, or a processor on the way."""
    with backend({}) as jaeger:
        jaeger.routes = jaeger_having(collector, moved_s=-90.0)
        found = line(examine(environ(collector), jaeger=jaeger.url), "jaeger: trace")
    assert (found.code, "moved by -90.0 s" in found.detail) == ("clock_skew", True)


def test_a_trace_that_is_sampled_away_has_a_hint_of_it(collector: StandIn) -> None:
    """Taken at the endpoint, and not in Jaeger: its tail sampling may know nothing of the mark."""
    with backend(JAEGER) as jaeger:
        found = line(examine(environ(collector), timeout=SOON, jaeger=jaeger.url), "jaeger: trace")
    assert found.code == "not_arrived"
    assert c.SEARCH_DOCTOR.name in found.hint


# ── Loki ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_loki_is_asked_for_the_log_of_the_trace(collector: StandIn) -> None:
    """By the doctor's service and the trace id; an empty result is asked again until it is there."""
    answers = iter([[], [{"values": [["0", "telemetry doctor was here"]]}]])
    with backend(LOKI) as loki:
        loki.routes["/loki/api/v1/query_range"] = lambda _: (200, {"data": {"result": next(answers)}})
        report = examine(environ(collector), loki=loki.url)
    assert line(report, "loki: log").status is Status.OK
    queries = [parameters["query"][0] for _, parameters, _ in loki.asked if "query" in parameters]
    assert queries == [f'{{service_name="{c.DOCTOR_SERVICE}"}} | trace_id="{report.trace_id}"'] * 2


def test_a_loki_with_tenants_wants_one(collector: StandIn) -> None:
    """Its 401 has `no org id`; the hint has the header."""
    with backend({**LOKI, "/loki/api/v1/labels": (401, b"no org id")}) as loki:
        found = line(examine(environ(collector), loki=loki.url), "loki")
    assert (found.code, "no org id" in found.detail) == ("unauthorized", True)
    assert "--header loki:X-Scope-OrgID=TENANT" in found.hint


# ── VictoriaLogs ─────────────────────────────────────────────────────────────────────────────────────────────────────

HITS = "/select/logsql/hits"


def test_victorialogs_is_asked_for_the_log_of_the_trace(collector: StandIn) -> None:
    """Greeted by its service, then by service and trace id, until there is one."""
    answers: Iterator[list[Any]] = iter([[], [], [{"total": 1}]])
    with backend({HITS: lambda _: (200, {"hits": next(answers)})}) as logs:
        report = examine(environ(collector), victorialogs=logs.url)
    assert line(report, "victorialogs: log").status is Status.OK
    ours = f'{{service.name="{c.DOCTOR_SERVICE}"}}'
    assert [parameters["query"][0] for _, parameters, _ in logs.asked] == [
        ours,
        *[f'{ours} trace_id:="{report.trace_id}"'] * 2,
    ]


def test_a_log_that_victorialogs_lacks_is_reported_with_what_to_look_at(collector: StandIn) -> None:
    """The layer, its address, and the header by which a service is a stream; another program is reported as such."""
    with backend({HITS: (200, {"hits": []})}) as logs:
        lost = line(examine(environ(collector), timeout=SOON, victorialogs=logs.url), "victorialogs: log")
    assert lost.code == "not_arrived"
    assert all(word in lost.hint for word in ("layer logs", "LOGS_OTLP", "VL-Stream-Fields"))
    with backend({HITS: (200, {"data": []})}) as other:
        assert line(examine(environ(collector), victorialogs=other.url), "victorialogs").code == "foreign"


# ── Sentry ───────────────────────────────────────────────────────────────────────────────────────────────────────────

PROJECT, EVENTS = "/api/0/projects/pamazon/search/", "/api/0/organizations/pamazon/events/"


def sentry(collector: StandIn, running: Backend) -> dict[str, str]:
    return environ(
        collector,
        SENTRY_URL=running.url,
        SENTRY_AUTH_TOKEN="sntrys_test",
        SENTRY_ORG="pamazon",
        SENTRY_PROJECT="search",
    )


def test_sentry_is_asked_for_spans_and_logs_of_the_trace(collector: StandIn) -> None:
    """By the documented paths and parameters, with the token, on its own host."""
    with backend({PROJECT: (200, {"id": "42"}), EVENTS: (200, {"data": [{"id": "1"}], "meta": {}})}) as running:
        report = examine(sentry(collector, running))
    assert (verdicts(report)["sentry: trace"], verdicts(report)["sentry: log"]) == ("ok", "ok")
    asked = [parameters for path, parameters, _ in running.asked if path == EVENTS]
    assert sorted(parameters["dataset"][0] for parameters in asked) == ["ourlogs", "spans"]
    assert {parameters["query"][0] for parameters in asked} == {f"trace:{report.trace_id}"}
    assert {parameters["project"][0] for parameters in asked} == {"42"}
    assert {headers["authorization"] for _, _, headers in running.asked} == {"Bearer sntrys_test"}


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        (401, "unauthorized", "SENTRY_AUTH_TOKEN is wrong"),
        (403, "forbidden", "the scopes org:read and project:read"),
        (404, "no_project", "correct SENTRY_ORG and SENTRY_PROJECT"),
    ],
)
def test_sentry_refuses(collector: StandIn, status: int, code: str, hint: str) -> None:
    """Each refusal has its own fix; the token is in none."""
    with backend({PROJECT: (status, {"detail": "no"})}) as running:
        found = line(examine(sentry(collector, running)), "sentry")
    assert (found.code, hint in found.hint) == (code, True)
    assert "sntrys_test" not in f"{found.detail}{found.hint}"


def test_sentry_with_half_its_variables_is_a_mistake(collector: StandIn) -> None:
    """Somebody wants it asked."""
    found = line(examine(environ(collector, SENTRY_ORG="pamazon")), "sentry")
    assert (found.code, found.detail) == (
        "wrong_setting",
        "not checked: SENTRY_AUTH_TOKEN and SENTRY_PROJECT are not set",
    )


# ── Clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("skew", "distance"),
    [(0, ""), (300, "jaeger's is 5 min ahead"), (-1000, "jaeger's is 17 min behind"), (1e4, "jaeger's is 2.8 h ahead")],
)
def test_a_clock_that_goes_wrong_is_reported_by_how_much(collector: StandIn, skew: float, distance: str) -> None:
    """By the `Date` of answers, which counts whole seconds: a difference below two seconds is ignored."""
    with backend({}, skew=skew) as jaeger:
        jaeger.routes = jaeger_having(collector)
        report = examine(environ(collector), jaeger=jaeger.url)
    found = line(report, "clocks")
    assert found.detail.endswith(distance or "agrees with this machine's")
    assert (found.code, report.ok) == (("clock_skew", False) if skew else ("", True))


def test_what_a_date_leaves_open_is_not_a_difference() -> None:
    """Each reading has a limit of its own: half a second, and half of what the answer took."""
    assert clocks.compare({"jaeger": (2.4, 0.5), "loki": (-6.0, 4.5)}).code == ""
    found = clocks.compare({"jaeger": (-40.2, 0.5), "loki": (0.3, 0.5), "prometheus": (2.6, 0.5)})
    assert found.detail == "against this machine's clock jaeger's is 40 s behind, prometheus's is 3 s ahead"
    assert clocks.compare({}).status is Status.SKIPPED


def test_the_clock_of_a_collector_is_compared_by_http() -> None:
    """Its own `Date`, where the endpoint speaks HTTP; gRPC has no date."""
    with backend({"/v1/traces": (200, b""), "/v1/metrics": (200, b""), "/v1/logs": (200, b"")}, skew=-3600) as running:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": running.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        found = line(examine(variables), "clocks")
    assert found.detail == "against this machine's clock the collector's is 60 min behind"


# ── Options ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("url", ["ftp://host", "http://", "http://host:port", "http://host:99999"])
def test_an_invalid_address_is_a_mistake(url: str) -> None:
    """It names the option, or the variable."""
    with pytest.raises(TelemetryError) as mistake:
        options.targets({"jaeger": url}, {})
    assert "--jaeger" in mistake.value.message
    with pytest.raises(TelemetryError) as mistake:
        options.targets({}, {options.variable("loki"): url})
    assert "SEARCH_TELEMETRY_LOKI_URL" in mistake.value.message


def test_a_port_that_is_free_is_not_asked_for_by_chance() -> None:
    """The port that these tests take for one where nothing listens is one."""
    with closing(socket.socket()) as trying:
        assert trying.connect_ex(("127.0.0.1", int(NOTHING_LISTENS.rpartition(":")[2]))) != 0
