"""`request`: sets the operation, platform and region of the current request.

They are kept in the current context, and in OpenTelemetry's baggage, which takes `search.operation`, `client.platform`
and `client.region` to all processes of the request. An `endpoint` without a name takes that of the operation.

The first endpoint of a request adds `search.entry` to the baggage, so that an endpoint knows whether it is the entry.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import baggage
from opentelemetry import context as otel_context
from opentelemetry.context import Context

from telemetry import conventions as c
from telemetry.recording.bounds import Value, bounds
from telemetry.recording.current import attach, detach

Labels = Mapping[str, Value]

_OPERATION: Final = c.SEARCH_OPERATION.name
_PLATFORM: Final = c.CLIENT_PLATFORM.name
_REGION: Final = c.CLIENT_REGION.name
_ENTRY: Final = c.SEARCH_ENTRY.name
_KEY: Final = otel_context.create_key("search-telemetry-request")


@contextmanager
def request(
    operation: str | None = None, /, *, platform: str | None = None, region: str | None = None
) -> Iterator[None]:
    """Serve or send one request in this block.

    Arguments: `operation`, such as `/search`, which is in the baggage without its slash; `platform` and `region` of the
    client. None keeps the value from upstream.
    """
    token = attach(with_request(operation, platform, region))
    try:
        yield
    finally:
        detach(token)


def with_request(
    operation: str | None, platform: str | None = None, region: str | None = None, context: Context | None = None
) -> Context:
    """Return a copy of `context` (default: the current one) with these values."""
    context = otel_context.get_current() if context is None else context
    if operation is not None:
        context = otel_context.set_value(_KEY, operation, context)
    entries = (
        (c.SEARCH_OPERATION, None if operation is None else operation_name(operation)),
        (c.CLIENT_PLATFORM, platform),
        (c.CLIENT_REGION, region),
    )
    for attribute, value in entries:
        if value:
            bounds.add(attribute, value)
            context = baggage.set_baggage(attribute.name, value, context)
    return context


def operation_name(endpoint: str) -> str:
    """Return `search.operation` for an endpoint: its name without leading and trailing slashes; `/` stays `/`."""
    return endpoint.strip("/") or endpoint


def request_name(context: Context | None = None) -> str | None:
    """Return the operation of the innermost `request` block, such as `/search`; None outside of one."""
    name = otel_context.get_value(_KEY, context)
    return name if isinstance(name, str) else None


def is_inner(context: Context | None = None) -> bool:
    """Return whether an endpoint around `context`, in whatever process, is the entry of its request already."""
    return _is_mark(baggage.get_baggage(_ENTRY, context))


def entered(context: Context) -> Context:
    """Return a copy of `context` in which no endpoint is the entry."""
    return baggage.set_baggage(_ENTRY, c.INNER, context)


def entry_labels(operation: str, context: Context) -> Labels:
    """Return the labels of an endpoint that begins in `context`: with the client's if it is the entry."""
    entries = baggage.get_all(context)
    if _is_mark(entries.get(_ENTRY)):
        return {_OPERATION: operation, _ENTRY: False}
    platform, region = _client(entries)
    return {_OPERATION: operation, _ENTRY: True, _PLATFORM: platform, _REGION: region}


def client_labels(context: Context) -> Labels:
    """Return platform and region of the request of `context`; each is `_other` where the request has none."""
    platform, region = _client(baggage.get_all(context))
    return {_PLATFORM: platform, _REGION: region}


def _is_mark(value: object) -> bool:
    return isinstance(value, str) and value == c.INNER


def _client(entries: Mapping[str, object]) -> tuple[Value, Value]:
    platform, region = entries.get(_PLATFORM), entries.get(_REGION)
    return (
        c.OTHER if platform is None else bounds.bounded(c.CLIENT_PLATFORM, platform),
        c.OTHER if region is None else bounds.bounded(c.CLIENT_REGION, region),
    )
