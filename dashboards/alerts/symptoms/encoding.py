"""The encoder works, but wastes time: batches of one document, a cache that finds nothing.

In: a `Scale`. Out: a group: hits of each cache, and alerts. State: none.
"""

from typing import Final

from dashboards.alerts.counting import JOB, LE, count_above, increase
from dashboards.alerts.rule import OF_SERVICE, Alert, Group, Record, labelled
from dashboards.alerts.windows import Scale
from dashboards.promql import series
from telemetry import conventions as c

LEAST_REQUESTS: Final = 20
"""Requests of several documents, without which batches say nothing."""
TINY_SHARE: Final = 0.05
"""Batches of several documents for each request of several: requests may share a batch, but hardly twenty of them."""
LEAST_LOOKUPS: Final = 50
COLD: Final = 0.5
"""Of its usual share of hits."""
USEFUL: Final = 0.2
"""A share of hits below which a cache was never warm."""

HITS: Final = "search_cache:hits:increase"
LOOKUPS: Final = "search_cache:lookups:increase"

_WINDOW, _USUAL, _BEFORE, _FOR, _EVALUATED = "10m", "6h", "15m", "2m", "30s"
_CACHE: Final = (JOB, c.SEARCH_CACHE_NAME)
_ONE: Final = 1.5
"""The bound of `COUNTS` above one."""


def group(scale: Scale) -> Group:
    """Return the rules."""
    return Group("search_encoding", scale(_EVALUATED), (*_records(scale(_WINDOW)), _cold(scale), _tiny(scale)))


def _records(window: str) -> tuple[Record, Record]:
    lookups = increase(c.CACHE_LOOKUPS, _CACHE, {}, window)
    hits = increase(c.CACHE_LOOKUPS, _CACHE, {c.SEARCH_CACHE_OUTCOME: '="hit"'}, window)
    return Record(HITS, f"{hits} or 0 * {lookups}"), Record(LOOKUPS, lookups)


def _cold(scale: Scale) -> Alert:
    past = f"[{scale(_USUAL)}] offset {scale(_BEFORE)}"
    now = f"({HITS} / ({LOOKUPS} >= {LEAST_LOOKUPS}))"
    usual = f"(sum_over_time({HITS}{past}) / (sum_over_time({LOOKUPS}{past}) >= {LEAST_LOOKUPS}))"
    return Alert(
        "SearchCacheCold",
        f"{now} < {COLD} * {usual} and {usual} > {USEFUL}",
        "ticket",
        scale(_FOR),
        f"Cache {labelled('search_cache_name')} of {labelled(JOB)} answers {{{{ $value | humanizePercentage }}}} "
        "of its lookups, less than half of the usual share",
        f"Lookups of the last {_WINDOW}, compared with those of the {_USUAL} before. The encoder runs for each miss.",
        "search-encoder",
        OF_SERVICE,
    )


def _tiny(scale: Scale) -> Alert:
    window = scale(_WINDOW)
    requests = count_above(
        c.BATCH_SIZE, (JOB, c.SEARCH_STAGE), {c.SEARCH_STAGE: f'="{c.INFERENCE.name}"'}, window, _ONE
    )
    every, single = (
        f"increase({series(c.BATCH_SIZE, part, where, flow='')}[{window}])"
        for part, where in (("count", {}), ("bucket", {LE: f'="{_ONE}"'}))
    )
    limit = series(c.BATCH_LIMIT, flow="")
    batches = f"sum by (job) ({every} - ignoring (le) {single} and on (job, search_stage) {limit})"
    return Alert(
        "SearchBatchesTiny",
        f"{batches} / on (job) group_right () ({requests} >= {LEAST_REQUESTS}) < {TINY_SHARE}",
        "ticket",
        scale(_FOR),
        f"{labelled(JOB)} encodes documents one by one: {{{{ $value | humanize }}}} batches of several documents per "
        f"call of stage {labelled('search_stage')} that has several",
        f"In the last {_WINDOW}: batches with more than one document, divided by calls with more than one.",
        "search-encoder",
        OF_SERVICE,
    )
