"""Our traced gRPC channels and interceptors, on OpenTelemetry's API.

In: calls through channels and servers that use them. Out: CLIENT and SERVER spans, durations, and the trace context on
the wire. State: none; each call owns its span.
"""

from typing import Any, TypeVar

import grpc
import grpc.aio

from telemetry.rpc.aio import channel as aio_channel
from telemetry.rpc.aio import client as aio_client
from telemetry.rpc.aio import server as aio_server
from telemetry.rpc.calls.names import Filter
from telemetry.rpc.calls.outgoing import Outgoing
from telemetry.rpc.threads import client, server
from telemetry.rpc.threads.channel import TracedChannel
from telemetry.rpc.zero_code import instrument_grpc, uninstrument_grpc

__all__ = [
    "Filter",
    "aio_client_interceptors",
    "aio_server_interceptors",
    "client_interceptors",
    "instrument_grpc",
    "server_interceptors",
    "traced",
    "uninstrument_grpc",
]


def server_interceptors(filter_: Filter | None = None) -> list[Any]:
    """Return interceptors for `grpc.server(pool, interceptors=server_interceptors())`.

    Arguments: `filter_` takes gRPC's call details and returns whether the call is traced; those of
    `opentelemetry.instrumentation.grpc.filters` fit. Without it, all are traced except health checks, reflection,
    channelz and the exports of telemetry itself. A call that is not traced still propagates its context.
    """
    return server.interceptors(filter_)


def aio_server_interceptors(filter_: Filter | None = None) -> list[Any]:
    """Return interceptors for `grpc.aio.server(interceptors=aio_server_interceptors())`; see `server_interceptors`."""
    return aio_server.interceptors(filter_)


def client_interceptors(target: str | None = None, filter_: Filter | None = None) -> list[Any]:
    """Return interceptors for `grpc.intercept_channel(channel, *client_interceptors(target))`.

    Arguments: `target`, the channel's, becomes `server.address` and `server.port` (interceptors do not get
    it from gRPC; without it the spans lack these two). `filter_` as in `server_interceptors`.
    """
    return client.interceptors(target, filter_)


def aio_client_interceptors(target: str | None = None, filter_: Filter | None = None) -> list[Any]:
    """Return interceptors for `grpc.aio.insecure_channel(target, interceptors=aio_client_interceptors(target))`.

    Arguments as in `client_interceptors`.
    """
    return aio_client.interceptors(target, filter_)


C = TypeVar("C", grpc.Channel, grpc.aio.Channel)


def traced(channel: C, target: str | None = None, filter_: Filter | None = None) -> C:
    """Return a channel of `grpc` or `grpc.aio` whose calls are traced; arguments as in `client_interceptors`.

    It costs less than an interceptor, and is outside of those that the channel has. To close it closes the channel.
    """
    outgoing = Outgoing(target, filter_)
    if isinstance(channel, grpc.aio.Channel):
        return aio_channel.TracedChannel(channel, outgoing)
    return TracedChannel(channel, outgoing)
