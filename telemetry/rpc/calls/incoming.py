"""What sync and aio servers share: how a call begins, and how its outcome is read from gRPC's servicer context.

In: gRPC's call details, the request, the servicer context. Out: a call with its `Scope`, and its `Outcome`. State: the
scope of each call, in the call's context; the handlers that were wrapped, one for each method, a bounded number.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

import grpc
import grpc.aio
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording import providers
from telemetry.recording.clock import clock
from telemetry.recording.current import get_current
from telemetry.recording.guard import guard
from telemetry.recording.metrics.instruments import record_of
from telemetry.recording.request.scope import Answer, Scope
from telemetry.recording.runs.outcome import is_a
from telemetry.rpc.calls import call as rpc
from telemetry.rpc.calls.contributed import contributed_span
from telemetry.rpc.calls.metadata import extract_from
from telemetry.rpc.calls.names import Filter, Method, is_selected, method_of, peer_attributes
from telemetry.rpc.calls.outcome import OK, SERVER, Outcome, code_of

# what a handler gets once the caller has gone; InternalError is what `context.write` then raises
_CALLER_GONE: Final = (asyncio.CancelledError, GeneratorExit, grpc.aio.InternalError)
_TOLERANCE: Final = 0.02  # seconds between the caller's deadline and the server's, which began when the call arrived
_ROUNDING: Final = 0.01  # of the timeout: gRPC sends it with two or three digits, rounded up
_MOST_HANDLERS: Final = 1024  # that stay wrapped; a handler for all methods may be asked for any name

_in_use: Final = providers.current
_refused: Final[ContextVar[object]] = ContextVar("search-telemetry-refused", default=None)
"""The details of the call of an unknown method that an interceptor below has recorded."""

Wrap = Callable[["Incoming", Method, Any, bool], Any]
"""Wraps a method handler; the last argument: whether its calls are traced, or only propagate their context."""


class Incoming:
    """Begins the calls of one server."""

    def __init__(self, filter_: Filter | None, wrap: Wrap) -> None:
        self._filter = filter_
        self._wrap = wrap
        self._traced: dict[str | bytes, tuple[Any, Any]] = {}  # a handler and itself wrapped, by method
        self._passing: dict[str | bytes, tuple[Any, Any]] = {}

    def wrapped(self, details: Any, handler: Any) -> Any:
        """Return `handler` as it serves this call: wrapped, or untouched where nothing is to be seen. Never raises."""
        try:
            if handler is None:
                self._refuse(details)
                return None
            if get_current() and not is_instrumentation_enabled():
                return handler  # where nothing is recorded, the context is propagated all the same
            full = details.method
            if self._filter is None:
                known = self._traced.get(full)
                if known is not None and known[0] is handler:
                    return known[1]
                is_traced = not method_of(full).is_infrastructure
            else:
                is_traced = is_selected(self._filter, details)
            kept = self._traced if is_traced or self._filter is None else self._passing
            known = kept.get(full)
            if known is None or known[0] is not handler:
                known = (handler, self._wrap(self, method_of(full), handler, is_traced))
                if full in kept or len(kept) < _MOST_HANDLERS:
                    kept[full] = known
            return known[1]
        except Exception as fault:  # noqa: BLE001  whatever it is, it is ours
            guard.caught(fault)
        return handler

    def begin(
        self, method: Method, request: object, servicer: Any, is_traced: bool = True
    ) -> "ServerCall | UntracedCall | None":
        """Begin a call; None where it is served as if we were not here. Never raises."""
        try:
            current = get_current()
            if current and rpc.is_same_call(current.get(rpc.CALL_KEY), SERVER, method, None):
                return None
            if not is_traced or not (_in_use.on or providers.recording()) or sys.is_finalizing():
                return UntracedCall(Context(extract_from(servicer.invocation_metadata(), current)))
            adopted = contributed_span(method, trace.SpanKind.SERVER, current) if current else None
            context = current if adopted is not None else extract_from(servicer.invocation_metadata(), current)
            call = ServerCall(SERVER, method, context, _attributes(method, servicer.peer()), adopted, None, Scope())
            call.serve(request, servicer)
            return call
        except Exception as fault:  # noqa: BLE001  as above
            guard.caught(fault)
        return None

    def _refuse(self, details: Any) -> None:
        """Record a call of a method that the server does not have: once, where interceptors are installed twice."""
        if _refused.get() is details:
            return
        _refused.set(details)
        found = method_of(details.method)
        if not providers.recording() or not is_instrumentation_enabled():
            return
        if found.is_infrastructure if self._filter is None else not is_selected(self._filter, details):
            return
        # callers choose these names, so that metrics must not keep them
        method = Method(found.name, {**found.attributes, c.RPC_METHOD.name: c.OTHER})
        call = rpc.Call(SERVER, method, extract_from(details.invocation_metadata), found.attributes)
        call.end(Outcome(grpc.StatusCode.UNIMPLEMENTED, "Method not found!"))


class UntracedCall:
    """A call being served that is not traced (a health check): its context is propagated."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        self.context = context

    def finish(self, error: BaseException | None) -> None:
        """Do nothing."""


class ServerCall(rpc.Call):
    """A call being served, with its scope, and the size of its request."""

    __slots__ = ("_servicer", "_size")
    scope: Scope

    def serve(self, request: object, servicer: Any) -> None:
        """Set what is served, and let the spans inside read the response to the caller from the scope."""
        self._servicer = servicer
        self.scope.answered = self._answered
        self._size: int | None = None
        size = getattr(request, "ByteSize", None)
        if size is not None:  # a protobuf message, which a handler may change
            with contextlib.suppress(Exception):  # a message of a class of the user's
                self._size = size()

    def finish(self, error: BaseException | None) -> None:
        """End the call with the status that the caller gets; `error` is what the handler raised. Never raises."""
        outcome = OK
        try:
            if error is not None:
                outcome = self._outcome(error)
            else:  # most calls: the response is sent, with status OK
                servicer = self._servicer
                is_active = getattr(servicer, "is_active", None)
                code = getattr(servicer, "code", None)
                if (
                    (is_active is not None and not is_active())
                    or servicer.time_remaining() == 0
                    or (code is not None and code())  # neither None nor 0; gRPC's enum is always true
                ):
                    outcome = self._outcome(None)
        except Exception as fault:  # noqa: BLE001  whatever it is, it is ours
            outcome = Outcome(grpc.StatusCode.UNKNOWN, error=error)
            guard.caught(fault)
        finally:
            is_first = self.end(outcome)
            if is_first and self._size is not None:
                self._measure(self._size)
            self.scope.forget()

    def _measure(self, size: int) -> None:
        """Record the size of the request, where the operation is known by now."""
        with guard:
            operation = self.scope.operation or self.baggage.operation
            record = None if operation is None else record_of(c.REQUEST_SIZE, operation, not self.baggage.is_inner)
            if record is not None:
                record(size, self.span)

    def _outcome(self, error: BaseException | None) -> Outcome:
        if is_a(error, _CALLER_GONE) or self._caller_has_gone():
            return self._unanswered()
        code = code_of(_asked(self._servicer, "code"))
        if error is None:
            code = code or grpc.StatusCode.OK
            return OK if code is grpc.StatusCode.OK else Outcome(code, self._details())
        if code is None or code is grpc.StatusCode.OK:
            return Outcome(grpc.StatusCode.UNKNOWN, error=error)
        return Outcome(code, self._details(), None if is_abort(error) else error)

    def _answered(self, error: BaseException | None) -> Answer | None:
        """Return what the caller is answered, for the spans inside: by `abort`, by `set_code`, or because it has gone.

        `error` is what leaves such a span. A failure that is met while the caller leaves stays one.
        """
        if is_a(error, _CALLER_GONE) or (error is None and self._caller_has_gone()):
            left = self._unanswered()
            return Answer(left.code.name, left.details) if left.code is not None else None
        code = code_of(_asked(self._servicer, "code"))
        if code is None or code is grpc.StatusCode.OK:
            return None
        return Answer(code.name, self._details(), replaces=error is not None and is_abort(error))

    def _unanswered(self) -> Outcome:
        remaining = self._servicer.time_remaining()
        passed = (clock.steady() - self._steady) / 1e9
        if remaining is None or remaining > _TOLERANCE + _ROUNDING * (remaining + passed):
            return Outcome(grpc.StatusCode.CANCELLED)
        return Outcome(grpc.StatusCode.DEADLINE_EXCEEDED, "deadline exceeded")

    def _caller_has_gone(self) -> bool:
        """Return whether the caller no longer waits. A thread on an aio server can only look at the deadline."""
        return _asked(self._servicer, "is_active") is False or self._servicer.time_remaining() == 0

    def _details(self) -> str:
        details = _asked(self._servicer, "details") or ""
        return details.decode(errors="replace") if isinstance(details, bytes) else str(details)


@lru_cache(maxsize=512)  # a connection has one peer and many calls
def _attributes(method: Method, peer: str) -> dict[str, AttributeValue]:
    """Return the attributes of SERVER spans, of which each gets a copy."""
    return {**method.attributes, **peer_attributes(peer)}


def is_abort(error: BaseException) -> bool:
    """Return whether `error` is the one that gRPC's `abort` raises to leave a handler: it has no information."""
    return is_a(error, grpc.aio.AbortError) or (type(error) is Exception and not error.args)


def rebuilt(handler: Any, behavior: Callable[..., Any]) -> Any:
    """Return a method handler as `handler` is, with `behavior` in place of its own."""
    make: Callable[..., Any]
    if handler.request_streaming:
        stream, unary = grpc.stream_stream_rpc_method_handler, grpc.stream_unary_rpc_method_handler
    else:
        stream, unary = grpc.unary_stream_rpc_method_handler, grpc.unary_unary_rpc_method_handler
    make = stream if handler.response_streaming else unary
    return make(behavior, handler.request_deserializer, handler.response_serializer)


def behavior_of(handler: Any) -> Any:
    """Return the function of a method handler: that of its arity."""
    names = {
        (False, False): "unary_unary", (False, True): "unary_stream",
        (True, False): "stream_unary", (True, True): "stream_stream",
    }  # fmt: skip
    return getattr(handler, names[bool(handler.request_streaming), bool(handler.response_streaming)])


def _asked(servicer: Any, question: str) -> Any:
    """Ask the servicer context; None where this kind of it has no such method."""
    answer = getattr(servicer, question, None)
    return answer() if answer is not None else None
