"""The incidents: what happens in each, which signal moves, and where it acts. Nothing else names them.

An incident acts in the processes of a role (`roles`), or in `pamazon load`, which then sends other requests. No signal
has its name: boards and alerts must find it by what it does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from demo_flow.errors import PamazonError
from telemetry.errors import did_you_mean

MOST_SECONDS: Final = 600.0
"""An incident ends by itself after this time, or earlier."""

TWO_INDEXERS: Final = "pamazon up --index-replicas 2"
TWO_VERSIONS: Final = "pamazon up --split 50 --version-label 2.0.0"

ENCODER, INDEXER, GATEWAY = "clip_encoder", "qdrant_indexer", "gateway"


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident.

    `roles` are those whose processes it acts in, without any it is played by `pamazon load`; `option` is how Pamazon
    must have been started: then it acts only in the second process of its role. It acts at the `place` of that name in
    an executor: `delay` in seconds is what each request waits there, if it comes from `region` or `platform`.
    """

    name: str
    happens: str
    moves: str
    roles: tuple[str, ...] = ()
    option: str | None = None
    place: str = ""
    delay: float = 0.0
    region: str | None = None
    platform: str | None = None


_ALL: Final = (
    Incident(
        "slow-replica",
        "The second replica of the index answers each search 150 ms later.",
        "`search.stage.duration` of `qdrant_search`, in one of the two indexers",
        roles=(INDEXER,), option=TWO_INDEXERS, place="qdrant_search", delay=0.15,
    ),
    Incident(
        "tiny-batches",
        "The encoder takes one document at a time, so that a request of many needs many forward passes.",
        "`search.batch.size` falls to 1, `search.stage.duration` of `inference` rises for `/index`",
        roles=(ENCODER,), place="batches",
    ),
    Incident(
        "pool-starvation",
        "Other work holds all threads of the index's pool, 300 ms at a time.",
        "`search.stage.active` reaches `search.stage.limit`, `search.queue.wait.duration` of the pool rises",
        roles=(INDEXER,), place="pool", delay=0.3,
    ),
    Incident(
        "queue-saturation",
        "The model starts two texts every 400 ms, and the queue before it takes only eight.",
        "`search.queue.length` reaches 8, `search.queue.wait.duration` rises, requests fail with `QueueFull`",
        roles=(ENCODER,), place="texts", delay=0.4,
    ),
    Incident(
        "chile-slow-link",
        "Requests from Chile take 300 ms longer to reach the gateway.",
        "`search.client.duration` and `search.transit.duration` of region `cl`; nothing in the gateway",
        place="link", delay=0.3, region="cl",
    ),
    Incident(
        "chile-slow-server",
        "The index answers searches from Chile 200 ms later.",
        "`search.request.duration` of region `cl`, `search.stage.duration` of `qdrant_search`",
        roles=(INDEXER,), place="qdrant_search", delay=0.2, region="cl",
    ),
    Incident(
        "platform-fails",
        "Searches of iOS arrive at the index with a vector of half its length, which it refuses.",
        "`search.request.duration` of platform `ios` with outcome `error`",
        roles=(INDEXER,), place="vector", platform="ios",
    ),
    Incident(
        "empty-index",
        "Requests of `/index` have no documents.",
        "`search.request.empty` of operation `index` rises",
        place="documents",
    ),
    Incident(
        "oversize-documents",
        "Requests of `/index` have two pictures of 2 MB each.",
        "`search.request.size` of `index` rises",
        place="documents",
    ),
    Incident(
        "poison-documents",
        "One document in each request of `/index` has a payload that is not JSON.",
        "`search.request.duration` of operation `index` with outcome `error`",
        place="documents",
    ),
    Incident(
        "slow-version",
        "The second version of the encoder needs 120 ms more for each forward pass.",
        "`search.stage.duration` of `forward`, of one `service.version`",
        roles=(ENCODER,), option=TWO_VERSIONS, place="forward", delay=0.12,
    ),
    Incident(
        "encoder-throttled",
        "Every encoder needs 120 ms more for each forward pass.",
        "`search.stage.duration` of `forward`, in all encoders",
        roles=(ENCODER,), place="forward", delay=0.12,
    ),
    Incident(
        "cold-cache",
        "The encoder forgets the query vectors that it has cached, again and again.",
        "`search.cache.lookups` with outcome `miss` instead of `hit`",
        roles=(ENCODER,), place="cache",
    ),
    Incident(
        "collector-away",
        "No process of Pamazon reaches the collector.",
        "series have a gap, `search.telemetry.export.duration` gets an `error.type`; `search.telemetry.dropped` rises, "
        "for spans and logs once their queues are full",
        roles=(GATEWAY, ENCODER, INDEXER), place="collector",
    ),
)  # fmt: skip

INCIDENTS: Final[Mapping[str, Incident]] = {incident.name: incident for incident in _ALL}
"""All of them, by name."""


def named(name: str) -> Incident:
    """Return the incident of this name. Raises PamazonError, which has the nearest."""
    if name not in INCIDENTS:
        hint = did_you_mean(name, INCIDENTS) or f"Choose from: {', '.join(INCIDENTS)}."
        raise PamazonError(f"There is no incident {name!r}.", hint)
    return INCIDENTS[name]
