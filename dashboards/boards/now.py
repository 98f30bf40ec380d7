"""First row of the Search overview: six figures, each with its change against an hour before."""

from typing import Final

from dashboards import links
from dashboards.boards import entry, shared_links
from dashboards.boards.objectives import left_of
from dashboards.boards.steps import FAILED
from dashboards.model import Draw, Link, Panel, Query, Row, Step, Tone, Unit
from dashboards.promql import BEFORE, FLOW, NOW, rate, ratio
from telemetry import conventions as c

_CHANGE: Final = f"change in {BEFORE}"
_COMPARED: Final = f"The small figure is the change against {BEFORE} before."


def _relative(now: str, before: str) -> str:
    """Return the change as a share of what was before."""
    return f"{now} / ({before} > 0) - 1"


def _to(tags: links.Tags) -> tuple[Link, ...]:
    """Return the links to requests that have the tags."""
    return (links.traces(tags), links.logs(), links.sentry(tags))


def rate_now() -> Panel:
    """Return the requests a second."""
    now, before = (entry.requests(window=NOW, ago=ago) for ago in ("", BEFORE))
    less = (Step(None, Tone.WARNING), Step(-0.5, Tone.PLAIN))
    return Panel(
        "Requests",
        f"Requests per second that entered the flow, with any outcome. {_COMPARED} It is orange if requests fell by"
        " half: clients may not reach the flow.",
        Draw.STAT,
        (
            Query(entry.requests(), title="now"),
            Query(_relative(now, before), title=_CHANGE, unit=Unit.SHARE, steps=less, after=BEFORE),
        ),
        Unit.REQUESTS_PER_SECOND, width=4, height=5, links=shared_links.OF_FLOW_BY_STAGE,
    )  # fmt: skip


def _share(
    title: str, description: str, part: tuple[str, str], *, steps: tuple[Step, ...], to: tuple[Link, ...]
) -> Panel:
    """Return the share of requests that `part` (now, before) is."""
    now, before = (
        ratio(each, entry.requests(window=NOW, ago=ago)) for each, ago in zip(part, ("", BEFORE), strict=True)
    )
    more = (Step(None, Tone.PLAIN), Step(0.01, Tone.WARNING), Step(0.05, Tone.BAD))
    return Panel(
        title, f"{description} {_COMPARED}", Draw.STAT,
        (
            Query(now, title="now"),
            Query(f"{now} - {before}", title=_CHANGE, steps=more, after=BEFORE),
        ),
        Unit.SHARE, steps, width=4, height=5, links=to, least=0,
    )  # fmt: skip


def failed() -> Panel:
    """Return the share of requests that fail."""
    return _share(
        "Failed",
        "Share of the requests of the last 5 minutes that ended with an error of ours, not of the caller. If it is red,"
        ' look at "Who is affected?" below, and open the failed traces.',
        (entry.requests((), '="error"', window=NOW), entry.requests((), '="error"', window=NOW, ago=BEFORE)),
        steps=FAILED, to=(entry.FAILED_TRACES, entry.ERROR_LOGS, shared_links.STAGE, entry.FAILED_IN_SENTRY),
    )  # fmt: skip


def rejected() -> Panel:
    """Return the share of requests that are refused."""
    return _share(
        "Rejected",
        "Share of the requests of the last 5 minutes that were refused because of a mistake of the caller. A rise often"
        " follows a release of a client.",
        (entry.requests((), '="rejected"', window=NOW), entry.requests((), '="rejected"', window=NOW, ago=BEFORE)),
        steps=entry.SHARE_STEPS, to=_to({c.SEARCH_OUTCOME: "rejected"}),
    )  # fmt: skip


def empty() -> Panel:
    """Return the share of requests without documents."""
    now, before = (rate(c.REQUEST_EMPTY, (), entry.ASKED, window=NOW, ago=ago) for ago in ("", BEFORE))
    return _share(
        "Empty requests",
        "Share of the requests of the last 5 minutes that had no document: nothing to search for, or nothing to index."
        " The row Results has the searches without results.",
        (now, before),
        steps=entry.SHARE_STEPS, to=_to({c.LEN_DOCS: "0"}),
    )  # fmt: skip


def slowest() -> Panel:
    """Return the 95th percentile at client and server."""
    client, server = entry.at_client(0.95, window=NOW), entry.at_server(0.95, window=NOW)
    changes = (
        _relative(client, entry.at_client(0.95, window=NOW, ago=BEFORE)),
        _relative(server, entry.at_server(0.95, window=NOW, ago=BEFORE)),
    )
    slower = (Step(None, Tone.PLAIN), Step(0.25, Tone.WARNING), Step(1, Tone.BAD))
    return Panel(
        "p95, client | server",
        "95 % of the requests of the last 5 minutes took at most this long, measured at the client, and from the entry"
        " on. If only the client is slow, look at the network; if both are, at the critical path below."
        f" {_COMPARED}",
        Draw.STAT,
        (
            Query(client, title="client", steps=entry.CLIENT_STEPS),
            Query(server, title="server", steps=entry.SERVER_STEPS),
            *(
                Query(change, title=f"{where}, {BEFORE}", unit=Unit.SHARE, steps=slower, after=BEFORE)
                for change, where in zip(changes, ("client", "server"), strict=True)
            ),
        ),
        Unit.SECONDS, width=4, height=5, links=shared_links.OF_FLOW_BY_STAGE,
    )  # fmt: skip


def budget() -> Panel:
    """Return the error budget that is left, of the objective that has least of it."""
    which = f'{FLOW}, search_operation=~"$operation"'
    now, before = (f"min ({left_of(which, ago)})" for ago in ("", BEFORE))
    steps = (Step(None, Tone.BAD), Step(0.1, Tone.WARNING), Step(0.5, Tone.GOOD))
    less = (Step(None, Tone.BAD), Step(-0.1, Tone.WARNING), Step(-0.02, Tone.PLAIN))
    return Panel(
        "Error budget left",
        "What is left of the failures that an objective allows in three days, of the objective that has least. At"
        f" 0 % it is spent, and the objective is missed: the row Objectives says which one. {_COMPARED}",
        Draw.STAT,
        (
            Query(now, title="now"),
            Query(f"{now} - {before}", title=_CHANGE, steps=less, after=BEFORE),
        ),
        Unit.SHARE, steps, width=4, height=5, most=1,
        links=(entry.FAILED_TRACES, entry.ERROR_LOGS, entry.FAILED_IN_SENTRY),
    )  # fmt: skip


def row() -> Row:
    """Return the row."""
    return Row("Are users served?", (rate_now(), failed(), rejected(), empty(), slowest(), budget()))
