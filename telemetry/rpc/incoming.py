"""What sync and aio servers share: how a call begins, and how its outcome is read from gRPC's servicer context.

In: gRPC's call details, the request, the servicer context. Out: a call with its `Scope`, and its `Outcome`. State: the
scope of each call, in the call's context.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import grpc
import grpc.aio
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording import providers
from telemetry.recording.guard import guard
from telemetry.recording.instruments import observe
from telemetry.recording.outcome import is_a
from telemetry.recording.request import Labels, is_inner
from telemetry.recording.request_scope import Answer, Scope, with_scope
from telemetry.recording.spans import operation_of
from telemetry.rpc import call as rpc
from telemetry.rpc.metadata import received
from telemetry.rpc.names import Filter, Method, leave_out_infrastructure, method_of, peer_attributes
from telemetry.rpc.outgoing import contributed_span, wanted

# what a handler meets when nobody hears it any more; InternalError is what `context.write` then raises
_LEFT_ALONE: Final = (asyncio.CancelledError, GeneratorExit, grpc.aio.InternalError)
_PATIENCE: Final = 0.02  # seconds between the caller's deadline and the server's, which began when the call arrived
_ROUNDING: Final = 0.01  # of the timeout: gRPC sends it with two or three digits, rounded up


class Incoming:
    """Begins the calls of one server."""

    def __init__(self, filter_: Filter | None) -> None:
        self._filter = filter_ or leave_out_infrastructure

    def listens(self) -> bool:
        """Say whether calls are looked at at all; where nothing is recorded, their context passes all the same."""
        return is_instrumentation_enabled()

    def begin(self, details: Any, request: object, servicer: Any) -> "Served | None":
        """Begin a call; None where it is served as if we were not here. Never raises."""
        with guard:
            method = method_of(details.method)
            if rpc.running(rpc.SERVER, method, None):
                return None
            if not providers.recording() or not wanted(self._filter, details):
                return Served(None, received(servicer.invocation_metadata()), servicer)
            return Served(*_started(method, request, servicer), servicer)
        return None

    def refuse(self, details: Any) -> None:
        """Record a call of a method that nobody serves. Never raises."""
        with guard:
            if not providers.recording() or not self.listens() or not wanted(self._filter, details):
                return
            found = method_of(details.method)
            # callers choose these names, so that metrics must not keep them
            method = Method(found.name, {**found.attributes, c.RPC_METHOD.name: c.OTHER})
            context = received(details.invocation_metadata)
            call = rpc.Call(rpc.SERVER, method, context, {c.RPC_METHOD.name: found.attributes[c.RPC_METHOD.name]})
            call.end(rpc.Outcome(grpc.StatusCode.UNIMPLEMENTED, "Method not found!"))


class Served:
    """One call being served. Without a `call` (a health check), only its context passes."""

    def __init__(self, call: "ServerCall | None", context: Context, servicer: Any) -> None:
        self.context = context
        self._call = call
        self._servicer = servicer
        self._allowed: float | None = None
        if call is not None:
            self._allowed = servicer.time_remaining()
            call.scope.answered = self._answered

    def end(self, error: BaseException | None) -> None:
        """End the call as gRPC will tell the caller; `error` is what the handler raised. Never raises."""
        if self._call is None or self._call.ended:
            return
        outcome = rpc.Outcome(grpc.StatusCode.UNKNOWN, error=error)
        with guard:
            outcome = self._outcome(error)
        self._call.end(outcome)

    def _outcome(self, error: BaseException | None) -> rpc.Outcome:
        if is_a(error, _LEFT_ALONE) or self._caller_has_gone():
            return self._unanswered()
        code = rpc.code_of(_asked(self._servicer, "code"))
        if error is None:
            code = code or grpc.StatusCode.OK
            return rpc.Outcome(code, self._details() if code is not grpc.StatusCode.OK else "")
        if code is None or code is grpc.StatusCode.OK:
            return rpc.Outcome(grpc.StatusCode.UNKNOWN, error=error)
        return rpc.Outcome(code, self._details(), None if is_abort(error) else error)

    def _answered(self, error: BaseException | None) -> Answer | None:
        """Return what the caller is answered, for the spans inside: by `abort`, by `set_code`, or because it has gone.

        `error` is what leaves such a span. A failure that is met while the caller leaves stays one.
        """
        if is_a(error, _LEFT_ALONE) or (error is None and self._caller_has_gone()):
            left = self._unanswered()
            return Answer(left.code.name, left.details) if left.code is not None else None
        code = rpc.code_of(_asked(self._servicer, "code"))
        if code is None or code is grpc.StatusCode.OK:
            return None
        return Answer(code.name, self._details(), replaces=error is not None and is_abort(error))

    def _unanswered(self) -> rpc.Outcome:
        remaining = self._servicer.time_remaining()
        if remaining is None or self._allowed is None or remaining > _PATIENCE + _ROUNDING * self._allowed:
            return rpc.Outcome(grpc.StatusCode.CANCELLED)
        return rpc.Outcome(grpc.StatusCode.DEADLINE_EXCEEDED, "deadline exceeded")

    def _caller_has_gone(self) -> bool:
        """Say whether nobody hears the answer. A thread on an aio server can only look at the deadline."""
        return _asked(self._servicer, "is_active") is False or self._servicer.time_remaining() == 0

    def _details(self) -> str:
        details = _asked(self._servicer, "details") or ""
        return details.decode(errors="replace") if isinstance(details, bytes) else str(details)


class ServerCall(rpc.Call):
    """A call with its scope, and the size of its request."""

    __slots__ = ("_size", "scope")

    def __init__(
        self, method: Method, context: Context, attributes: Mapping[str, AttributeValue], adopted: trace.Span | None
    ) -> None:
        super().__init__(rpc.SERVER, method, context, attributes, adopted)
        self.scope = Scope(self.span)
        self._size: int | None = None
        self.context = with_scope(self.scope, self.context)
        self.mark(None)

    def measure(self, request: object) -> None:
        """Keep the size of a protobuf message: at the end, a handler may have changed it."""
        with contextlib.suppress(Exception):  # a message of a class of the user's
            size = getattr(request, "ByteSize", None)
            self._size = size() if callable(size) else None

    def end(self, outcome: rpc.Outcome) -> None:
        """End the call, and record its request's size where the operation is known by now."""
        if self.ended:
            return
        super().end(outcome)
        operation = self.scope.operation or operation_of(self.context)
        if self._size is not None and operation is not None:
            labels: Labels = {c.SEARCH_OPERATION.name: operation, c.SEARCH_ENTRY.name: not is_inner(self.context)}
            observe(c.REQUEST_SIZE, self._size, labels, self.context)
        self.scope.forget()


def is_abort(error: BaseException) -> bool:
    """Say whether `error` is only the way in which gRPC leaves a handler that called `abort`: it tells nothing."""
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


def _started(method: Method, request: object, servicer: Any) -> tuple[ServerCall, Context]:
    adopted = contributed_span(method, trace.SpanKind.SERVER)
    context = otel_context.get_current() if adopted is not None else received(servicer.invocation_metadata())
    call = ServerCall(method, context, peer_attributes(servicer.peer()), adopted)
    call.measure(request)
    return call, call.context


def _asked(servicer: Any, question: str) -> Any:
    """Ask the servicer context; None where this kind of it has no such method."""
    answer = getattr(servicer, question, None)
    return answer() if answer is not None else None
