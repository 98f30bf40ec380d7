"""Channels of `grpc` (threads) whose calls are traced, without interceptors.

In: a channel. Out: a channel for the same stubs, with a CLIENT span around each call, and the trace in its metadata.
State: none but each call's own.

gRPC makes several objects for each call that passes an interceptor. Here a stub has our callable in place of gRPC's,
made once for each method, which calls that one directly.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import grpc

from telemetry.rpc.calls.call import Call
from telemetry.rpc.calls.outcome import OK
from telemetry.rpc.calls.outgoing import ChannelMethod, Outgoing
from telemetry.rpc.threads.client import watched, within


class TracedChannel(grpc.Channel):
    """A channel whose calls are traced; all else is the channel's."""

    def __init__(self, channel: grpc.Channel, outgoing: Outgoing) -> None:
        self._channel: Any = channel
        self._outgoing = outgoing

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with one request and one response."""
        return self._traced(_Unary, self._channel.unary_unary, method, *args, **kwargs)

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with one request and a stream of responses."""
        return self._traced(_Stream, self._channel.unary_stream, method, *args, **kwargs)

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with a stream of requests and one response."""
        return self._traced(_Unary, self._channel.stream_unary, method, *args, **kwargs)

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with streams in both directions."""
        return self._traced(_Stream, self._channel.stream_stream, method, *args, **kwargs)

    def _traced(self, kind: Any, make: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        return kind(make(method, *args, **kwargs), self._outgoing.method(method), self._outgoing)

    def subscribe(
        self, callback: Callable[[grpc.ChannelConnectivity], None], try_to_connect: bool | None = False
    ) -> None:
        """Have `callback` called when the connection changes."""
        self._channel.subscribe(callback, try_to_connect=try_to_connect)

    def unsubscribe(self, callback: Callable[[grpc.ChannelConnectivity], None]) -> None:
        """Undo `subscribe`."""
        self._channel.unsubscribe(callback)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._channel.close()


class _Callable:
    """What callables of all arities share."""

    __slots__ = ("_inner", "_method", "_outgoing")

    def __init__(self, inner: Any, method: ChannelMethod, outgoing: Outgoing) -> None:
        self._inner = inner
        self._method = method
        self._outgoing = outgoing

    def _answered(self, make: Callable[..., Any], request: Any, *details: Any) -> Any:
        """Make a call, and return its answer."""
        call, answer = self._made(make, request, *details)
        if call is not None:
            call.end(OK)
        return answer

    def _watched(self, make: Callable[..., Any], request: Any, *details: Any) -> Any:
        """Begin a call, and return gRPC's object of it, which outlasts this function."""
        call, outgoing = self._made(make, request, *details)
        return outgoing if call is None else watched(outgoing, call)

    def _made(self, make: Callable[..., Any], request: Any, *details: Any) -> tuple[Call | None, Any]:
        """Return the call (None: it is not traced), and what `make` returned."""
        call, metadata = self._outgoing.begin_on(self._method, request, *details)
        timeout, _, *rest = details
        if call is None:
            return None, make(request, timeout, metadata, *rest)
        return call, within(call, make, request, timeout, metadata, *rest)


class _Unary(_Callable, grpc.UnaryUnaryMultiCallable, grpc.StreamUnaryMultiCallable):  # type: ignore[type-arg]
    """Calls a method with one response."""

    def __call__(  # noqa: PLR0917  gRPC's signature
        self, request: Any, timeout: Any = None, metadata: Any = None, credentials: Any = None,
        wait_for_ready: Any = None, compression: Any = None,
    ) -> Any:  # fmt: skip
        """Call, and return the response."""
        return self._answered(self._inner, request, timeout, metadata, credentials, wait_for_ready, compression)

    def with_call(  # noqa: PLR0917  as above
        self, request: Any, timeout: Any = None, metadata: Any = None, credentials: Any = None,
        wait_for_ready: Any = None, compression: Any = None,
    ) -> Any:  # fmt: skip
        """Call, and return the response and gRPC's object of the call."""
        make = self._inner.with_call
        return self._answered(make, request, timeout, metadata, credentials, wait_for_ready, compression)

    def future(  # noqa: PLR0917  as above
        self, request: Any, timeout: Any = None, metadata: Any = None, credentials: Any = None,
        wait_for_ready: Any = None, compression: Any = None,
    ) -> Any:  # fmt: skip
        """Begin a call, and return gRPC's object of it."""
        return self._watched(self._inner.future, request, timeout, metadata, credentials, wait_for_ready, compression)


class _Stream(_Callable, grpc.UnaryStreamMultiCallable, grpc.StreamStreamMultiCallable):  # type: ignore[type-arg]
    """Calls a method with a stream of responses."""

    def __call__(  # noqa: PLR0917  gRPC's signature
        self, request: Any, timeout: Any = None, metadata: Any = None, credentials: Any = None,
        wait_for_ready: Any = None, compression: Any = None,
    ) -> Any:  # fmt: skip
        """Begin a call, and return gRPC's object of it: an iterator of responses."""
        return self._watched(self._inner, request, timeout, metadata, credentials, wait_for_ready, compression)
