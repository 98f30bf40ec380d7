"""Interceptors of `grpc` channels (threads).

In: each call of a stub, its `with_call` and `future` forms included. Out: a CLIENT span around it, the trace in its
metadata. State: none but each call's own.

The caller gets gRPC's own call object; its callback ends the span when the status is there. So nothing of ours stands
between the caller and the responses, and the loop over them never runs inside the span.
"""

import contextlib
import weakref
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Final

import grpc

from telemetry.recording.guard import guard
from telemetry.recording.runs.outcome import is_a
from telemetry.rpc.calls.call import Call
from telemetry.rpc.calls.contributed import CONTRIBUTED
from telemetry.rpc.calls.names import Filter
from telemetry.rpc.calls.outcome import OK, Outcome, code_of
from telemetry.rpc.calls.outgoing import Outgoing, made_within
from telemetry.rpc.threads.multicallables import keep_multicallable
from telemetry.rpc.threads.streams import TracedIterator

Continuation = Callable[[Any, Any], Any]


class ClientInterceptor(
    grpc.UnaryUnaryClientInterceptor,  # type: ignore[type-arg]
    grpc.UnaryStreamClientInterceptor,  # type: ignore[type-arg]
    grpc.StreamUnaryClientInterceptor,  # type: ignore[type-arg]
    grpc.StreamStreamClientInterceptor,  # type: ignore[type-arg]
):
    """All four arities: unlike `grpc.aio`, `grpc` asks for each of them."""

    def __init__(self, target: str | None = None, filter_: Filter | None = None) -> None:
        self._outgoing = Outgoing(target, filter_)

    def intercept_unary_unary(self, continuation: Continuation, client_call_details: Any, request: Any) -> Any:
        """Trace a call with one request and one response."""
        keep_multicallable(continuation)
        call, details = self._outgoing.begin(client_call_details, request)
        if call is None:
            return continuation(details, request)
        outgoing = within(call, continuation, details, request)
        if type(outgoing) is _Answered:
            call.end(OK)
            return outgoing
        return watched(outgoing, call)

    intercept_unary_stream = intercept_unary_unary

    def intercept_stream_unary(
        self, continuation: Continuation, client_call_details: Any, request_iterator: Any
    ) -> Any:
        """Trace a call with a stream of requests and one response."""
        return self.intercept_unary_unary(continuation, client_call_details, request_iterator)

    def intercept_stream_stream(
        self, continuation: Continuation, client_call_details: Any, request_iterator: Any
    ) -> Any:
        """Trace a call with streams in both directions."""
        return self.intercept_unary_unary(continuation, client_call_details, request_iterator)


_Answered: Any = getattr(import_module("grpc._interceptor"), "_UnaryOutcome", None)
"""What gRPC makes for the response of a call that it waited for; another status is an exception."""


def watched(outgoing: Any, call: Call) -> Any:
    """Have `call` ended when `outgoing` is; return what the caller gets."""
    if not isinstance(outgoing, grpc.Future) and hasattr(outgoing, "__next__"):
        return TracedIterator(outgoing, None, lambda error: call.end(_outcome_of_stream(error)))
    with guard:
        if outgoing.done():
            call.end(_outcome(outgoing))
            return outgoing
        # add_done_callback would keep the call object alive, and gRPC cancels an abandoned call when it is collected
        abandoned = weakref.finalize(outgoing, call.end, _ABANDONED)
        abandoned.atexit = False

        def finished() -> None:
            with guard:
                found = abandoned.peek()
                if found is not None:
                    call.end(_outcome(found[0]))
            abandoned()  # forgets the call object, and ends the span if nothing did

        if not outgoing.add_callback(finished):
            finished()
        return outgoing
    call.end(Outcome(None))
    return outgoing


_ABANDONED = Outcome(grpc.StatusCode.CANCELLED, "abandoned by the caller")


def _outcome(finished: Any) -> Outcome:
    code = code_of(finished.code())
    if code is grpc.StatusCode.OK:
        return OK
    error = finished.exception() if code is grpc.StatusCode.INTERNAL else None
    if error is not None and not is_a(error, grpc.RpcError):
        return _outcome_of_error(error)  # gRPC's stand-in for an exception raised below us
    return Outcome(code, finished.details() or "")


def _outcome_of_error(error: Any) -> Outcome:
    """Return the outcome of a call that raised: its code, or without one, such as a closed channel, the exception."""
    if is_a(error, grpc.RpcError) and issubclass(type(error), grpc.Call):
        with contextlib.suppress(Exception):  # a class of the user's, as interceptors and tests raise
            return Outcome(code_of(error.code()), str(error.details() or ""))
    return Outcome(None, error=error)


within: Final = partial(made_within, f"{CONTRIBUTED}._client", _outcome_of_error)
"""`made_within` for threads."""


def _outcome_of_stream(error: BaseException | None) -> Outcome:
    """Return the outcome of a stream that another interceptor wrapped, so that only its iteration can be observed."""
    if error is None:
        return OK
    return _ABANDONED if is_a(error, GeneratorExit) else _outcome_of_error(error)


def interceptors(target: str | None, filter_: Filter | None) -> list[Any]:
    """Return the interceptors for `grpc.intercept_channel(channel, *interceptors)`."""
    return [ClientInterceptor(target, filter_)]
