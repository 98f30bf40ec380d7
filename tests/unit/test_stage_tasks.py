"""`stage` in tasks: siblings, cancellation, timeouts."""

import asyncio
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


class TestOneObjectInHelpers:
    async def test_a_helper_of_ones_own_around_one_stage(self, spans: Spans) -> None:
        """A class that enters a shared stage in its own `__enter__` leaves the right one, whatever runs beside it."""
        shared = telemetry.stage("shared")

        class Timed:
            def __enter__(self) -> None:
                shared.__enter__().set_attribute("who", asyncio.current_task().get_name())  # type: ignore[union-attr]

            def __exit__(self, kind: Any, exc: Any, tb: Any) -> None:  # noqa: PYI036
                trace.get_current_span().set_attribute("at_exit", asyncio.current_task().get_name())  # type: ignore[union-attr]
                shared.__exit__(kind, exc, tb)

        async def work(begun: asyncio.Event, may_go_on: asyncio.Event, ended: asyncio.Event) -> None:
            with Timed():
                begun.set()
                await may_go_on.wait()
                with telemetry.stage(asyncio.current_task().get_name()):  # type: ignore[union-attr]
                    pass
            ended.set()

        first, second, over = asyncio.Event(), asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(work(first, second, over), name="a")  # the first to enter is the first to leave
            group.create_task(work(second, over, asyncio.Event()), name="b")
        assert spans.tree(attributes=["who", "at_exit"]) == ("shared who=a at_exit=a\n└ a\nshared who=b at_exit=b\n└ b")
        ends = {str((span.attributes or {}).get("who")): span.end_time or 0 for span in spans.named("shared")}
        assert all(ends[leaf.name] > (leaf.end_time or 0) for leaf in spans if leaf.name in ends)
