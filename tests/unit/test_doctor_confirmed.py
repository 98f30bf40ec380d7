"""The doctor is never content before a backend has confirmed what was sent, and knows who should be there."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from collector.doctor import options
from collector.doctor.finding import Status
from collector.stack import state
from collector.stack.profiles import PROFILES
from tests.doctor_stand_in import (
    NOTHING_LISTENS,
    SOON,
    Backend,
    backend,
    environ,
    examine,
    failures,
    line,
    verdicts,
)
from tests.otlp_stand_in import StandIn, stand_in


def jaeger_with(collector: StandIn, lost: int = 0) -> dict[str, Any]:
    """A Jaeger that has every trace the collector got, but for the last `lost`."""

    class Routes(dict[str, Any]):
        def get(self, path: str, default: Any = None) -> Any:
            spans = collector.spans()
            for span, _ in spans[: len(spans) - lost]:
                if path == f"/api/traces/{span.trace_id.hex()}":
                    return 200, {"data": [{"spans": [{"startTime": span.start_time_unix_nano // 1000}]}]}
            return super().get(path, default)

    return Routes({"/api/services": (200, {"data": []})})


# ── Nobody has confirmed it ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_taken_and_confirmed_by_no_backend_is_a_failure(
    collector: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endpoint accepts all three, and no backend is known: each signal is reported, with possible backends."""
    monkeypatch.setattr(options, "DEFAULTS", dict.fromkeys(options.BACKENDS, NOTHING_LISTENS))
    report = examine(environ(collector), api="", jaeger="", prometheus="", victorialogs="", loki="", otelcol="")
    assert failures(report) == dict.fromkeys(("trace kept", "metric kept", "log kept"), "unconfirmed")
    assert "(--api, --victorialogs, --loki)" in line(report, "log kept").hint
    assert report.exit_status == 1


def test_a_signal_whose_backends_are_left_out_may_go_unconfirmed_beside_one_that_is(collector: StandIn) -> None:
    """`none` to all that could keep it is a choice; to all of all signals it is not."""
    with backend({}) as jaeger:
        jaeger.routes = jaeger_with(collector)
        report = examine(environ(collector), jaeger=jaeger.url)
    found = verdicts(report)
    assert (found["jaeger: trace"], found["metric kept"], found["log kept"]) == ("ok", *["skipped not_asked"] * 2)
    assert report.ok
    assert set(failures(examine(environ(collector))).values()) == {"unconfirmed"}


def test_a_signal_that_no_service_exports_may_go_unconfirmed(collector: StandIn) -> None:
    """Logs, if no variable is set: one is sent to check whether they would arrive."""
    with backend({}) as jaeger:
        jaeger.routes = jaeger_with(collector)
        report = examine(environ(collector, OTEL_LOGS_EXPORTER=""), jaeger=jaeger.url)
    assert verdicts(report)["log kept"] == "skipped not_asked"


# ── What the Collector reports of itself ──────────────────────────────────────────────────────────────────────────────


def page(exporters: Mapping[str, tuple[int, int]], taken: int) -> bytes:
    """A Collector's own metrics: by exporter what waits, and what was delivered."""
    lines = ["# TYPE otelcol_exporter_queue_size gauge"]
    lines += [
        f'otelcol_exporter_queue_size{{exporter="{n}",data_type="traces"}} {w}' for n, (w, _) in exporters.items()
    ]
    lines += ["# TYPE otelcol_exporter_sent_spans counter"]
    lines += [f'otelcol_exporter_sent_spans{{exporter="{n}"}} {d}' for n, (_, d) in exporters.items()]
    lines += [
        "# TYPE otelcol_receiver_accepted_spans counter",
        f'otelcol_receiver_accepted_spans{{receiver="otlp"}} {taken}',
    ]
    return "\n".join([*lines, ""]).encode()


def own_metrics(*pages: bytes) -> Backend:
    """Pages one after another; the last one stays."""
    left = list(pages)
    return Backend(routes={"/metrics": lambda _: (200, left.pop(0) if len(left) > 1 else left[0])})


def asked_with(collector: StandIn, *pages: bytes, **urls: Any) -> Any:
    with backend(own_metrics(*pages).routes) as otelcol:
        return examine(environ(collector), timeout=SOON, otelcol=otelcol.url, **urls)


def test_an_exporter_whose_backend_is_away_is_named(collector: StandIn) -> None:
    """It holds something, and has delivered nothing since; the others do. No API of that backend has to be known."""
    before = page({"otlp_http/sentry": (3, 10), "otlp_grpc/jaeger": (0, 10)}, 100)
    after = page({"otlp_http/sentry": (4, 10), "otlp_grpc/jaeger": (0, 11)}, 101)
    found = line(asked_with(collector, before, after), "otelcol")
    assert (found.code, found.detail) == ("not_delivered", "delivers nothing by otlp_http/sentry (traces waiting: 4)")


def test_exporters_that_deliver_are_well(collector: StandIn) -> None:
    """A queue under load is not a failure while it delivers."""
    found = line(
        asked_with(collector, page({"otlp_grpc/jaeger": (9, 1)}, 1), page({"otlp_grpc/jaeger": (9, 2)}, 2)), "otelcol"
    )
    assert (found.status, found.detail) == (Status.OK, "delivers by otlp_grpc/jaeger")


def test_a_backend_that_the_collector_sends_to_should_be_there(
    collector: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody named it and nothing listens: that the Collector has an exporter for it makes it a failure."""
    monkeypatch.setattr(options, "DEFAULTS", {**options.DEFAULTS, "jaeger": NOTHING_LISTENS, "loki": NOTHING_LISTENS})
    one = page({"otlp_grpc/jaeger": (0, 1)}, 1)
    report = asked_with(collector, one, page({"otlp_grpc/jaeger": (0, 2)}, 2), jaeger="", loki="")
    assert (line(report, "jaeger").code, verdicts(report)["loki"]) == ("nothing_listens", "skipped not_configured")
    assert "the Collector sends to it by otlp_grpc/jaeger" in line(report, "jaeger").detail


def test_a_page_of_another_server_or_another_collector(collector: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a default address it is not reported; at a configured one it is."""
    with backend({"/metrics": (200, b"<html>a notebook")}) as other:
        assert line(examine(environ(collector), otelcol=other.url), "otelcol").code == "foreign"
        monkeypatch.setattr(options, "DEFAULTS", {**options.DEFAULTS, "otelcol": other.url})
        assert "otelcol" not in verdicts(examine(environ(collector), otelcol=""))
    idle = page({"otlp_grpc/jaeger": (0, 1)}, 1)
    assert line(asked_with(collector, idle), "otelcol").code == "elsewhere"


# ── One trace for each gateway ───────────────────────────────────────────────────────────────────────────────────────


def test_each_gateway_gets_a_trace_and_one_that_is_lost_is_named(collector: StandIn) -> None:
    """The layer agent shares traces out by the last digit of their ids; one of each half is sent, with one mark."""
    exporters = dict.fromkeys(("otlp_grpc/gateway-1", "otlp_grpc/gateway-2"), (0, 1))
    pages = page(exporters, 1), page(exporters, 3)
    with backend({}) as jaeger:
        jaeger.routes = jaeger_with(collector)
        report = asked_with(collector, *pages, jaeger=jaeger.url)
        assert line(report, "jaeger: trace").detail.startswith("can be read (by gateway-1 and gateway-2), ")
        spans = [span for span, _ in collector.spans()]
        assert [span.trace_id.hex()[-1] in "01234567" for span in spans] == [True, False]
        assert {one.value.string_value for span in spans for one in span.attributes} == {report.mark}
        jaeger.routes = jaeger_with(collector, lost=1)
        lost = line(asked_with(collector, *pages, jaeger=jaeger.url), "jaeger: trace")
    assert lost.detail == "1 of 2 (by gateway-2) was accepted by the endpoint, and is not in Jaeger"


def test_a_log_is_found_by_no_gateway(collector: StandIn) -> None:
    """Traces alone go by gateways: a metric or log that arrived does not show whether a gateway works."""
    exporters = dict.fromkeys(("otlp_grpc/gateway-1", "otlp_grpc/gateway-2"), (0, 1))
    with backend({"/select/logsql/hits": (200, {"hits": [{"total": 1}]})}) as logs:
        report = asked_with(collector, page(exporters, 1), page(exporters, 2), victorialogs=logs.url)
    assert re.fullmatch(r"is found by its trace, [\d.]+ s after it was sent", line(report, "victorialogs: log").detail)


@pytest.mark.parametrize("exporter", ["kafka", "load_balancing"])
def test_gateways_behind_a_hash_all_get_some(collector: StandIn, exporter: str) -> None:
    """Which gets which is not known: traces with sixteen different ends reach all."""
    asked_with(collector, page({exporter: (0, 1)}, 1), page({exporter: (0, 2)}, 2))
    assert len({span.trace_id.hex()[-1] for span, _ in collector.spans()}) == 16


# ── The stack that runs here ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def stack(tmp_path: Path, collector: StandIn) -> Iterator[Path]:
    """The folder of a stack whose Collector is the stand-in, and of whose other programs nothing listens."""
    ports = {f"{program.name}.{port.use}": 9 for program in PROFILES["minimal"] for port in program.ports}
    with state.holding(tmp_path):
        state.write(tmp_path, "minimal", {**ports, "collector.otlp_grpc": int(collector.grpc.rpartition(":")[2])})
        yield tmp_path


def test_a_stack_that_is_sent_to_shows_missing_programs(collector: StandIn, stack: Path) -> None:
    """Its backends are asked at its own ports, and all that do not answer are named, with where their log is."""
    report = examine(environ(collector), timeout=SOON, data=stack, jaeger="", prometheus="", otelcol="")
    assert (
        line(report, "stack").detail
        == "jaeger, prometheus, criticalpath, collector of the profile minimal do not respond"
    )
    assert str(stack / "logs" / "jaeger.log") in line(report, "stack").hint
    away = dict.fromkeys(("collector", "jaeger", "prometheus"), "nothing_listens")
    assert failures(report) == {"stack": "not_ready", **away, "log kept": "unconfirmed"}
    assert "127.0.0.1:9" in line(report, "jaeger").detail


def test_a_stack_of_another_version_is_left_alone(collector: StandIn, stack: Path) -> None:
    """It wrote down other programs than this one knows: it may be asked at its usual ports, as anybody's."""
    state.write(stack, "minimal", {"collector.otlp_grpc": int(collector.grpc.rpartition(":")[2])})
    assert "stack" not in verdicts(examine(environ(collector), data=stack))


def test_a_stack_that_nothing_is_sent_to_is_left_alone(stack: Path) -> None:
    """The endpoint is of another stack: the local one is not queried."""
    with stand_in() as other:
        assert "stack" not in verdicts(examine(environ(other), data=stack))
