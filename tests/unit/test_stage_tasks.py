"""`stage` in tasks: siblings, cancellation, timeouts."""

import asyncio

import pytest

import telemetry
from telemetry.testing.spans import Spans


class TestTasks:
    async def test_tasks_below_one_stage_are_siblings(self, spans: Spans) -> None:
        """Tasks that run at the same time keep their own spans, whatever the order they end in."""

        async def task(name: str, waits_for: asyncio.Event | None, then: asyncio.Event) -> None:
            with telemetry.stage(name):
                if waits_for is not None:
                    await waits_for.wait()
                with telemetry.stage(f"{name} leaf"):
                    then.set()

        first, second = asyncio.Event(), asyncio.Event()
        with telemetry.stage("root"):
            await asyncio.gather(task("a", first, second), task("b", None, first))
        assert spans.tree() == "root\n├ a\n│ └ a leaf\n└ b\n  └ b leaf"

    async def test_a_cancelled_stage_has_failed(self, spans: Spans) -> None:
        """Cancellation goes through, and the span says `CancelledError`."""
        started = asyncio.Event()

        @telemetry.stage("work")
        async def forever() -> None:
            started.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(forever())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert spans.tree(status=True, attributes=["error.type"]) == (
            "work error.type=CancelledError ! asyncio.exceptions.CancelledError"
        )

    async def test_a_timeout_ends_the_stage(self, spans: Spans) -> None:
        """The stage that was too slow was cancelled; the one around the timeout saw the `TimeoutError`."""

        @telemetry.stage("slow")
        async def forever() -> None:
            await asyncio.Event().wait()

        with pytest.raises(TimeoutError), telemetry.stage("request"):
            async with asyncio.timeout(0):
                await forever()
        assert spans.tree(status=True, attributes=["error.type"]) == (
            "request error.type=TimeoutError ! TimeoutError\n"
            "└ slow error.type=CancelledError ! asyncio.exceptions.CancelledError"
        )
