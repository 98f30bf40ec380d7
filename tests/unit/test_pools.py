"""Thread pools that measure how full they are: what works, what waits, and the limit."""

import asyncio
import gc
import threading
import time
from concurrent.futures import Future
from typing import Any

import pytest

import telemetry
from telemetry.batching import Batcher
from telemetry.context import ThreadPoolExecutor
from telemetry.errors import TelemetryError
from telemetry.testing.metrics import Metrics
from telemetry.testing.recording import record_metrics
from telemetry.testing.spans import Spans
from tests.unit.own_process import python
from tests.waiting import until

STAGE = {"search.stage": "preprocess"}


def fullness(metrics: Metrics) -> tuple[float, float, float]:
    """What works, the limit, and what waits."""
    names = ("search.stage.active", "search.stage.limit", "search.queue.length")
    active, limit, length = (metrics.value(name, STAGE) for name in names)
    return active, limit, length


class Held:
    """Tasks that work until they are let go."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.begun = 0

    def __call__(self) -> None:
        self.begun += 1
        assert self.opened.wait(10)

    def fill(self, pool: ThreadPoolExecutor, threads: int, waiting: int) -> "list[Future[None]]":
        """Have all threads work, and others wait."""
        futures = [pool.submit(self) for _ in range(threads + waiting)]
        until(lambda: self.begun == threads)
        return futures


def test_what_works_and_what_waits_is_read_when_metrics_are_collected(metrics: Metrics) -> None:
    """A pool without a task has its limit already; each of the three falls as work ends."""
    held = Held()
    with ThreadPoolExecutor(2, stage="preprocess") as pool:
        assert fullness(metrics) == (0, 2, 0)
        futures = held.fill(pool, 2, 3)
        assert fullness(metrics) == (2, 2, 3)
        held.opened.set()
        for future in futures:
            future.result(10)
        assert fullness(metrics) == (0, 2, 0)
    assert metrics.points("search.stage.limit") == []


def test_the_wait_of_each_task_is_measured_with_its_operation(metrics: Metrics) -> None:
    """From its submission until a thread takes it, as that of calls for a batch."""
    held = Held()
    with ThreadPoolExecutor(1, stage="preprocess") as pool, telemetry.request("/index"):
        (first,) = held.fill(pool, 1, 0)
        began = time.monotonic()
        second = pool.submit(time.monotonic)
        time.sleep(0.02)
        held.opened.set()
        waited = second.result(10) - began
        first.result(10)
    of_index = {"search.operation": "index", **STAGE}
    assert metrics.series("search.queue.wait.duration") == [of_index]
    assert metrics.value("search.queue.wait.duration", of_index) == 2
    assert 0.02 <= metrics.total("search.queue.wait.duration", of_index) <= waited + 0.02


def test_pools_of_one_stage_add_up_and_one_that_is_gone_leaves(metrics: Metrics) -> None:
    """Also without a shutdown, once nothing refers to it and its threads have ended."""
    first, second = ThreadPoolExecutor(1, stage="preprocess"), ThreadPoolExecutor(3, stage="preprocess")
    first.submit(int).result(10)
    assert fullness(metrics) == (0, 4, 0)
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]
    del first
    gc.collect()
    for thread in threads:
        thread.join(10)
    gc.collect()
    assert fullness(metrics) == (0, 3, 0)
    second.shutdown()
    assert metrics.points("search.stage.limit") == []


def test_failed_cancelled_and_refused_tasks_do_not_stay(metrics: Metrics) -> None:
    """Nor those that a shutdown cancels; work that goes on behind it is still measured."""

    def fail() -> None:
        raise ValueError

    held = Held()
    pool = ThreadPoolExecutor(1, stage="preprocess")
    assert isinstance(pool.submit(fail).exception(10), ValueError)
    futures = held.fill(pool, 1, 3)
    assert futures[1].cancel()
    assert fullness(metrics) == (1, 1, 2)
    pool.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(RuntimeError, match="cannot schedule new futures"):
        pool.submit(int)
    assert fullness(metrics) == (1, 1, 0)
    held.opened.set()
    futures[0].result(10)
    assert metrics.points("search.stage.limit") == []


async def test_a_measured_pool_keeps_the_context(spans: Spans, metrics: Metrics) -> None:
    """`map` and asyncio too."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, stage="preprocess") as pool, telemetry.request("/search"), telemetry.stage("root"):
        work = telemetry.stage("part")(lambda number: f"{number}")
        assert await loop.run_in_executor(pool, work, 1) == "1"
        assert list(pool.map(work, [2])) == ["2"]
    assert spans.tree() == "root\n├ part\n└ part"
    assert metrics.value("search.queue.wait.duration", {"search.operation": "search", **STAGE}) == 2


def test_a_pool_without_a_stage_is_not_measured(metrics: Metrics) -> None:
    """It is the pool that it was."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result(10)
        assert metrics.names() == set()


@pytest.mark.parametrize("stage", ["", 7, b"preprocess"])
def test_a_stage_that_is_no_name_is_refused(stage: Any) -> None:
    """Where the pool is made, with what to write instead."""
    with pytest.raises(TelemetryError, match=r'is not a non-empty string\nwrite stage="preprocess"'):
        ThreadPoolExecutor(1, stage=stage)


def test_a_pool_of_before_is_measured_once_it_is_used() -> None:
    """One that was made before metrics were recorded."""
    with ThreadPoolExecutor(1, stage="preprocess") as pool, record_metrics() as metrics:
        assert metrics.names() == set()
        pool.submit(int).result(10)
        assert fullness(metrics) == (0, 1, 0)


def test_a_forked_child_begins_with_no_pool_in_use() -> None:
    """What waits and works is the parent's; a pool that has no threads yet works, and is measured, in the child."""
    ended = python(
        """
import threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of a fork with threads from 3.12 on
import os
from telemetry.context import ThreadPoolExecutor
from telemetry.testing.recording import record_metrics
names = ("search.stage.active", "search.stage.limit", "search.queue.length")
with record_metrics() as metrics:
    opened = threading.Event()
    busy, fresh = ThreadPoolExecutor(1, stage="busy"), ThreadPoolExecutor(2, stage="fresh")
    begun = busy.submit(print, end="")
    tasks = [busy.submit(opened.wait) for _ in range(2)]
    begun.result()
    read, write = os.pipe()
    if os.fork() == 0:
        at_first = metrics.text(*names)
        fresh.submit(int).result()
        os.write(write, f"{at_first}|{metrics.text(*names)}".encode())
        os._exit(0)
    os.close(write)
    os.wait()
    show(os.read(read, 4096).decode())
    opened.set()
    busy.shutdown()
        """
    )
    assert (ended.status, ended.err) == (0, "")
    assert ended.shown == [
        "|search.queue.length{search.stage=fresh} 0\nsearch.stage.active{search.stage=fresh} 0\n"
        "search.stage.limit{search.stage=fresh} 2".replace("\\\n", "\n")
    ]


def test_batchers_of_one_stage_add_up_their_limits(metrics: Metrics) -> None:
    """From the first call on; a closed one leaves."""
    batchers: list[Batcher[int, int]] = [
        Batcher(lambda items: items, max_size=size, name="preprocess") for size in (8, 32)
    ]
    assert metrics.points("search.batch.limit") == []
    for batcher in batchers:
        batcher([1])
    assert metrics.value("search.batch.limit", STAGE) == 40
    batchers[0].close()
    assert metrics.value("search.batch.limit", STAGE) == 32
