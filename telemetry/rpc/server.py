"""Interceptor of `grpc` servers (threads).

In: each incoming call. Out: a SERVER span around the handler, current in the handler's thread only while it runs.
State: none but each call's own.
"""

import functools
from collections.abc import Callable
from typing import Any

import grpc

from telemetry.recording.current import attach, detach
from telemetry.rpc.incoming import Incoming, behavior_of, rebuilt
from telemetry.rpc.names import Filter
from telemetry.rpc.streams import Produced

Behavior = Callable[[Any, Any], Any]


class ServerInterceptor(grpc.ServerInterceptor):  # type: ignore[type-arg]
    """Traces calls of all four arities."""

    def __init__(self, filter_: Filter | None = None) -> None:
        self._incoming = Incoming(filter_)

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """Return the handler, wrapped; gRPC asks once for each call, before it reads the request."""
        handler = continuation(handler_call_details)
        if handler is None:
            self._incoming.refuse(handler_call_details)
            return None
        if not self._incoming.listens():
            return handler
        return wrapped(self._incoming, handler_call_details, handler)


def wrapped(incoming: Incoming, details: Any, handler: Any) -> Any:
    """Return `handler` with a function of threads inside a span."""
    behavior = behavior_of(handler)
    if getattr(behavior, "experimental_non_blocking", False):
        return handler  # ends by a callback that gRPC makes up; only grpcio-health-checking's Watch is of this kind
    serve = _stream if handler.response_streaming else _unary

    @functools.wraps(behavior)
    def served(request: Any, servicer: Any) -> Any:
        return serve(incoming, details, behavior, request, servicer)

    return rebuilt(handler, served)


def _unary(incoming: Incoming, details: Any, behavior: Behavior, request: Any, servicer: Any) -> Any:
    call = incoming.begin(details, request, servicer)
    if call is None:
        return behavior(request, servicer)
    token = attach(call.context)
    try:
        response = behavior(request, servicer)
    except BaseException as error:
        call.end(error)
        raise
    finally:
        detach(token)
    call.end(None)
    return response


def _stream(incoming: Incoming, details: Any, behavior: Behavior, request: Any, servicer: Any) -> Any:
    call = incoming.begin(details, request, servicer)
    if call is None:
        return behavior(request, servicer)
    token = attach(call.context)
    try:
        responses = behavior(request, servicer)
    except BaseException as error:
        call.end(error)
        raise
    finally:
        detach(token)
    return Produced(responses, call.context, call.end)


def interceptors(filter_: Filter | None) -> list[Any]:
    """Return the interceptors for `grpc.server(pool, interceptors=…)`."""
    return [ServerInterceptor(filter_)]
