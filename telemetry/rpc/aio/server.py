"""Interceptor of `grpc.aio` servers (asyncio).

In: each incoming call. Out: a SERVER span around the handler, current in its task while it runs. State: none but each
call's own, and the handlers wrapped.

The wrapped handler is of the kind that the user's is (coroutine, async generator, or a plain function, which
`grpc.aio` runs in a thread pool): gRPC, and interceptors around this one, look at the kind.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio
from opentelemetry import context as otel_context

from telemetry.recording.current import attach, detach
from telemetry.rpc.aio.status_recording import recording_status
from telemetry.rpc.calls.incoming import Incoming, ServerCall, UntracedCall, behavior_of, rebuilt
from telemetry.rpc.calls.names import Filter, Method
from telemetry.rpc.threads import server


class AioServerInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """Traces calls of all four arities."""

    def __init__(self, filter_: Filter | None = None) -> None:
        self._incoming = Incoming(filter_, _wrapped)

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any) -> Any:
        """Return the handler, wrapped; gRPC asks once for each call, in the task that then runs the handler."""
        return self._incoming.wrapped(handler_call_details, await continuation(handler_call_details))


def _wrapped(incoming: Incoming, method: Method, handler: Any, is_traced: bool) -> Any:
    behavior = behavior_of(handler)
    if _is(inspect.isasyncgenfunction, behavior):
        return rebuilt(handler, _generator(incoming, method, behavior, is_traced))
    if _is(inspect.iscoroutinefunction, behavior):
        return rebuilt(handler, _coroutine(incoming, method, behavior, is_traced))
    return rebuilt(handler, recording_status(behavior_of(server.wrapped(incoming, method, handler, is_traced))))


def _is(kind: Callable[[Any], bool], behavior: Any) -> bool:
    """Ask as gRPC does, which also takes objects with an async `__call__`."""
    return kind(behavior) or kind(getattr(behavior, "__call__", None))  # noqa: B004  the method itself is asked


def _coroutine(
    incoming: Incoming, method: Method, behavior: Callable[..., Awaitable[Any]], is_traced: bool
) -> Callable[..., Any]:
    """Wrap a handler that returns its response, or writes its responses with `context.write`."""

    @functools.wraps(behavior)
    async def served(request: Any, servicer: Any) -> Any:
        call = incoming.begin(method, request, servicer, is_traced)
        if call is None:
            return await behavior(request, servicer)
        token = attach(call.context)
        try:
            response = await behavior(request, servicer)
        except BaseException as error:
            call.finish(error)
            raise
        finally:
            detach(token)
        call.finish(None)
        return response

    return served


def _generator(incoming: Incoming, method: Method, behavior: Callable[..., Any], is_traced: bool) -> Callable[..., Any]:
    """Wrap a handler that yields its responses."""

    @functools.wraps(behavior)
    async def served(request: Any, servicer: Any) -> AsyncIterator[Any]:
        call = incoming.begin(method, request, servicer, is_traced)
        responses = behavior(request, servicer)
        if call is None:
            async for response in responses:
                yield response
            return
        try:
            while True:
                try:
                    response = await _within(call, responses.__anext__)
                except StopAsyncIteration:
                    break
                yield response
        except BaseException as error:  # GeneratorExit too: gRPC drops the generator of a caller that has gone
            try:
                await _within(call, responses.aclose)
            finally:
                call.finish(error)
            raise
        call.finish(None)

    return served


async def _within(call: ServerCall | UntracedCall, step: Callable[[], Awaitable[Any]]) -> Any:
    """Await one step of the user's generator in the call's context, which is not current while gRPC sends.

    A step goes on in the context that the step before left: a `with stage(…)` may be open across a `yield`.
    """
    token = attach(call.context)
    try:
        return await step()
    finally:
        call.context = otel_context.get_current()
        detach(token)


def interceptors(filter_: Filter | None) -> list[Any]:
    """Return the interceptors for `grpc.aio.server(interceptors=…)`."""
    return [AioServerInterceptor(filter_)]
