"""Interceptor of `grpc` servers (threads).

In: each incoming call. Out: a SERVER span around the handler, current in the handler's thread only while it runs.
State: none but each call's own, and the handlers wrapped.
"""

import functools
from collections.abc import Callable
from typing import Any

import grpc

from telemetry.recording.current import attach, detach
from telemetry.rpc.calls.incoming import Incoming, behavior_of, rebuilt
from telemetry.rpc.calls.names import Filter, Method
from telemetry.rpc.threads.streams import TracedIterator

Behavior = Callable[[Any, Any], Any]


class ServerInterceptor(grpc.ServerInterceptor):  # type: ignore[type-arg]
    """Traces calls of all four arities."""

    def __init__(self, filter_: Filter | None = None) -> None:
        self._incoming = Incoming(filter_, wrapped)

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """Return the handler, wrapped; gRPC asks once for each call, before it reads the request."""
        return self._incoming.wrapped(handler_call_details, continuation(handler_call_details))


def wrapped(incoming: Incoming, method: Method, handler: Any, is_traced: bool) -> Any:
    """Return `handler` with a function of threads inside a span."""
    behavior = behavior_of(handler)
    if getattr(behavior, "experimental_non_blocking", False):
        return handler  # ends by a callback that gRPC makes up; only grpcio-health-checking's Watch is of this kind
    make = _stream if handler.response_streaming else _unary
    return rebuilt(handler, make(incoming, method, behavior, is_traced))


def _unary(incoming: Incoming, method: Method, behavior: Behavior, is_traced: bool) -> Behavior:
    @functools.wraps(behavior)
    def served(request: Any, servicer: Any) -> Any:
        call = incoming.begin(method, request, servicer, is_traced)
        if call is None:
            return behavior(request, servicer)
        token = attach(call.context)
        try:
            response = behavior(request, servicer)
        except BaseException as error:
            call.finish(error)
            raise
        finally:
            detach(token)
        call.finish(None)
        return response

    return served


def _stream(incoming: Incoming, method: Method, behavior: Behavior, is_traced: bool) -> Behavior:
    @functools.wraps(behavior)
    def served(request: Any, servicer: Any) -> Any:
        call = incoming.begin(method, request, servicer, is_traced)
        if call is None:
            return behavior(request, servicer)
        token = attach(call.context)
        try:
            responses = behavior(request, servicer)
        except BaseException as error:
            call.finish(error)
            raise
        finally:
            detach(token)
        return TracedIterator(responses, call.context, call.finish)

    return served


def interceptors(filter_: Filter | None) -> list[Any]:
    """Return the interceptors for `grpc.server(pool, interceptors=…)`."""
    return [ServerInterceptor(filter_)]
