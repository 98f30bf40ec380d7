"""Names the request that is being served.

In: an operation, and who asks for it. Out: `search.operation`, `client.platform` and `client.region` in OpenTelemetry's
baggage, which carries them into every process of the request; the name that an `endpoint` without one of its own takes.
State: none; all of it lives in the current context.
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
    """Serve or send one request inside this block.

    Arguments: `operation`, such as `/search`, names the endpoint, and goes into the baggage without its slash;
    `platform` and `region` of the caller. What is None keeps the value that arrived from upstream.
    """
    token = attach(with_request(operation, platform, region))
    try:
        yield
    finally:
        detach(token)


def with_request(
    operation: str | None, platform: str | None = None, region: str | None = None, context: Context | None = None
) -> Context:
    """Return `context` (default: the current one) as `request` makes it, without making it current."""
    made = otel_context.get_current() if context is None else context
    if operation is not None:
        made = otel_context.set_value(_KEY, operation, made)
    entries = (
        (c.SEARCH_OPERATION, None if operation is None else operation_name(operation)),
        (c.CLIENT_PLATFORM, platform),
        (c.CLIENT_REGION, region),
    )
    for attribute, value in entries:
        if value:
            bounds.give(attribute, value)
            made = baggage.set_baggage(attribute.name, value, made)
    return made


def operation_name(endpoint: str) -> str:
    """Return what `search.operation` calls an endpoint: its name without slashes around it, `/` alone as it is."""
    return endpoint.strip("/") or endpoint


def request_name(context: Context | None = None) -> str | None:
    """Return the operation given to the innermost `request` of this process, such as `/search`; None outside of any."""
    name = otel_context.get_value(_KEY, context)
    return name if isinstance(name, str) else None
