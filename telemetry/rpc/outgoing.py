"""What sync and aio clients share: whether a call is traced, and how it begins.

In: gRPC's call details and the request. Out: an `Outgoing` call with its new details, or None where the call goes on
without a span of ours. State: none.
"""

from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.util.types import AttributeValue

from telemetry.recording import providers
from telemetry.recording.guard import guard
from telemetry.rpc import call as rpc
from telemetry.rpc.metadata import carrying
from telemetry.rpc.names import Filter, Method, leave_out_infrastructure, method_of, target_attributes

CONTRIBUTED = "opentelemetry.instrumentation.grpc"


class Outgoing:
    """Begins the calls of one channel. `target` is the channel's, which gRPC does not tell its interceptors."""

    def __init__(self, target: str | None, filter_: Filter | None) -> None:
        self._filter = filter_ or leave_out_infrastructure
        self._address: dict[str, AttributeValue] = target_attributes(target)

    def begin(self, details: Any, request: object) -> tuple[rpc.Call | None, Any]:
        """Return the call begun and the details to go on with. Never raises.

        Without a call, the details carry the current context all the same, also where nothing is recorded, unless
        instrumentation is suppressed, or has been here already.
        """
        if not is_instrumentation_enabled():
            return None, details
        if not providers.recording():
            return None, carrying(details)
        with guard:
            method = method_of(details.method)
            if rpc.running(rpc.CLIENT, method, request):
                return None, details
            if not wanted(self._filter, details):
                return None, carrying(details)
            adopted = contributed_span(method, trace.SpanKind.CLIENT)
            call = rpc.Call(rpc.CLIENT, method, otel_context.get_current(), self._address, adopted)
            return call, carrying(details, call.context)
        return None, details


def wanted(filter_: Filter, details: Any) -> bool:
    """Ask the filter; one that raises leaves the call traced."""
    try:
        return bool(filter_(details))
    except Exception:  # noqa: BLE001  user code: anything can be raised here
        return True


def contributed_span(method: Method, kind: trace.SpanKind) -> trace.Span | None:
    """Return the current span if it is this very call's, made by `opentelemetry-instrumentation-grpc`.

    Such a span is completed instead of doubled: its own instrumentation leaves out statuses and metrics.
    """
    span = trace.get_current_span()
    scope = getattr(span, "instrumentation_scope", None)
    if scope is None or not scope.name.startswith(CONTRIBUTED):
        return None
    ours = getattr(span, "kind", None) is kind and getattr(span, "name", None) == method.name
    return span if ours else None
