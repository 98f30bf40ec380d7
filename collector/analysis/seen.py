"""What the analyses of a finished trace read of a span."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from telemetry import conventions as c

NS: Final = 1_000_000_000
_SYSTEM_NAME, _SYSTEM, _METHOD = c.RPC_SYSTEM_NAME.name, c.RPC_SYSTEM.name, c.RPC_METHOD.name
"""One of these is on the client and server spans of an rpc, in the current and the older conventions."""
_STATUS: Final = c.RPC_RESPONSE_STATUS_CODE.name
_OPERATION, _PLATFORM, _REGION = c.SEARCH_OPERATION.name, c.CLIENT_PLATFORM.name, c.CLIENT_REGION.name


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


def is_rpc(attributes: Mapping[str, Any]) -> bool:
    """Whether a span with these attributes is one of an rpc."""
    return _SYSTEM_NAME in attributes or _SYSTEM in attributes or _METHOD in attributes


def is_unanswered(attributes: Mapping[str, Any]) -> bool:
    """Whether a call ended UNAVAILABLE."""
    return attributes.get(_STATUS) == "UNAVAILABLE"


def seen_of(span: Any, ours: bool, attributes: Mapping[str, Any]) -> Seen:
    """A span of the store or of a query, reduced.

    Args:
        span: has the first six fields of `Seen`.
        ours: whether its instrumentation scope is that of our library.
        attributes: its attributes; those of a stage are not needed, as a span above it has the same of the request.
    """
    get = attributes.get
    return Seen(
        span.span_id,
        span.parent_span_id,
        span.start_unix_ns,
        span.end_unix_ns,
        span.kind,
        span.name,
        ours,
        is_rpc(attributes),
        is_unanswered(attributes),
        get(_OPERATION),
        get(_PLATFORM),
        get(_REGION),
    )
