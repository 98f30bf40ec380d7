"""`stage` above and below other decorators: what is traced and what is seen do not depend on the order."""

import asyncio
import contextlib
import functools
import gc
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry import trace

import telemetry
from telemetry.recording import providers
from telemetry.testing.spans import Spans


def name() -> str:
    """The name of the current span, "" outside of any."""
    return getattr(trace.get_current_span(), "name", "")


def logged(fn: Any) -> Any:
    """A decorator as people write them: a plain function around whatever there is."""

    @functools.wraps(fn)
    def logging(*args: Any, **kwargs: Any) -> Any:
        with telemetry.stage("log"):
            return fn(*args, **kwargs)

    return logging


class TestPlainFunctionsAroundOthers:
    async def test_a_coroutine_is_timed_to_its_end(self, spans: Spans) -> None:
        """A plain function around an `async def` gives a coroutine, whose work is the span's."""

        @telemetry.endpoint("/search")
        @logged
        async def search(docs: list[int]) -> str:
            await asyncio.sleep(0)
            return name()

        coroutine = search([1])
        assert inspect.iscoroutine(coroutine)
        assert (coroutine.__qualname__, name()) == (search.__qualname__, "")
        spans.clock.advance(3)
        assert spans.open == ["/search"]
        assert await coroutine == "/search"
        assert spans.tree(attributes=["len_docs"]) == "/search len_docs=1\n└ log"
        span = spans.one("/search")
        assert (span.end_time or 0) - (span.start_time or 0) > 3e9

    def test_a_generator_is_timed_to_its_end(self, spans: Spans) -> None:
        """One around a generator is timed from its first step to its end; its consumer does not see the span."""

        @telemetry.stage("work")
        @logged
        def items() -> Iterator[str]:
            yield name()
            yield name()

        made = items()
        spans.clock.advance(3)  # nobody has asked for anything yet
        assert [(item, name()) for item in made] == [("work", ""), ("work", "")]
        assert spans.tree() == "log\nwork"
        span = spans.one("work")
        assert (span.end_time or 0) - (span.start_time or 0) < 1e9

    async def test_an_async_generator_is_timed_to_its_end(self, spans: Spans) -> None:
        """So does one around an async generator, closed early as well."""

        @telemetry.stage("work")
        @logged
        async def items() -> AsyncIterator[str]:
            yield name()
            yield name()

        async with contextlib.aclosing(items()) as found:
            assert [(await anext(found), name()), spans.open] == [("work", ""), ["work"]]
        assert spans.tree(status=True) == "log\nwork"

    @pytest.mark.parametrize("early", [True, False])
    async def test_a_failure_is_the_spans(self, spans: Spans, early: bool) -> None:
        """A failure at the call and one in the work fail the span, once, and arrive unchanged."""
        wrong = ValueError("no")

        def refuse(fn: Any) -> Any:
            @functools.wraps(fn)
            def refusing() -> Any:
                if early:
                    raise wrong
                return fn()

            return refusing

        @telemetry.stage("work")
        @refuse
        async def work() -> None:
            raise wrong

        with pytest.raises(ValueError, match="no") as caught:
            await work()
        assert (caught.value, wrong.__context__, wrong.__cause__) == (wrong, None, None)
        assert spans.tree(status=True) == "work ! ValueError"

    def test_a_generator_that_nobody_reads_has_no_run(self, spans: Spans) -> None:
        """A run begins at the first step: what is dropped before it leaves no span, open or ended."""

        @telemetry.stage("work")
        @logged
        def items() -> Iterator[int]:
            yield 1

        items()
        gc.collect()
        assert (spans.open, spans.tree(status=True)) == ([], "log")

    def test_a_call_that_gives_no_generator_is_a_run_of_its_own(self, spans: Spans) -> None:
        """It may raise, as a check of arguments does, or return what it kept."""

        def checked(fn: Any) -> Any:
            @functools.wraps(fn)
            def checking(number: int) -> Any:
                if number < 0:
                    raise ValueError(number)
                return fn(number) if number else []

            return checking

        @telemetry.stage("work")
        @checked
        def items(number: int) -> Iterator[int]:
            yield number

        with pytest.raises(ValueError, match="-1"):
            items(-1)
        assert items(0) == []
        assert list(items(1)) == [1]
        assert spans.tree(status=True) == "work ! ValueError\nwork\nwork"

    async def test_work_that_was_brought_to_its_end_inside_is_a_result(self, spans: Spans) -> None:
        """A plain function around a coroutine that returns something else is left as it is."""

        def scheduled(fn: Any) -> Any:
            return functools.wraps(fn)(lambda: asyncio.ensure_future(fn()))

        @telemetry.stage("work")
        @scheduled
        async def work() -> str:
            return name()

        task = work()
        assert isinstance(task, asyncio.Task)
        assert await task == "work"
        assert spans.tree() == "work"

    def test_a_generator_that_is_only_passed_on_stays_what_it_was(self, spans: Spans) -> None:
        """A plain function may return anybody's generator or coroutine: the very same object is returned."""
        theirs = (number for number in range(3))
        given = telemetry.stage("work")(lambda: theirs)
        assert given() is theirs  # type: ignore[no-untyped-call]
        assert (spans.tree(), list(theirs)) == ("work", [0, 1, 2])

    def test_switched_off_it_is_not_touched(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where nothing is recorded, a call returns the very object that the function made."""
        monkeypatch.setattr(providers, "recording", lambda: False)
        made: list[Any] = []

        def keep(fn: Any) -> Any:
            def kept() -> Any:
                made.append(fn())
                return made[-1]

            return functools.wraps(fn)(kept)

        @telemetry.stage("work")
        @keep
        def items() -> Iterator[int]:
            yield 1

        assert items() is made[0]


class TestContextManagers:
    @pytest.mark.parametrize("stage_outside", [True, False])
    def test_a_context_manager_is_timed_to_its_end(self, spans: Spans, stage_outside: bool) -> None:
        """A `with` block's function is one run from enter to exit, in either order, also as a decorator."""

        def session() -> Iterator[str]:
            with telemetry.stage("open"):
                pass
            try:
                yield name()
            finally:
                with telemetry.stage("close"):
                    pass

        make: Any = contextlib.contextmanager
        work = telemetry.stage("work")
        decorated = work(make(session)) if stage_outside else make(work(session))
        with decorated() as inside:
            assert (inside, name(), spans.open) == ("work", "", ["work"])
        with pytest.raises(KeyError), decorated():
            raise KeyError("theirs")
        assert decorated()(name)() == ""
        tree = "work{}\n├ open\n└ close"
        assert spans.tree(status=True) == "\n".join([tree.format(""), tree.format(" ! KeyError"), tree.format("")])

    @pytest.mark.parametrize("stage_outside", [True, False])
    async def test_an_async_one_too(self, spans: Spans, stage_outside: bool) -> None:
        """So is an async one."""

        async def session() -> AsyncIterator[str]:
            yield name()

        make: Any = contextlib.asynccontextmanager
        work = telemetry.stage("work")
        async with (work(make(session)) if stage_outside else make(work(session)))() as inside:
            assert (inside, name(), spans.open) == ("work", "", ["work"])
        assert spans.tree(status=True) == "work"

    def test_stop_iteration_in_the_block_is_reported_as_ever(self, spans: Spans) -> None:
        """`contextlib` distinguishes a `StopIteration` of the block from its own: so it does around us."""

        @contextlib.contextmanager
        @telemetry.stage("work")
        def session() -> Iterator[None]:
            yield

        with pytest.raises(StopIteration, match="theirs"), session():
            raise StopIteration("theirs")
