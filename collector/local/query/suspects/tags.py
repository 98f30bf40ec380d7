"""Top tags: the values of each attribute of the requests of a time, with their share, durations and failures.

In: a filter of traces with its time. Out: a bounded list, of a stable sample of the requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from collector.analysis.suspects.candidates import PRESENT, STAGE, Candidate, Value
from collector.analysis.suspects.consequences import restates
from collector.analysis.suspects.tags import Tag, TagValue, tags
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.model import Sample
from collector.local.query.suspects.requests import requests
from collector.local.query.suspects.texts import filter_of, quoted
from collector.local.query.suspects.values import observed
from telemetry.conventions import (
    CLIENT_PLATFORM,
    CLIENT_REGION,
    HAS_IMG_DA,
    HAS_TXT_DA,
    LEN_DOCS,
    SEARCH_OPERATION,
    SERVICE_VERSION,
)

MOST_REQUESTS = 800
FAMILIAR = frozenset(
    attribute.name
    for attribute in (
        CLIENT_PLATFORM, CLIENT_REGION, SERVICE_VERSION, SEARCH_OPERATION, LEN_DOCS, HAS_IMG_DA, HAS_TXT_DA,
    )
)  # fmt: skip
"""In these people think first."""


@dataclass(frozen=True)
class TagValueRow:
    """One value of an attribute, or a range of numbers."""

    value: str
    count: int
    """Of the requests that were looked at, as `sample` says."""
    share: float
    """Of the requests that were looked at."""
    p95_ns: int | None
    """As their clients waited; of those whose clients say nothing, at the entry."""
    failures: int
    """Of the `count`."""
    filter: str
    """The term of the filter language that chooses such requests; empty: it would be too long."""


@dataclass(frozen=True)
class TagRow:
    """One attribute: of any span, or of the process of one service."""

    key: str
    """`client.region`; of a process `clip_encoder › service.version`."""
    values: Sequence[TagValueRow]
    others: int
    """Values that are not listed."""
    without: TagValueRow | None
    """The requests that do not have the attribute; its `value` is empty."""
    tells: float
    """Which share of the differences of the durations goes with its values, 0 to 1."""


@dataclass(frozen=True)
class Tags:
    """The attributes: familiar ones that tell something, others that do, and those that tell nothing."""

    tags: Sequence[TagRow]
    sample: Sample


def find_tags(connection: DuckDBPyConnection, wanted: TraceFilter, limit: int = 20) -> Tags:
    """The tags of a time.

    Args:
        connection: to the store.
        wanted: the filter, with both ends of the time.
        limit: attributes at most.
    """
    found = requests(connection, wanted, MOST_REQUESTS)
    ids = [one.trace_no for one in found.rows]
    failed = sum(1 << number for number, one in enumerate(found.rows) if one.outcome == "error")
    by_key = _by_key(observed(connection, ids, lambda key: restates(None, key) or key.startswith("telemetry.")))
    durations = [one.inside_ns if one.waited_ns is None else one.waited_ns for one in found.rows]
    named = tags(by_key, durations, failed, FAMILIAR) if ids else []
    rows = [_row(tag, len(ids)) for tag in named[:limit]]
    return Tags(rows, Sample(len(ids), found.of))


def _by_key(found: dict[tuple[str, str], dict[Value, int]]) -> dict[str, dict[Value, int]]:
    """Those of spans whatever the span, those of processes by service."""
    merged: dict[str, dict[Value, int]] = {}
    for (stage, key), values in found.items():
        if key == PRESENT:
            continue
        into = merged.setdefault(key if STAGE in stage else stage + STAGE + key, {})
        for value, mask in values.items():
            into[value] = into.get(value, 0) | mask
    return merged


def _row(tag: Tag, of: int) -> TagRow:
    values = [_value(tag.key, value, of) for value in tag.values]
    without = _value_row("", f"{_name_of(tag.key)}!=*", tag.without, of) if tag.without else None
    return TagRow(tag.key, values, tag.others, without, round(tag.tells, 4))


def _value(key: str, one: TagValue, of: int) -> TagValueRow:
    stage, _, name = key.rpartition(STAGE)
    if one.value is not None:
        return _value_row(str(one.value), filter_of(Candidate(stage, name, "=", one.value, 0)), one, of)
    ends = [(sign, end) for sign, end in (("≥", one.low), ("<", one.high)) if end is not None]
    text = " … ".join("" if end is None else f"{end:g}" for end in (one.low, one.high)).strip()
    terms = (filter_of(Candidate(stage, name, sign, f"{end:g}", 0)) for sign, end in ends)
    return _value_row(text, " ".join(terms), one, of)


def _name_of(key: str) -> str:
    return quoted(key.rpartition(STAGE)[2], always=True)


def _value_row(text: str, term: str, one: TagValue, of: int) -> TagValueRow:
    return TagValueRow(text, one.count, round(one.count / max(of, 1), 4), one.p95_ns, one.failures, term)
