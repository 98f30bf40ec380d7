"""What goes wrong with telemetry itself, and the alerts that fire: for each of these alerts at least one case."""

from typing import Final

from tests.alerts.case import FLOW, Case, Firing, job
from tests.alerts.flow import Changes, keys

_OF_GATEWAY: Final = (
    *(key for part in ("request", "failed", "documents", "size") for key in keys(part)),
    *(("export", signal, "gateway-1") for signal in ("spans", "metrics")),
)
GATEWAY_STILL: Final[Changes] = {key: {} for key in _OF_GATEWAY}
GATEWAY_GONE: Final[Changes] = {**dict.fromkeys(_OF_GATEWAY), ("info", "gateway-1"): None}

TELEMETRY_CASES: Final = (
    Case(
        "spans are dropped",
        {("dropped", "spans", "gateway-1"): 100},
        (
            Firing(
                "SearchTelemetryDropped",
                job("gateway", search_telemetry_signal="spans", search_telemetry_reason="queue_full"),
                summary="pamazon/gateway dropped 1k spans (queue_full)",
                dashboard=f"/d/search-telemetry?{FLOW}&var-service=gateway",
            ),
        ),
        few=False,
    ),
    Case(
        "exports fail, as never before",
        {("export failed", "spans", "gateway-1"): 3},
        (
            Firing(
                "SearchExportsFail",
                job("gateway", search_telemetry_signal="spans"),
                summary="pamazon/gateway: 30 exports of spans failed",
                dashboard=f"/d/search-telemetry?{FLOW}&var-service=gateway",
            ),
        ),
    ),
    Case(
        "a service stands still",
        GATEWAY_STILL,
        (
            Firing(
                "SearchTelemetrySilent",
                job("gateway"),
                "page",
                summary="pamazon/gateway sends nothing: no process of it exported metrics in the last 5m",
                dashboard=f"/d/search-telemetry?{FLOW}&var-service=gateway",
            ),
        ),
        few=False,
    ),
    Case("a service is gone", GATEWAY_GONE, (Firing("SearchTelemetrySilent", job("gateway"), "page"),), few=False),
    Case(
        "the collector is away",
        {("up", "pipeline"): 0, ("up", "otelcol"): 0},
        (
            Firing(
                "SearchCollectorDown",
                {"job": "pipeline", "instance": "127.0.0.1:8889", "collector": "collector"},
                "page",
                summary="The Collector collector at 127.0.0.1:8889 does not answer Prometheus",
                dashboard="/d/search-telemetry?from=now-1h",
            ),
            Firing("SearchTargetDown", {"job": "otelcol", "instance": "127.0.0.1:8888", "collector": "collector"}),
        ),
        few=False,
    ),
    Case(
        "a target is away",
        {("up", "jaeger"): 0},
        (
            Firing(
                "SearchTargetDown",
                {"job": "jaeger", "instance": "127.0.0.1:14888"},
                summary="jaeger at 127.0.0.1:14888 does not answer Prometheus",
                dashboard="/d/search-telemetry?from=now-1h",
            ),
        ),
        few=False,
    ),
    Case(
        "the collector cannot deliver",
        {("send failed",): 10},
        (
            Firing(
                "SearchCollectorLoses",
                {"collector": "collector", "exporter": "otlp_grpc/jaeger"},
                summary="The Collector collector to otlp_grpc/jaeger lost or refused 100 items",
                dashboard="/d/search-telemetry?from=now-1h",
            ),
        ),
        few=False,
    ),
    Case(
        "the collector refuses",
        {("refused",): 10},
        (Firing("SearchCollectorLoses", {"collector": "collector", "receiver": "otlp"}),),
        few=False,
    ),
    Case(
        "the collector's queue is full",
        {("queue",): 900},
        (
            Firing(
                "SearchCollectorQueueFull",
                {"collector": "collector", "exporter": "otlp_grpc/jaeger"},
                summary="The queue of the Collector collector to otlp_grpc/jaeger is 90% full",
                dashboard="/d/search-telemetry?from=now-1h",
            ),
        ),
        few=False,
    ),
    Case(
        "rules fail",
        {("rules",): 1},
        (
            Firing(
                "SearchRulesFail",
                {"instance": "127.0.0.1:9090", "rule_group": "rules/search_slo.yml;search_slo"},
                summary="Prometheus 127.0.0.1:9090 could not evaluate rules of rules/search_slo.yml;search_slo",
                dashboard="/d/search-telemetry?from=now-1h",
            ),
        ),
        few=False,
    ),
    Case(
        "messages are not delivered",
        {("notifications",): 1},
        (
            Firing(
                "SearchAlertsNotDelivered",
                {"instance": "127.0.0.1:9093", "integration": "webhook", "reason": "serverError"},
                summary="Alertmanager 127.0.0.1:9093 could not deliver 10 notifications by webhook (serverError)",
                dashboard="/d/search-telemetry?from=now-1h",
            ),
        ),
        few=False,
    ),
)
