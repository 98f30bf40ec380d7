"""Every name this project emits: spans, attributes, metrics, units and buckets.

In: nothing. Out: constants that the other modules emit by, and the tables `SPANS`, `ATTRIBUTES` and `METRICS` from
which `docs/signals.md` is generated. State: none.

This is the only place where such a name is spelled. OpenTelemetry has no `search.*` namespace: those names are ours.
`rpc.*`, `db.*`, `error.type`, `server.*` and `network.*` follow the OpenTelemetry semantic conventions 1.44;
`len_docs`, `minibatch_size`, `has_img_da`, `has_txt_da` and the names of the encoding spans are those that users of
Jina and CLIP-as-service know.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

SCOPE: Final = "search-telemetry"
"""Name of the instrumentation scope: of our tracer, our meter and our logger."""
Signal = Literal["traces", "metrics", "logs"]
SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics", "logs")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute's contract.

    `type` is OpenTelemetry's name of the value's type. `limit` is the number of distinct values that metrics keep;
    further ones become `OTHER` and are counted. None: never on a metric.
    """

    name: str
    type: str
    brief: str
    limit: int | None = None


class Instrument(Enum):
    """The kinds of metric instruments in use, by their OpenTelemetry names."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"
    UP_DOWN_COUNTER = "updowncounter"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric's contract: its instrument, its UCUM unit, its attributes and, for a histogram, its bucket bounds.

    `signed`: its values may lie below zero; those of all others that do are faults, and are not recorded.
    """

    name: str
    instrument: Instrument
    unit: str
    brief: str
    attributes: tuple[Attribute, ...]
    buckets: tuple[float, ...] = ()
    signed: bool = False


@dataclass(frozen=True, slots=True)
class SpanName:
    """One span's contract: its name (or a pattern in braces), its kind, and the attributes it may carry."""

    name: str
    kind: str
    brief: str
    attributes: tuple[Attribute, ...]


OTHER: Final = "_other"
"""The value that stands for every attribute value beyond its limit."""

# ── Attributes: the request ──────────────────────────────────────────────────────────────────────────────────────────
SEARCH_OPERATION: Final = Attribute(
    "search.operation", "string", "What the request asks for: the endpoint's name without its slash.", limit=12
)
CLIENT_PLATFORM: Final = Attribute(
    "client.platform", "string", "Platform of the caller: web, ios, android, …", limit=12
)
CLIENT_REGION: Final = Attribute("client.region", "string", "Region of the caller.", limit=32)
BAGGAGE: Final = (SEARCH_OPERATION, CLIENT_PLATFORM, CLIENT_REGION)
"""Baggage entries that become attributes on every span of the request. All others stay baggage."""

SEARCH_STAGE: Final = Attribute("search.stage", "string", "Name of the stage, as given to `stage`.", limit=24)
SEARCH_OUTCOME: Final = Attribute(
    "search.outcome",
    "string",
    "`ok`; `rejected`: the caller's mistake; `cancelled`: the caller went away; `error`. Spans have the middle two.",
    limit=4,
)
ERROR_TYPE: Final = Attribute("error.type", "string", "Class of the exception, or the rpc status code.", limit=20)
LEN_DOCS: Final = Attribute("len_docs", "int", "Documents in the call.")
SEARCH_DOCS_TEXT: Final = Attribute(
    "search.docs.text",
    "string[]",
    "Where `capture_content` asks for it: how the texts of the first documents of the call begin.",
)
SEARCH_FIRST_ITEM_DURATION: Final = Attribute(
    "search.first_item.duration", "double", "Seconds until the first item of a streamed answer was there."
)

# ── Attributes: encoding ─────────────────────────────────────────────────────────────────────────────────────────────
MINIBATCH_SIZE: Final = Attribute("minibatch_size", "int", "Documents in one forward pass (or its upper bound).")
HAS_IMG_DA: Final = Attribute("has_img_da", "boolean", "The call holds pictures.")
HAS_TXT_DA: Final = Attribute("has_txt_da", "boolean", "The call holds texts.")
NUM_POOL_WORKERS: Final = Attribute("num_pool_workers", "int", "Threads that preprocess beside the forward pass.")
RUNTIME: Final = Attribute("runtime", "string", "What runs the model: onnx or torch.")
DEVICE: Final = Attribute("device", "string", "Where the model runs: cpu or cuda.")
MODEL: Final = Attribute("model", "string", "Name of the model, `architecture::pretrained` for OpenCLIP.")

# ── Attributes: dynamic batches ──────────────────────────────────────────────────────────────────────────────────────
SEARCH_BATCH_REQUESTS: Final = Attribute("search.batch.requests", "int", "Calls whose items the batch holds.")
SEARCH_BATCH_QUEUE_WAIT: Final = Attribute(
    "search.batch.queue_wait", "double", "Seconds that the call waited until its first batch began."
)
SEARCH_BATCH_SHARE: Final = Attribute(
    "search.batch.share",
    "double",
    "Seconds of batches that the call accounts for: their durations by its part of their items. Over all calls these"
    " add up to what the batches took.",
)

# ── Attributes: results ──────────────────────────────────────────────────────────────────────────────────────────────
SEARCH_HITS: Final = Attribute("search.hits", "int", "Results given back.")
SEARCH_TOP_SCORE: Final = Attribute("search.top_score", "double", "Highest score among the results.")
SEARCH_EXACT: Final = Attribute("search.exact", "boolean", "The index was searched exhaustively, without its graph.")
SEARCH_RANK: Final = Attribute("search.rank", "string", "`top1` for the best result, `topk` for all of them.", limit=2)

# ── Attributes: databases (stable conventions; `db.vector.query.top_k` is the de facto name for vector stores) ────────
DB_SYSTEM_NAME: Final = Attribute("db.system.name", "string", "`qdrant`.", limit=8)
DB_COLLECTION_NAME: Final = Attribute("db.collection.name", "string", "Collection searched or written.", limit=20)
DB_OPERATION_NAME: Final = Attribute("db.operation.name", "string", "`query`, `upsert` or `delete`.", limit=12)
DB_VECTOR_QUERY_TOP_K: Final = Attribute("db.vector.query.top_k", "int", "Results asked for.")

# ── Attributes: rpc (today's names, then the older ones that Sentry and Jaeger users filter by) ───────────────────────
RPC_SYSTEM_NAME: Final = Attribute("rpc.system.name", "string", "`grpc`.", limit=4)
RPC_METHOD: Final = Attribute("rpc.method", "string", "Fully qualified: `package.Service/Method`.", limit=40)
RPC_RESPONSE_STATUS_CODE: Final = Attribute("rpc.response.status_code", "string", "`OK`, `NOT_FOUND`, …", limit=20)
RPC_SYSTEM: Final = Attribute("rpc.system", "string", "Older name of `rpc.system.name`.")
RPC_SERVICE: Final = Attribute("rpc.service", "string", "Older convention: `package.Service`.")
RPC_GRPC_STATUS_CODE: Final = Attribute("rpc.grpc.status_code", "int", "Older convention: the numeric status.")
SERVER_ADDRESS: Final = Attribute("server.address", "string", "Host that the client calls.")
SERVER_PORT: Final = Attribute("server.port", "int", "Port that the client calls.")
NETWORK_PEER_ADDRESS: Final = Attribute("network.peer.address", "string", "Address of the calling process.")

# ── Attributes: the telemetry itself ─────────────────────────────────────────────────────────────────────────────────
TELEMETRY_SIGNAL: Final = Attribute("search.telemetry.signal", "string", "`spans`, `metrics` or `logs`.", limit=3)
TELEMETRY_REASON: Final = Attribute("search.telemetry.reason", "string", "Why items were dropped.", limit=5)
TELEMETRY_ATTRIBUTE: Final = Attribute(
    "search.telemetry.attribute", "string", "The attribute over its limit.", limit=20
)

# ── Attributes: the doctor ───────────────────────────────────────────────────────────────────────────────────────────
SEARCH_DOCTOR: Final = Attribute(
    "search.doctor",
    "string",
    "Random mark of one run of `telemetry doctor`, on what it sends alone; tail sampling keeps such traces.",
    limit=1,
)

# ── Attributes of the resource ───────────────────────────────────────────────────────────────────────────────────────
SERVICE_NAME: Final = Attribute("service.name", "string", "The executor's name, as given to `configure`.")
SERVICE_NAMESPACE: Final = Attribute("service.namespace", "string", "The flow's name.")
SERVICE_VERSION: Final = Attribute("service.version", "string", "The executor's version.")
SERVICE_INSTANCE_ID: Final = Attribute("service.instance.id", "string", "One process; new in a forked child.")
HOST_NAME: Final = Attribute("host.name", "string", "Name of the machine.")
DISTRO_NAME: Final = Attribute("telemetry.distro.name", "string", "`search-telemetry`.")
DISTRO_VERSION: Final = Attribute("telemetry.distro.version", "string", "Version of this library.")
K8S_POD_NAME: Final = Attribute("k8s.pod.name", "string", "In Kubernetes: the pod.")
K8S_POD_UID: Final = Attribute("k8s.pod.uid", "string", "In Kubernetes: the pod's id, where `POD_UID` tells it.")
K8S_NAMESPACE_NAME: Final = Attribute("k8s.namespace.name", "string", "In Kubernetes: the namespace.")
K8S_NODE_NAME: Final = Attribute("k8s.node.name", "string", "In Kubernetes: the node, where `NODE_NAME` tells it.")
RESOURCE: Final = (
    SERVICE_NAME, SERVICE_NAMESPACE, SERVICE_VERSION, SERVICE_INSTANCE_ID, HOST_NAME, DISTRO_NAME, DISTRO_VERSION,
    K8S_POD_NAME, K8S_POD_UID, K8S_NAMESPACE_NAME, K8S_NODE_NAME,
)  # fmt: skip
"""Attributes of the resource, which every signal of a process carries."""

# ── Buckets ──────────────────────────────────────────────────────────────────────────────────────────────────────────
# Fractional bounds throughout: integer `le` labels are spelled differently by different exporters (`0` and `0.0`).
SECONDS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.25, 2.5, 5.5, 10.5,
)  # fmt: skip
COUNTS: Final = (0.5, 1.5, 2.5, 4.5, 8.5, 16.5, 32.5, 64.5, 128.5, 256.5, 512.5, 1024.5)
SCORES: Final = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 0.995)
BYTES: Final = (64.5, 256.5, 1024.5, 4096.5, 16384.5, 65536.5, 262144.5, 1048576.5, 4194304.5, 16777216.5)

# ── Metrics ──────────────────────────────────────────────────────────────────────────────────────────────────────────
REQUEST_DURATION: Final = Metric(
    "search.request.duration", Instrument.HISTOGRAM, "s", "Duration of requests at an endpoint.",
    (SEARCH_OPERATION, SEARCH_OUTCOME, ERROR_TYPE), SECONDS,
)  # fmt: skip
FIRST_ITEM_DURATION: Final = Metric(
    "search.first_item.duration", Instrument.HISTOGRAM, "s", "Time until the first item of a streamed answer.",
    (SEARCH_OPERATION,), SECONDS,
)  # fmt: skip
STAGE_DURATION: Final = Metric(
    "search.stage.duration", Instrument.HISTOGRAM, "s", "Duration of stages.",
    (SEARCH_OPERATION, SEARCH_STAGE, ERROR_TYPE), SECONDS,
)  # fmt: skip
DOCUMENTS: Final = Metric(
    "search.documents", Instrument.COUNTER, "{document}", "Documents that endpoints were given.",
    (SEARCH_OPERATION, SEARCH_OUTCOME),
)  # fmt: skip
BATCH_SIZE: Final = Metric(
    "search.batch.size", Instrument.HISTOGRAM, "{document}",
    "Documents in each dynamic batch, and in each stage that names a `minibatch_size`.",
    (SEARCH_STAGE,), COUNTS,
)  # fmt: skip
QUEUE_WAIT_DURATION: Final = Metric(
    "search.queue.wait.duration", Instrument.HISTOGRAM, "s", "Time that calls waited until their batch began.",
    (SEARCH_OPERATION, SEARCH_STAGE), SECONDS,
)  # fmt: skip
QUEUE_LENGTH: Final = Metric(
    "search.queue.length", Instrument.UP_DOWN_COUNTER, "{document}", "Documents that wait for a batch.", (SEARCH_STAGE,)
)
REQUEST_SIZE: Final = Metric(
    "search.request.size", Instrument.HISTOGRAM, "By", "Size of request messages, as the server received them.",
    (SEARCH_OPERATION,), BYTES,
)  # fmt: skip
RESULTS: Final = Metric(
    "search.results", Instrument.HISTOGRAM, "{result}", "Results of each search.", (SEARCH_OPERATION,), COUNTS
)
RESULTS_EMPTY: Final = Metric(
    "search.results.empty", Instrument.COUNTER, "{request}", "Searches without a result.", (SEARCH_OPERATION,)
)
RESULT_SCORE: Final = Metric(
    "search.result.score", Instrument.HISTOGRAM, "1", "Scores of results, in the index's metric.",
    (SEARCH_OPERATION, SEARCH_RANK), SCORES, signed=True,
)  # fmt: skip
INDEX_POINTS: Final = Metric(
    "search.index.points", Instrument.GAUGE, "{point}", "Points in the collection.", (DB_COLLECTION_NAME,)
)
DB_CLIENT_OPERATION_DURATION: Final = Metric(
    "db.client.operation.duration", Instrument.HISTOGRAM, "s", "Duration of stages that call a database.",
    (DB_SYSTEM_NAME, DB_COLLECTION_NAME, DB_OPERATION_NAME, ERROR_TYPE), SECONDS,
)  # fmt: skip
RPC_CLIENT_CALL_DURATION: Final = Metric(
    "rpc.client.call.duration", Instrument.HISTOGRAM, "s", "Duration of outgoing calls.",
    (RPC_SYSTEM_NAME, RPC_METHOD, RPC_RESPONSE_STATUS_CODE, ERROR_TYPE), SECONDS,
)  # fmt: skip
RPC_SERVER_CALL_DURATION: Final = Metric(
    "rpc.server.call.duration", Instrument.HISTOGRAM, "s", "Duration of incoming calls.",
    (RPC_SYSTEM_NAME, RPC_METHOD, RPC_RESPONSE_STATUS_CODE, ERROR_TYPE), SECONDS,
)  # fmt: skip
TELEMETRY_DROPPED: Final = Metric(
    "search.telemetry.dropped", Instrument.COUNTER, "{item}", "Items recorded and never exported.",
    (TELEMETRY_SIGNAL, TELEMETRY_REASON),
)  # fmt: skip
TELEMETRY_OVERFLOW: Final = Metric(
    "search.telemetry.overflow", Instrument.COUNTER, "{value}", "Metric attribute values recorded as `_other`.",
    (TELEMETRY_ATTRIBUTE,),
)  # fmt: skip
TELEMETRY_SCRUB_FAILURES: Final = Metric(
    "search.telemetry.scrub.failures", Instrument.COUNTER, "{value}",
    "Values hidden because a fault of ours kept them from being scrubbed.", (),
)  # fmt: skip
TELEMETRY_REPAIRED: Final = Metric(
    "search.telemetry.repaired", Instrument.COUNTER, "{value}",
    "Values that could not leave as they were given, and were repaired or left out.", (),
)  # fmt: skip

METRICS: Final = (
    REQUEST_DURATION, FIRST_ITEM_DURATION, STAGE_DURATION, DOCUMENTS, BATCH_SIZE, QUEUE_WAIT_DURATION, QUEUE_LENGTH,
    REQUEST_SIZE, RESULTS, RESULTS_EMPTY, RESULT_SCORE, INDEX_POINTS, DB_CLIENT_OPERATION_DURATION,
    RPC_CLIENT_CALL_DURATION, RPC_SERVER_CALL_DURATION, TELEMETRY_DROPPED, TELEMETRY_OVERFLOW,
    TELEMETRY_SCRUB_FAILURES, TELEMETRY_REPAIRED,
)  # fmt: skip

# ── Spans ────────────────────────────────────────────────────────────────────────────────────────────────────────────
_RPC = (
    RPC_SYSTEM_NAME, RPC_METHOD, RPC_RESPONSE_STATUS_CODE, RPC_SYSTEM, RPC_SERVICE, RPC_GRPC_STATUS_CODE, ERROR_TYPE,
)  # fmt: skip
_DB = (DB_SYSTEM_NAME, DB_COLLECTION_NAME, DB_OPERATION_NAME, ERROR_TYPE)

RPC_CLIENT: Final = SpanName(
    "/{package.Service}/{Method}", "client", "One outgoing call.", (*_RPC, SERVER_ADDRESS, SERVER_PORT)
)
RPC_SERVER: Final = SpanName(
    "/{package.Service}/{Method}", "server", "One incoming call.", (*_RPC, NETWORK_PEER_ADDRESS)
)
ENDPOINT: Final = SpanName(
    "/{endpoint}", "internal", "One request in an executor's endpoint.",
    (LEN_DOCS, SEARCH_DOCS_TEXT, SEARCH_FIRST_ITEM_DURATION, SEARCH_OUTCOME, ERROR_TYPE),
)  # fmt: skip
ENCODE: Final = SpanName("encode", "internal", "All encoding of one request.", (RUNTIME, DEVICE, MODEL, ERROR_TYPE))
INFERENCE: Final = SpanName(
    "inference", "internal", "Preprocessing and forward passes.", (HAS_IMG_DA, HAS_TXT_DA, MINIBATCH_SIZE, ERROR_TYPE)
)
_MINIBATCH = (MINIBATCH_SIZE, NUM_POOL_WORKERS, SEARCH_BATCH_QUEUE_WAIT, SEARCH_BATCH_SHARE, ERROR_TYPE)
TXT_MINIBATCH_ENCODING: Final = SpanName(
    "txt_minibatch_encoding", "internal", "One minibatch of texts; linked to the batch that it went into.", _MINIBATCH
)
IMG_MINIBATCH_ENCODING: Final = SpanName(
    "img_minibatch_encoding", "internal", "One minibatch of pictures; linked to its batch.", _MINIBATCH
)
BATCH: Final = SpanName(
    "batch", "internal", "One dynamic batch, in a trace of its own; linked to every call in it.",
    (SEARCH_STAGE, MINIBATCH_SIZE, SEARCH_BATCH_REQUESTS, ERROR_TYPE),
)  # fmt: skip
QDRANT_SEARCH: Final = SpanName(
    "qdrant_search", "internal", "One query of the index.",
    (*_DB, DB_VECTOR_QUERY_TOP_K, SEARCH_HITS, SEARCH_TOP_SCORE, SEARCH_EXACT),
)  # fmt: skip
QDRANT_INDEX: Final = SpanName("qdrant_index", "internal", "One upsert into the index.", (*_DB, LEN_DOCS))
QDRANT_DELETE: Final = SpanName("qdrant_delete", "internal", "One deletion from the index.", (*_DB, LEN_DOCS))

SPANS: Final = (
    RPC_CLIENT, RPC_SERVER, ENDPOINT, ENCODE, INFERENCE, TXT_MINIBATCH_ENCODING, IMG_MINIBATCH_ENCODING, BATCH,
    QDRANT_SEARCH, QDRANT_INDEX, QDRANT_DELETE,
)  # fmt: skip

# ── What `telemetry doctor` sends: no service ever does, so it is in none of the tables above ─────────────────────────
DOCTOR_SERVICE: Final = "search-telemetry-doctor"
DOCTOR: Final = SpanName("doctor", "internal", "One run of `telemetry doctor`.", (SEARCH_DOCTOR,))
DOCTOR_RUNS: Final = Metric(
    "search.doctor.runs", Instrument.COUNTER, "{run}", "Runs of `telemetry doctor`.", (SEARCH_DOCTOR,)
)

ATTRIBUTES: Final = tuple(
    sorted((v for v in list(globals().values()) if isinstance(v, Attribute)), key=lambda a: a.name)
)
"""Every attribute above, by name."""
