"""Records on a span how its run ended: outcome, status, `error.type`, and the exception event.

Only the innermost span of the process gets the event: the request's scope remembers the exceptions that were recorded,
and their outcomes, which hold for the outer spans too. A failed call to another process has its gRPC status as
`error.type`. A generator that is closed early (`GeneratorExit`) gets no event.
"""

import sys
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from opentelemetry.trace import Span, Status, StatusCode

from telemetry import conventions as c
from telemetry.errors import ExceptionClasses
from telemetry.recording.guard import guard
from telemetry.recording.request.scope import Answer, Scope
from telemetry.recording.runs.outcome import CANCELLED, ERROR, OK, is_a, outcome_of_error, outcome_of_status

_MAX_MESSAGE: Final = 17_408
"""Most characters of a message: those of an attribute, and the margin that scrubbing needs."""


def error_type(exc: BaseException) -> str:
    """Return the class of `exc` as OpenTelemetry writes it: with its module, unless it is a builtin.

    A cancellation is `CancelledError`, without the module, which differs between versions of Python. A failed rpc is
    its status code, such as `UNAVAILABLE`, as on its CLIENT span: gRPC's exception classes are private.
    """
    status = rpc_status(exc)
    if status is not None:
        return status[0]
    asyncio = sys.modules.get("asyncio")  # imported already if `exc` is a cancellation
    if asyncio is not None and is_a(exc, asyncio.CancelledError):
        return "CancelledError"
    kind = type(exc)
    try:
        return kind.__qualname__ if kind.__module__ in {"builtins", ""} else f"{kind.__module__}.{kind.__qualname__}"
    except Exception:  # noqa: BLE001  a metaclass of the user's
        return c.OTHER


def message_of(exc: BaseException) -> str:
    """Return the message of `exc`; the details of a failed rpc; empty if its `__str__` raises."""
    status = rpc_status(exc)
    if status is not None:
        return status[1][:_MAX_MESSAGE]
    try:
        return str(exc)[:_MAX_MESSAGE]
    except Exception:  # noqa: BLE001  user code may raise anything
        return ""


def rpc_status(exc: BaseException) -> tuple[str, str] | None:
    """Return code and details of a failed rpc; None for other exceptions, and for an rpc without a code yet."""
    grpc = sys.modules.get("grpc")  # imported already if `exc` is an rpc error
    try:
        if grpc is None or not isinstance(exc, grpc.RpcError) or not isinstance(exc, grpc.Call | grpc.aio.AioRpcError):
            return None
        code = exc.code()
        name = getattr(code, "name", code)
    except Exception:  # noqa: BLE001  a class of the user's, or another module named grpc
        return None
    return (name, _details(exc)) if isinstance(name, str) else None


def _details(exc: Any) -> str:
    try:
        return str(exc.details() or "")
    except Exception:  # noqa: BLE001  as above
        return ""


class Ending(NamedTuple):
    """How a run ended: outcome, `error.type` of an error, seconds to the first item of a stream."""

    outcome: str
    error: str | None = None
    first_item: float | None = None


ENDED_OK: Final = Ending(OK)


def record_end(
    span: Span, exc: BaseException | None, scope: Scope, expected: ExceptionClasses = (), *, answers: bool = False
) -> Ending:
    """Record on `span` how its run ended, with `exc` or without. Never raises.

    Arguments: `expected`, exception classes that are the caller's mistake; `answers`, whether the run's result is the
    response to the rpc around it, so that the status of that rpc is the run's own.
    """
    if exc is None and not (answers and scope.answered is not None):
        return ENDED_OK
    answer: Answer | None = None
    outcome, kind, message = (OK, "", "") if exc is None else (ERROR, error_type(exc), "")
    with guard:
        asked = answers or not is_a(exc, GeneratorExit)
        answer = scope.answered(exc) if scope.answered is not None and asked else None
    with guard:
        outcome = _outcome(exc, answer, scope, expected)
    with guard:
        kind, message = _type_and_message(exc, answer, expected)
    ending = Ending(outcome, kind if outcome == ERROR else None)
    event = None if answer is None or not answer.replaces else (kind, message)
    with guard:
        _write(span, None if is_a(exc, GeneratorExit) else exc, scope, ending, message, instead=event)
    return ending


def record_failure(span: Span, exc: BaseException, scope: Scope | None, outcome: str) -> None:
    """Record `exc` on the span of an rpc, whose outcome follows from its status. Never raises."""
    with guard:
        ending = Ending(outcome, error_type(exc) if outcome == ERROR else None)
        _write(span, exc, scope, ending, message_of(exc))


def _outcome(exc: BaseException | None, answer: Answer | None, scope: Scope, expected: ExceptionClasses) -> str:
    if answer is not None:
        return outcome_of_status(answer.status)
    return OK if exc is None else scope.outcome_of(exc) or outcome_of_error(exc, expected)


def _type_and_message(exc: BaseException | None, answer: Answer | None, expected: ExceptionClasses) -> tuple[str, str]:
    """Return `error.type` and message: of the exception, or of the rpc's status if that is more specific."""
    status_only = exc is None or (
        answer is not None and (answer.replaces or outcome_of_error(exc, expected) == CANCELLED)
    )
    if status_only and answer is not None:
        return answer.status, answer.details
    return ("", "") if exc is None else (error_type(exc), message_of(exc))


def _write(
    span: Span,
    exc: BaseException | None,
    scope: Scope | None,
    ending: Ending,
    message: str,
    *,
    instead: tuple[str, str] | None = None,
) -> None:
    """Record the ending on the span, and the event of `exc` if it has not been recorded before.

    `instead`: the type and message for the event if `exc` only stands for a gRPC status.
    """
    if ending.error is not None and span.is_recording():
        with guard:
            span.set_attribute(c.ERROR_TYPE.name, ending.error)
        with guard:
            span.set_status(Status(StatusCode.ERROR, message))
    if exc is None or (scope is not None and scope.outcome_of(exc) is not None):
        return
    if scope is not None:
        scope.remember(exc, ending.outcome)
    if instead is not None:
        if ending.error is None and span.is_recording():  # else the status shows it
            span.add_event("exception", {"exception.type": instead[0], "exception.message": instead[1][:_MAX_MESSAGE]})
        return
    with guard:
        if span.is_recording():
            _add_event(span, exc)
    if ending.error is not None and _listener.on_error is not None:
        _listener.on_error(exc, span)


class _Listener:
    """The function that is called for each error once per process, recorded or not."""

    on_error: Callable[[BaseException, Span], None] | None = None


_listener = _Listener()


def set_error_listener(listener: Callable[[BaseException, Span], None] | None) -> None:
    """Call `listener` for each error once, with its innermost span; None: stop."""
    _listener.on_error = listener


def _add_event(span: Span, exc: BaseException) -> None:
    try:
        span.record_exception(exc, {"exception.message": message_of(exc)}, escaped=True)
    except Exception:  # noqa: BLE001  the SDK calls the exception's own __str__
        span.add_event("exception", {"exception.type": error_type(exc)})
