"""Encoder: how fast are documents encoded, and what bounds it?

In: the metrics of stages, batches and caches of processes that have a stage `forward`. Out: the board `search-encoder`.
State: none. Rows for GPUs follow with their signals.
"""

from typing import Final

from dashboards import links, variables
from dashboards.boards import shared_links, steps
from dashboards.boards.stat import stat
from dashboards.model import Board, Draw, Link, Panel, Query, Row, Tone, Unit
from dashboards.promql import INTERVAL, NOW, By, Where, grouped, mean, name, now, quantile, rate, ratio
from telemetry import conventions as c

_FORWARD: Final = {c.SEARCH_STAGE: f'="{c.FORWARD.name}"'}
_PREPROCESS: Final = {c.SEARCH_STAGE: f'="{c.PREPROCESS.name}"'}
_ENCODE: Final = {c.SEARCH_STAGE: f'="{c.ENCODE.name}"'}
_VERSION: Final = (c.SERVICE_VERSION, c.SERVICE_NAME)
_NAMED: Final = "{{service_name}} {{service_version}}"
_SERVICE: Final = links.of(c.SERVICE_NAME)
_OF_VERSION: Final[links.Tags] = {c.SERVICE_VERSION: links.of(c.SERVICE_VERSION)}
_LOGS: Final = links.logs(service=_SERVICE)
_SENTRY: Final = links.sentry({c.SERVICE_NAME: _SERVICE, "release": links.of(c.SERVICE_VERSION)})
_BATCHES: Final = (
    links.traces({c.SEARCH_STAGE: links.of(c.SEARCH_STAGE)}, service=_SERVICE, operation=c.BATCH.name),
    _LOGS, shared_links.STAGE,
    links.sentry({"span.description": links.of(c.SEARCH_STAGE)}),
)  # fmt: skip
_QUEUES: Final = f"on (search_stage, job, instance) {name(c.BATCH_LIMIT)}"
"""Joins the queues before dynamic batches; the others are before threads."""


def _traces(span: c.SpanName) -> Link:
    return links.traces(_OF_VERSION, service=_SERVICE, operation=span.name)


def _documents(by: By = (), window: str = INTERVAL) -> str:
    return rate(c.BATCH_SIZE, by, _FORWARD, part="sum", window=window)


def _of_queues(part: str, by: By, window: str, *more: str) -> str:
    each = rate(c.QUEUE_WAIT_DURATION, (c.SEARCH_STAGE, "job", "instance", *more, *by), part=part, window=window)
    return f"sum{grouped((*more, *by))} ({each} and {_QUEUES})"


def _wait(by: By = (), window: str = INTERVAL) -> str:
    return f"(histogram_quantile(0.95, {_of_queues('bucket', by, window, 'le')}) >= 0)"


def _fill(by: By = (), window: str = INTERVAL) -> str:
    """Return the mean size of batches as a share of their limit, of the batches of all queues together."""
    each: By = tuple(dict.fromkeys((c.SEARCH_STAGE, "job", "instance", *by)))
    documents, batches = (rate(c.BATCH_SIZE, each, part=part, window=window) for part in ("sum", "count"))
    room = f"{batches} * {_QUEUES.replace(') ', ') group_left () ')}"
    return f"(sum{grouped(by)} ({documents} and {_QUEUES}) / (sum{grouped(by)} ({room}) > 0))"


def _hits(by: By = (), window: str = INTERVAL) -> str:
    hits = rate(c.CACHE_LOOKUPS, by, {c.SEARCH_CACHE_OUTCOME: '="hit"'}, window=window)
    return ratio(hits, rate(c.CACHE_LOOKUPS, by, window=window), by)


def _failing(by: By, window: str) -> str:
    failed = rate(c.STAGE_DURATION, by, {**_ENCODE, c.ERROR_TYPE: '!=""'}, part="count", window=window)
    return ratio(failed, rate(c.STAGE_DURATION, by, _ENCODE, part="count", window=window), by)


def _slowest(stage: Where, by: By = (), window: str = INTERVAL) -> str:
    return quantile(0.95, c.STAGE_DURATION, by, stage, window=window)


def documents_now() -> Panel:
    """Return the documents encoded per second."""
    description = "Documents that go through the model per second. What a cache answers is not among them."
    return stat("Documents", description, _documents(window=NOW), Unit.PER_SECOND)


def fill_now() -> Panel:
    """Return how full batches are."""
    description = "Mean size of dynamic batches, as a share of their limit. A fuller batch costs less per document."
    return stat("Batch fill", description, _fill(window=NOW), Unit.SHARE)


def wait_now() -> Panel:
    """Return the time spent waiting for a batch."""
    description = "95 % of the calls wait at most this long until their batch starts."
    return stat("Wait, p95", description, _wait(window=NOW), Unit.SECONDS)


def preprocess_now() -> Panel:
    """Return the time of preprocessing."""
    description = "95 % of the minibatches are preprocessed (decoded, resized, tokenized) within this time."
    return stat("Preprocess, p95", description, _slowest(_PREPROCESS, window=NOW), Unit.SECONDS)


def forward_now() -> Panel:
    """Return the time of forward passes."""
    description = "95 % of the forward passes of the model take at most this long."
    return stat("Forward, p95", description, _slowest(_FORWARD, window=NOW), Unit.SECONDS)


def hits_now() -> Panel:
    """Return the share of lookups that a cache answers."""
    description = "Share of the lookups that a cache answers. It falls after a restart, and when queries repeat less."
    return stat("Cache hits", description, _hits(window=NOW), Unit.SHARE)


def bound_by() -> Panel:
    """Return what takes most of a call's time, over time, by version."""
    description = (
        "Where a call spends most of its time, on average: it waits for a batch, or is in preprocessing, or in the"
        " forward pass. If it is the queue, add processes or allow larger batches; if it is preprocess, add threads; if"
        " it is forward, take a smaller model or a faster device."
    )
    total, calls = (_of_queues(part, _VERSION, INTERVAL) for part in ("sum", "count"))
    wait = f"({total} / ({calls} > 0))"
    preprocess, forward = (mean(c.STAGE_DURATION, _VERSION, stage) for stage in (_PREPROCESS, _FORWARD))
    slower = f"clamp_max(({preprocess} > bool {wait}) + ({forward} > bool {wait}), 1)"
    state = f"1 + {slower} * (1 + ({forward} >= bool {preprocess}))"
    return Panel(
        "What bounds the encoder: the queue (red), preprocess (orange) or forward (green)?",
        description, Draw.STATES, (Query(state, _NAMED),), Unit.NONE, width=24, height=5,
        states=((1, "queue", Tone.BAD), (2, "preprocess", Tone.WARNING), (3, "forward", Tone.GOOD)),
        links=(_traces(c.ENCODE), _LOGS, shared_links.STAGE, _SENTRY),
    )  # fmt: skip


def _lines(title: str, description: str, query: Query, unit: Unit, span: c.SpanName) -> Panel:
    """Return a third of a row, a line for each version, whose links lead to the traces of a span."""
    return Panel(
        title, description, Draw.LINES, (query,), unit, width=8, least=0.0,
        links=(_traces(span), _LOGS, shared_links.STAGE, _SENTRY),
    )  # fmt: skip


def wait() -> Panel:
    """Return the wait by version."""
    description = "95 % of the calls wait at most this long until their batch starts, by version."
    query = Query(_wait(_VERSION), _NAMED)
    return _lines("How long do calls wait?", description, query, Unit.SECONDS, c.BATCH)


def preprocess() -> Panel:
    """Return the duration of preprocessing by version."""
    description = "95th percentile of preprocessing a minibatch, by version. Large pictures make it slow."
    query = Query(_slowest(_PREPROCESS, _VERSION), _NAMED, exemplars=True)
    return _lines("How long is preprocessing?", description, query, Unit.SECONDS, c.PREPROCESS)


def forward() -> Panel:
    """Return the duration of forward passes by version."""
    description = (
        "95th percentile of the forward pass, by version. If all versions rise, look at the device; if one does, at its"
        " model."
    )
    query = Query(_slowest(_FORWARD, _VERSION), _NAMED, exemplars=True)
    return _lines("How long is a forward pass?", description, query, Unit.SECONDS, c.FORWARD)


def documents() -> Panel:
    """Return the documents by version."""
    description = "Documents that go through the model per second, by version: how the traffic is split."
    query = Query(_documents(_VERSION), _NAMED)
    return _lines("How many documents?", description, query, Unit.PER_SECOND, c.FORWARD)


def fill() -> Panel:
    """Return how full batches are, by queue."""
    description = (
        "Mean size of dynamic batches as a share of their limit, by queue: texts and pictures have a queue each."
    )
    query = Query(_fill((c.SEARCH_STAGE, c.SERVICE_NAME)), "{{search_stage}}")
    return Panel(
        "How full are batches?", description, Draw.LINES, (query,), Unit.SHARE, width=8, least=0.0, most=1.0,
        links=_BATCHES,
    )  # fmt: skip


def sizes() -> Panel:
    """Return the sizes of minibatches as a heat map."""
    description = (
        "Documents in each forward pass. If all have one document, requests come one by one, or a setting keeps batches"
        " small."
    )
    query = Query(rate(c.BATCH_SIZE, ("le",), _FORWARD, part="bucket"), "{{le}}")
    return Panel(
        "How large are minibatches?",
        description,
        Draw.HEAT,
        (query,),
        Unit.NUMBER,
        width=8,
        links=shared_links.OF_FLOW_BY_STAGE,
    )


def hits() -> Panel:
    """Return the share of lookups that each cache answers."""
    description = "Share of the lookups that a cache answers, by cache and version. A new process starts at zero."
    query = Query(_hits((c.SEARCH_CACHE_NAME, *_VERSION)), "{{search_cache_name}} {{service_version}}")
    return Panel(
        "What does the cache answer?", description, Draw.LINES, (query,), Unit.SHARE, width=8, least=0.0, most=1.0,
        links=(_traces(c.ENCODE), _LOGS, _SENTRY),
    )  # fmt: skip


def lookups() -> Panel:
    """Return the lookups by outcome."""
    description = "Lookups in caches by outcome: each miss is a text that the model must encode."
    query = Query(rate(c.CACHE_LOOKUPS, (c.SEARCH_CACHE_OUTCOME,)), "{{search_cache_outcome}}")
    return Panel(
        "Hits and misses",
        description,
        Draw.AREAS,
        (query,),
        Unit.PER_SECOND,
        width=8,
        links=shared_links.OF_FLOW_BY_STAGE,
    )


def queues() -> Panel:
    """Return the length of the queues."""
    description = "Documents that wait for a batch, and tasks that wait for a thread of the model, by queue."
    waiting = now(c.QUEUE_LENGTH, (c.SEARCH_STAGE, "job", "instance"))
    of_encoders = f"{waiting} and on (job, instance) {name(c.BATCH_LIMIT)}"
    query = Query(f"sum by (search_stage) ({of_encoders})", "{{search_stage}}")
    return Panel(
        "What waits?", description, Draw.LINES, (query,), Unit.NUMBER, width=8, least=0.0, links=(shared_links.STAGE,)
    )


def versions() -> Panel:
    """Return a table with a row for each version of the encoder."""
    description = (
        "Versions of the encoder that serve now, the slowest forward pass first. Compare them on the same traffic: a"
        " split gives each the same mix."
    )
    seconds = rate(c.STAGE_DURATION, _VERSION, _FORWARD, part="sum", window=NOW)
    documents = _documents(_VERSION, NOW)
    return Panel(
        "How do versions compare?", description, Draw.TABLE,
        (
            Query(documents, title="Documents", unit=Unit.PER_SECOND),
            Query(quantile(0.5, c.STAGE_DURATION, _VERSION, _FORWARD, window=NOW), title="Forward, p50"),
            Query(_slowest(_FORWARD, _VERSION, NOW), title="Forward, p95"),
            Query(f"(1000 * {seconds} / ({documents} > 0))", title="A document costs", unit=Unit.MILLISECONDS),
            Query(_slowest(_PREPROCESS, _VERSION, NOW), title="Preprocess, p95"),
            Query(_wait(_VERSION, NOW), title="Wait, p95"),
            Query(_fill(_VERSION, NOW), title="Batch fill", unit=Unit.SHARE),
            Query(_hits(_VERSION, NOW), title="Cache hits", unit=Unit.SHARE),
            Query(_failing(_VERSION, NOW), title="Failed", unit=Unit.SHARE, steps=steps.FAILED),
        ),
        Unit.SECONDS, width=24, height=6, labels=(("service_name", "Service"), ("service_version", "Version")),
        sort="Forward, p95", links=(_traces(c.ENCODE), _LOGS, shared_links.STAGE, _SENTRY),
    )  # fmt: skip


ENCODER: Final = Board(
    "search-encoder",
    "Encoder",
    "How fast are documents encoded, and what bounds it?",
    variables.FLOW,
    (
        Row("Now", (documents_now(), fill_now(), wait_now(), preprocess_now(), forward_now(), hits_now())),
        Row("Bound by", (bound_by(),)),
        Row("Where the time goes", (wait(), preprocess(), forward())),
        Row("Batches", (documents(), fill(), sizes())),
        Row("Cache and queues", (hits(), lookups(), queues())),
        Row("Versions side by side", (versions(),)),
    ),
    variables.MARKS,
    variables.ADDRESSES,
)
