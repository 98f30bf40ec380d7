"""Blocks, decorators and contexts on the SDK's provider and on ours, with whatever ends them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, SpanContext, StatusCode, use_span

from tests.engines import HEADERS, Engine, on_both


class Odd(BaseException):
    """One that is no `Exception`."""


ENDS = (
    None, ValueError("bad"), KeyError("a"), StopIteration(3), StopAsyncIteration(), KeyboardInterrupt(), SystemExit(3),
    GeneratorExit(), asyncio.CancelledError(), Odd("odd"), ExceptionGroup("many", [ValueError("a"), TypeError("b")]),
    Exception(), RecursionError("deep"), UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"),
)  # fmt: skip
FLAGS = [(True, True), (True, False), (False, True), (False, False)]


@pytest.mark.parametrize("end", ENDS, ids=repr)
@pytest.mark.parametrize(("record", "fail"), FLAGS)
def test_a_block_ends_the_same_with_whatever_leaves_it(end: BaseException | None, record: bool, fail: bool) -> None:
    """Of `start_as_current_span`, of `with span:`, of `use_span`, and of nested blocks."""
    options = {"record_exception": record, "set_status_on_exception": fail}

    def leave() -> None:
        if end is not None:
            raise end

    def program(engine: Engine) -> list[Any]:
        found: list[Any] = []
        tracer: Any = engine.tracer

        def current() -> Any:
            with tracer.start_as_current_span("current", **options), tracer.start_as_current_span("inner"):
                leave()

        def own() -> Any:
            with tracer.start_span("own", **options):
                leave()

        def used() -> Any:
            with use_span(tracer.start_span("used"), end_on_exit=True, **options):
                leave()

        def kept() -> Any:
            with tracer.start_as_current_span("kept", end_on_exit=False, **options) as span:
                found.append(span)
                leave()

        for block in (current, own, used, kept):
            try:
                block()
            except BaseException as left:  # noqa: BLE001  whatever it is
                found.append(left is end)
            found.append(trace.get_current_span() is INVALID_SPAN)
        span = next(one for one in found if isinstance(one, trace.Span))
        found[found.index(span)] = span.is_recording()
        span.end()
        return found

    spans = on_both(program).finished()
    assert len(spans) == 5
    assert (spans[1].status.status_code is StatusCode.ERROR) == (fail and isinstance(end, Exception))


class Own(Exception):
    pass


@pytest.mark.parametrize("fails", [False, True])
def test_a_decorated_function_has_a_span_each_time(fails: bool) -> None:
    """A function, a method, a coroutine function, a generator function (whose creation it measures)."""

    def program(engine: Engine) -> list[Any]:
        tracer = engine.tracer

        def leave(value: Any) -> Any:
            trace.get_current_span().set_attribute("value", value)
            if fails:
                raise Own(str(value))
            return value

        @tracer.start_as_current_span("function", attributes={"a": 1})
        def function(value: int, *, more: int = 0) -> Any:
            """Its words."""
            return leave(value + more)

        class Shop:
            @tracer.start_as_current_span("method")
            def method(self, value: int) -> Any:
                return leave(value)

        @tracer.start_as_current_span("coroutine")
        async def coroutine(value: int) -> Any:
            await asyncio.sleep(0)
            return leave(value)

        @tracer.start_as_current_span("generator")
        def generator() -> Iterator[int]:
            yield leave(1)

        found: list[Any] = [function.__name__, function.__doc__, asyncio.iscoroutinefunction(coroutine)]
        calls: list[Callable[[], Any]] = [
            lambda: function(1, more=2), lambda: function(4), lambda: Shop().method(5),
            lambda: asyncio.run(coroutine(6)), lambda: list(generator()),
        ]  # fmt: skip
        for call in calls:
            try:
                found.append(call())
            except Own as left:
                found.append(str(left))
        return found

    assert len(on_both(program).finished()) == 5


def test_tasks_and_generators_have_the_span_of_their_own_context() -> None:
    def program(engine: Engine) -> list[Any]:
        tracer, found = engine.tracer, list[Any]()

        def name() -> Any:
            return getattr(trace.get_current_span(), "name", None)

        async def task(number: int) -> None:
            with tracer.start_as_current_span(f"task {number}"):
                await asyncio.sleep(0)
                found.append(name())

        async def stream() -> AsyncGenerator[int]:
            with tracer.start_as_current_span("stream"):
                yield 1
                yield 2

        async def main() -> None:
            with tracer.start_as_current_span("main"):
                await asyncio.gather(*(task(number) for number in range(3)))
                found.append(name())
                async with contextlib.aclosing(stream()) as numbers:
                    async for number in numbers:
                        found.append((number, name()))
                found.append(name())
            waits = asyncio.create_task(asyncio.sleep(60))
            waits.cancel()
            with contextlib.suppress(asyncio.CancelledError), tracer.start_as_current_span("cancelled"):
                await waits

        asyncio.run(main())
        return found

    assert len(on_both(program).finished()) == 6


def test_current_spans_baggage_and_headers() -> None:
    """What is in the context beside the span stays; headers name it; a context of one's own has its span below it."""

    def program(engine: Engine) -> list[Any]:
        found: list[Any] = []
        token = otel_context.attach(baggage.set_baggage("user", "a", Context()))
        try:
            with engine.tracer.start_as_current_span("work") as span:
                headers: dict[str, str] = {}
                HEADERS.inject(headers)
                other = HEADERS.extract(headers, Context())
                engine.tracer.start_span("below headers", context=other).end()
                engine.tracer.start_span("root", context=Context()).end()
                found += [headers, dict(baggage.get_all()), trace.get_current_span() is span]
                with use_span(NonRecordingSpan(SpanContext(1, 2, is_remote=True))):
                    engine.tracer.start_span("below unsampled").get_span_context()
                with engine.tracer.start_as_current_span("elsewhere", context=other) as inner:
                    found += [trace.get_current_span() is inner, dict(baggage.get_all())]
        finally:
            otel_context.detach(token)
        return found

    names = {span.name: span for span in on_both(program).finished()}
    assert set(names) == {"below headers", "root", "elsewhere", "work"}
    assert names["below headers"].parent
    assert names["below headers"].parent.is_remote


def test_suppressed_instrumentations_leave_a_tracer_alone() -> None:
    """The key is for instrumentations: who starts a span all the same gets one, as from the SDK."""

    def program(engine: Engine) -> None:
        with suppress_instrumentation(), engine.tracer.start_as_current_span("work"):
            pass

    assert [span.name for span in on_both(program).finished()] == ["work"]
