"""What interceptors on both ends add to a unary call: microseconds, to the median on the clock and of CPU.

Client and server are in this process, on 127.0.0.1; calls without interceptors and with them take turns. Spans and
metrics are exported between the turns, and not counted: what the export costs is another measure's.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import perf_counter, process_time
from typing import Any

import grpc
import grpc.aio

from benchmarks.engine.measures import begin, check, library
from benchmarks.engine.measures.echo import METHOD, service
from benchmarks.engine.peers import Started

TURN = 100  # calls, whose spans are fewer than a batch: they wait until the turn is over
Turn = Callable[[int], Awaitable[list[float]]]
"""Makes some calls one after the other, and returns what each took."""


def measure(peer: str, kind: str, *, calls: int, addresses: tuple[str, ...]) -> dict[str, float]:
    """Measure calls by threads (`sync`) or by tasks (`aio`)."""
    os.environ["OTEL_BSP_SCHEDULE_DELAY"] = "60000"
    started = begin(peer, addresses)
    found = asyncio.run(_measure(_sync if kind == "sync" else _aio, library(peer), started, calls))
    check(started)
    return found


async def _measure(opened: Any, peer: Any, started: Started, calls: int) -> dict[str, float]:
    turn = min(calls, TURN)
    wall: tuple[list[float], list[float]] = ([], [])
    cpu: tuple[list[float], list[float]] = ([], [])
    async with contextlib.AsyncExitStack() as stack:
        turns = [await stack.enter_async_context(opened(one)) for one in (None, peer)]
        for number in range(1 + calls // turn):
            for which, make in enumerate(turns):
                begun = process_time()
                took = await make(turn)
                spent = process_time() - begun
                await asyncio.to_thread(started.flush)
                if number:  # the first ones warm up
                    wall[which].extend(took)
                    cpu[which].append(spent / turn)
    return {
        "bare": median(wall[0]) * 1e6,
        "p50": (median(wall[1]) - median(wall[0])) * 1e6,
        "cpu": (median(cpu[1]) - median(cpu[0])) * 1e6,
    }


@contextlib.asynccontextmanager
async def _sync(peer: Any) -> AsyncIterator[Turn]:
    with _threads(peer) as call:

        async def make(calls: int) -> list[float]:
            took = []
            for _ in range(calls):
                begun = perf_counter()
                call(b"x")
                took.append(perf_counter() - begun)
            return took

        yield make


@contextlib.contextmanager
def _threads(peer: Any) -> Iterator[Any]:
    with ThreadPoolExecutor(2) as pool:
        chosen = [] if peer is None else peer.server_interceptors()
        server = grpc.server(pool, service(lambda request, _: request), interceptors=chosen)
        target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        with grpc.insecure_channel(target) as plain:
            channel: Any = plain if peer is None else peer.intercepted(plain)
            yield channel.unary_unary(METHOD)
        server.stop(None).wait()


@contextlib.asynccontextmanager
async def _aio(peer: Any) -> AsyncIterator[Turn]:
    async def echo(request: bytes, _: Any) -> bytes:
        return request

    server = grpc.aio.server(None, service(echo), interceptors=[] if peer is None else peer.aio_server_interceptors())
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with grpc.aio.insecure_channel(target) if peer is None else peer.aio_intercepted(target) as channel:
        made: Any = channel
        call = made.unary_unary(METHOD)

        async def make(calls: int) -> list[float]:
            took = []
            for _ in range(calls):
                begun = perf_counter()
                await call(b"x")
                took.append(perf_counter() - begun)
            return took

        yield make
    await server.stop(None)
