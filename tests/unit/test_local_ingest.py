"""From the body of an export to its acknowledgement, without ports: queue, duplicates, group commit, failures."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import orjson
import pytest

from collector.local.decode.signals import BY_PATH
from collector.local.errors import (
    MalformedError,
    QueueFullError,
    StoreDamagedError,
    StoreUnavailableError,
    TooLargeError,
)
from collector.local.intake.export import Export, Reply
from collector.local.intake.payload import JSON
from collector.local.intake.receiver import Receiver
from collector.local.intake.receiving import Budget, Hold
from collector.local.intake.writer import Writer
from collector.local.settings import CollectorSettings
from collector.local.stats import Counters, SignalStats
from collector.local.store.rows import ExportRows
from collector.local.store.store import Store
from collector.processes.priority import lower_priority
from tests import otlp_samples as otlp

TRACES = BY_PATH["/v1/traces"]


class Ingest:
    """Store, writer and receiver as the collector puts them together."""

    def __init__(self, path: Path | None = None, **settings: float) -> None:
        self.settings = CollectorSettings(**{"reopen_after_s": 0.01} | settings)  # type: ignore[arg-type]
        self.counters = Counters()
        self.budget = Budget(self.settings)
        self.store = GatedStore(path, read_only=False, settings=self.settings)
        self.writer = CountingWriter(self.store, self.settings)
        self.receiver = Receiver(self.writer, self.budget, self.counters, self.settings)
        self.writer.start()

    async def send(self, *numbers: int, body: bytes | None = None) -> Reply:
        """Export spans, or any body, as a front end does."""
        body = body or orjson.dumps(otlp.traces(*(otlp.small_span(number) for number in numbers)))
        export = self.receiver.admit(TRACES)
        export.hold.grow(len(body))
        export.body, export.content_type = body, JSON
        return await self.receiver.store(export)

    def spans(self) -> list[int]:
        """The numbers of the spans in the store, in order."""
        return [
            int(name.removeprefix("span "))
            for (name,) in self.store.reader().execute("SELECT name FROM spans").fetchall()
        ]

    def traces(self) -> SignalStats:
        return self.counters.snapshot()["traces"]

    def stop(self) -> None:
        self.receiver.close()
        assert self.writer.stop(60)
        self.store.close()


class GatedStore(Store):
    """A store that fails on demand, and that can be held in the middle of a write."""

    def __init__(self, path: Path | None, *, read_only: bool, settings: CollectorSettings) -> None:
        super().__init__(path, read_only, settings)
        self.failure: Exception | None = None
        self.reopen_failure: Exception | None = None
        self.reopened = threading.Event()
        self.writing = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def write(self, exports: Sequence[ExportRows], digests: Sequence[str], now_unix_ns: int) -> None:
        self.writing.set()
        assert self.gate.wait(60)
        if self.failure:
            raise self.failure
        super().write(exports, digests, now_unix_ns)

    def reopen(self) -> None:
        if self.reopen_failure:
            raise self.reopen_failure
        super().reopen()
        self.reopened.set()


class CountingWriter(Writer):
    """A writer that counts the exports it received."""

    def __init__(self, store: Store, settings: CollectorSettings) -> None:
        super().__init__(store, settings)
        self._handed = threading.Semaphore(0)

    def put(self, export: Export) -> None:
        super().put(export)
        self._handed.release()

    def wait_for(self, exports: int) -> None:
        """Wait until so many more exports were handed over."""
        for _ in range(exports):
            assert self._handed.acquire(timeout=60)


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    running = Ingest()
    yield running
    running.store.gate.set()
    running.stop()


async def test_an_acknowledged_export_is_stored(ingest: Ingest) -> None:
    """The answer comes after the commit."""
    assert await ingest.send(1, 2) == Reply()
    assert ingest.spans() == [1, 2]
    assert ingest.traces() == SignalStats(exports=1, received=2, stored=2)
    assert ingest.budget.under_way() == (0, 0)


async def test_the_same_export_sent_again_is_stored_once(ingest: Ingest) -> None:
    """A sender whose acknowledgement was lost sends again, and is acknowledged again."""
    await ingest.send(1, 2)
    assert await ingest.send(1, 2) == Reply()
    await ingest.send(3)
    assert ingest.spans() == [1, 2, 3]
    assert ingest.traces() == SignalStats(exports=3, received=5, stored=3, duplicate=2)


async def test_the_same_export_twice_in_one_group_is_stored_once(ingest: Ingest) -> None:
    """A sender that gives up waiting sends again while the first is still under way."""
    ingest.store.gate.clear()
    first = asyncio.ensure_future(ingest.send(1))
    await asyncio.to_thread(ingest.store.writing.wait, 60)
    others = [asyncio.ensure_future(ingest.send(2)) for _ in range(3)]
    again = asyncio.ensure_future(ingest.send(1))
    await asyncio.to_thread(ingest.writer.wait_for, 5)
    ingest.store.gate.set()
    await asyncio.gather(first, again, *others)
    assert ingest.spans() == [1, 2]
    assert ingest.traces() == SignalStats(exports=5, received=5, stored=2, duplicate=3)


async def test_an_export_sent_again_after_a_restart_is_stored_once(tmp_path: Path) -> None:
    """What was stored is remembered in the store, not only in the process."""
    for _ in range(2):
        ingest = Ingest(tmp_path / "telemetry.duckdb")
        await ingest.send(1)
        assert ingest.spans() == [1]
        ingest.stop()


async def test_an_old_export_is_no_longer_remembered(tmp_path: Path) -> None:
    """The memory is bounded by number: of three exports with room for two, the oldest is taken for new."""
    ingest = Ingest(tmp_path / "telemetry.duckdb", remembered_exports=2)
    for number in (1, 2, 3, 2, 3, 1):
        await ingest.send(number)
    assert ingest.spans() == [1, 2, 3, 1]
    ingest.stop()


async def test_what_arrives_during_a_commit_is_stored_in_one_transaction(ingest: Ingest) -> None:
    """Group commit: ten exports that wait for the disk need it once."""
    ingest.store.gate.clear()
    first = asyncio.ensure_future(ingest.send(100))
    await asyncio.to_thread(ingest.store.writing.wait, 60)
    others = [asyncio.ensure_future(ingest.send(number)) for number in range(1, 11)]
    await asyncio.to_thread(ingest.writer.wait_for, 11)
    ingest.store.gate.set()
    await asyncio.gather(first, *others)
    assert sorted(ingest.spans()) == [*range(1, 11), 100]
    assert ingest.writer.commits == 2


async def test_a_full_queue_refuses_by_number_with_a_time_to_retry() -> None:
    """What waits is bounded; once it is stored there is room again."""
    ingest = Ingest(queue_exports=1, retry_after_s=7.0)
    ingest.store.gate.clear()
    first = asyncio.ensure_future(ingest.send(1))
    await asyncio.to_thread(ingest.store.writing.wait, 60)
    with pytest.raises(QueueFullError, match="queue_exports is 1") as refused:
        await ingest.send(2)
    assert refused.value.retry_after_s == 7.0
    ingest.store.gate.set()
    await first
    await ingest.send(2)
    assert ingest.spans() == [1, 2]
    ingest.stop()


async def test_a_full_queue_refuses_by_bytes() -> None:
    """However few the exports, their bytes are bounded, those that appear by decompression too."""
    ingest = Ingest(queue_bytes=1_000, max_request_bytes=1_000)
    hold = Hold(ingest.budget)
    hold.begin()
    hold.grow(900)
    with pytest.raises(QueueFullError, match="queue_bytes, 1000"):
        hold.grow(101)
    assert ingest.budget.under_way() == (1, 900)
    hold.release()
    assert ingest.budget.under_way() == (0, 0)
    ingest.stop()


async def test_an_export_above_the_limit_is_refused_by_name() -> None:
    """The error names the setting."""
    ingest = Ingest(max_request_bytes=1_000)
    with pytest.raises(TooLargeError, match="larger than max_request_bytes, 1000"):
        await ingest.send(*range(1, 100))
    assert ingest.traces() == SignalStats(exports=1, malformed=1)
    assert ingest.budget.under_way() == (0, 0)
    ingest.stop()


async def test_a_malformed_export_harms_no_other(ingest: Ingest) -> None:
    """It is refused, counted, and gives its room back."""
    with pytest.raises(MalformedError):
        await ingest.send(body=b"{")
    await ingest.send(1)
    assert ingest.traces() == SignalStats(exports=2, received=1, stored=1, malformed=1)
    assert ingest.budget.under_way() == (0, 0)


async def test_an_unexpected_payload_is_refused_and_harms_no_other(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of our own in decoding costs one export, not the collector."""
    monkeypatch.setattr("collector.local.intake.receiver.read", lambda *_: 1 / 0)
    with pytest.raises(MalformedError, match="ZeroDivisionError"):
        await ingest.send(1)
    monkeypatch.undo()
    await ingest.send(1)
    assert ingest.spans() == [1]


async def test_an_export_of_rejected_spans_alone_is_answered_without_a_commit(ingest: Ingest) -> None:
    """Partial success: accepted, nothing to store, the reason given."""
    reply = await ingest.send(body=orjson.dumps(otlp.traces(otlp.small_span(1, traceId="ab"))))
    assert (reply.rejected, ingest.writer.commits) == (1, 0)
    assert "trace_id must be 16 bytes" in reply.problem
    assert ingest.traces() == SignalStats(exports=1, received=1, rejected=1, rejected_by={"trace_id": 1})


async def test_a_value_that_the_store_cannot_hold_turns_away_its_export_alone(ingest: Ingest) -> None:
    """The others of the same transaction are stored: they are tried again one by one."""
    ingest.store.gate.clear()
    first = asyncio.ensure_future(ingest.send(1))
    await asyncio.to_thread(ingest.store.writing.wait, 60)
    sent = [asyncio.ensure_future(ingest.send(number)) for number in (2, 3, 4)]
    await asyncio.to_thread(ingest.writer.wait_for, 4)
    real_write = ingest.store.write

    def write(exports: Sequence[ExportRows], digests: Sequence[str], now_unix_ns: int) -> None:
        if any(row[3] == "span 3" for export in exports for row in export.rows["spans"]):
            raise duckdb.ConversionException("Conversion Error: cannot hold it")
        real_write(exports, digests, now_unix_ns)

    ingest.store.write = write  # type: ignore[method-assign]
    ingest.store.gate.set()
    results = await asyncio.gather(first, *sent, return_exceptions=True)
    assert [type(result) for result in results] == [Reply, Reply, MalformedError, Reply]
    assert ingest.spans() == [1, 2, 4]
    assert ingest.traces() == SignalStats(exports=4, received=4, stored=3, malformed=1)


async def test_a_store_that_fails_refuses_until_it_works_again(ingest: Ingest) -> None:
    """Nothing is acknowledged that is not stored; the sender's next attempt after the hint is stored, once."""
    await ingest.send(1)
    ingest.store.failure = duckdb.IOException("IO Error: No space left on device\nmore")
    ingest.store.reopen_failure = StoreDamagedError("still no space", "")
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match=r"the store cannot write: (IO Error: No space left|still no)"):
            await ingest.send(2)
    assert ingest.writer.problem
    ingest.store.failure = ingest.store.reopen_failure = None
    assert await asyncio.to_thread(ingest.store.reopened.wait, 60)  # by itself, while nobody sends
    await ingest.send(2)
    await ingest.send(1)
    assert ingest.writer.problem == ""
    assert ingest.spans() == [1, 2]
    assert ingest.traces() == SignalStats(exports=5, received=5, stored=2, duplicate=1, refused=2)


async def test_a_commit_that_only_seemed_to_fail_is_not_stored_twice(tmp_path: Path) -> None:
    """When it is unknown whether a commit took place, the store is asked before the same export is stored again."""
    ingest = Ingest(tmp_path / "telemetry.duckdb")
    real_write = ingest.store.write

    def write(exports: Sequence[ExportRows], digests: Sequence[str], now_unix_ns: int) -> None:
        ingest.store.write = real_write  # type: ignore[method-assign]
        real_write(exports, digests, now_unix_ns)
        raise duckdb.FatalException("FATAL Error: the disk went away after the commit")

    ingest.store.write = write  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailableError):
        await ingest.send(1)
    assert await asyncio.to_thread(ingest.store.reopened.wait, 60)
    await ingest.send(1)
    assert ingest.spans() == [1]
    assert ingest.traces() == SignalStats(exports=2, received=2, duplicate=1, refused=1)
    ingest.stop()


async def test_stopping_stores_what_was_taken() -> None:
    """The end comes after the queue is empty."""
    ingest = Ingest()
    ingest.store.gate.clear()
    sent = [asyncio.ensure_future(ingest.send(number)) for number in range(1, 6)]
    await asyncio.to_thread(ingest.writer.wait_for, 5)
    stopping = asyncio.ensure_future(asyncio.to_thread(ingest.writer.stop, 60))
    ingest.store.gate.set()
    assert await stopping
    await asyncio.gather(*sent)
    assert sorted(ingest.spans()) == list(range(1, 6))
    ingest.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no priority of its own")
def test_a_thread_that_decodes_yields_and_no_other_does() -> None:
    """Questions and transactions come first."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with ThreadPoolExecutor(1, initializer=lower_priority) as one:
        assert one.submit(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())).result() > before
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
