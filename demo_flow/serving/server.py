"""Runs one role of the flow as a gRPC server, from its port to its last answer.

In: the role, an address, what loads the executor, and the page beside it. Out: an exit once a signal came and every
request was answered. State: the server, the executor, and the health that others await.

The port is bound first, so that a taken one is reported at once; health is SERVING once the executor has loaded.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

import telemetry
import telemetry.rpc
from demo_flow.flow import GATEWAY, Role
from demo_flow.incidents.active import ACTIVE
from demo_flow.incidents.collector import cut_off
from demo_flow.incidents.service import SERVICE as INCIDENTS
from demo_flow.incidents.service import IncidentsServicer
from demo_flow.proto import pamazon_pb2, pamazon_pb2_grpc
from demo_flow.serving.client import MESSAGE_SIZE
from demo_flow.serving.dispatch import Dispatcher, ExecutorServicer, GatewayServicer
from demo_flow.serving.ports import PortTaken

log = logging.getLogger(__name__)

DRAIN: Final = 5.0
"""Seconds that running requests have after a signal."""

MOST_AT_ONCE: Final = 1000
"""Requests that a process takes at once; gRPC answers one more with RESOURCE_EXHAUSTED."""

OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # else a second process would quietly share the port
    ("grpc.max_send_message_length", MESSAGE_SIZE),
    ("grpc.max_receive_message_length", MESSAGE_SIZE),
)

UNTRACED: Final = (f"/{INCIDENTS}/", "/grpc.health.", "/grpc.reflection.")
"""Services whose calls leave no trace and count in no metric."""

HealthServicer = health.aio.HealthServicer  # type: ignore[attr-defined]


class Executor(Protocol):
    """The interface of an executor, beside the methods that serve endpoints."""

    async def close(self) -> None:
        """Let go of what it holds."""


class Page(Protocol):
    """What is served over HTTP beside gRPC, in the same event loop."""

    def bind(self) -> str:
        """Take the port; return its address. Raises PortTaken."""

    async def start(self, dispatcher: Dispatcher) -> None:
        """Serve from now on."""

    async def stop(self) -> None:
        """Answer what runs, for `DRAIN` seconds at most, and end."""


async def serve(
    role: Role,
    address: str,
    load: Callable[[], Awaitable[Executor]],
    announce: Callable[[Mapping[str, Any]], None],
    collectors: Sequence[str] = (),
    *,
    page: Page | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    `announce` is called with the addresses and the executor's facts once it serves, and again when it has drained;
    `collectors` are the endpoints that telemetry is sent to. Raises PortTaken, and whatever `load` does.
    """
    stop = _stop_signal()
    ACTIVE.extras["collector"] = lambda _: cut_off(collectors)
    dispatcher = Dispatcher(role.name)
    server = grpc.aio.server(
        interceptors=telemetry.rpc.aio_server_interceptors(_is_traced),
        options=OPTIONS,
        maximum_concurrent_rpcs=MOST_AT_ONCE,
    )
    healthy = _add_services(server, role, dispatcher)
    bound = {"address": _bind(server, role, address)} | ({"shop": page.bind()} if page else {})
    await healthy(health_pb2.HealthCheckResponse.NOT_SERVING)
    await server.start()
    try:
        executor = await load()
    except BaseException:
        await server.stop(None)
        raise
    dispatcher.ready(executor)
    if page is not None:
        await page.start(dispatcher)
    await healthy(health_pb2.HealthCheckResponse.SERVING)
    telemetry.deployed()
    log.info("serves", extra=bound)
    announce({"role": role.name, **bound, **getattr(executor, "facts", {})})
    await stop.wait()
    log.info("drains")
    await healthy(health_pb2.HealthCheckResponse.NOT_SERVING)
    await asyncio.gather(server.stop(DRAIN), *([page.stop()] if page else []))
    announce({"role": role.name, "drained": True})
    await executor.close()


def _stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set.

    The handlers outlive the event loop, as those of `add_signal_handler` do not: a second signal, while the telemetry
    is being flushed, must not end the process.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def handle(*_: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    return stop


def _add_services(
    server: grpc.aio.Server, role: Role, dispatcher: Dispatcher
) -> Callable[[health_pb2.HealthCheckResponse.ServingStatus], Awaitable[None]]:
    """Add the role's service, health and reflection; return what sets the health of all of them."""
    if role is GATEWAY:
        pamazon_pb2_grpc.add_GatewayServicer_to_server(GatewayServicer(dispatcher), server)  # type: ignore[no-untyped-call]  # generated
        service = pamazon_pb2.DESCRIPTOR.services_by_name["Gateway"].full_name
    else:
        pamazon_pb2_grpc.add_ExecutorServicer_to_server(ExecutorServicer(dispatcher), server)  # type: ignore[no-untyped-call]  # generated
        service = pamazon_pb2.DESCRIPTOR.services_by_name["Executor"].full_name
    incidents = IncidentsServicer(lambda: getattr(dispatcher.executor, "addresses", {}))
    pamazon_pb2_grpc.add_IncidentsServicer_to_server(incidents, server)  # type: ignore[no-untyped-call]  # generated
    health_servicer = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    reflection.enable_server_reflection((service, INCIDENTS, health.SERVICE_NAME, reflection.SERVICE_NAME), server)

    async def healthy(status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        for name in ("", service):
            await health_servicer.set(name, status)

    return healthy


def _is_traced(details: Any) -> bool:
    method = details.method
    return not (method.decode() if isinstance(method, bytes) else method).startswith(UNTRACED)


def _bind(server: grpc.aio.Server, role: Role, address: str) -> str:
    host, _, _ = address.rpartition(":")
    try:
        return f"{host}:{server.add_insecure_port(address)}"
    except RuntimeError:
        option = f"--listen HOST:PORT; of `pamazon up`: --{role.name.replace('_', '-')}"
        raise PortTaken(role.name, address, option) from None
