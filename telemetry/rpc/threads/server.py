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
    return rebuilt(handler, _served(incoming, method, behavior, is_traced, bool(handler.response_streaming)))


def _served(incoming: Incoming, method: Method, behavior: Behavior, is_traced: bool, is_stream: bool) -> Behavior:
    @functools.wraps(behavior)
    def served(request: Any, servicer: Any) -> Any:
        call = incoming.begin(method, request, servicer, is_traced)
        if call is None:
            return behavior(request, servicer)
        token = attach(call.context)
        try:
            answer = behavior(request, servicer)
        except BaseException as error:
            call.finish(error)
            raise
        finally:
            detach(token)
        if is_stream:
            return TracedIterator(answer, call.context, call.finish)
        call.finish(None)
        return answer

    return served


def interceptors(filter_: Filter | None) -> list[Any]:
    """Return the interceptors for `grpc.server(pool, interceptors=…)`."""
    return [ServerInterceptor(filter_)]
