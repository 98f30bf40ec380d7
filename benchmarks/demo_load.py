"""Searches sent to a gateway, as fast as it answers or at a steady rate.

The result is a `Report`. No telemetry is configured in this process, so that only the service's own is measured.
"""

import asyncio
import itertools
import time
from typing import Any

import grpc

from demo_flow.proto.pamazon_pb2 import SearchRequest
from demo_flow.proto.pamazon_pb2_grpc import GatewayStub
from demo_flow.queries import HEADS
from demo_flow.serving.client import CHANNEL_OPTIONS
from demo_flow.traffic import Report, run

TIMEOUT = 10.0
"""Seconds that a search may take before it counts as failed."""


def at_full_speed(address: str, callers: int, seconds: float) -> Report:
    """Search with `callers` at once, each sending its next query as soon as it has its answer."""
    return asyncio.run(_at_full_speed(address, callers, seconds))


def at_rate(address: str, rate: float, seconds: float) -> Report:
    """Send `rate` searches per second, evenly, whether the ones before were answered or not."""
    return asyncio.run(run(address, rate, seconds, deadline=TIMEOUT, links=False))


async def _at_full_speed(address: str, callers: int, seconds: float) -> Report:
    report, queries, begin = Report(), itertools.cycle(HEADS), time.monotonic()

    async def call_on(stub: Any) -> None:
        while (sent := time.monotonic()) - begin < seconds:
            try:
                await stub.Search(SearchRequest(text=next(queries)), timeout=TIMEOUT)
            except grpc.aio.AioRpcError as error:
                report.errors[error.code().name] += 1
            else:
                report.latencies.append(time.monotonic() - sent)

    async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
        stub = GatewayStub(channel)  # type: ignore[no-untyped-call]  # generated
        await asyncio.gather(*(call_on(stub) for _ in range(callers)))
    report.duration = time.monotonic() - begin
    return report
