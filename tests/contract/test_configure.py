"""`configure` in processes of its own, before a collector of gRPC and HTTP."""

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
                        "search.margin": 0.4,
                    },
                ),
                ("/search", {"search.operation": "search", "search.entry": True, "len_docs": 2}),
            ]
            * 3
        )
        assert [point.count for point in collector.metric("search.request.duration")] == [3]
        assert [point.as_int for point in collector.metric("search.documents")] == [6]

    @pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
    def test_no_proxy_stands_before_a_collector_on_this_machine(self, collector: StandIn, protocol: str) -> None:
        """Whatever `http_proxy` is: a proxy could not reach it."""
        nobody = "http://127.0.0.1:1"
        ended = python(
            f"telemetry.configure('clip_encoder')\n{SEARCHES}",
            "1",
            http_proxy=nobody,
            https_proxy=nobody,
            OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc if protocol == "grpc" else collector.http,
        )
        assert (ended.status, ended.err) == (0, "")
        assert len(collector.spans()) == 2

    def test_every_kind_of_metric_arrives(self, collector: StandIn) -> None:
        """What we add up and what the SDK does stand under one scope; neither hides the other, and all is counted."""
        ended = python(
            f"handle = telemetry.configure('indexer')\n{SEARCHES}\ntelemetry.index_points('goods', 7)\n"
            "handle.shutdown(5)\nshow(handle.stats.metrics.exported)",
            "1",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        )
        assert [point.as_int or point.as_double for point in collector.metric("search.index.points")] == [7]
        assert [point.count for point in collector.metric("search.stage.duration")] == [1]
        dropped = collector.metric("search.telemetry.dropped")
        assert {point.as_int for point in dropped} == {0}
        assert [collector.data_points()] == ended.shown

    def test_the_resource_names_the_service(self, collector: StandIn) -> None:
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
logging.getLogger().addHandler(logging.NullHandler())
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
        """An alert needs the counter before the first loss."""
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
    def test_flush_and_shutdown_return_the_truth(self, collector: StandIn) -> None:
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
        """The stock exporters hide what the collector refuses; here it is counted and reported once."""
        answer = ExportTraceServiceResponse()
        answer.partial_success.rejected_spans = 3
        answer.partial_success.error_message = "too old"
        collector.reply = answer.SerializeToString()
        ended = python(
            f"""
handle = telemetry.configure("x", endpoint=sys.argv[2], metrics="none")
{SEARCHES}
show(handle.flush())
show([handle.stats.exported, handle.stats.dropped["partial_success"]])
            """,
            "2",
            collector.grpc,
        )
        assert ended.shown == [False, [1, 3]]
        assert ended.err.count("rejected 3 spans: too old (logged once)") == 1

    @pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
    def test_a_busy_collector_is_asked_again_at_the_time_it_sets(self, collector: StandIn, protocol: str) -> None:
        """`RetryInfo` and `Retry-After` are honoured, and nothing is lost."""
        detail = AnyMessage()
        detail.Pack(RetryInfo())
        details = Status(code=8, details=[detail]).SerializeToString()
        grpc_refusal = (StatusCode.RESOURCE_EXHAUSTED, (("grpc-status-details-bin", details),))
        collector.refusals = [grpc_refusal if protocol == "grpc" else (429, {"Retry-After": "0"})] * 2
        ended = python(
            f"""
handle = telemetry.configure("x", endpoint=sys.argv[2], protocol=sys.argv[3], metrics="none")
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
handle = telemetry.configure("x", endpoint=sys.argv[2], metrics="none")
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
        """The process ends long before its time is up, and reports once for each signal what is wrong."""
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
