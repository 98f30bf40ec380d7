"""`configure` in processes of its own, before a collector of gRPC and HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from grpc import StatusCode
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.otlp_stand_in import StandIn, attributes, stand_in
from tests.unit.own_process import python

SEARCHES = """
@telemetry.endpoint("/search")
def search(docs):
    with telemetry.stage("qdrant_search", {"db.system.name": "qdrant", "db.operation.name": "query"}):
        telemetry.results(scores=[0.9, 0.5])

for _ in range(int(sys.argv[1])):
    search(["a", "b"])
"""


@pytest.fixture
def collector() -> Iterator[StandIn]:
    """A collector."""
    with stand_in() as collector:
        yield collector


class TestExport:
    def test_traces_and_metrics_leave_by_themselves(self, collector: StandIn) -> None:
        """One line configures a process; what it did is there when it has ended, without another line."""
        ended = python(
            f"telemetry.configure('clip_encoder')\n{SEARCHES}", "3", OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc
        )
        assert (ended.status, ended.err) == (0, "")
        spans = [(span.name, attributes(span.attributes)) for span, _ in collector.spans()]
        assert (
            spans
            == [
                (
                    "qdrant_search",
                    {
                        "search.operation": "search",
                        "db.system.name": "qdrant",
                        "db.operation.name": "query",
                        "search.hits": 2,
                        "search.top_score": 0.9,
                    },
                ),
                ("/search", {"search.operation": "search", "len_docs": 2}),
            ]
            * 3
        )
        assert [point.count for point in collector.metric("search.request.duration")] == [3]
        assert [point.as_int for point in collector.metric("search.documents")] == [6]

    def test_the_resource_says_who_it_was(self, collector: StandIn) -> None:
        """Arguments go before variables, variables before what is found out."""
        python(
            f"telemetry.configure('clip_encoder', namespace='pamazon', version='1.2')\n{SEARCHES}",
            "1",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
            OTEL_SERVICE_NAME="inherited",
            OTEL_RESOURCE_ATTRIBUTES="team=search,service.version=0,host.name=here",
            KUBERNETES_SERVICE_HOST="10.0.0.1",
            POD_NAME="encoder-0",
        )
        resource = collector.spans()[0][1]
        assert resource.pop("service.instance.id")
        assert {name: value for name, value in resource.items() if not name.startswith("telemetry.")} == {
            "service.name": "clip_encoder",
            "service.namespace": "pamazon",
            "service.version": "1.2",
            "team": "search",
            "host.name": "here",
            "k8s.pod.name": "encoder-0",
        }

    @pytest.mark.parametrize("compression", ["none", "gzip"])
    @pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
    def test_both_protocols_carry_all_signals(self, collector: StandIn, protocol: str, compression: str) -> None:
        """Headers, compression and paths are right for every signal on either protocol."""
        ended = python(
            f"""
telemetry.configure("x", logs="otlp", headers={{"Authorization": "Bearer secret"}})
{SEARCHES}
logging.getLogger("shop").warning("sold out")
            """,
            "1",
            OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc if protocol == "grpc" else collector.http,
            OTEL_EXPORTER_OTLP_COMPRESSION=compression,
        )
        assert (ended.status, ended.err) == (0, "")
        assert {signal for signal, _, _ in collector.requests} == {"traces", "metrics", "logs"}
        assert {headers["authorization"] for _, _, headers in collector.requests} == {"Bearer secret"}

    def test_each_signal_may_have_its_own_collector(self, collector: StandIn) -> None:
        """The variable of one signal goes before the variable of all."""
        with stand_in() as other:
            python(
                f"telemetry.configure('x')\n{SEARCHES}",
                "1",
                OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
                OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"{other.http}/custom/metrics",
                OTEL_EXPORTER_OTLP_METRICS_PROTOCOL="http/protobuf",
            )
            assert {signal for signal, _, _ in collector.requests} == {"traces"}
            assert {signal for signal, _, _ in other.requests} == {"metrics"}

    def test_metrics_are_exact_while_no_trace_is_kept(self, collector: StandIn) -> None:
        """Sampling decides over traces alone."""
        python(
            f"telemetry.configure('x')\n{SEARCHES}",
            "25",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
            OTEL_TRACES_SAMPLER="always_off",
        )
        assert collector.got("traces") == []
        assert [point.count for point in collector.metric("search.request.duration")] == [25]
        assert [point.count for point in collector.metric("search.stage.duration")] == [25]
        assert [point.count for point in collector.metric("search.results")] == [25]
        assert [point.as_int for point in collector.metric("search.documents")] == [50]

    def test_exemplars_lead_from_a_metric_to_its_trace(self, collector: StandIn) -> None:
        """A value is recorded when its span has left the context; its exemplar names the span all the same."""
        python(f"telemetry.configure('x')\n{SEARCHES}", "1", OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc)
        span_ids = {span.name: span.span_id for span, _ in collector.spans()}
        exemplars = {
            name: [exemplar.span_id for point in collector.metric(name) for exemplar in point.exemplars]
            for name in ("search.request.duration", "search.stage.duration", "db.client.operation.duration")
        }
        assert exemplars == {
            "search.request.duration": [span_ids["/search"]],
            "search.stage.duration": [span_ids["qdrant_search"]],
            "db.client.operation.duration": [span_ids["qdrant_search"]],
        }

    def test_buckets_are_the_declared_ones(self, collector: StandIn) -> None:
        """Histograms have the buckets of the vocabulary."""
        from telemetry import conventions as c

        python(f"telemetry.configure('x')\n{SEARCHES}", "1", OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc)
        for metric in (c.REQUEST_DURATION, c.RESULTS, c.RESULT_SCORE):
            assert {tuple(point.explicit_bounds) for point in collector.metric(metric.name)} == {metric.buckets}

    def test_every_reason_has_its_series_from_the_start(self, collector: StandIn) -> None:
        """A counter that never was is no counter that one can alert on."""
        python("telemetry.configure('x')", OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc)
        dropped = collector.metric("search.telemetry.dropped")
        assert {tuple(sorted(attributes(point.attributes).values())) for point in dropped} == {
            tuple(sorted((signal, reason)))
            for signal in ("spans", "metrics")
            for reason in ("queue_full", "export_failed", "deadline", "after_shutdown", "partial_success")
        }
        assert {point.as_int for point in (*dropped, *collector.metric("search.telemetry.overflow"))} == {0}

    def test_delta_sums_are_those_since_the_last_export(self, collector: StandIn) -> None:
        """The standard variable of the temporality is honoured."""
        python(
            f"handle = telemetry.configure('x')\n{SEARCHES}\nhandle.flush()\nsearch([1])",
            "3",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
            OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="delta",
        )
        assert [point.as_int for point in collector.metric("search.documents")] == [1]


class TestTheBooks:
    def test_flush_and_shutdown_tell_the_truth(self, collector: StandIn) -> None:
        """After both, everything recorded is exported, and the snapshot of before has not changed."""
        ended = python(
            f"""
handle = telemetry.configure("x", endpoint=sys.argv[2])
{SEARCHES}
show(handle.flush())
before = handle.stats
search([1])
show(handle.shutdown())
search([1])
show([before.recorded, before.exported, handle.stats.recorded, handle.stats.exported, handle.stats.dropped])
show(handle.stats.owned)
            """,
            "5",
            collector.grpc,
        )
        flushed, shut, (recorded, exported, *after), owned = ended.shown
        assert (flushed, shut, owned) == (True, True, True)
        assert (recorded, exported) == (10, 10)
        none_but = dict.fromkeys(("queue_full", "export_failed", "deadline", "partial_success"), 0)
        assert after == [14, 12, {**none_but, "after_shutdown": 2}]

    def test_a_partial_success_is_seen(self, collector: StandIn) -> None:
        """The stock exporters hide what the collector refuses; here it is counted and told once."""
        answer = ExportTraceServiceResponse()
        answer.partial_success.rejected_spans = 3
        answer.partial_success.error_message = "too old"
        collector.reply = answer.SerializeToString()
        ended = python(
            f"""
handle = telemetry.configure("x", endpoint=sys.argv[2], metrics_exporter="none")
{SEARCHES}
show(handle.flush())
show([handle.stats.exported, handle.stats.dropped["partial_success"]])
            """,
            "2",
            collector.grpc,
        )
        assert ended.shown == [False, [1, 3]]
        assert ended.err.count("refused 3 spans: too old (said once)") == 1

    @pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
    def test_a_busy_collector_is_asked_again_when_it_says(self, collector: StandIn, protocol: str) -> None:
        """`RetryInfo` and `Retry-After` are honoured, and nothing is lost."""
        detail = AnyMessage()
        detail.Pack(RetryInfo())
        details = Status(code=8, details=[detail]).SerializeToString()
        grpc_refusal = (StatusCode.RESOURCE_EXHAUSTED, (("grpc-status-details-bin", details),))
        collector.refusals = [grpc_refusal if protocol == "grpc" else (429, {"Retry-After": "0"})] * 2
        ended = python(
            f"""
handle = telemetry.configure("x", endpoint=sys.argv[2], protocol=sys.argv[3], metrics_exporter="none")
{SEARCHES}
show(handle.flush(30))
            """,
            "1",
            collector.grpc if protocol == "grpc" else collector.http,
            protocol,
        )
        assert ended.shown == [True]
        assert len(collector.got("traces")) == 3

    def test_a_request_that_is_too_big_is_not_sent_for_ever(self, collector: StandIn) -> None:
        """RESOURCE_EXHAUSTED without a time to come back means never: the batch is lost, and counted."""
        collector.refusals = [(StatusCode.RESOURCE_EXHAUSTED, ())]
        ended = python(
            f"""
handle = telemetry.configure("x", endpoint=sys.argv[2], metrics_exporter="none")
{SEARCHES}
show(handle.flush(30))
show(handle.stats.dropped["export_failed"])
            """,
            "1",
            collector.grpc,
        )
        assert ended.shown == [False, 2]


class TestTheEnd:
    def test_a_hanging_collector_does_not_hang_the_exit(self, collector: StandIn) -> None:
        """The process ends when its time is up, with an export that would last a minute."""
        collector.hang.set()
        ended = python(
            f"telemetry.configure('x', timeout=60, exit_timeout=0.2)\n{SEARCHES}",
            "1",
            timeout=20,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        )
        assert ended.status == 0
        assert sorted(line.partition(" to ")[0] for line in ended.err.splitlines()) == [
            "metrics were not delivered",
            "spans were not delivered",
        ]

    def test_a_collector_that_is_away_does_not_keep_the_process(self) -> None:
        """The process ends long before its time is up, and says once for each signal what is wrong."""
        ended = python(
            f"telemetry.configure('x', exit_timeout=60)\n{SEARCHES}",
            "1",
            timeout=30,
            OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        )
        assert ended.status == 0
        assert sorted(line.partition(" cannot")[0] for line in ended.err.splitlines()) == ["metrics", "spans"]

    def test_the_hosts_own_failure_is_its_own(self, collector: StandIn) -> None:
        """A process that dies of an exception ends with its own status and traceback, its spans exported."""
        ended = python(
            f"telemetry.configure('x')\n{SEARCHES}\nraise SystemExit(3)",
            "1",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        )
        assert (ended.status, ended.err, len(collector.spans())) == (3, "", 2)


class TestOnce:
    def test_a_second_call_returns_the_same(self) -> None:
        """Other arguments are warned of, once; no arguments ask for what there is."""
        ended = python(
            """
first = telemetry.configure("x", endpoint="http://127.0.0.1:9", traces_exporter="none", metrics_exporter="none")
show([telemetry.configure() is first, telemetry.configure("y") is first, telemetry.configure("z") is first])
            """
        )
        assert ended.shown == [[True, True, True]]
        assert ended.err == (
            "telemetry is configured already; the other arguments of this second configure() are ignored\n"
        )

    def test_providers_of_the_user_are_used_as_they_are(self, collector: StandIn) -> None:
        """Spans and metrics go to the user's providers, which get no exporter, no flush and no shutdown of ours."""
        ended = python(
            f"""
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

class Theirs(SpanProcessor):
    calls = []
    def on_end(self, span):
        self.calls.append(span.name)
    def force_flush(self, timeout_millis=0):
        self.calls.append("flushed")
        return True
    def shutdown(self):
        self.calls.append("shut down")

provider = TracerProvider(resource=Resource({{"service.name": "theirs"}}), shutdown_on_exit=False)
provider.add_span_processor(Theirs())
trace.set_tracer_provider(provider)
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader], shutdown_on_exit=False))
handle = telemetry.configure("ours", endpoint=sys.argv[2])
{SEARCHES}
show([handle.flush(), handle.shutdown(), handle.stats.owned, handle.stats.logs.owned])
show([Theirs.calls, trace.get_tracer_provider() is provider, len(provider._active_span_processor._span_processors)])
found = [m for r in reader.get_metrics_data().resource_metrics for s in r.scope_metrics for m in s.metrics]
show([len(point.explicit_bounds) for m in found if m.name == "search.request.duration" for point in m.data.data_points])
            """,
            "1",
            collector.grpc,
        )
        assert ended.shown == [[True, True, False, True], [["qdrant_search", "/search"], True, 1], [17]]
        assert collector.requests == []

    def test_a_provider_without_configure_is_enough(self) -> None:
        """Whoever sets up OpenTelemetry alone needs no `configure`, at any time before or after the import."""
        ended = python(
            f"""
{SEARCHES}
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

class Theirs(SpanProcessor):
    def on_end(self, span):
        show(span.name)

provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(Theirs())
trace.set_tracer_provider(provider)
search([1])
            """,
            "1",
        )
        assert ended.shown == ["qdrant_search", "/search"]


class TestOff:
    @pytest.mark.parametrize("how", ["never configured", "disabled"])
    def test_nothing_happens(self, collector: StandIn, how: str) -> None:
        """No thread, no export, no SDK: user code runs as if there were no telemetry."""
        ended = python(
            f"""
import threading
if sys.argv[2] == "disabled":
    handle = telemetry.configure("x")
    show([handle.flush(), handle.shutdown(), handle.stats.recorded])
{SEARCHES}
with telemetry.stage("x") as span:
    span.set_attribute("a", 1)
    show(span.is_recording())
show([threading.active_count(), "opentelemetry.sdk" in sys.modules, "grpc" in sys.modules])
            """,
            "1",
            how,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
            OTEL_SDK_DISABLED="true" if how == "disabled" else "",
        )
        assert ended.shown[-2:] == [False, [1, False, False]]
        assert (ended.status, ended.err, collector.requests) == (0, "", [])

    def test_one_signal_alone(self, collector: StandIn) -> None:
        """`none` switches one signal off, and leaves the other."""
        python(
            f"telemetry.configure('x')\n{SEARCHES}",
            "4",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
            OTEL_TRACES_EXPORTER="none",
        )
        assert {signal for signal, _, _ in collector.requests} == {"metrics"}
        assert [point.count for point in collector.metric("search.request.duration")] == [4]


class TestMistakes:
    def test_all_are_told_at_once_and_no_secret(self) -> None:
        """A wrong configuration ends the start with one text for all mistakes."""
        ended = python(
            "telemetry.configure('x', sampler_arg=7)",
            OTEL_TRACES_SAMPLER="sometimes",
            OTEL_EXPORTER_OTLP_HEADERS="tok3n-without-a-name",
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="ftp://me:passw0rd@host:1",
        )
        assert ended.status == 1
        assert "4 settings are wrong:" in ended.err
        for name in ("sampler_arg", "OTEL_TRACES_SAMPLER=", "OTEL_EXPORTER_OTLP_HEADERS", "TRACES_ENDPOINT"):
            assert ended.err.count(name) == 1, name
        assert "tok3n" not in ended.err
        assert "passw0rd" not in ended.err

    def test_the_namesake_on_pypi_is_noticed(self, tmp_path: Path) -> None:
        """Another distribution that wants the same import name is warned of."""
        dist = tmp_path / "telemetry-2.0.8.dist-info"
        dist.mkdir()
        (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: telemetry\nVersion: 2.0.8\n")
        ended = python("telemetry.configure('x', disabled=True)", PYTHONPATH=str(tmp_path))
        assert "the package telemetry 2.0.8 is installed beside search-telemetry" in ended.err
