"""Determines the outcome of a run, for `search.outcome`, the status of spans, and Sentry.

The outcome follows from the exception that ended the run, or from the gRPC status that the caller gets.

`rejected` means that this service responds to its caller with a status below 500: HTTP exceptions of Starlette
(FastAPI), werkzeug (Flask), Django and its REST framework, and classes that the user names. They are recognized by
class: an exception of a client library with a status code is an error. Frameworks are not imported here: one that is
not imported cannot have raised. 429 and RESOURCE_EXHAUSTED are errors, so that shed load stays in the statistics. If
the caller has disconnected, the outcome is `cancelled`.
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

EXPECTED: Final = otel_context.create_key("search-telemetry-expected")
"""The context's key of the classes that the enclosing endpoints expect."""

_ERROR_STATUSES: Final = frozenset({
    "UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "RESOURCE_EXHAUSTED", "DATA_LOSS",
})  # fmt: skip
"""gRPC statuses that are errors of the server: those of the semantic conventions, and RESOURCE_EXHAUSTED."""

_DISCONNECTED: Final = (
    ("asyncio", "CancelledError"),
    ("starlette.requests", "ClientDisconnect"),
    ("starlette.websockets", "WebSocketDisconnect"),
    ("werkzeug.exceptions", "ClientDisconnected"),
    ("django.core.exceptions", "RequestAborted"),
)
"""Exceptions that mean that the caller does not wait any more, by module and name."""


_GAVE_UP: Final = (
    ("builtins", "KeyboardInterrupt"), ("concurrent.futures", "CancelledError"), ("grpc", "FutureCancelledError"),
)  # fmt: skip
"""Exceptions that mean that a client does not wait any more, beside those above."""


def _werkzeug_status(exc: Any) -> object:
    """Return the status of a werkzeug exception: of the response passed to `abort`, else its own."""
    return exc.code if exc.response is None else exc.response.status_code


_HTTP_EXCEPTIONS: Final[tuple[tuple[str, str, Callable[[Any], object]], ...]] = (
    ("starlette.exceptions", "HTTPException", attrgetter("status_code")),
    ("fastapi.exceptions", "RequestValidationError", lambda _: 422),
    ("werkzeug.exceptions", "HTTPException", _werkzeug_status),
    ("rest_framework.exceptions", "APIException", attrgetter("status_code")),
    ("django.http", "Http404", lambda _: 404),
    ("django.core.exceptions", "PermissionDenied", lambda _: 403),
    ("django.core.exceptions", "BadRequest", lambda _: 400),
    ("django.core.exceptions", "SuspiciousOperation", lambda _: 400),
)
"""Exceptions that a web framework turns into a response: module, name, how to read the status."""


class _Process:
    """The expected classes of this process."""

    expected: ExceptionClasses = ()


def expect(classes: ExceptionClasses) -> None:
    """Treat exceptions of these classes as the caller's mistake, in the whole process."""
    _Process.expected = classes


def expected_in(context: Context) -> ExceptionClasses:
    """Return the classes that the enclosing endpoints expect."""
    classes = otel_context.get_value(EXPECTED, context)
    return classes if isinstance(classes, tuple) else ()


def is_a(exc: BaseException | None, classes: type[BaseException] | ExceptionClasses) -> bool:
    """Return whether `exc` is of one of these classes; unlike `isinstance`, it never calls code of the exception."""
    return issubclass(type(exc), classes)


def outcome_of_error(exc: BaseException, expected: ExceptionClasses = ()) -> str:
    """Return the outcome of a run that ended with `exc`."""
    if is_a(exc, GeneratorExit) or any(_is(exc, module, name) for module, name in _DISCONNECTED):
        return CANCELLED
    if is_a(exc, (*expected, *_Process.expected)):
        return REJECTED
    return next((_http_outcome(exc, read) for module, name, read in _HTTP_EXCEPTIONS if _is(exc, module, name)), ERROR)


def outcome_of_status(code: str) -> str:
    """Return the outcome of a run whose caller gets this gRPC status, such as `NOT_FOUND`."""
    if code in _ERROR_STATUSES:
        return ERROR
    return {"OK": OK, "CANCELLED": CANCELLED}.get(code, REJECTED)


def gave_up(exc: BaseException) -> bool:
    """Return whether `exc` means that a client cancelled its own request, in a way that no server meets."""
    return any(_is(exc, module, name) for module, name in _GAVE_UP)


def _is(exc: BaseException, module: str, name: str) -> bool:
    """Return whether `exc` is of this class; if the module is not imported, it is not."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and is_a(exc, kind)


def _http_outcome(exc: BaseException, read: Callable[[Any], object]) -> str:
    try:
        status = read(exc)
    except Exception:  # noqa: BLE001  any access to an exception of the user's may raise
        return ERROR
    return REJECTED if isinstance(status, int) and status < 500 and status != 429 else ERROR
