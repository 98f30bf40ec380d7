"""What each integration point costs a call, on against off: `python -m benchmarks.points`.

It prints a table: microseconds of CPU a call bare, instrumented with telemetry off, and on (recorded, queued, encoded,
and thrown away by a sender that takes everything); the bytes that a call allocates at its peak (`tracemalloc`), off and
on; the blocks of memory that it keeps until it is exported (`sys.getallocatedblocks`, the difference over many calls).

The variants take turns, round by round, so that whatever else the machine does meets all of them; a figure is the
median of the rounds. Both sides of an rpc run in this process, and count as one call.
"""

import argparse
import asyncio
import gc
import statistics
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from rich.console import Console
from rich.table import Table

import telemetry
from benchmarks import rpc
from benchmarks.spans import pipeline, recording
from telemetry import batching

Run = Callable[[int], object]
"""Makes so many calls."""
SIDE_BY_SIDE = 8  # calls of a batch


class Keeper(SpanProcessor):
    """Keeps ended spans, as a queue does before they are exported."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Keep it."""
        self.spans.append(span)


def _nothing(docs: list[int]) -> list[int]:
    return docs


def _ten() -> Iterator[int]:
    yield from range(10)


def _double(numbers: list[int]) -> list[int]:
    return [2 * number for number in numbers]


async def _double_async(numbers: list[int]) -> list[int]:
    return [2 * number for number in numbers]


def _repeated(call: Callable[[], object]) -> Run:
    def run(calls: int) -> None:
        for _ in range(calls):
            call()

    return run


def _together(double: Callable[[list[int]], Awaitable[list[int]]], loop: asyncio.AbstractEventLoop) -> Run:
    async def together(calls: int) -> None:
        for _ in range(calls // SIDE_BY_SIDE):
            await asyncio.gather(*(double([number]) for number in range(SIDE_BY_SIDE)))

    return lambda calls: loop.run_until_complete(together(calls))


def points(instrumented: bool, stack: ExitStack, loop: asyncio.AbstractEventLoop) -> dict[str, Run]:
    """Return every integration point, or the same work without it."""
    work, ten, double, double_async = _nothing, _ten, _double, _double_async
    endpoint = work
    if instrumented:
        endpoint = telemetry.endpoint("/search")(_nothing)
        work = telemetry.stage("work", runtime="onnx", device="cpu", minibatch_size=32)(_nothing)
        ten = telemetry.stage("stream")(_ten)
        double, double_async = batching.batched(_double), batching.batched(max_size=SIDE_BY_SIDE)(_double_async)
    variant = "off" if instrumented else "bare"  # which interceptors; whether they record is decided at the call
    asynchronous = AsyncExitStack()
    stack.callback(lambda: loop.run_until_complete(asynchronous.aclose()))
    by_tasks = loop.run_until_complete(asynchronous.enter_async_context(rpc.tasks(variant)))
    return {
        "endpoint": _repeated(lambda: endpoint([1, 2])),
        "stage": _repeated(lambda: work([1, 2])),
        "generator of ten items": _repeated(lambda: list(ten())),
        "rpc, sync": stack.enter_context(rpc.threads(variant)),
        "rpc, asyncio": lambda calls: loop.run_until_complete(by_tasks(calls)),
        "batch, a lone call": _repeated(lambda: double([1])),
        f"batch of {SIDE_BY_SIDE}, asyncio, each": _together(double_async, loop),
    }


class Figures:
    """What was measured: by point and column."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], list[float]] = {}

    def add(self, point: str, column: str, value: float) -> None:
        """Note one round's figure."""
        self._found.setdefault((point, column), []).append(value)

    def median(self, point: str, column: str) -> float:
        """Return the median of the rounds."""
        return statistics.median(self._found[point, column])


def time_all(runs: dict[str, Run], column: str, calls: int, figures: Figures, after: Callable[[], object]) -> None:
    """Note the CPU that a call takes, of all threads of this process."""
    for name, run in runs.items():
        begun = time.process_time()
        run(calls)
        after()
        figures.add(name, column, (time.process_time() - begun) / calls * 1e6)


def weigh_all(runs: dict[str, Run], column: str, calls: int, figures: Figures) -> None:
    """Note how many bytes a call takes at its peak, and how many blocks it keeps."""
    for name, run in runs.items():
        run(SIDE_BY_SIDE)  # what is made once, at a first call, is not a call's
        gc.collect()
        before = sys.getallocatedblocks()
        run(calls)
        gc.collect()
        figures.add(name, f"{column}, blocks", (sys.getallocatedblocks() - before) / calls)
        together = SIDE_BY_SIDE if name.endswith("each") else 1
        tracemalloc.start()
        for _ in range(10):
            tracemalloc.reset_peak()
            standing = tracemalloc.get_traced_memory()[0]
            run(together)
            figures.add(name, f"{column}, bytes", (tracemalloc.get_traced_memory()[1] - standing) / together)
        tracemalloc.stop()


def measure(calls: int, rounds: int) -> tuple[list[str], Figures]:
    """Measure everything."""
    figures, loop = Figures(), asyncio.new_event_loop()
    with ExitStack() as stack:
        stack.callback(loop.close)
        bare, ours = points(False, stack, loop), points(True, stack, loop)
        for _ in range(rounds):
            time_all(bare, "bare", calls, figures, lambda: None)
            time_all(ours, "off", calls, figures, lambda: None)
            exporting = pipeline()
            with recording(ALWAYS_ON, exporting):
                time_all(ours, "on", calls, figures, exporting.force_flush)
            weigh_all(ours, "off", calls // 10, figures)
            with recording(ALWAYS_ON, Keeper()):
                weigh_all(ours, "on", calls // 10, figures)
    return list(bare), figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=2000, help="of each point in each round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    args = parser.parse_args()
    names, figures = measure(args.calls, args.rounds)
    columns = ("bare µs", "off µs", "on µs", "off, bytes", "on, bytes", "off, blocks", "on, blocks")
    table = Table("a call", *(column.replace(", ", "\n") for column in columns), box=None)
    for column in table.columns:
        column.no_wrap = True
        column.justify = "left" if column is table.columns[0] else "right"
    for name in names:
        times = (f"{figures.median(name, column.removesuffix(' µs')):.1f}" for column in columns[:3])
        table.add_row(name, *times, *(f"{figures.median(name, column):,.0f}" for column in columns[3:]))
    console = Console()
    console.print(table)
    console.print(
        "µs: CPU. bytes: at the peak of a call (tracemalloc). blocks: kept until exported (getallocatedblocks)."
    )


if __name__ == "__main__":
    main()
