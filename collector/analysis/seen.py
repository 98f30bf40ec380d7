"""What the analyses of a finished trace read of a span."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from telemetry import conventions as c

NS: Final = 1_000_000_000
RPC_MARKS: Final = (c.RPC_SYSTEM_NAME.name, c.RPC_SYSTEM.name, c.RPC_METHOD.name)
"""Attributes of the client and server spans of an rpc, in the current and the older conventions."""
_OF_REQUEST: Final = (c.SEARCH_OPERATION, c.CLIENT_PLATFORM, c.CLIENT_REGION)


class Seen(NamedTuple):
    """One span, without what no analysis reads: many of them wait in memory until their traces are finished."""

    span_id: str
    parent_span_id: str | None
    start_unix_ns: int
    end_unix_ns: int
    kind: str
    name: str
    ours: bool
    """Made by our library: its name is a stage's or an endpoint's, of which there are few."""
    is_rpc: bool = False
    """The client's or the server's span of an rpc."""
    is_unanswered: bool = False
    """The call of a client that ended UNAVAILABLE: it may have no server span."""
    operation: str | None = None
    platform: str | None = None
    region: str | None = None


def seen_of(span: Any, scope: str, attributes: Mapping[str, Any]) -> Seen:
    """A span of the store or of a query, reduced.

    Args:
        span: has the first six fields of `Seen`.
        scope: the name of its instrumentation scope.
        attributes: its attributes.
    """
    return Seen(
        span.span_id,
        span.parent_span_id,
        span.start_unix_ns,
        span.end_unix_ns,
        span.kind,
        span.name,
        scope == c.SCOPE,
        any(mark in attributes for mark in RPC_MARKS),
        attributes.get(c.RPC_RESPONSE_STATUS_CODE.name) == "UNAVAILABLE",
        *(_text(attributes.get(attribute.name)) for attribute in _OF_REQUEST),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
