"""Second row of the Search overview: how long, how many, and what the time is spent on."""

from dashboards import links
from dashboards.boards import entry
from dashboards.model import Draw, Panel, Query, Row, Tone, Unit
from dashboards.promql import ALL, rate, share_of_all
from telemetry import conventions as c


def duration() -> Panel:
    """Return the 95th percentile of the duration by operation, at client and server."""
    by = (c.SEARCH_OPERATION,)
    return Panel(
        "How long do requests take? (p95)",
        "95 % of the requests took at most this long, measured at the client, and from the entry on. The gap between"
        " the two is the network. A point is one request: it leads to its trace.",
        Draw.LINES,
        (
            Query(entry.at_client(0.95, by), "{{search_operation}}, client", exemplars=True),
            Query(entry.at_server(0.95, by), "{{search_operation}}, server", exemplars=True),
        ),
        Unit.SECONDS, width=8, least=0, links=entry.of_operation(),
    )  # fmt: skip


def outcomes() -> Panel:
    """Return the requests a second by outcome."""
    tags: links.Tags = {c.SEARCH_OUTCOME: links.of(c.SEARCH_OUTCOME)}
    return Panel(
        "How do requests end?",
        "Requests per second by outcome: `ok`; `rejected`, a mistake of the caller; `cancelled` by the caller; `error`,"
        " ours. Open the failed traces from the line of errors.",
        Draw.LINES,
        (Query(entry.requests((c.SEARCH_OUTCOME,)), "{{search_outcome}}"),),
        Unit.REQUESTS_PER_SECOND, width=8, least=0,
        tones=(("ok", Tone.GOOD), ("rejected", Tone.WARNING), ("cancelled", Tone.WEAK), ("error", Tone.BAD)),
        links=(links.traces(tags), entry.FAILED_TRACES, entry.ERROR_LOGS, links.sentry(tags)),
    )  # fmt: skip


def critical_path() -> Panel:
    """Return the share of the critical path by stage."""
    each, whole = (rate(c.CRITICAL_PATH_TIME, by, entry.SEARCHED, flow=ALL) for by in ((c.SEARCH_STAGE,), ()))
    return Panel(
        "What do requests wait for?",
        "Share of the critical path by stage: of the time that made requests as long as they were. `transit` is the"
        " network between processes, `endpoint` the endpoints' own code. All flows on this Prometheus together. Open"
        " the board of the stage with the widest area.",
        Draw.AREAS,
        (Query(share_of_all(each, whole), "{{search_stage}}"),),
        Unit.SHARE, width=8, least=0, most=1,
        links=(
            links.board("search-stage", "This stage", stage=links.of(c.SEARCH_STAGE)),
            links.traces({}),
            links.logs(),
            links.sentry({}),
        ),
    )  # fmt: skip


def row() -> Row:
    """Return the row."""
    return Row("Over time", (duration(), outcomes(), critical_path()))
