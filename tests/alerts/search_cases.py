"""What goes wrong with requests and stages, and the alerts that fire: for each of these alerts at least one case."""

from collections.abc import Sequence
from typing import Final

from tests.alerts.case import FLOW, Case, Firing, job
from tests.alerts.flow import CLIENTS, Changes


def _burning(
    slo: str, operation: str, times: Sequence[str] = (), *, service: str = "gateway", availability: bool = True
) -> tuple[Firing, Firing]:
    """Return page and ticket; `times` is how fast each says that the budget is spent."""
    alert = "SearchErrorBudgetBurns" if availability else "SearchLatencyBudgetBurns"
    labels = job(service, slo=slo, search_operation=operation)
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

QDRANT_SEARCH: Final = job("qdrant_indexer", search_operation="search", search_stage="qdrant_search")
COLD: Final[Changes] = {
    ("cache", outcome, each): rate
    for outcome, rate in (("hit", 0.0), ("miss", 300.0))
    for each in ("encoder-1", "encoder-2")
}

SEARCH_CASES: Final = (
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
                job("gateway", client_platform="ios", search_operation="search"),
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
                job("gateway", client_region="cl", search_operation="search"),
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
                job("gateway", search_operation="index"),
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
                job("gateway", search_operation="index"),
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
                job("qdrant_indexer", search_operation="search"),
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
                job("clip_encoder", search_stage="forward", service_version="2.0.0"),
                summary="Stage forward of pamazon/clip_encoder takes 220ms longer in version 2.0.0 than in the others",
                dashboard=f"/d/search-stage?{FLOW}&var-service=clip_encoder&var-stage=forward",
            ),
            Firing("SearchStageSlower", job("clip_encoder", search_stage="forward")),
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
                job("clip_encoder", search_stage="forward"),
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
                job("qdrant_indexer", search_stage="qdrant"),
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
                job("clip_encoder", search_stage="encode_text_batch"),
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
                job("clip_encoder", search_cache_name="queries"),
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
                job("clip_encoder", search_stage="inference"),
                summary="pamazon/clip_encoder encodes documents one by one: 0 batches of several documents per "
                "call of stage inference that has several",
                dashboard=f"/d/search-encoder?{FLOW}&var-service=clip_encoder",
            ),
        ),
    ),
)
