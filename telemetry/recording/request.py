"""`request`: sets the operation, platform and region of the current request.

They are kept in the current context, and in OpenTelemetry's baggage, which takes `search.operation`, `client.platform`
and `client.region` to all processes of the request. An `endpoint` without a name takes that of the operation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import baggage
from opentelemetry import context as otel_context
from opentelemetry.context import Context

from telemetry import conventions as c
from telemetry.recording.bounds import bounds
from telemetry.recording.current import attach, detach

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
