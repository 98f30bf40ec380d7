"""Interceptors of `grpc.aio` channels (asyncio).

In: each call of a stub. Out: a CLIENT span around it, the trace in its metadata. State: none but each call's own.

As with threads, the caller gets gRPC's own call object, at once; its callback ends the span when the status is there,
whatever cancelled it: the caller's task, `call.cancel()`, the deadline, or the collection of a stream left early.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Final

import grpc
import grpc.aio

from telemetry.recording.current import attach, detach
from telemetry.recording.guard import guard
from telemetry.recording.runs.outcome import is_a
from telemetry.rpc.calls.call import Call
from telemetry.rpc.calls.contributed import CONTRIBUTED
from telemetry.rpc.calls.names import Filter
from telemetry.rpc.calls.outcome import OK, Outcome, code_of
from telemetry.rpc.calls.outgoing import Outgoing, made_within

Continuation = Callable[[Any, Any], Awaitable[Any]]
_UNKNOWN: Final = Outcome(None)


class _AioClient:
    """What the four arities share. `grpc.aio` files an interceptor under one arity only: hence one class for each."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    async def intercept(self, continuation: Continuation, client_call_details: Any, request: Any) -> Any:
        """Trace one call; `request` may be an iterator of them."""
        call, details = self._outgoing.begin(client_call_details, request)
        if call is None:
            return await continuation(details, request)
        token = attach(call.context)  # a stream of requests is drawn in a task that is made below, in this context
        try:
            outgoing = await continuation(details, request)
        except BaseException as error:
            call.end(_outcome_of_error(error))
            raise
        finally:
            detach(token)
        watch(outgoing, call)
        return outgoing


class UnaryUnary(_AioClient, grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    """Traces calls with one request and one response."""

    intercept_unary_unary: Any = _AioClient.intercept


class UnaryStream(_AioClient, grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    """Traces calls with one request and a stream of responses."""

    intercept_unary_stream: Any = _AioClient.intercept


class StreamUnary(_AioClient, grpc.aio.StreamUnaryClientInterceptor):  # type: ignore[type-arg]
    """Traces calls with a stream of requests and one response."""

    intercept_stream_unary: Any = _AioClient.intercept


class StreamStream(_AioClient, grpc.aio.StreamStreamClientInterceptor):  # type: ignore[type-arg]
    """Traces calls with streams in both directions."""

    intercept_stream_stream: Any = _AioClient.intercept


def interceptors(target: str | None, filter_: Filter | None) -> list[Any]:
    """Return the interceptors for `grpc.aio.insecure_channel(target, interceptors=…)`."""
    outgoing = Outgoing(target, filter_)
    return [UnaryUnary(outgoing), UnaryStream(outgoing), StreamUnary(outgoing), StreamStream(outgoing)]


def watch(outgoing: Any, call: Call) -> None:
    """Have `call` ended when `outgoing` is."""
    try:
        if not outgoing.done():
            outgoing.add_done_callback(partial(_end, call))
            return
    except Exception as fault:  # noqa: BLE001  a call object of another's: anything can be raised here
        guard.caught(fault)
    _end(call, outgoing)


def _end(call: Call, finished: Any) -> None:
    outcome = _UNKNOWN
    try:
        known = getattr(finished, "_cython_call", None)  # where gRPC's own call objects have their status
        outcome = OK if known is not None and known.is_ok() else _outcome(finished)
    except Exception as fault:  # noqa: BLE001  as above
        guard.caught(fault)
    finally:
        call.end(outcome)


def _outcome(finished: Any) -> Outcome:
    code = code_of(_known(finished.code()))
    if code is grpc.StatusCode.OK:
        return OK
    return Outcome(code, str(_known(finished.details()) or ""))


def _known(answer: Coroutine[Any, Any, Any]) -> Any:
    """Return what `answer` returns without waiting: once a call is done, its status is there."""
    try:
        answer.send(None)
    except StopIteration as done:
        return done.value
    answer.close()
    return None


def _outcome_of_error(error: Any) -> Outcome:
    if is_a(error, asyncio.CancelledError):
        return Outcome(grpc.StatusCode.CANCELLED, "cancelled by the caller")
    if is_a(error, grpc.aio.AioRpcError):
        with contextlib.suppress(Exception):  # a class of the user's, as interceptors and tests raise
            return Outcome(code_of(error.code()), str(error.details() or ""))
    return Outcome(None, error=error)


within: Final = partial(made_within, f"{CONTRIBUTED}._aio_client", _outcome_of_error)
"""`made_within` for asyncio."""
