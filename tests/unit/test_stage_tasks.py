"""`stage` in tasks: siblings, cancellation, timeouts."""

import asyncio
import contextvars
from typing import Any

import pytest
from opentelemetry import trace

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

    async def test_a_cancelled_stage_is_not_an_error(self, spans: Spans) -> None:
        """Cancellation goes through; the span has its event and no error status: its caller went away."""
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
        assert spans.tree(status=True, attributes=["error.type"]) == "work"
        (event,) = spans.one("work").events
        assert (event.attributes or {})["exception.type"] == "asyncio.exceptions.CancelledError"

    async def test_a_timeout_ends_the_stage(self, spans: Spans) -> None:
        """The stage that was too slow was cancelled; the one around the timeout saw the `TimeoutError`."""

        @telemetry.stage("slow")
        async def forever() -> None:
            await asyncio.Event().wait()

        with pytest.raises(TimeoutError), telemetry.stage("request"):
            async with asyncio.timeout(0):
                await forever()
        assert spans.tree(status=True, attributes=["error.type"]) == (
            "request error.type=TimeoutError ! TimeoutError\n└ slow"
        )


class TestOneObjectInHelpers:
    def test_a_helper_of_ones_own_around_one_stage(self, spans: Spans) -> None:
        """A class that enters a shared stage in its own `__enter__` leaves the right one, whatever runs beside it."""
        shared = telemetry.stage("shared")

        class Timed:
            def __enter__(self, *args: Any) -> None:  # as much as `__exit__` has, so that their frames share a place
                shared.__enter__(*args)

            def __exit__(self, *args: Any) -> None:  # noqa: PYI036
                shared.__exit__(*args)

        def enter(number: int) -> None:
            Timed().__enter__()
            trace.get_current_span().set_attribute("who", number)

        tasks = [contextvars.copy_context() for _ in range(4)]
        for number, task in enumerate(tasks):
            task.run(enter, number)
        for task in tasks:  # the first to enter is the first to leave
            task.run(Timed().__exit__, None, None, None)
        assert spans.tree(attributes=["who"]) == "\n".join(f"shared who={number}" for number in range(4))
        assert [(span.attributes or {})["who"] for span in spans] == [0, 1, 2, 3]
