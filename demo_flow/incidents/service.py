"""The gRPC service `pamazon.Incidents` of one process.

In: starts, stops and lists, of commands or of the gateway. Out: the active incidents. State: the timer that ends the
incident; the incident itself is in `active`. A gateway passes each call on to the executors that it sends requests to.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import grpc

from demo_flow.errors import PamazonError, Refused
from demo_flow.incidents.active import ACTIVE, Active
from demo_flow.incidents.table import MOST_SECONDS, Incident, named
from demo_flow.proto import pamazon_pb2, pamazon_pb2_grpc
from demo_flow.proto.pamazon_pb2 import ActiveIncidents, StartIncidentRequest

SERVICE: Final[str] = pamazon_pb2.DESCRIPTOR.services_by_name["Incidents"].full_name

Context = grpc.aio.ServicerContext[Any, Any]
Executors = Callable[[], Mapping[str, Sequence[str]]]
"""Returns the addresses that a gateway sends requests to, by role."""

_TIMEOUT: Final = 5.0


class IncidentsServicer(pamazon_pb2_grpc.IncidentsServicer):
    """Arguments: the addresses of the executors behind this process; its own state."""

    def __init__(self, executors: Executors = dict, active: Active = ACTIVE) -> None:
        self._executors = executors
        self._active = active
        self._timer: asyncio.TimerHandle | None = None
        self._starting = asyncio.Lock()

    async def Start(self, request: StartIncidentRequest, context: Context) -> ActiveIncidents:  # noqa: N802 (gRPC's)
        """Start an incident, unless another is active; the same one starts over."""
        async with self._starting:
            try:
                incident = _checked(request)
                _check_free(await self._everywhere(), incident)
                await self._start(incident, request.seconds)
            except Refused as error:
                await context.abort(error.code, error.message)
        return ActiveIncidents(seconds_left={incident.name: self._active.seconds_left()})

    async def Stop(self, request: Any, context: Context) -> ActiveIncidents:  # noqa: N802, ARG002
        """End whatever is active, here and in the executors."""
        found = await self._everywhere()
        await self._stop()
        return ActiveIncidents(seconds_left=found)

    async def List(self, request: Any, context: Context) -> ActiveIncidents:  # noqa: N802, ARG002
        """Return what is active."""
        return ActiveIncidents(seconds_left=self._here() if request.here else await self._everywhere())

    async def _start(self, incident: Incident, seconds: float) -> None:
        targets = _targets(incident, self._executors())
        request = StartIncidentRequest(name=incident.name, seconds=seconds)
        answers = await asyncio.gather(
            *(_call(address, "Start", request) for address in targets), return_exceptions=True
        )
        failed = [
            (address, answer)
            for address, answer in zip(targets, answers, strict=True)
            if isinstance(answer, BaseException)
        ]
        if failed:
            await self._stop()
            address, error = failed[0]
            details = error.details() if isinstance(error, grpc.aio.AioRpcError) else error
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, f"{incident.name} cannot start at {address}: {details}")
        self._stop_here()
        self._active.start(incident.name, seconds)
        self._timer = asyncio.get_running_loop().call_later(seconds, self._active.stop)

    async def _stop(self) -> None:
        self._stop_here()
        request = pamazon_pb2.StopIncidentRequest()
        # One that does not answer has no incident, or ends it by itself.
        await asyncio.gather(*(_call(address, "Stop", request) for address in self._all()), return_exceptions=True)

    def _stop_here(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._active.stop()

    def _here(self) -> dict[str, float]:
        incident = self._active.now()
        return {} if incident is None else {incident.name: self._active.seconds_left()}

    async def _everywhere(self) -> dict[str, float]:
        """Return what is active here and in the executors, also if this gateway was restarted meanwhile."""
        request = pamazon_pb2.ListIncidentsRequest(here=True)
        answers = await asyncio.gather(
            *(_call(address, "List", request) for address in self._all()), return_exceptions=True
        )
        found = self._here()
        for answer in answers:
            if isinstance(answer, ActiveIncidents):
                for name, seconds in answer.seconds_left.items():
                    found[name] = max(seconds, found.get(name, 0.0))
        return found

    def _all(self) -> list[str]:
        return [address for addresses in self._executors().values() for address in addresses]


def _checked(request: StartIncidentRequest) -> Incident:
    try:
        incident = named(request.name)
    except PamazonError as error:
        raise Refused(grpc.StatusCode.NOT_FOUND, str(error)) from None
    if not 0 < request.seconds <= MOST_SECONDS:
        message = f"An incident lasts up to {MOST_SECONDS:.0f} seconds, not {request.seconds:g}."
        raise Refused(grpc.StatusCode.INVALID_ARGUMENT, message)
    return incident


def _check_free(found: Mapping[str, float], incident: Incident) -> None:
    for name, seconds in found.items():
        if name != incident.name:
            message = f"{name} is active for another {seconds:.0f} s. End it first: pamazon incident stop"
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, message)


def _targets(incident: Incident, executors: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the addresses that the incident is passed on to. Raises Refused if Pamazon was started without them."""
    targets: list[str] = []
    for role, addresses in executors.items():
        if role not in incident.roles:
            continue
        if incident.option is not None and len(addresses) < 2:
            ways = f"{incident.option}; or the demo: make demo REPLICAS=2"
            message = f"{incident.name} needs a second {role}. Start Pamazon with one: {ways}"
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, message)
        targets += addresses[1:] if incident.option else addresses
    return targets


async def _call(address: str, method: str, request: Any) -> ActiveIncidents:
    """Call the service of an executor, on a channel of its own: it has no interceptors."""
    async with grpc.aio.insecure_channel(address, options=(("grpc.enable_http_proxy", 0),)) as channel:
        stub: Any = pamazon_pb2_grpc.IncidentsStub(channel)  # type: ignore[no-untyped-call]  # generated
        answer: ActiveIncidents = await getattr(stub, method)(request, timeout=_TIMEOUT)
        return answer
