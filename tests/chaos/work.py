"""What a search pipeline does: endpoints, stages, generators, tasks, threads, batches, failures and cancellations.

In: random numbers. Out: spans, metrics, logs; an AssertionError where anything of the user's came out changed. State:
none but the pools.
"""

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable, Generator
from random import Random

import telemetry
from telemetry import batching
from telemetry.context import ThreadPoolExecutor

log = logging.getLogger("chaos")


@telemetry.endpoint("/search", "/index")
def search(docs: list[int], fail: bool = False) -> int:
    """Serve a request of three stages; `fail` fails in the innermost one."""
    with telemetry.stage("encode", minibatch_size=len(docs), runtime="none"):
        log.info("encoding %d documents", len(docs))
        with telemetry.stage("look_up", {"db.system.name": "qdrant", "db.operation.name": "query"}):
            if fail:
                raise KeyError("not there")
            telemetry.results(scores=[0.9, 0.5])
    return sum(docs)


@telemetry.stage("stream")
def stream(count: int) -> Generator[int, int | None, int]:
    """Yield numbers inside a stage; return how many were taken."""
    taken = 0
    for number in range(count):
        with telemetry.stage("chunk"):
            sent = yield number
        taken += 1 if sent is None else sent
    return taken


@batching.batched(max_size=8)
def double(numbers: list[int]) -> list[int | Exception]:
    """Double what is even; 13 fails alone."""
    return [ValueError(13) if number == 13 else 2 * number for number in numbers]


@telemetry.endpoint("/search")
async def search_async(parts: int, hangs: bool) -> int:
    """Gather parts; the last one hangs if it is asked to, until somebody cancels."""

    async def part(number: int) -> int:
        with telemetry.stage("part"):
            if hangs and number == parts - 1:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            return number

    return sum(await asyncio.gather(*(part(number) for number in range(parts))))


def raised(kind: type[BaseException] | tuple[type[BaseException], ...], call: Callable[[], object]) -> BaseException:
    """Return the exception of `kind` that `call` raises."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError("the exception was swallowed")


class Work:
    """The operations, with the pool that some of them need."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2)
        self.operations: list[Callable[[Random], None]] = [
            self.request, self.request, self.failing, self.generator, self.left_early, self.threads, self.batches,
        ]  # fmt: skip

    def request(self, random: Random) -> None:
        """A request that is served."""
        docs = [random.randrange(100) for _ in range(random.randrange(1, 20))]
        with telemetry.request(random.choice(["/search", "/index"])):
            assert search(docs) == sum(docs)

    def failing(self, random: Random) -> None:
        """A request that fails; its exception is the one that was raised."""
        assert raised(KeyError, lambda: search([1], fail=True)).args == ("not there",)

    def generator(self, random: Random) -> None:
        """A generator to its end, now and then sent to or thrown into."""
        count = random.randrange(1, 6)
        running = stream(count)
        assert next(running) == 0
        if random.random() < 0.3:
            mine = TimeoutError("mine")
            assert raised(TimeoutError, lambda: running.throw(mine)) is mine
            return
        assert list(running) == list(range(1, count))

    def left_early(self, random: Random) -> None:
        """A generator that is closed, or dropped."""
        running = stream(5)
        assert next(running) == 0
        if random.random() < 0.5:
            running.close()
        elif random.random() < 0.01:
            del running
            gc.collect()

    def threads(self, random: Random) -> None:
        """Requests handed to a pool that keeps their context."""
        with telemetry.stage("fan_out"):
            futures = [self._pool.submit(search, [number]) for number in range(3)]
        assert [future.result(30) for future in futures] == [0, 1, 2]

    def batches(self, random: Random) -> None:
        """Calls that share their runs, one of which fails alone."""
        answers: dict[int, object] = {}

        def ask(number: int) -> None:
            try:
                answers[number] = double([number])[0]
            except ValueError as error:
                answers[number] = error

        asking = [threading.Thread(target=ask, args=(number,)) for number in (12, 13)]
        for one in asking:
            one.start()
        for one in asking:
            one.join(30)
        assert answers[12] == 24
        assert isinstance(answers[13], ValueError)

    async def tasks(self, random: Random) -> None:
        """Tasks that are gathered, time out, or are cancelled."""
        parts, how = random.randrange(1, 5), random.random()
        if how < 0.6:
            assert await search_async(parts, hangs=False) == sum(range(parts))
            return
        task = asyncio.create_task(search_async(parts, hangs=True))
        if how < 0.8:
            try:
                async with asyncio.timeout(0.005):
                    await task
            except TimeoutError:
                return
        else:
            await asyncio.sleep(0)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                return
        raise AssertionError("the cancellation was swallowed")


def little(random: Random, name: str) -> None:
    """What a forked child does: stages, a request, a log line."""
    for _ in range(random.randrange(1, 10)):
        with telemetry.stage(name):
            time.sleep(0)
        search([1, 2])
