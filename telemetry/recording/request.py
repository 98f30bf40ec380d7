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
from telemetry.recording.bounds import bounds
from telemetry.recording.current import attach, detach

Labels = Mapping[str, bool | str | int]

_INNER: Final[Labels] = {c.SEARCH_ENTRY.name: False}
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
    return _is_mark(baggage.get_baggage(c.SEARCH_ENTRY.name, context))


def entered(context: Context) -> Context:
    """Return a copy of `context` in which no endpoint is the entry."""
    return baggage.set_baggage(c.SEARCH_ENTRY.name, c.INNER, context)


def entry_labels(context: Context) -> Labels:
    """Return what the metrics of an endpoint that begins in `context` say of the entry, and there of the client."""
    entries = baggage.get_all(context)
    if _is_mark(entries.get(c.SEARCH_ENTRY.name)):
        return _INNER
    return {c.SEARCH_ENTRY.name: True, **_client(entries)}


def client_labels(context: Context) -> Labels:
    """Return platform and region of the request of `context`; each is `_other` where the request has none."""
    return _client(baggage.get_all(context))


def _is_mark(value: object) -> bool:
    return isinstance(value, str) and value == c.INNER


def _client(entries: Mapping[str, object]) -> Labels:
    return {
        attribute.name: bounds.bounded(attribute, entries.get(attribute.name, c.OTHER))
        for attribute in (c.CLIENT_PLATFORM, c.CLIENT_REGION)
    }
