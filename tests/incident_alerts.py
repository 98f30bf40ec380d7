"""Which alert finds each incident of the demo, with the labels at fault, and which pages are right beside it.

In: nothing. Out: `FOUND_BY`. State: none. The incident test demands these on the real stack, and no other page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Found:
    """How an incident is found.

    Attributes:
        alert: fires.
        labels: that it has at least.
        pages: alerts that may page, since users are not served; the one that fires, too.
    """

    alert: str
    labels: Mapping[str, str]
    pages: frozenset[str] = frozenset()


_FAILS: Final = frozenset({"SearchErrorBudgetBurns"})
_SILENT: Final = frozenset({"SearchTelemetrySilent"})


def _stage(service: str, stage: str, **labels: str) -> Mapping[str, str]:
    return {"job": f"pamazon/{service}", "search_stage": stage, **labels}


def _gateway(**labels: str) -> Mapping[str, str]:
    return {"job": "pamazon/gateway", **labels}


FOUND_BY: Final[Mapping[str, Found]] = {
    "slow-replica": Found("SearchReplicaSlower", _stage("qdrant_indexer", "qdrant_search")),
    "tiny-batches": Found("SearchBatchesTiny", _stage("clip_encoder", "inference")),
    "pool-starvation": Found("SearchPoolSaturated", _stage("qdrant_indexer", "qdrant")),
    "queue-saturation": Found("SearchQueueWait", _stage("clip_encoder", "encode_text_batch"), _FAILS),
    "chile-slow-link": Found("SearchClientsSlowOnTheWay", {"client_region": "cl", "search_operation": "search"}),
    "chile-slow-server": Found("SearchClientsSlowInside", _gateway(client_region="cl", search_operation="search")),
    "platform-fails": Found("SearchClientsFail", _gateway(client_platform="ios", search_operation="search"), _FAILS),
    "empty-index": Found("SearchRequestsEmpty", _gateway(search_operation="index")),
    "oversize-documents": Found("SearchRequestsTooLarge", _gateway(search_operation="index")),
    "poison-documents": Found("SearchErrorBudgetBurns", _gateway(search_operation="index", severity="page"), _FAILS),
    "slow-version": Found("SearchVersionSlower", _stage("clip_encoder", "forward", service_version="2.0.0")),
    "encoder-throttled": Found("SearchStageSlower", _stage("clip_encoder", "forward")),
    "cold-cache": Found("SearchCacheCold", {"job": "pamazon/clip_encoder"}),
    "collector-away": Found("SearchTelemetrySilent", {"severity": "page"}, _SILENT),
}
"""From the incident's name."""
