"""Third row of the Search overview: who is served worse than the others?"""

from typing import Final

from dashboards import links
from dashboards.boards import entry
from dashboards.model import Draw, Panel, Query, Row, Step, Tone, Unit
from dashboards.promql import NOW, label, rate, ratio
from telemetry import conventions as c

FEWEST: Final = 30
"""Requests, below which a percentile says little."""
_ON: Final = f"on ({', '.join(map(label, entry.WHO))})"
_EXCESS: Final = "Above the median by"
_REQUESTS: Final = "Requests"
_EXCESS_STEPS: Final = (Step(None, Tone.PLAIN), Step(0.1, Tone.WARNING), Step(0.25, Tone.BAD))
_SHARE_STEPS: Final = (Step(None, Tone.PLAIN), Step(0.01, Tone.WARNING), Step(0.05, Tone.BAD))


def counted() -> str:
    """Return the requests of the last minutes by platform and region."""
    increase = rate(c.REQUEST_DURATION, entry.WHO, entry.RECEIVED, part="count", window=NOW, function="increase")
    return f"round({increase})"


def excess() -> str:
    """Return by how much a client's p95 exceeds the median of all clients; the server's p95 where no client reports."""

    def over_median(p95: str) -> str:
        enough = f"({p95} and {_ON} ({counted()} >= {FEWEST}))"
        return f"({enough} - scalar(quantile(0.5, {enough})))"

    client, server = (p95(0.95, entry.WHO, window=NOW) for p95 in (entry.at_client, entry.at_server))
    return f"({over_median(client)} or {over_median(server)})"


def affected() -> Panel:
    """Return the table of platforms and regions."""
    everyone = entry.requests(entry.WHO, window=NOW)
    errors = entry.requests(entry.WHO, '="error"', window=NOW)
    empty = rate(c.REQUEST_EMPTY, entry.WHO, entry.ASKED, window=NOW)
    one: dict[c.Attribute | str, str] = {key: links.of(key) for key in entry.WHO}
    return Panel(
        "Who is affected?",
        "Platforms and regions, over the last 5 minutes of the time shown. The row whose p95 exceeds the median of all"
        f" rows most is at the top. Rows with fewer than {FEWEST} requests are gray and are not compared: they are too"
        " few to judge by. If only the client's p95 is high, look at the network between client and entry. `_other` are"
        " clients that name no platform or region, or one that is not on the list.",
        Draw.TABLE,
        (
            Query(excess(), title=_EXCESS, unit=Unit.SECONDS, steps=_EXCESS_STEPS),
            Query(counted(), title=_REQUESTS, unit=Unit.NUMBER),
            Query(
                entry.at_client(0.95, entry.WHO, window=NOW), title="p95 client", unit=Unit.SECONDS,
                steps=entry.CLIENT_STEPS,
            ),
            Query(
                entry.at_server(0.95, entry.WHO, window=NOW), title="p95 server", unit=Unit.SECONDS,
                steps=entry.SERVER_STEPS,
            ),
            Query(entry.on_the_way(0.95, entry.WHO, window=NOW), title="p95 on the way", unit=Unit.SECONDS),
            Query(ratio(errors, everyone, entry.WHO), title="Errors", unit=Unit.SHARE, steps=_SHARE_STEPS),
            Query(ratio(empty, everyone, entry.WHO), title="Empty", unit=Unit.SHARE, steps=_SHARE_STEPS),
        ),
        Unit.SECONDS, width=24, height=9,
        labels=((label(c.CLIENT_PLATFORM), "Platform"), (label(c.CLIENT_REGION), "Region")),
        sort=_EXCESS,
        gray_below=(_REQUESTS, FEWEST),
        links=(
            links.traces(one, title="Their traces in Jaeger"),
            links.traces({**one, "error": "true"}, title="Their failed traces in Jaeger"),
            links.board(
                "search-overview", "This board, for these clients only", keep=("operation",),
                platform=links.of(c.CLIENT_PLATFORM), region=links.of(c.CLIENT_REGION),
            ),
            links.logs(),
            links.sentry(one),
        ),
    )  # fmt: skip


def row() -> Row:
    """Return the row."""
    return Row("Clients", (affected(),))
