"""Stage: what slows a stage down, in which of its processes?

In: the metrics of stages, batches, pools and requests. Out: the board `search-stage`. State: none.
"""

from typing import Final

from dashboards import links, variables
from dashboards.boards import shared_links, steps
from dashboards.boards.stat import stat
from dashboards.model import Board, Draw, Panel, Query, Row, Step, Tone, Unit
from dashboards.promql import INTERVAL, NAMESPACE, NOW, By, mean, now, quantile, rate, ratio
from telemetry import conventions as c

_STAGE: Final = {c.SEARCH_STAGE: '=~"$stage"'}
_FAILED: Final = {**_STAGE, c.ERROR_TYPE: '!=""'}
_BY: Final = (c.SEARCH_STAGE, c.SERVICE_NAME)
_PROCESS: Final = (*_BY, c.SERVICE_VERSION, "instance")
_NAMED: Final = "{{search_stage}}"
_HERE: Final = {"service": links.of(c.SERVICE_NAME), "operation": links.of(c.SEARCH_STAGE)}
_LOGS: Final = links.logs(service=links.of(c.SERVICE_NAME))
_OPERATION: Final[links.Tags] = {c.SEARCH_OPERATION: links.of(c.SEARCH_OPERATION)}
_SENTRY: Final = links.sentry({c.SERVICE_NAME: _HERE["service"], "span.description": _HERE["operation"]})
_LINKS: Final = (links.traces({}, **_HERE), _LOGS, _SENTRY)
_BATCHES: Final = (
    links.traces({c.SEARCH_STAGE: links.of(c.SEARCH_STAGE)}, service=links.of(c.SERVICE_NAME), operation=c.BATCH.name),
    _LOGS, shared_links.ENCODER, links.sentry({"span.description": links.of(c.SEARCH_STAGE)}),
)  # fmt: skip
_EMPTY: Final[links.Tags] = {c.SEARCH_OPERATION: links.of(c.SEARCH_OPERATION), c.LEN_DOCS: "0"}


def _runs(by: By = (), window: str = INTERVAL) -> str:
    return rate(c.STAGE_DURATION, by, _STAGE, part="count", window=window)


def _failing(by: By = (), window: str = INTERVAL) -> str:
    failed = rate(c.STAGE_DURATION, by, _FAILED, part="count", window=window)
    return ratio(failed, _runs(by, window), by)


def _in_use(by: By = _BY) -> str:
    return f"({now(c.STAGE_ACTIVE, by, _STAGE)} / ({now(c.STAGE_LIMIT, by, _STAGE)} > 0))"


def _size(window: str = INTERVAL) -> str:
    """Return the size of requests by operation, where they enter the flow, whichever of its services is chosen."""
    where = {c.SEARCH_ENTRY: '="true"'}
    return quantile(0.95, c.REQUEST_SIZE, (c.SEARCH_OPERATION,), where, window=window, flow=NAMESPACE)


def runs() -> Panel:
    """Return how often the chosen stages run."""
    description = (
        "Runs of the chosen stages per second, in all processes together. A request runs through several stages."
    )
    return stat("Runs", description, _runs(window=NOW), Unit.PER_SECOND)


def failed() -> Panel:
    """Return the share of runs that fail."""
    description = 'Share of the runs that ended with an error. "Which errors?" below has their types.'
    return stat("Failed", description, _failing(window=NOW), Unit.SHARE, steps.FAILED)


def duration_now() -> Panel:
    """Return the 95th percentile of the duration."""
    description = "95 % of the runs take at most this long. Choose one stage: one figure for several says little."
    p95 = quantile(0.95, c.STAGE_DURATION, (), _STAGE, window=NOW)
    return stat("Duration, p95", description, p95, Unit.SECONDS)


def waiting_now() -> Panel:
    """Return what waits for a stage."""
    description = "Documents that wait for a batch, and tasks that wait for a thread, at the last scrape."
    return stat("Waiting now", description, now(c.QUEUE_LENGTH, (), _STAGE), Unit.NUMBER)


def fullest_pool() -> Panel:
    """Return how full the fullest pool is."""
    description = "Busy threads of the fullest pool, as a share of its threads. At 100 % tasks wait."
    return stat("Fullest pool", description, f"max({_in_use()})", Unit.SHARE, steps.FULL)


def largest() -> Panel:
    """Return the size of the largest requests."""
    description = (
        "95th percentile of the request size at the entry, of the operation with the largest requests. Above 1 MiB,"
        " clients send larger pictures than the model needs."
    )
    limits = (Step(None, Tone.PLAIN), Step(2**20, Tone.WARNING), Step(2**22, Tone.BAD))
    return stat("Request size, p95", description, f"max({_size(NOW)})", Unit.BYTES, limits)


def processes() -> Panel:
    """Return a table with a row for each process of each stage."""
    description = (
        "Each process that runs a chosen stage. The process that is slowest, compared with the fastest of its stage, is"
        " at the top. If it alone is slow, look at its host and its index; if all are slow, the work has changed."
        " Batches and pools have a queue; pools have threads, but no runs of their own."
    )
    p50, p95 = (quantile(share, c.STAGE_DURATION, _PROCESS, _STAGE, window=NOW) for share in (0.5, 0.95))
    times = f"{p50} / on (search_stage) group_left () min by (search_stage) ({p50})"
    return Panel(
        "Which process is slower than the others?", description, Draw.TABLE,
        (
            Query(times, title="Times the fastest", unit=Unit.NUMBER, steps=steps.TIMES_THE_FASTEST),
            Query(p50, title="p50"),
            Query(p95, title="p95"),
            Query(_runs(_PROCESS, NOW), title="Runs", unit=Unit.PER_SECOND),
            Query(_failing(_PROCESS, NOW), title="Failed", unit=Unit.SHARE, steps=steps.FAILED),
            Query(quantile(0.95, c.QUEUE_WAIT_DURATION, _PROCESS, _STAGE, window=NOW), title="Wait, p95"),
            Query(now(c.QUEUE_LENGTH, _PROCESS, _STAGE), title="Waiting", unit=Unit.NUMBER),
            Query(_in_use(_PROCESS), title="Threads in use", unit=Unit.SHARE, steps=steps.FULL),
        ),
        Unit.SECONDS, width=24, height=7,
        labels=(
            ("search_stage", "Stage"), ("service_name", "Service"), ("service_version", "Version"),
            ("instance", "Process"),
        ),
        sort="Times the fastest",
        links=(
            links.traces({c.SERVICE_INSTANCE_ID: links.of("instance")}, **_HERE),
            _LOGS, shared_links.INDEX, shared_links.ENCODER, _SENTRY,
        ),
    )  # fmt: skip


def distribution() -> Panel:
    """Return the durations as a heat map."""
    description = (
        "Runs by duration. Two bands are two kinds of runs, such as those of two versions. Each dot is a run: it opens"
        " its trace."
    )
    buckets = rate(c.STAGE_DURATION, ("le",), _STAGE, part="bucket")
    query = Query(buckets, "{{le}}", exemplars=True)
    return Panel(
        "How are durations distributed?",
        description,
        Draw.HEAT,
        (query,),
        Unit.SECONDS,
        width=12,
        links=shared_links.OF_FLOW,
    )


def duration() -> Panel:
    """Return the 95th percentile of the duration by stage."""
    description = "95th percentile by stage. A stage that contains others, such as `encode`, rises with them."
    query = Query(quantile(0.95, c.STAGE_DURATION, _BY, _STAGE), _NAMED, exemplars=True)
    return Panel("Which stage is slow?", description, Draw.LINES, (query,), Unit.SECONDS, width=12, links=_LINKS)


def rates() -> Panel:
    """Return the runs by stage."""
    description = (
        "Runs per second, by stage. There are fewer batches than requests, because several requests share one."
    )
    query = Query(_runs(_BY), _NAMED)
    return Panel("How often does it run?", description, Draw.LINES, (query,), Unit.PER_SECOND, width=8, links=_LINKS)


def errors() -> Panel:
    """Return the errors by stage and type."""
    description = "Runs that failed, by stage and the class of the exception or the rpc status. Empty: none failed."
    failing = rate(c.STAGE_DURATION, (*_BY, c.ERROR_TYPE), _FAILED, part="count")
    query = Query(failing, "{{search_stage}} {{error_type}}", trouble="platform-fails")
    return Panel(
        "Which errors?",
        description,
        Draw.AREAS,
        (query,),
        Unit.PER_SECOND,
        width=8,
        nothing="no errors",
        links=(links.traces({c.ERROR_TYPE: links.of(c.ERROR_TYPE)}, **_HERE), _LOGS, _SENTRY),
    )


def share_failed() -> Panel:
    """Return the share of runs that fail by stage."""
    description = "Share of the runs that fail, by stage: the innermost stage that fails is the one to look at."
    query = Query(_failing(_BY), _NAMED)
    return Panel(
        "What share fails?", description, Draw.LINES, (query,), Unit.SHARE, steps.FAILED, width=8, least=0.0,
        links=_LINKS,
    )  # fmt: skip


def queue() -> Panel:
    """Return the lengths of queues."""
    description = (
        "Documents that wait for a batch, and tasks that wait for a thread. If a queue keeps growing, the stage cannot"
        " keep up: add processes."
    )
    query = Query(now(c.QUEUE_LENGTH, _BY, _STAGE), _NAMED)
    return Panel("What waits?", description, Draw.LINES, (query,), Unit.NUMBER, width=8, least=0.0, links=_BATCHES)


def wait() -> Panel:
    """Return the time spent in queues."""
    description = "95 % of the calls wait at most this long for their batch, or for a thread of the pool."
    query = Query(quantile(0.95, c.QUEUE_WAIT_DURATION, _BY, _STAGE), _NAMED, exemplars=True)
    return Panel(
        "How long does it wait?", description, Draw.LINES, (query,), Unit.SECONDS, width=8, least=0.0, links=_BATCHES
    )


def pools() -> Panel:
    """Return how full pools are."""
    description = "Busy threads as a share of all threads of the stage's pools. At 100 % tasks wait for a thread."
    query = Query(_in_use(), _NAMED)
    return Panel(
        "How full are the pools?", description, Draw.LINES, (query,), Unit.SHARE, steps.FULL, width=8,
        least=0.0, most=1.0, links=(_LOGS, shared_links.INDEX, shared_links.ENCODER, _SENTRY),
    )  # fmt: skip


def fill() -> Panel:
    """Return how full batches are."""
    description = (
        "Mean size of dynamic batches, as a share of their limit. If it is low and the queue is long, batches start too"
        " early or too rarely; if it is low without a queue, there is little to do."
    )
    limit = f"max by (search_stage, service_name) ({now(c.BATCH_LIMIT, _PROCESS, _STAGE)})"
    query = Query(f"{mean(c.BATCH_SIZE, _BY, _STAGE)} / {limit}", _NAMED)
    return Panel(
        "How full are batches?", description, Draw.LINES, (query,), Unit.SHARE, width=8, least=0.0, most=1.0,
        links=_BATCHES,
    )  # fmt: skip


def batches() -> Panel:
    """Return the sizes of batches and minibatches as a heat map."""
    description = "Documents in each run of the chosen stages, and in each of their dynamic batches."
    query = Query(rate(c.BATCH_SIZE, ("le",), _STAGE, part="bucket"), "{{le}}")
    return Panel(
        "How many documents in a run?",
        description,
        Draw.HEAT,
        (query,),
        Unit.NUMBER,
        width=8,
        links=shared_links.OF_FLOW,
    )


def cost() -> Panel:
    """Return the milliseconds that stages need for a document."""
    description = "Milliseconds of a stage per document. Larger batches lower it, larger documents raise it."
    documents = rate(c.BATCH_SIZE, _BY, _STAGE, part="sum")
    query = Query(f"1000 * {rate(c.STAGE_DURATION, _BY, _STAGE, part='sum')} / ({documents} > 0)", _NAMED)
    return Panel(
        "What does a document cost?",
        description,
        Draw.LINES,
        (query,),
        Unit.MILLISECONDS,
        width=8,
        least=0.0,
        links=_LINKS,
    )


def documents() -> Panel:
    """Return the documents of requests as a heat map."""
    description = (
        "Documents of each request at the entry (`len_docs`), whichever service is chosen. A search has one, an index"
        " job sends many."
    )
    query = Query(rate(c.REQUEST_DOCUMENTS, ("le",), part="bucket", flow=NAMESPACE), "{{le}}")
    return Panel(
        "How many documents in a request?",
        description,
        Draw.HEAT,
        (query,),
        Unit.NUMBER,
        width=8,
        links=shared_links.OF_FLOW,
    )


def sizes() -> Panel:
    """Return the sizes of requests by operation."""
    description = (
        "95th percentile of the request size at the entry, by operation. Large requests take memory and time in each"
        " service."
    )
    query = Query(_size(), "/{{search_operation}}")
    return Panel(
        "How large are requests?", description, Draw.LINES, (query,), Unit.BYTES, width=8, least=0.0,
        links=(links.traces(_OPERATION), links.logs(), links.sentry(_OPERATION)),
    )  # fmt: skip


def empty() -> Panel:
    """Return the share of requests without documents."""
    description = (
        "Share of the requests at the entry that have no documents, by operation, whichever service is chosen. If it"
        " rises, a caller lost its input."
    )
    by = (c.SEARCH_OPERATION,)
    nothing = rate(c.REQUEST_EMPTY, by, flow=NAMESPACE)
    share = ratio(nothing, rate(c.REQUEST_DOCUMENTS, by, part="count", flow=NAMESPACE), by)
    query = Query(share, "/{{search_operation}}")
    return Panel(
        "What share of requests is empty?", description, Draw.LINES, (query,), Unit.SHARE, steps.FAILED, width=8,
        least=0.0,
        links=(links.traces(_EMPTY), links.logs(), links.sentry(_EMPTY)),
    )  # fmt: skip


STAGE: Final = Board(
    "search-stage",
    "Stage",
    "What slows a stage down, and in which process?",
    (*variables.FLOW, variables.STAGE),
    (
        Row("Now", (runs(), failed(), duration_now(), waiting_now(), fullest_pool(), largest())),
        Row("Processes", (processes(),)),
        Row("Duration", (distribution(), duration())),
        Row("Rate and errors", (rates(), errors(), share_failed())),
        Row("Waiting", (queue(), wait(), pools())),
        Row("Batches", (fill(), batches(), cost())),
        Row("Requests", (documents(), sizes(), empty())),
    ),
    variables.MARKS,
    variables.ADDRESSES,
)
