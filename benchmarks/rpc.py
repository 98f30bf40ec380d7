"""What our interceptors add to one unary call: `python -m benchmarks.rpc`.

It prints a table of microseconds a call, by the clock and of CPU (client and server together, both in this process,
over 127.0.0.1): without interceptors, with ours while telemetry is off, with nothing sampled, and with every span
recorded (into a processor that drops it: the export is another benchmark's).

The variants take turns, round by round, so that whatever else the machine does meets all of them; a figure is the
median of the rounds. `--contributed` adds `opentelemetry-instrumentation-grpc` for comparison.
"""

import argparse
import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, NamedTuple

import grpc
import grpc.aio
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler

from telemetry import rpc
from telemetry.conventions import SCOPE
from telemetry.recording import instruments, providers
from telemetry.recording.aggregation import Sums

KINDS = ("wall", "cpu")


class Cost(NamedTuple):
    """Seconds."""

    wall: float
    cpu: float


def now() -> Cost:
    """Read both clocks; the CPU's counts client, server and gRPC's own threads."""
    return Cost(time.perf_counter(), time.process_time())


def spent(begun: Cost, calls: int) -> Cost:
    """Return the seconds that one of the calls since `begun` took."""
    ended = now()
    return Cost((ended.wall - begun.wall) / calls, (ended.cpu - begun.cpu) / calls)


METHOD = "/bench.Echo/Echo"
VARIANTS = ("bare", "off", "unsampled", "recorded")


@contextlib.contextmanager
def recording(variant: str) -> Iterator[None]:
    """Record as the variant requires; nothing leaves the process."""
    if variant not in {"unsampled", "recorded"}:
        yield
        return
    sampler: Sampler = ALWAYS_ON if variant == "recorded" else ALWAYS_OFF
    tracing = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    tracing.add_span_processor(SpanProcessor())
    metering = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    instruments.forget()
    tracer, meter = tracing.get_tracer(SCOPE), metering.get_meter(SCOPE)
    with providers.override(tracer=tracer, meter=meter, sums=Sums("trace_based", delta=False)):
        yield
    instruments.forget()
    metering.shutdown()


def interceptors(variant: str, ours: Callable[[], list[Any]], theirs: Callable[[TracerProvider], list[Any]]) -> Any:
    """Return the interceptors of a variant."""
    if variant == "contributed":
        return theirs(TracerProvider(shutdown_on_exit=False))
    return [] if variant == "bare" else ours()


def handlers(behavior: Any) -> list[Any]:
    """Return a service that echoes bytes."""
    echo = grpc.unary_unary_rpc_method_handler(behavior)
    return [grpc.method_handlers_generic_handler("bench.Echo", {"Echo": echo})]


def _contributed(variant: str) -> Any:
    """Import the contributed instrumentation only where it is measured: ours makes way for it once it is there."""
    return import_module("opentelemetry.instrumentation.grpc") if variant == "contributed" else None


@contextlib.contextmanager
def threads(variant: str) -> Iterator[Callable[[int], Cost]]:
    """Yield a function that makes some calls one after the other, and returns seconds a call."""
    contributed = _contributed(variant)
    with ThreadPoolExecutor(2) as pool:
        chosen = interceptors(variant, rpc.server_interceptors, lambda to: [contributed.server_interceptor(to)])
        server = grpc.server(pool, handlers(lambda request, _: request), interceptors=chosen)
        target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        with grpc.insecure_channel(target) as plain:
            if variant == "contributed":
                extension: Any = import_module("opentelemetry.instrumentation.grpc.grpcext")
                channel: Any = extension.intercept_channel(
                    plain, contributed.client_interceptor(TracerProvider(shutdown_on_exit=False))
                )
            else:
                channel = grpc.intercept_channel(plain, *interceptors(variant, rpc.client_interceptors, lambda _: []))
            call = channel.unary_unary(METHOD)

            def measure(calls: int) -> Cost:
                begun = now()
                for _ in range(calls):
                    call(b"x")
                return spent(begun, calls)

            yield measure
        server.stop(None).wait()


@contextlib.asynccontextmanager
async def tasks(variant: str) -> AsyncIterator[Callable[[int], Awaitable[Cost]]]:
    """The same with `grpc.aio`."""
    contributed = _contributed(variant)

    async def echo(request: bytes, _: Any) -> bytes:
        return request

    chosen = interceptors(variant, rpc.aio_server_interceptors, lambda to: [contributed.aio_server_interceptor(to)])
    server = grpc.aio.server(None, handlers(echo), interceptors=chosen)
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    chosen = interceptors(variant, rpc.aio_client_interceptors, lambda to: [*contributed.aio_client_interceptors(to)])
    async with grpc.aio.insecure_channel(target, interceptors=chosen) as channel:
        made: Any = channel
        call = made.unary_unary(METHOD)

        async def measure(calls: int) -> Cost:
            begun = now()
            for _ in range(calls):
                await call(b"x")
            return spent(begun, calls)

        yield measure
    await server.stop(None)


def by_threads(variants: tuple[str, ...], rounds: int, calls: int) -> dict[str, list[Cost]]:
    """Return seconds a call of each round, by variant."""
    found: dict[str, list[Cost]] = {variant: [] for variant in variants}
    with contextlib.ExitStack() as stack:
        measures = {variant: stack.enter_context(threads(variant)) for variant in variants}
        for _ in range(rounds):
            for variant, measure in measures.items():
                with recording(variant):
                    found[variant].append(measure(calls))
    return found


async def by_tasks(variants: tuple[str, ...], rounds: int, calls: int) -> dict[str, list[Cost]]:
    """The same with `grpc.aio`."""
    found: dict[str, list[Cost]] = {variant: [] for variant in variants}
    async with contextlib.AsyncExitStack() as stack:
        measures = {variant: await stack.enter_async_context(tasks(variant)) for variant in variants}
        for _ in range(rounds):
            for variant, measure in measures.items():
                with recording(variant):
                    found[variant].append(await measure(calls))
    return found


def show(name: str, found: dict[str, list[Cost]]) -> None:
    """Print medians, and what each variant adds to the bare call of its own round."""
    print(f"{name:12} {'µs a call':>10} {'added':>8} {'added CPU':>10}")
    for variant, costs in found.items():
        pairs = list(zip(costs, found["bare"], strict=True))
        wall = statistics.median(one.wall for one in costs)
        added = [statistics.median(getattr(one, kind) - getattr(bare, kind) for one, bare in pairs) for kind in KINDS]
        print(f"{variant:12} {wall * 1e6:10.0f} {added[0] * 1e6:8.0f} {added[1] * 1e6:10.0f}")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--calls", type=int, default=100, help="calls in each round")
    parser.add_argument("--contributed", action="store_true", help="measure the contributed instrumentation too")
    options = parser.parse_args()
    variants = (*VARIANTS, "contributed") if options.contributed else VARIANTS
    show("threads", by_threads(variants, options.rounds, options.calls))
    show("asyncio", asyncio.run(by_tasks(variants, options.rounds, options.calls)))


if __name__ == "__main__":
    main()
