"""The commands' client of the service `pamazon.Incidents`: it leaves no trace.

In: the gateway's address. Out: what is active. State: one channel for each client.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Final, Self

import grpc

from demo_flow.client import RequestFailed
from demo_flow.errors import PamazonError
from demo_flow.incidents.active import ACTIVE
from demo_flow.incidents.table import INCIDENTS
from demo_flow.proto.pamazon_pb2 import (
    ActiveIncidents,
    ListIncidentsRequest,
    StartIncidentRequest,
    StopIncidentRequest,
)
from demo_flow.proto.pamazon_pb2_grpc import IncidentsStub

_OPTIONS: Final = (("grpc.enable_http_proxy", 0),)
_TIMEOUT: Final = 15.0
_EVERY: Final = 0.5
"""Seconds between two questions of a load, which incident is active."""


class IncidentsClient:
    """A connection to a gateway; a context manager. Its methods raise RequestFailed."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._channel = grpc.insecure_channel(address, options=_OPTIONS)
        self._stub: Any = IncidentsStub(self._channel)  # type: ignore[no-untyped-call]  # generated

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._channel.close()

    def start(self, name: str, seconds: float) -> None:
        """Start an incident."""
        self._call(self._stub.Start, StartIncidentRequest(name=name, seconds=seconds))

    def stop(self) -> dict[str, float]:
        """End what is active; return it, with the seconds that it would have lasted."""
        return self._call(self._stub.Stop, StopIncidentRequest())

    def active(self) -> dict[str, float]:
        """Return what is active, with the seconds that it still lasts."""
        return self._call(self._stub.List, ListIncidentsRequest())

    def _call(self, method: Any, request: Any) -> dict[str, float]:
        try:
            answer: ActiveIncidents = method(request, timeout=_TIMEOUT)
        except grpc.RpcError as error:
            raise RequestFailed(error, self._address, None) from None
        return dict(answer.seconds_left)


@contextlib.contextmanager
def playing(address: str, name: str, seconds: float) -> Iterator[None]:
    """Let an incident be active in this block, and end it however the block ends."""
    with IncidentsClient(address) as client:
        client.start(name, seconds)
        try:
            yield
        finally:
            try:
                client.stop()
            except PamazonError as error:  # of the block, another may be on its way
                print(f"The incident was not ended: {error.message} It ends by itself.", file=sys.stderr)


@contextlib.asynccontextmanager
async def following(address: str) -> AsyncIterator[None]:
    """Keep the incident of the gateway, which clients play, active in this process, too."""
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        stub: Any = IncidentsStub(channel)  # type: ignore[no-untyped-call]  # generated
        await _follow(stub)
        task = asyncio.create_task(_follow_on(stub))
        try:
            yield
        finally:
            task.cancel()
            ACTIVE.stop()


async def _follow_on(stub: Any) -> None:
    while True:
        await asyncio.sleep(_EVERY)
        await _follow(stub)


async def _follow(stub: Any) -> None:
    """Ask once. A gateway that does not answer has no incident for us."""
    found: dict[str, float] = {}
    with contextlib.suppress(grpc.aio.AioRpcError):
        found = dict((await stub.List(ListIncidentsRequest(here=True), timeout=1.0)).seconds_left)
    played = [(name, seconds) for name, seconds in found.items() if name in INCIDENTS and not INCIDENTS[name].roles]
    if played:
        ACTIVE.start(*played[0])
    else:
        ACTIVE.stop()
