"""Filters of traces, as a condition on `spans` with parameters: values never become part of the SQL text.

`service`, `operation` and `status` describe one span of the trace; each attribute may be on any span of it, or on that
span's resource; `min_duration_ns` is that of the whole trace, which began from `since_ns` to `until_ns`. Traces whose
root is a batch of dynamic batching are left out by default: each request links to its batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from collector.local.errors import QueryError
from telemetry.conventions import BATCH

BEGAN = "coalesce(nullif(start_unix_ns, 0), end_unix_ns)"
"""When a span began; if it has no start, when it ended. 0: it has neither."""
FIRST = f"coalesce(min(nullif({BEGAN}, 0)), 0)"
"""When the first of some spans began."""
STATUSES = ("unset", "ok", "error")


@dataclass(frozen=True)
class TraceFilter:
    """Default values do not filter."""

    service: str | None = None
    operation: str | None = None
    status: str | None = None
    min_duration_ns: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    """The values as text: `true`, `12`, `0.5`, `pamazon`."""
    since_ns: int = 0
    """Unix nanoseconds; a trace without any time began at 0."""
    until_ns: int = 2**63 - 1
    batches: bool = False
    """Include batches; `operation="batch"` does, too."""

    def __post_init__(self) -> None:
        if self.status is not None and self.status not in STATUSES:
            message = f"status must be one of {', '.join(STATUSES)}, got {self.status}."
            raise QueryError("bad_request", message, "Correct it, or leave it out.")

    def condition(self) -> tuple[str, list[Any]]:
        """A condition on `spans.trace_id` and its parameters; `true` without a filter."""
        parts: list[str] = []
        parameters: list[Any] = []
        columns = {"service": self.service, "name": self.operation, "status": self.status}
        asked = {column: value for column, value in columns.items() if value is not None}
        if asked:
            same_span = " AND ".join(f"{column} = ?" for column in asked)
            parts.append(f"trace_id IN (SELECT trace_id FROM spans WHERE {same_span})")  # noqa: S608 (our column names)
            parameters += asked.values()
        if not self.batches and self.operation != BATCH.name:
            parts.append(_NO_BATCH)
            parameters.append(BATCH.name)
        for key, value in self.attributes.items():
            parts.append(_HAS_ATTRIBUTE)
            parameters += [json_path(key), value] * 2
        return " AND ".join(parts) or "true", parameters


_NO_BATCH = "trace_id NOT IN (SELECT trace_id FROM spans WHERE parent_span_id IS NULL AND name = ?)"
_HAS_ATTRIBUTE = """trace_id IN (
    SELECT trace_id FROM spans WHERE json_extract_string(attributes, ?) = ? OR resource_id IN (
        SELECT resource_id FROM resources WHERE json_extract_string(attributes, ?) = ?))"""


def json_path(key: str) -> str:
    """DuckDB's path to a key of a JSON object, for any characters in the key."""
    return "/" + key.replace("~", "~0").replace("/", "~1")  # a JSON pointer (RFC 6901): dots need no quoting there
