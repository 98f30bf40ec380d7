"""Calls that `opentelemetry-instrumentation-grpc` traces too: neighbours in one process make one span of each call.

In: a method, a context. Out: the neighbour's span in it, if it is this very call's. State: none.
"""

import sys
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation import _SPAN_KEY

from telemetry.rpc.calls.names import Method

CONTRIBUTED: Final = "opentelemetry.instrumentation.grpc"
"""The neighbour's module, and the beginning of its scopes' names."""


def contributed_span(method: Method, kind: SpanKind, context: Context) -> Span | None:
    """Return the span in `context` if it is this very call's, made by `opentelemetry-instrumentation-grpc`.

    Such a span is completed instead of doubled: its own instrumentation leaves out statuses and metrics.
    """
    if CONTRIBUTED not in sys.modules:
        return None
    span: Any = context.get(_SPAN_KEY)
    if getattr(span, "kind", None) is not kind or getattr(span, "name", None) != method.name:
        return None
    scope = getattr(span, "instrumentation_scope", None)
    return span if scope is not None and scope.name.startswith(CONTRIBUTED) else None
