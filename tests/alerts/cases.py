"""What goes wrong in the series of `flow`, and which alerts must fire then: these and no others.

In: nothing. Out: cases, for each alert at least one. State: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dashboards.alerts.rule import Severity
from tests.alerts.flow import CLIENTS, Changes, keys

Labels = Mapping[str, str]
FLOW: Final = "from=now-1h&var-namespace=pamazon"


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert that fires: its name and labels, without `flow`; what it says, where the case is about it."""

    alert: str
    labels: Labels
    severity: Severity = "ticket"
    summary: str = ""
    dashboard: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What changes, and the alerts that fire.

    Attributes:
        about: the test's name.
        changes: during the incident.
        fires: all alerts at its end; the first are those that it is about.
        few: at a thousandth of the requests nothing fires; False where a single event is one too many.
    """

    about: str
    changes: Changes
    fires: Sequence[Firing]
    few: bool = True


def _job(service: str, **labels: str) -> Labels:
    return {"job": f"pamazon/{service}", **labels}


def _burning(
    slo: str, operation: str, times: Sequence[str] = (), *, service: str = "gateway", availability: bool = True
) -> tuple[Firing, Firing]:
    """Return page and ticket; `times` is how fast each says that the budget is spent."""
    alert = "SearchErrorBudgetBurns" if availability else "SearchLatencyBudgetBurns"
    labels = _job(service, slo=slo, search_operation=operation)
    what = "fails" if availability else f"is too slow ({slo})"
    said = [
        f"{operation} of pamazon/{service} {what}: the error budget is spent {each} times as fast as allowed"
        for each in times
    ] or ["", ""]
    board = f"/d/search-overview?{FLOW}&var-operation={operation}"
    return Firing(alert, labels, "page", said[0], board), Firing(alert, labels, "ticket", said[1], board)


IOS_FAILS: Final[Changes] = {
    **{("failed", "search", *who): {0.02: rate} for who, rate in ((("ios", "us"), 120.0), (("ios", "jp"), 60.0))},
    ("request", "search", "ios", "us"): {},
    ("request", "search", "ios", "jp"): {},
}
SLOW_SEARCHES: Final[Changes] = {
    **{("request", "search", who, where): {0.02: 0.5 * rate, 0.8: 0.5 * rate} for who, where, rate, _ in CLIENTS},
    **{("client", who, where): {way + 0.02: 0.5 * rate, way + 1.3: 0.5 * rate} for who, where, rate, way in CLIENTS},
}
_OF_GATEWAY: Final = (
    *(key for part in ("request", "failed", "documents", "size") for key in keys(part)),
    *(("export", signal, "gateway-1") for signal in ("spans", "metrics")),
)
GATEWAY_STILL: Final[Changes] = {key: {} for key in _OF_GATEWAY}
GATEWAY_GONE: Final[Changes] = {**dict.fromkeys(_OF_GATEWAY), ("info", "gateway-1"): None}

QDRANT_SEARCH: Final = _job("qdrant_indexer", search_operation="search", search_stage="qdrant_search")
COLD: Final[Changes] = {
    ("cache", outcome, each): rate
    for outcome, rate in (("hit", 0.0), ("miss", 300.0))
    for each in ("encoder-1", "encoder-2")
}

CASES: Final = (
    Case(
        "index requests fail",
        {("request", "index"): {}, ("failed", "index"): {0.02: 60.0}},
        _burning("availability", "index", ("98.31", "94.64")),
    ),
    Case(
        "a few searches fail for long",  # half a percent: too slow for a page, too many for a month
        {("failed", "search", "web", "de"): {0.02: 4.0}},
        _burning("availability", "search")[1:],
    ),
    Case(
        "a platform fails",
        IOS_FAILS,
        (
            Firing(
                "SearchClientsFail",
                _job("gateway", client_platform="ios", search_operation="search"),
                summary="100% of search requests fail for platform ios, and hardly any for the others",
                dashboard=f"/d/search-overview?{FLOW}&var-operation=search&var-platform=ios",
            ),
            *_burning("availability", "search"),
        ),
    ),
    Case(
        "half of the searches are slow",
        SLOW_SEARCHES,
        (
            *_burning("latency_server", "search", ("24.58", "23.89"), availability=False),
            *_burning("latency_client", "search", ("24.58", "23.89"), service="pamazon", availability=False),
        ),
    ),
    Case(
        "a region is slow on the way",
        {("way", "linux", "cl"): {0.45: 60.0}, ("client", "linux", "cl"): {0.47: 60.0}},
        (
            Firing(
                "SearchClientsSlowOnTheWay",
                {"client_region": "cl", "search_operation": "search"},
                summary="search requests of region cl are 419.3ms longer on the way than those of the others",
                dashboard="/d/search-overview?from=now-1h&var-operation=search&var-region=cl",
            ),
        ),
    ),
    Case(
        "a region is slow inside",
        {("request", "search", "linux", "cl"): {0.22: 60.0}, ("client", "linux", "cl"): {0.37: 60.0}},
        (
            Firing(
                "SearchClientsSlowInside",
                _job("gateway", client_region="cl", search_operation="search"),
                summary="search takes 193ms longer inside pamazon/gateway for region cl than for the others",
                dashboard=f"/d/search-overview?{FLOW}&var-operation=search&var-region=cl",
            ),
        ),
    ),
    Case(
        "a bulk job of another platform and region takes longer than interactive requests",
        {("request", "bulk", "_other", "_other"): {2.0: 60.0}, ("way", "bulk", "_other", "_other"): {0.9: 60.0}},
        (),
    ),
    Case(
        "a bulk job without platform and region takes longer than interactive requests",
        {("request", "bulk"): {2.0: 60.0}, ("way", "bulk"): {0.9: 60.0}},
        (),
    ),
    Case(
        "index requests are empty",
        {("documents", "index"): {0.0: 60.0}},
        (
            Firing(
                "SearchRequestsEmpty",
                _job("gateway", search_operation="index"),
                summary="100% of the requests of index at pamazon/gateway have no documents",
                dashboard=f"/d/search-overview?{FLOW}&var-operation=index",
            ),
        ),
    ),
    Case(
        "index requests are large",
        {("size", "index"): {4_000_000.0: 30.0, 40_000.0: 30.0}},
        (
            Firing(
                "SearchRequestsTooLarge",
                _job("gateway", search_operation="index"),
                summary="50% of the requests of index at pamazon/gateway are larger than 1 MiB",
                dashboard=f"/d/search-stage?{FLOW}&var-operation=index",
            ),
        ),
    ),
    Case(
        "searches find nothing",
        {("results",): {0.0: 300.0, 10.0: 300.0}},
        (
            Firing(
                "SearchResultsEmpty",
                _job("qdrant_indexer", search_operation="search"),
                summary="50% of the requests of search at pamazon/qdrant_indexer find nothing",
                dashboard=f"/d/search-overview?{FLOW}&var-operation=search",
            ),
        ),
    ),
    Case(
        "a version is slow",
        {("stage", "encoder-2"): {0.223: 180.0}},
        (
            Firing(
                "SearchVersionSlower",
                _job("clip_encoder", search_stage="forward", service_version="2.0.0"),
                summary="Stage forward of pamazon/clip_encoder takes 220ms longer in version 2.0.0 than in the others",
                dashboard=f"/d/search-stage?{FLOW}&var-service=clip_encoder&var-stage=forward",
            ),
            Firing("SearchStageSlower", _job("clip_encoder", search_stage="forward")),
        ),
    ),
    Case(
        "a process is slow",
        {("stage", "indexer-2"): {0.158: 300.0}},
        (
            Firing(
                "SearchReplicaSlower",
                {**QDRANT_SEARCH, "instance": "indexer-2", "service_version": "0.1.0"},
                summary="Stage qdrant_search of pamazon/qdrant_indexer takes 150ms longer in process indexer-2 "
                "than in the others",
                dashboard=f"/d/search-stage?{FLOW}&var-service=qdrant_indexer&var-stage=qdrant_search",
            ),
            Firing("SearchStageSlower", QDRANT_SEARCH),
        ),
    ),
    Case(
        "a stage is slow everywhere",
        {("stage", "encoder-1"): {0.123: 180.0}, ("stage", "encoder-2"): {0.123: 180.0}},
        (
            Firing(
                "SearchStageSlower",
                _job("clip_encoder", search_stage="forward"),
                summary="Stage forward of pamazon/clip_encoder takes 89.8ms longer than before",
                dashboard=f"/d/search-stage?{FLOW}&var-service=clip_encoder&var-stage=forward",
            ),
        ),
    ),
    Case(
        "a pool is full",
        {("active", "indexer-1"): 4},
        (
            Firing(
                "SearchPoolSaturated",
                _job("qdrant_indexer", search_stage="qdrant"),
                summary="pamazon/qdrant_indexer, pool qdrant: 100% of the threads are busy",
                dashboard=f"/d/search-stage?{FLOW}&var-service=qdrant_indexer&var-stage=qdrant",
            ),
        ),
        few=False,
    ),
    Case(
        "texts wait",
        {("waits", "encoder-1"): {0.4: 150.0}, ("waits", "encoder-2"): {0.4: 150.0}},
        (
            Firing(
                "SearchQueueWait",
                _job("clip_encoder", search_stage="encode_text_batch"),
                summary="Queue of encode_text_batch in pamazon/clip_encoder: one of twenty calls waits "
                "487.5ms or longer",
                dashboard=f"/d/search-stage?{FLOW}&var-service=clip_encoder&var-stage=encode_text_batch",
            ),
        ),
    ),
    Case(
        "the cache finds nothing",
        COLD,
        (
            Firing(
                "SearchCacheCold",
                _job("clip_encoder", search_cache_name="queries"),
                summary="Cache queries of pamazon/clip_encoder answers 0% of its lookups, "
                "less than half of the usual share",
                dashboard=f"/d/search-encoder?{FLOW}&var-service=clip_encoder",
            ),
        ),
    ),
    Case(
        "batches are tiny",
        {("batch", "encode_picture_batch", each): {1.0: 240.0} for each in ("encoder-1", "encoder-2")},
        (
            Firing(
                "SearchBatchesTiny",
                _job("clip_encoder", search_stage="inference"),
                summary="pamazon/clip_encoder encodes documents one by one: 0 batches of several documents per "
                "call of stage inference that has several",
                dashboard=f"/d/search-encoder?{FLOW}&var-service=clip_encoder",
            ),
        ),
    ),
    Case(
        "spans are dropped",
        {("dropped", "spans", "gateway-1"): 100},
        (
            Firing(
                "SearchTelemetryDropped",
                _job("gateway", search_telemetry_signal="spans", search_telemetry_reason="queue_full"),
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
                _job("gateway", search_telemetry_signal="spans"),
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
                _job("gateway"),
                "page",
                summary="pamazon/gateway sends nothing: no process of it exported metrics in the last 5m",
                dashboard=f"/d/search-telemetry?{FLOW}&var-service=gateway",
            ),
        ),
        few=False,
    ),
    Case("a service is gone", GATEWAY_GONE, (Firing("SearchTelemetrySilent", _job("gateway"), "page"),), few=False),
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
