"""Stages of a request, encoding and dynamic batches."""

from typing import Final

from telemetry.conventions.gen_ai import GEN_AI_OPERATION_NAME, GEN_AI_REQUEST_MODEL
from telemetry.conventions.kinds import COUNTS, SECONDS, Attribute, Instrument, Metric, SpanName
from telemetry.conventions.request import ERROR_TYPE, LEN_DOCS, SEARCH_OPERATION

SEARCH_STAGE: Final = Attribute("search.stage", "string", "Name of the stage, as given to `stage`.", limit=24)
MINIBATCH_SIZE: Final = Attribute("minibatch_size", "int", "Documents in one forward pass (or the maximum).")
HAS_IMG_DA: Final = Attribute("has_img_da", "boolean", "The call has pictures.")
HAS_TXT_DA: Final = Attribute("has_txt_da", "boolean", "The call has texts.")
NUM_POOL_WORKERS: Final = Attribute("num_pool_workers", "int", "Threads that preprocess during the forward pass.")
RUNTIME: Final = Attribute("runtime", "string", "Runtime of the model: onnx or torch.")
DEVICE: Final = Attribute("device", "string", "Device of the model: cpu or cuda.")
MODEL: Final = Attribute("model", "string", "Name of the model, `architecture::pretrained` for OpenCLIP.", limit=8)
SEARCH_BATCH_REQUESTS: Final = Attribute("search.batch.requests", "int", "Calls with items in the batch.")
SEARCH_BATCH_QUEUE_WAIT: Final = Attribute(
    "search.batch.queue_wait", "double", "Seconds that the call waited until its first batch started."
)
SEARCH_BATCH_SHARE: Final = Attribute(
    "search.batch.share",
    "double",
    "Seconds of batches attributed to the call: their durations times its share of their items. The sum over all calls"
    " is the duration of all batches.",
)
SEARCH_CACHE_NAME: Final = Attribute("search.cache.name", "string", "Name of the cache.", limit=8)
SEARCH_CACHE_OUTCOME: Final = Attribute("search.cache.outcome", "string", "`hit` or `miss`.", limit=2)
SEARCH_CACHE_HITS: Final = Attribute("search.cache.hits", "int", "Documents whose vector was in a cache, if any.")

ENCODE: Final = SpanName(
    "encode", "internal", "All encoding of one request.",
    (RUNTIME, DEVICE, MODEL, SEARCH_CACHE_HITS, GEN_AI_OPERATION_NAME, GEN_AI_REQUEST_MODEL, ERROR_TYPE),
)  # fmt: skip
INFERENCE: Final = SpanName(
    "inference",
    "internal",
    "Preprocessing and forward passes.",
    (HAS_IMG_DA, HAS_TXT_DA, LEN_DOCS, MINIBATCH_SIZE, ERROR_TYPE),
)
_MINIBATCH = (MINIBATCH_SIZE, NUM_POOL_WORKERS, SEARCH_BATCH_QUEUE_WAIT, SEARCH_BATCH_SHARE, ERROR_TYPE)
TXT_MINIBATCH_ENCODING: Final = SpanName(
    "txt_minibatch_encoding", "internal", "One minibatch of texts; linked to its batch.", _MINIBATCH
)
IMG_MINIBATCH_ENCODING: Final = SpanName(
    "img_minibatch_encoding", "internal", "One minibatch of pictures; linked to its batch.", _MINIBATCH
)
BATCH: Final = SpanName(
    "batch", "internal", "One dynamic batch, in a trace of its own; linked to every call in it.",
    (SEARCH_STAGE, MINIBATCH_SIZE, SEARCH_BATCH_REQUESTS, ERROR_TYPE),
)  # fmt: skip
PREPROCESS: Final = SpanName(
    "preprocess", "internal",
    "Making texts of a batch, in its trace, or a minibatch of pictures, in the request's, ready for the model.",
    (LEN_DOCS, ERROR_TYPE),
)  # fmt: skip
FORWARD: Final = SpanName(
    "forward", "internal", "One forward pass of the model, in the trace of its batch.", (MINIBATCH_SIZE, ERROR_TYPE)
)

STAGE_DURATION: Final = Metric(
    "search.stage.duration", Instrument.HISTOGRAM, "s", "Duration of stages.",
    (SEARCH_OPERATION, SEARCH_STAGE, ERROR_TYPE), SECONDS,
)  # fmt: skip
BATCH_SIZE: Final = Metric(
    "search.batch.size", Instrument.HISTOGRAM, "{document}",
    "Documents in each dynamic batch, and in each stage that has `len_docs` or, without it, `minibatch_size`.",
    (SEARCH_STAGE,), COUNTS,
)  # fmt: skip
QUEUE_WAIT_DURATION: Final = Metric(
    "search.queue.wait.duration", Instrument.HISTOGRAM, "s",
    "Time that calls waited until their batch started, and tasks until a thread of the stage's pool took them.",
    (SEARCH_OPERATION, SEARCH_STAGE), SECONDS,
)  # fmt: skip
QUEUE_LENGTH: Final = Metric(
    "search.queue.length", Instrument.UP_DOWN_COUNTER, "{item}",
    "Documents that wait for a batch, and tasks that wait for a thread of the stage's pool.", (SEARCH_STAGE,),
)  # fmt: skip
BATCH_LIMIT: Final = Metric(
    "search.batch.limit", Instrument.UP_DOWN_COUNTER, "{document}",
    "Most documents in a dynamic batch, the sum over all batchers.", (SEARCH_STAGE,),
)  # fmt: skip
STAGE_ACTIVE: Final = Metric(
    "search.stage.active", Instrument.UP_DOWN_COUNTER, "{request}",
    "Threads of the stage's pools that work on a task.", (SEARCH_STAGE,),
)  # fmt: skip
STAGE_LIMIT: Final = Metric(
    "search.stage.limit", Instrument.UP_DOWN_COUNTER, "{request}",
    "Most threads of the stage's pools.", (SEARCH_STAGE,),
)  # fmt: skip
CACHE_LOOKUPS: Final = Metric(
    "search.cache.lookups", Instrument.COUNTER, "{lookup}", "Lookups in caches.",
    (SEARCH_CACHE_NAME, SEARCH_CACHE_OUTCOME),
)  # fmt: skip
