"""Decides what was whose fault: the one rule for `search.outcome`, for the status of spans, and for Sentry.

In: the exception that ended a run, or the gRPC status that answered the caller; the classes that are expected. Out: one
of four words. State: the classes that `configure` was given.

`rejected` is an exception by which this service answers its own caller with a status below 500: the HTTP exceptions of
Starlette (and so FastAPI), werkzeug (Flask), Django and its REST framework, and the classes that the user names. They
are known by class: an exception of a client library that happens to carry a status code is a failure of ours. Of a
framework that is not imported no exception can come, so none is imported here. 429 and RESOURCE_EXHAUSTED are errors:
load that is shed must not leave the statistics. A caller that has gone is `cancelled`.
"""

import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from telemetry.errors import ExceptionClasses

OK: Final = "ok"
REJECTED: Final = "rejected"
CANCELLED: Final = "cancelled"
ERROR: Final = "error"

_EXPECTED: Final = otel_context.create_key("search-telemetry-expected")

_FAULTS: Final = frozenset({
    "UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "RESOURCE_EXHAUSTED", "DATA_LOSS",
})  # fmt: skip
"""Statuses of gRPC that are the server's fault: the semantic conventions' list, and RESOURCE_EXHAUSTED."""

_GONE: Final = (
    ("asyncio", "CancelledError"),
    ("starlette.requests", "ClientDisconnect"),
    ("starlette.websockets", "WebSocketDisconnect"),
    ("werkzeug.exceptions", "ClientDisconnected"),
    ("django.core.exceptions", "RequestAborted"),
)
"""Exceptions that mean that the caller waits no more, by module and name."""


def _werkzeug_status(exc: Any) -> object:
    """Return the status of a werkzeug exception: of the response given to `abort`, else its own."""
    return exc.code if exc.response is None else exc.response.status_code


_ANSWERS: Final[tuple[tuple[str, str, Callable[[Any], object]], ...]] = (
    ("starlette.exceptions", "HTTPException", attrgetter("status_code")),
    ("fastapi.exceptions", "RequestValidationError", lambda _: 422),
    ("werkzeug.exceptions", "HTTPException", _werkzeug_status),
    ("rest_framework.exceptions", "APIException", attrgetter("status_code")),
    ("django.http", "Http404", lambda _: 404),
    ("django.core.exceptions", "PermissionDenied", lambda _: 403),
    ("django.core.exceptions", "BadRequest", lambda _: 400),
    ("django.core.exceptions", "SuspiciousOperation", lambda _: 400),
)
"""Exceptions that a web framework answers with a status of their own: module, name, how the status is read."""


class _Process:
    """What this process expects."""

    expected: ExceptionClasses = ()


def expect(classes: ExceptionClasses) -> None:
    """Take exceptions of these classes for the caller's mistake from now on, in the whole process."""
    _Process.expected = classes


def expecting(classes: ExceptionClasses, context: Context) -> Context:
    """Return `context`, in which exceptions of these classes are the caller's mistake too."""
    return otel_context.set_value(_EXPECTED, (*expected_in(context), *classes), context) if classes else context


def expected_in(context: Context) -> ExceptionClasses:
    """Return the classes that the endpoints around expect."""
    classes = otel_context.get_value(_EXPECTED, context)
    return classes if isinstance(classes, tuple) else ()


def is_a(exc: BaseException | None, classes: type[BaseException] | ExceptionClasses) -> bool:
    """Say whether `exc` is of one of these classes; `isinstance` would ask it, and it may raise at any look."""
    return issubclass(type(exc), classes)


def outcome_of_error(exc: BaseException, expected: ExceptionClasses = ()) -> str:
    """Return the outcome of a run that `exc` ended."""
    if is_a(exc, GeneratorExit) or any(_is(exc, module, name) for module, name in _GONE):
        return CANCELLED
    if is_a(exc, (*expected, *_Process.expected)):
        return REJECTED
    return next((_of_http(exc, read) for module, name, read in _ANSWERS if _is(exc, module, name)), ERROR)


def outcome_of_status(code: str) -> str:
    """Return the outcome of a run that its caller sees end with this status of gRPC, such as `NOT_FOUND`."""
    if code in _FAULTS:
        return ERROR
    return {"OK": OK, "CANCELLED": CANCELLED}.get(code, REJECTED)


def _is(exc: BaseException, module: str, name: str) -> bool:
    """Say whether `exc` is of a class that lives in a module, which whoever raised it has imported."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and is_a(exc, kind)


def _of_http(exc: BaseException, read: Callable[[Any], object]) -> str:
    try:
        status = read(exc)
    except Exception:  # noqa: BLE001  an exception of the user's, which may raise at any look
        return ERROR
    return REJECTED if isinstance(status, int) and status < 500 and status != 429 else ERROR
