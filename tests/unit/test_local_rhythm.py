"""A transaction waits for senders that are due, and for no others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import orjson
import pytest

from collector.local.decode.decoded import Decoded
from collector.local.decode.signals import BY_PATH
from collector.local.intake import rhythm, writer
from collector.local.intake.export import Export
from collector.local.intake.receiving import Budget, Hold
from collector.local.intake.rhythm import MOST_SENDERS, Rhythm
from collector.local.settings import CollectorSettings
from collector.local.stats import Counters
from tests import otlp_samples as otlp
from tests.unit.test_local_ingest import Ingest

WINDOW = 0.15


def export_of(sender: int, path: str = "/v1/traces") -> Export:
    """An export of one resource."""
    signal = BY_PATH[path]
    export = Export(signal, Counters(), Hold(Budget(CollectorSettings())))
    export.decoded = Decoded(signal.name, resources={sender: (sender, "service", "{}", 0, "")})
    return export


def transaction(rhythm: Rhythm, at: float, senders: Iterable[int], path: str = "/v1/traces") -> None:
    """These came, and are answered at once."""
    for sender in senders:
        rhythm.came(export_of(sender, path), at)
    rhythm.answered(at)


def wait_of(rhythm: Rhythm, at: float, sender: int) -> float:
    """How long the transaction waits that this sender's export begins."""
    rhythm.came(export_of(sender), at)
    return rhythm.wait(at, at + WINDOW)


def test_senders_that_come_in_turns_come_together_from_then_on() -> None:
    """Each exports 0.25 s after its answer."""
    rhythm = Rhythm()
    for at in (0.0, 0.25):
        transaction(rhythm, at, [1])
        transaction(rhythm, at + 0.1, [2])
    assert wait_of(rhythm, 0.5, 1) == pytest.approx(0.15)  # the other one is due at 0.6
    rhythm.came(export_of(2), 0.6)
    assert rhythm.wait(0.6, 0.65) == 0
    rhythm.answered(0.62)
    assert wait_of(rhythm, 0.87, 2) == pytest.approx(0.05)
    rhythm.came(export_of(1), 0.875)
    assert rhythm.wait(0.875, 0.87 + WINDOW) == 0


def test_who_is_alone_waits_for_nobody() -> None:
    """Neither for who came once, nor for who comes much later or has gone, nor for metrics."""
    rhythm = Rhythm()
    transaction(rhythm, 0.0, [1, 2])
    assert wait_of(rhythm, 0.25, 1) == 0
    rhythm.came(export_of(2), 0.25)
    rhythm.answered(0.25)
    transaction(rhythm, 0.3, [3], "/v1/metrics")
    transaction(rhythm, 0.4, [3], "/v1/metrics")
    assert wait_of(rhythm, 0.6, 1) == 0  # the other one is 0.1 s late
    rhythm.answered(0.6)
    assert wait_of(rhythm, 0.601, 1) == 0


def test_who_has_more_to_send_is_not_kept_waiting() -> None:
    """It came as soon as it was answered, and the other one is due."""
    rhythm = Rhythm()
    transaction(rhythm, 0.0, [1, 2])
    transaction(rhythm, 0.25, [1, 2])
    assert wait_of(rhythm, 0.5, 1) > 0
    rhythm.answered(0.5)
    assert wait_of(rhythm, 0.51, 1) == 0


def test_who_sends_for_the_first_time_is_not_kept_waiting() -> None:
    """It may be a program that ends, and waits for its answer, while services are due."""
    rhythm = Rhythm()
    for at in (0.0, 0.25):
        transaction(rhythm, at, [1, 2])
    assert wait_of(rhythm, 0.45, 3) == 0
    rhythm.answered(0.46)
    assert wait_of(rhythm, 0.5, 1) > 0


def test_more_senders_than_are_remembered_take_no_more_memory() -> None:
    """They are forgotten, and do not wait."""
    rhythm = Rhythm()
    for sender in range(10 * MOST_SENDERS):
        transaction(rhythm, sender * 0.1, [sender])
    assert len(rhythm._answered) <= MOST_SENDERS + 1
    assert len(rhythm._due) <= MOST_SENDERS + 1


async def test_a_transaction_waits_for_the_other_sender_and_a_chore_ends_the_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two services that export in turns are stored in one transaction."""
    monkeypatch.setattr(rhythm, "BUSY_S", 0.0)
    monkeypatch.setattr(rhythm, "LATE_S", 60.0)
    monkeypatch.setattr(writer, "TOGETHER_S", 60.0)
    ingest = Ingest()

    async def send(service: str, number: int) -> None:
        body = otlp.traces(otlp.small_span(number))
        name = {"key": "service.name", "value": {"stringValue": service}}
        body["resourceSpans"][0]["resource"] = {"attributes": [name]}
        await ingest.send(body=orjson.dumps(body))

    try:
        for number in (1, 3):
            await asyncio.gather(send("one", number), send("two", number + 1))
            ingest.writer.wait_for(2)
        before = ingest.writer.commits
        ingest.store.writing.clear()
        first = asyncio.create_task(send("one", 5))
        await asyncio.to_thread(ingest.writer.wait_for, 1)
        assert not await asyncio.to_thread(ingest.store.writing.wait, 0.2)
        await asyncio.gather(first, send("two", 6))
        assert ingest.writer.commits == before + 1
        alone = asyncio.create_task(send("one", 7))
        await asyncio.to_thread(ingest.writer.wait_for, 2)
        assert await asyncio.to_thread(ingest.writer.idle, 30)
        await alone
        assert sorted(ingest.spans()) == list(range(1, 8))
    finally:
        ingest.stop()
