"""Writes on a span how its run ended.

In: a span, the exception that passes through it, and the request's scope. Out: its outcome (see `outcome`); where that
is `error`, error status and `error.type`; on the innermost span of the process only, the exception event. State: who
else wants to know of an error, for the process; the scope remembers which exceptions had their event, and what they
were taken for: that holds for the spans further out.

A call that another process failed is an error of its gRPC status. A generator closed early (`GeneratorExit`) has no
event.
"""

import sys
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from opentelemetry.trace import Span, Status, StatusCode

from telemetry import conventions as c
from telemetry.errors import ExceptionClasses
from telemetry.recording.guard import guard
from telemetry.recording.outcome import CANCELLED, ERROR, OK, is_a, outcome_of_error, outcome_of_status
from telemetry.recording.request_scope import Answer, Scope

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
    if asyncio is not None and is_a(exc, asyncio.CancelledError):
        return "CancelledError"
    kind = type(exc)
    try:
        return kind.__qualname__ if kind.__module__ in {"builtins", ""} else f"{kind.__module__}.{kind.__qualname__}"
    except Exception:  # noqa: BLE001  a metaclass of the user's
        return c.OTHER


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
    try:
        if grpc is None or not isinstance(exc, grpc.RpcError) or not isinstance(exc, grpc.Call | grpc.aio.AioRpcError):
            return None
        code = exc.code()
        name = getattr(code, "name", code)
    except Exception:  # noqa: BLE001  a class of the user's, or a module of theirs that is called grpc
        return None
    return (name, _details(exc)) if isinstance(name, str) else None


def _details(exc: Any) -> str:
    try:
        return str(exc.details() or "")
    except Exception:  # noqa: BLE001  as above
        return ""


class Ending(NamedTuple):
    """How a run ended: its outcome, the `error.type` of an error, the seconds to the first item of a stream."""

    outcome: str
    error: str | None = None
    first_item: float | None = None


FINE: Final = Ending(OK)


def record_end(
    span: Span, exc: BaseException | None, scope: Scope, expected: ExceptionClasses = (), *, answers: bool = False
) -> Ending:
    """Write on `span` how its run ended: by `exc`, or without one. Never raises.

    Arguments: `expected` are classes of exceptions that are the caller's mistake; `answers`: what the run returns is
    the answer to the rpc around it, whose status is then the run's own.
    """
    if exc is None and not (answers and scope.answered is not None):
        return FINE
    answer: Answer | None = None
    outcome, kind, message = (OK, "", "") if exc is None else (ERROR, error_type(exc), "")
    with guard:
        asked = answers or not is_a(exc, GeneratorExit)
        answer = scope.answered(exc) if scope.answered is not None and asked else None
    with guard:
        outcome = _outcome(exc, answer, scope, expected)
    with guard:
        kind, message = _words(exc, answer, expected)
    ending = Ending(outcome, kind if outcome == ERROR else None)
    event = None if answer is None or not answer.replaces else (kind, message)
    with guard:
        _write(span, None if is_a(exc, GeneratorExit) else exc, scope, ending, message, instead=event)
    return ending


def record_failure(span: Span, exc: BaseException, scope: Scope | None, outcome: str) -> None:
    """Write `exc` on the span of an rpc whose status says what came of it. Never raises."""
    with guard:
        ending = Ending(outcome, error_type(exc) if outcome == ERROR else None)
        _write(span, exc, scope, ending, message_of(exc))


def _outcome(exc: BaseException | None, answer: Answer | None, scope: Scope, expected: ExceptionClasses) -> str:
    if answer is not None:
        return outcome_of_status(answer.status)
    return OK if exc is None else scope.outcome_of(exc) or outcome_of_error(exc, expected)


def _words(exc: BaseException | None, answer: Answer | None, expected: ExceptionClasses) -> tuple[str, str]:
    """Return `error.type` and message: of the rpc's status, where no exception says more than that."""
    mute = exc is None or (answer is not None and (answer.replaces or outcome_of_error(exc, expected) == CANCELLED))
    if mute and answer is not None:
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
    """Write the ending on the span, with the event of `exc` where it is met for the first time.

    `instead`: type and message of what `exc`, which says nothing, stands for.
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
        if ending.error is None and span.is_recording():  # else the status says it
            span.add_event("exception", {"exception.type": instead[0], "exception.message": instead[1][:_LONGEST]})
        return
    with guard:
        if span.is_recording():
            _add_event(span, exc)
    if ending.error is not None and _listener.first is not None:
        _listener.first(exc, span)


class _Listener:
    """Who is told of every error once in each process, recorded or not."""

    first: Callable[[BaseException, Span], None] | None = None


_listener = _Listener()


def on_first(tell: Callable[[BaseException, Span], None] | None) -> None:
    """Have `tell` called with every error that is met for the first time, and its innermost span; None: no more."""
    _listener.first = tell


def _add_event(span: Span, exc: BaseException) -> None:
    try:
        span.record_exception(exc, {"exception.message": message_of(exc)}, escaped=True)
    except Exception:  # noqa: BLE001  the SDK calls the exception's own __str__
        span.add_event("exception", {"exception.type": error_type(exc)})
