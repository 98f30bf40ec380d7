"""Writes an exception on a span.

In: a span, the exception that passes through it, and the request's scope. Out: error status, `error.type` and, on the
innermost span of the process only, the exception event. State: who else wants to know of an exception, for
the process; the scope remembers which exceptions had their event.

A cancelled task is a failure of type `CancelledError`; a call that another process failed is one of its gRPC status. A
generator closed early (`GeneratorExit`) is none: callers do not come here with it.
"""

import sys
from collections.abc import Callable
from typing import Final

from opentelemetry.trace import Span, Status, StatusCode

from telemetry import conventions as c
from telemetry.guard import guard
from telemetry.scope import Scope

_LONGEST: Final = 17_408
"""Characters of a message that are kept: as of an attribute, with the margin that scrubbing cuts off again."""


def error_type(exc: BaseException) -> str:
    """Name the class of `exc` as OpenTelemetry does: with its module, unless it is a builtin.

    Cancellation is `CancelledError` wherever the interpreter happens to define it. A failed rpc is its status code,
    such as `UNAVAILABLE`, as on its CLIENT span: the class that gRPC raises says nothing, and has a private name.
    """
    status = _rpc_status(exc)
    if status is not None:
        return status[0]
    asyncio = sys.modules.get("asyncio")  # whoever was cancelled has imported it; others need not pay for it
    if asyncio is not None and isinstance(exc, asyncio.CancelledError):
        return "CancelledError"
    kind = type(exc)
    return kind.__qualname__ if kind.__module__ in {"builtins", ""} else f"{kind.__module__}.{kind.__qualname__}"


def message_of(exc: BaseException) -> str:
    """Return the message of `exc`, of a failed rpc its details; an exception whose own `__str__` fails has none."""
    status = _rpc_status(exc)
    if status is not None:
        return status[1][:_LONGEST]
    try:
        return str(exc)[:_LONGEST]
    except Exception:  # noqa: BLE001  user code: anything can be raised here
        return ""


def _rpc_status(exc: BaseException) -> tuple[str, str] | None:
    """Return code and details of a failed rpc; None for any other exception, and for an rpc that has no code yet."""
    grpc = sys.modules.get("grpc")  # whoever called has imported it
    if grpc is None or not isinstance(exc, grpc.RpcError) or not isinstance(exc, grpc.Call | grpc.aio.AioRpcError):
        return None
    code = exc.code()
    return (code.name, exc.details() or "") if code is not None else None


def record_failure(span: Span, exc: BaseException, scope: Scope | None) -> str:
    """Mark `span` as failed by `exc`; return the `error.type`. Never raises.

    The event is added only where `exc` is seen for the first time, and not at all for an exception that only says that
    the rpc was answered: its status and words then stand for it.
    """
    kind = error_type(exc)
    with guard:
        answered = scope.answered(exc) if scope is not None and scope.answered is not None else None
        kind, message = answered or (kind, message_of(exc))
        first = answered is None and (scope is None or not scope.seen(exc))
        if span.is_recording():
            span.set_attribute(c.ERROR_TYPE.name, kind)
            span.set_status(Status(StatusCode.ERROR, message))
            if first:
                _add_event(span, exc)
        if first and _listener.first is not None:
            _listener.first(exc, span)
    return kind


class _Listener:
    """Who is told of every exception once in each process, recorded or not."""

    first: Callable[[BaseException, Span], None] | None = None


_listener = _Listener()


def on_first(tell: Callable[[BaseException, Span], None] | None) -> None:
    """Have `tell` called with every exception that is met for the first time, and its innermost span; None: no more."""
    _listener.first = tell


def _add_event(span: Span, exc: BaseException) -> None:
    try:
        span.record_exception(exc, {"exception.message": message_of(exc)}, escaped=True)
    except Exception:  # noqa: BLE001  the SDK calls the exception's own __str__
        span.add_event("exception", {"exception.type": error_type(exc)})
