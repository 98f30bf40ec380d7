"""Channels of `grpc.aio` (asyncio) whose calls are traced, without interceptors.

In: a channel. Out: a channel for the same stubs, with a CLIENT span around each call, and the trace in its metadata.
State: none but each call's own.

With interceptors, gRPC runs each call in a task of its own.
"""

from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from telemetry.rpc.aio.client import watch, within
from telemetry.rpc.calls.outgoing import ChannelMethod, Outgoing


class TracedChannel(grpc.aio.Channel):
    """A channel whose calls are traced; all else is the channel's."""

    def __init__(self, channel: grpc.aio.Channel, outgoing: Outgoing) -> None:
        self._channel: Any = channel
        self._outgoing = outgoing

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with one request and one response."""
        return self._traced(self._channel.unary_unary, method, *args, **kwargs)

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with one request and a stream of responses."""
        return self._traced(self._channel.unary_stream, method, *args, **kwargs)

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with a stream of requests and one response."""
        return self._traced(self._channel.stream_unary, method, *args, **kwargs)

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with streams in both directions."""
        return self._traced(self._channel.stream_stream, method, *args, **kwargs)

    def _traced(self, make: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        return _Callable(make(method, *args, **kwargs), self._outgoing.method(method), self._outgoing)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Return the state of the connection."""
        state: grpc.ChannelConnectivity = self._channel.get_state(try_to_connect)
        return state

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the connection has another state."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until the channel is connected."""
        await self._channel.channel_ready()

    async def close(self, grace: float | None = None) -> None:
        """Close the channel; calls may go on for `grace` seconds."""
        await self._channel.close(grace)

    async def __aenter__(self) -> Self:
        await self._channel.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._channel.__aexit__(kind, exc, tb)


class _Callable(
    grpc.aio.UnaryUnaryMultiCallable,  # type: ignore[type-arg]
    grpc.aio.UnaryStreamMultiCallable,  # type: ignore[type-arg]
    grpc.aio.StreamUnaryMultiCallable,  # type: ignore[type-arg]
    grpc.aio.StreamStreamMultiCallable,  # type: ignore[type-arg]
):
    """Calls a method of any arity: gRPC returns its object of the call at once."""

    def __init__(self, inner: Any, method: ChannelMethod, outgoing: Outgoing) -> None:
        self._inner = inner
        self._method = method
        self._outgoing = outgoing

    def __call__(  # type: ignore[override]  # noqa: PLR0917  gRPC's signatures
        self, request: Any = None, timeout: Any = None, metadata: Any = None, credentials: Any = None,
        wait_for_ready: Any = None, compression: Any = None, **more: Any,
    ) -> Any:  # fmt: skip
        """Begin a call, and return gRPC's object of it."""
        if more:
            request = more.pop("request_iterator", request)
        options = {
            "timeout": timeout, "credentials": credentials, "wait_for_ready": wait_for_ready,
            "compression": compression, **more,
        }  # fmt: skip
        call, metadata = self._outgoing.begin_on(
            self._method, request, timeout, metadata, credentials, wait_for_ready, compression
        )
        if call is None:
            return self._inner(request, metadata=metadata, **options)
        outgoing = within(call, self._inner, request, metadata=metadata, **options)
        watch(outgoing, call)
        return outgoing
