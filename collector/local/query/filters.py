"""Which traces a list shall hold.

In: the filter's fields, as a caller means them. Out: a condition on `spans` with its parameters: values never become
part of the SQL text. State: none.

`service`, `operation` and `status` describe one span that the trace must have; each attribute may stand on any span of
it, or on that span's resource; `min_duration_ns` is the whole trace's. Traces whose root is a batch of dynamic batching
are left out unless they are asked for: each request links to its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from collector.local.errors import QueryError
from telemetry.conventions import BATCH, RPC_METHOD, RPC_SYSTEM, RPC_SYSTEM_NAME

RPC_MARKS = (RPC_SYSTEM_NAME.name, RPC_SYSTEM.name, RPC_METHOD.name)
"""Attributes by which a client or server span is known to be of an rpc, in today's conventions and the older ones."""
BEGAN = "coalesce(nullif(start_unix_ns, 0), end_unix_ns)"
"""When a span began, as far as it is known: of one without a start when it ended. 0: it has neither."""
FIRST = f"coalesce(min(nullif({BEGAN}, 0)), 0)"
"""When the first of some spans began."""
STATUSES = ("unset", "ok", "error")


@dataclass(frozen=True)
class TraceFilter:
    """Fields left at their defaults filter nothing."""

    service: str | None = None
    operation: str | None = None
    status: str | None = None
    min_duration_ns: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Values as text: `true`, `12`, `0.5`, `pamazon`."""
    batches: bool = False
    """Batches as well; so does `operation="batch"`."""

    def __post_init__(self) -> None:
        if self.status is not None and self.status not in STATUSES:
            raise QueryError(
                "bad_request", f"status={self.status!r} is no status.", f"Write one of {', '.join(STATUSES)}."
            )

    def condition(self) -> tuple[str, list[Any]]:
        """A condition on `spans.trace_id` and its parameters; `true` when nothing is asked for."""
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
    """DuckDB's path to a key of a JSON object, whatever characters the key has."""
    return "/" + key.replace("~", "~0").replace("/", "~1")  # a JSON pointer (RFC 6901): dots need no quoting there
