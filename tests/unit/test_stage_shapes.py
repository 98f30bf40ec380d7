"""`stage` around every shape of callable: what the caller sees is what the callable does."""

import asyncio
import contextlib
import functools
import gc
import inspect
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest
from opentelemetry import trace

import telemetry
from telemetry.testing.spans import Spans


def current_name() -> str:
    """The name of the current span, "" outside of any."""
    return getattr(trace.get_current_span(), "name", "")


def run(outcome: Any) -> Any:
    """Bring what a call gave to its end: await it, exhaust it, or take it as it is."""
    if inspect.isasyncgen(outcome):

        async def exhaust() -> list[Any]:
            return [item async for item in outcome]

        return asyncio.run(exhaust())
    if inspect.iscoroutine(outcome):
        return asyncio.run(outcome)
    return list(outcome) if inspect.isgenerator(outcome) else outcome


@telemetry.stage("work")
def plain(docs: list[int], *, add: int = 0) -> list[str]:
    """Say where each document is encoded."""
    return [f"{doc + add} in {current_name()}" for doc in docs]


@telemetry.stage("work")
async def coroutine(docs: list[int], *, add: int = 0) -> list[str]:
    """Say where each document is encoded."""
    await asyncio.sleep(0)
    return [f"{doc + add} in {current_name()}" for doc in docs]


@telemetry.stage("work")
def generator(docs: list[int], *, add: int = 0) -> Iterator[str]:
    """Say where each document is encoded."""
    for doc in docs:
        yield f"{doc + add} in {current_name()}"


@telemetry.stage("work")
async def async_generator(docs: list[int], *, add: int = 0) -> AsyncIterator[str]:
    """Say where each document is encoded."""
    for doc in docs:
        await asyncio.sleep(0)
        yield f"{doc + add} in {current_name()}"


class Executor:
    @telemetry.stage("work")
    def method(self, docs: list[int], *, add: int = 0) -> list[str]:
        """Say where each document is encoded."""
        return [f"{doc + add} in {current_name()}" for doc in docs]

    @telemetry.stage("work")
    @staticmethod
    def static_inside(docs: list[int], *, add: int = 0) -> list[str]:
        """Say where each document is encoded."""
        return [f"{doc + add} in {current_name()}" for doc in docs]

    @staticmethod
    @telemetry.stage("work")
    def static_outside(docs: list[int], *, add: int = 0) -> list[str]:
        """Say where each document is encoded."""
        return [f"{doc + add} in {current_name()}" for doc in docs]

    @telemetry.stage("work")
    @classmethod
    def class_inside(cls, docs: list[int], *, add: int = 0) -> list[str]:
        """Say where each document is encoded."""
        assert cls is Executor
        return [f"{doc + add} in {current_name()}" for doc in docs]

    @classmethod
    @telemetry.stage("work")
    def class_outside(cls, docs: list[int], *, add: int = 0) -> list[str]:
        """Say where each document is encoded."""
        assert cls is Executor
        return [f"{doc + add} in {current_name()}" for doc in docs]


class Callable:
    """Say where each document is encoded."""

    async def __call__(self, docs: list[int], *, add: int = 0) -> list[str]:
        return [f"{doc + add} in {current_name()}" for doc in docs]


SHAPES = {
    "plain": plain,
    "coroutine": coroutine,
    "generator": generator,
    "async generator": async_generator,
    "bound": Executor().method,
    "static inside": Executor.static_inside,
    "static outside": Executor().static_outside,
    "class inside": Executor.class_inside,
    "class outside": Executor().class_outside,
    "partial": telemetry.stage("work")(functools.partial(coroutine.__wrapped__)),  # type: ignore[attr-defined]
    "object": telemetry.stage("work")(Callable()),
}


@pytest.mark.parametrize("fn", SHAPES.values(), ids=SHAPES.keys())
def test_every_shape_runs_inside_its_span(spans: Spans, fn: Any) -> None:
    """Arguments and results pass unchanged, the body runs in its span, and the caller never does."""
    assert run(fn([1, 2], add=1)) == ["2 in work", "3 in work"]
    assert spans.tree() == "work"
    assert current_name() == ""


@pytest.mark.parametrize(
    ("fn", "asks"),
    [
        (plain, inspect.isfunction),
        (coroutine, inspect.iscoroutinefunction),
        (generator, inspect.isgeneratorfunction),
        (async_generator, inspect.isasyncgenfunction),
        (Executor.method, inspect.isfunction),
        (Executor().method, inspect.ismethod),
        (Executor.class_inside, inspect.ismethod),
        (SHAPES["partial"], inspect.iscoroutinefunction),
        (SHAPES["object"], inspect.iscoroutinefunction),
    ],
)
def test_a_wrapped_callable_looks_like_itself(fn: Any, asks: Any) -> None:
    """Name, docstring, signature and kind are those of the callable: frameworks look at all of them."""
    assert asks(fn)
    if hasattr(fn.__wrapped__, "__name__"):
        assert fn.__name__ == fn.__wrapped__.__name__
        assert fn.__doc__ == "Say where each document is encoded."
        assert "add: int = 0" in str(inspect.signature(fn))


class TestGenerators:
    def test_a_generator_is_timed_to_its_end(self, spans: Spans) -> None:
        """The span of a generator lasts from its first item to its last, not for the moment that makes it."""
        items = generator([1, 2])
        assert len(spans) == 0
        next(items)
        spans.clock.advance(3)
        assert spans.open == ["work"]
        list(items)
        span = spans.one("work")
        assert (span.end_time or 0) - (span.start_time or 0) > 3e9

    def test_the_context_is_never_visible_to_the_consumer(self, spans: Spans) -> None:
        """What the consumer does between items does not land below the generator's span."""
        with telemetry.stage("consumer"):
            for item in generator([1, 2]):
                assert (item[-4:], current_name()) == ("work", "consumer")
                with telemetry.stage("between"):
                    pass
        assert spans.tree() == "consumer\n├ work\n├ between\n└ between"

    def test_a_block_open_across_a_yield_keeps_its_own_parent(self, spans: Spans) -> None:
        """A `with` block inside a generator is current again in the next step, and only there."""

        @telemetry.stage("outer")
        def steps() -> Iterator[str]:
            with telemetry.stage("inner"):
                yield current_name()
                with telemetry.stage("leaf"):
                    yield current_name()
            yield current_name()

        seen = [(item, current_name()) for item in steps()]
        assert seen == [("inner", ""), ("leaf", ""), ("outer", "")]
        assert spans.tree() == "outer\n└ inner\n  └ leaf"

    def test_interleaved_generators_keep_their_own_parents(self, spans: Spans) -> None:
        """Two generators advanced in turn do not see each other's context."""

        @telemetry.stage("outer")
        def steps(name: str) -> Iterator[None]:
            for _ in range(2):
                with telemetry.stage(name):
                    yield

        for _ in zip(steps("a"), steps("b"), strict=False):
            pass
        gc.collect()
        assert spans.tree() == "outer\n├ a\n└ a\nouter\n├ b\n└ b"

    def test_send_throw_and_the_return_value_are_delegated(self, spans: Spans) -> None:
        """A decorated generator answers `send` and `throw`, and returns, as the bare one does."""

        def conversation() -> Generator[object, object, str]:
            got = yield "first"
            try:
                yield ("sent", got)
            except KeyError as error:
                yield ("thrown", error.args)
            return "the end"

        def talk(fn: Any) -> list[object]:
            talking = fn()
            yielded = [next(talking), talking.send(1), talking.throw(KeyError("k"))]
            with pytest.raises(StopIteration) as stop:
                next(talking)
            return [*yielded, stop.value.value]

        assert talk(telemetry.stage("work")(conversation)) == talk(conversation)
        assert spans.tree(status=True) == "work"

    def test_an_early_close_is_not_an_error(self, spans: Spans) -> None:
        """Whoever stops reading did nothing wrong: the generator's cleanup runs in its span, which ends unfailed."""
        cleaned: list[str] = []

        @telemetry.stage("work")
        def endless() -> Iterator[int]:
            try:
                while True:
                    yield 1
            finally:
                cleaned.append(current_name())

        items = endless()
        next(items)
        items.close()  # type: ignore[attr-defined]
        assert cleaned == ["work"]
        assert spans.tree(status=True) == "work"

    def test_a_generator_that_was_dropped_ends_its_span(self, spans: Spans) -> None:
        """A generator that nobody reads to its end leaves no open span when it is collected."""
        items = generator([1, 2])
        next(items)
        del items
        gc.collect()
        assert (spans.open, spans.tree(status=True)) == ([], "work")

    def test_a_failing_generator_fails_its_span(self, spans: Spans) -> None:
        """The failure reaches the consumer as it is, and stands on the span."""
        wrong = ValueError("bad document")

        @telemetry.stage("work")
        def failing() -> Iterator[int]:
            yield 1
            raise wrong

        with pytest.raises(ValueError, match="bad document") as caught:
            list(failing())
        assert caught.value is wrong
        assert spans.tree(status=True) == "work ! ValueError"

    def test_a_generator_that_refuses_to_close_reports_it(self, spans: Spans) -> None:
        """Python's own complaint of a generator that yields while it is closed is not swallowed."""

        @telemetry.stage("work")
        def stubborn() -> Iterator[int]:
            with contextlib.suppress(GeneratorExit):
                yield 1
            yield 2

        items = stubborn()
        next(items)
        with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
            items.close()  # type: ignore[attr-defined]
        assert list(items) == []
        assert spans.tree(status=True) == "work"

    def test_a_spent_generator_leaves_nothing_behind(self, spans: Spans) -> None:
        """An exception thrown into a generator is not kept alive by the wrapper's frame."""
        items = generator([1, 2])
        next(items)
        with pytest.raises(KeyError) as caught:
            items.throw(KeyError("k"))  # type: ignore[attr-defined]
        ours = [frame for frame, _ in _frames(caught.value) if frame.f_code.co_filename.endswith("callables.py")]
        held = [gc.get_referents(value) for frame in ours for value in frame.f_locals.values()]
        assert ours
        assert not [refs for refs in held if any(ref is caught.value for ref in refs)]


class TestAsyncGenerators:
    async def test_asend_athrow_and_aclose_are_delegated(self, spans: Spans) -> None:
        """A decorated async generator answers as the bare one does."""
        closed: list[str] = []

        async def conversation() -> Any:
            try:
                got = yield "first"
                try:
                    yield ("sent", got)
                except KeyError as error:
                    yield ("thrown", error.args)
            finally:
                await asyncio.sleep(0)
                closed.append(current_name())

        talking = telemetry.stage("work")(conversation)()
        yielded = [await anext(talking), await talking.asend(1), await talking.athrow(KeyError("k"))]
        assert yielded == ["first", ("sent", 1), ("thrown", ("k",))]
        assert current_name() == ""
        await talking.aclose()
        assert closed == ["work"]
        assert spans.tree(status=True) == "work"

    async def test_the_context_is_never_visible_to_the_consumer(self, spans: Spans) -> None:
        """What the consumer awaits between items does not land below the generator's span."""
        with telemetry.stage("consumer"):
            async for item in async_generator([1, 2]):
                assert (item[-4:], current_name()) == ("work", "consumer")
                await coroutine([1])
        assert spans.tree() == "consumer\n├ work\n├ work\n└ work"

    async def test_a_failing_async_generator_fails_its_span(self, spans: Spans) -> None:
        """The failure reaches the consumer as it is, and stands on the span."""

        @telemetry.stage("work")
        async def failing() -> AsyncIterator[int]:
            yield 1
            raise ValueError("bad document")

        with pytest.raises(ValueError, match="bad document"):
            assert [item async for item in failing()] == []
        assert spans.tree(status=True) == "work ! ValueError"

    async def test_an_abandoned_async_generator_ends_its_span(self, spans: Spans) -> None:
        """A consumer that breaks off ends the span when the loop closes the generator."""
        async with contextlib.aclosing(async_generator([1, 2, 3])) as items:  # type: ignore[type-var]
            async for _ in items:
                break
        assert (spans.open, spans.tree(status=True)) == ([], "work")


def test_the_exception_passes_one_frame_of_ours(spans: Spans) -> None:
    """A traceback shows the user's frames, and of ours only the wrapper's."""

    @telemetry.stage("work")
    def failing() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        failing()
    names = [frame.f_code.co_name for frame, _ in _frames(caught.value)]
    assert names == ["test_the_exception_passes_one_frame_of_ours", "wrapper", "failing"]


def test_recursion_nests(spans: Spans) -> None:
    """A function that calls itself has a span for each call."""

    @telemetry.stage("work")
    def down(depth: int) -> None:
        if depth:
            down(depth - 1)

    down(2)
    assert spans.tree() == "work\n└ work\n  └ work"


def _frames(exc: BaseException) -> Iterator[Any]:
    import traceback

    yield from traceback.walk_tb(exc.__traceback__)
