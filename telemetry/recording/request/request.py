"""`request`: sets the operation, platform and region of the current request.

They are kept in the current context, and in OpenTelemetry's baggage, which takes `search.operation`, `client.platform`
and `client.region` to all processes of the request. An `endpoint` without a name takes that of the operation.

The first endpoint of a request adds `search.entry` to the baggage, so that an endpoint knows whether it is the entry.
"""

from collections.abc import Mapping
from contextlib import ContextDecorator
from contextvars import Token
from typing import Final, Self

from opentelemetry import baggage
from opentelemetry import context as otel_context
from opentelemetry.context import Context

from telemetry import conventions as c
from telemetry.recording.current import attach, detach, get_current
from telemetry.recording.request.baggage import request_baggage, with_entries
from telemetry.recording.request.bounds import Value, bounds

Labels = Mapping[str, Value]

REQUEST_NAME: Final = otel_context.create_key("search-telemetry-request")
"""The context's key of the operation of the innermost `request` block."""


class request(ContextDecorator):  # noqa: N801  users write it in `with`, where names are lower case
    """Serve or send one request in this block.

    Arguments: `operation`, such as `/search`, which is in the baggage without its slash; `platform` and `region` of the
    client. None keeps the value from upstream.
    """

    # A class, since what `contextmanager` makes takes as long to enter and leave as all that happens between the two.
    __slots__ = ("_operation", "_platform", "_region", "_token")

    def __init__(
        self, operation: str | None = None, /, *, platform: str | None = None, region: str | None = None
    ) -> None:
        self._operation = operation
        self._platform = platform
        self._region = region

    def _recreate_cm(self) -> Self:
        """Return what a call of a decorated function enters: calls may overlap."""
        return type(self)(self._operation, platform=self._platform, region=self._region)

    def __enter__(self) -> None:
        self._token: Token[Context] = attach(with_request(self._operation, self._platform, self._region))

    def __exit__(self, *_: object) -> None:
        detach(self._token)


def with_request(
    operation: str | None, platform: str | None = None, region: str | None = None, context: Context | None = None
) -> Context:
    """Return a copy of `context` (default: the current one) with these values."""
    values: dict[str, object] = (get_current() if context is None else context).copy()
    entries: dict[str, object] = {}
    if operation is not None:
        values[REQUEST_NAME] = operation
        if platform is None and region is None:  # as most have it
            name = operation_name(operation)
            if name:
                bounds.add(c.SEARCH_OPERATION, name)
                with_entries(values, {c.SEARCH_OPERATION.name: name})
            return Context(values)
    for attribute, value in (
        (c.SEARCH_OPERATION, None if operation is None else operation_name(operation)),
        (c.CLIENT_PLATFORM, platform),
        (c.CLIENT_REGION, region),
    ):
        if value:
            bounds.add(attribute, value)
            entries[attribute.name] = value
    if entries:
        with_entries(values, entries)
    return Context(values)


def operation_name(endpoint: str) -> str:
    """Return `search.operation` for an endpoint: its name without leading and trailing slashes; `/` stays `/`."""
    return endpoint.strip("/") or endpoint


def request_name(context: Context | None = None) -> str | None:
    """Return the operation of the innermost `request` block, such as `/search`; None outside of one."""
    name = (get_current() if context is None else context).get(REQUEST_NAME)
    return name if isinstance(name, str) else None


def is_inner(context: Context | None = None) -> bool:
    """Return whether an endpoint around `context`, in whatever process, is the entry of its request already."""
    return request_baggage(context).is_inner


def entered(context: Context) -> Context:
    """Return a copy of `context` in which no endpoint is the entry."""
    return baggage.set_baggage(c.SEARCH_ENTRY.name, c.INNER, context)


def client_labels(context: Context) -> Labels:
    """Return platform and region of the request of `context`; each is `_other` where the request has none."""
    baggage = request_baggage(context)
    platform, region = baggage.client()
    baggage.count_unknown()
    return {c.CLIENT_PLATFORM.name: platform, c.CLIENT_REGION.name: region}
