"""`telemetry.context` in threads and messages: whatever runs elsewhere runs below its own request."""

import asyncio
import concurrent.futures
import functools
import gc
import queue
import threading
import weakref
from collections.abc import AsyncIterator, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from opentelemetry import baggage, propagate, trace
from opentelemetry import context as otel_context

import telemetry
from telemetry.config import propagators
from telemetry.context import ThreadPoolExecutor, carry, extract, inject, messages
from telemetry.testing.spans import Spans


def traced(name: str) -> str | None:
    """Work that is traced; it returns which operation its baggage names."""
    with telemetry.stage(name):
        return str(baggage.get_baggage("search.operation"))


def in_thread(fn: Any, *args: Any) -> None:
    """Run `fn` to its end in a new thread."""
    thread = threading.Thread(target=fn, args=args)
    thread.start()
    thread.join()


class TestCarry:
    def test_a_thread_works_below_the_request_that_started_it(self, spans: Spans) -> None:
        """With `carry` a thread's span has its parent; without it begins a trace of its own."""
        with telemetry.endpoint("/search"):
            in_thread(carry(traced), "carried")
            in_thread(traced, "not carried")
        assert spans.tree() == "/search\n└ carried\nnot carried"

    def test_it_runs_often_and_in_several_threads_at_once(self, spans: Spans) -> None:
        """One carried function serves threads that run at the same time, which a copy of all variables cannot."""
        both = threading.Barrier(2, timeout=10)

        def work(name: str) -> None:
            with telemetry.stage(name):
                both.wait()

        with telemetry.stage("root"):
            carried = carry(work)
        threads = [threading.Thread(target=carried, args=(f"part {number}",)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        root = spans.one("root")
        assert {span.parent.span_id for span in spans if span.parent} == {root.context.span_id if root.context else 0}
        assert len(spans) == 3

    def test_nothing_stays_behind_in_the_thread(self, spans: Spans) -> None:
        """After the call the context is what it was before, where the function raised too."""

        def fail() -> None:
            raise KeyError

        with telemetry.stage("root"):
            good, bad = carry(traced), carry(fail)
        before = otel_context.get_current()
        good("leaf")
        with pytest.raises(KeyError):
            bad()
        assert otel_context.get_current() is before

    async def test_every_shape_keeps_its_shape(self, spans: Spans) -> None:
        """Coroutines and generators run carried from their first to their last step, and their consumers do not."""

        async def coroutine(name: str) -> None:
            await asyncio.sleep(0)
            traced(name)

        def generator(name: str) -> Iterator[int]:
            with telemetry.stage(name):
                yield 1
                traced(f"{name} leaf")

        async def async_generator(name: str) -> AsyncIterator[int]:
            with telemetry.stage(name):
                yield 1
                traced(f"{name} leaf")

        with telemetry.stage("root"):
            first, second, third = carry(coroutine), carry(generator), carry(async_generator)
        await first("a")
        for _ in second("b"):
            traced("consumer")
        async for _ in third("c"):
            traced("consumer")
        assert spans.tree() == "root\n├ a\n├ b\n│ └ b leaf\n└ c\n  └ c leaf\nconsumer\nconsumer"

    async def test_what_stands_for_a_coroutine_or_a_generator_is_carried_to_its_end(self, spans: Spans) -> None:
        """A plain function around either, as decorators are often written, and whatever the work does later."""

        def plain(fn: Any) -> Any:
            @functools.wraps(fn)
            def around() -> Any:
                return fn()

            return around

        @plain
        async def work() -> str | None:
            await asyncio.sleep(0)
            return traced("work")

        @plain
        def items() -> Iterator[str | None]:
            yield traced("item")

        with telemetry.endpoint("/search"):
            carried, generated = carry(work), carry(items)
        assert [await carried(), *generated()] == ["search", "search"]
        assert spans.tree() == "/search\n├ work\n└ item"

    def test_what_cannot_be_called_is_reported(self) -> None:
        """A frequent mistake, a call in place of a function, is reported at once."""
        with pytest.raises(telemetry.TelemetryError, match=r"None is not callable.*\nwrite carry\(work\)"):
            carry(None)

    def test_a_failure_in_a_thread_has_its_event_once(self, spans: Spans) -> None:
        """The request is remembered: its exception, raised again by the caller, has one event (on the innermost)."""

        def fail() -> None:
            with telemetry.stage("leaf"):
                raise KeyError("no index")

        with ThreadPoolExecutor(1) as pool, pytest.raises(KeyError), telemetry.endpoint("/search"):
            pool.submit(fail).result()
        assert spans.tree(status=True) == "/search !\n└ leaf ! KeyError"


class TestThreadPool:
    def test_each_task_belongs_to_whoever_submitted_it(self, spans: Spans) -> None:
        """Preprocessing in a pool keeps its parent (CLIP-as-service lost it), with two requests on one thread."""
        with ThreadPoolExecutor(1) as pool:
            for name in ("/index", "/search"):
                with telemetry.endpoint(name):
                    assert pool.submit(traced, f"{name} part").result() == name[1:]
            pool.submit(traced, "alone").result()
        assert spans.tree() == "/index\n└ /index part\n/search\n└ /search part\nalone"

    def test_map_keeps_the_context_too(self, spans: Spans) -> None:
        """`map` takes several iterables and a timeout, gives the results in order, and fails as it did."""
        with ThreadPoolExecutor(2) as pool:
            with telemetry.stage("root"):
                results = pool.map(lambda a, b: (traced("part"), a + b)[1], [1, 2, 3], [10, 20, 30], timeout=10)
            assert list(results) == [11, 22, 33]
            with pytest.raises(ZeroDivisionError):
                list(pool.map(lambda a: 1 // a, [0]))
        assert spans.tree() == "root\n├ part\n├ part\n└ part"

    def test_map_keeps_the_context_of_its_call(self, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
        """Items that are submitted only as results are read, as with `buffersize` from Python 3.14 on, belong to it."""

        def lazy(self: Any, fn: Any, *iterables: Any) -> Iterator[Any]:
            for args in zip(*iterables, strict=True):
                yield self.submit(fn, *args).result()

        monkeypatch.setattr(concurrent.futures.Executor, "map", lazy)
        with ThreadPoolExecutor(1) as pool:
            with telemetry.stage("root"):
                results = pool.map(traced, ["part"])
            with telemetry.stage("consumer"):
                list(results)
        assert spans.tree() == "root\n└ part\nconsumer"

    async def test_asyncio_runs_in_it(self, spans: Spans) -> None:
        """As the default executor of a loop, which is where Jina runs methods that are not coroutines."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as pool, telemetry.stage("root"):
            loop.set_default_executor(pool)
            await loop.run_in_executor(None, traced, "default")
            await loop.run_in_executor(pool, traced, "pool")
            await asyncio.to_thread(traced, "thread")
        assert spans.tree() == "root\n├ default\n├ pool\n└ thread"

    def test_it_is_the_standard_pool(self) -> None:
        """Initializer, keyword arguments, a function's own `fn`, and the error of a pool that is shut down."""
        seen = threading.local()

        def start(value: int) -> None:
            seen.value = value

        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="mine", initializer=start, initargs=(7,)) as pool:
            assert isinstance(pool, concurrent.futures.ThreadPoolExecutor)
            assert pool.submit(lambda **kwargs: (seen.value, kwargs), fn=1, context=2, self=3).result() == (
                7,
                {"fn": 1, "context": 2, "self": 3},
            )
        with pytest.raises(RuntimeError, match="cannot schedule new futures"):
            pool.submit(print)

    @pytest.mark.parametrize("stage", [None, "preprocess"])
    @pytest.mark.usefixtures("metrics")
    def test_nothing_of_a_task_is_kept(self, stage: str | None) -> None:
        """Once a task is done, its arguments and its request go, while the pool lives on and its failure is held."""

        class Documents:
            pass

        def fail(docs: Documents) -> None:
            del docs
            raise ValueError

        with ThreadPoolExecutor(1, stage=stage) as pool:
            docs = Documents()
            gone = weakref.ref(docs)
            token = otel_context.attach(otel_context.set_value("docs", docs))
            future = pool.submit(fail, docs)
            otel_context.detach(token)
            del docs, token
            failure = future.exception()
            pool.submit(int).result()  # the thread has let go of the first task
            gc.collect()
            assert gone() is None
            assert isinstance(failure, ValueError)


@pytest.fixture(params=["tracecontext,baggage", "b3,baggage", "b3multi,baggage", "jaeger"])
def _propagators(request: pytest.FixtureRequest) -> Iterator[None]:
    before = propagate.get_global_textmap()
    propagators.use(request.param.split(","))
    yield
    propagate.set_global_textmap(before)


class TestMessages:
    @pytest.mark.usefixtures("_propagators")
    @pytest.mark.parametrize(
        "sent",
        [
            dict,
            MappingProxyType,
            lambda headers: {name.upper(): value for name, value in headers.items()},
            lambda headers: [(name, value.encode()) for name, value in headers.items()],
        ],
    )
    def test_a_queue_carries_the_request(self, spans: Spans, sent: Any) -> None:
        """With any propagator, span and baggage go through a queue, whatever it does to names and values (defect 2)."""
        messages: queue.Queue[Any] = queue.Queue()
        with telemetry.endpoint("/search"):
            messages.put(sent(inject()))

        def consume() -> None:
            with extract(messages.get()):
                assert traced("part") == "search"

        with telemetry.stage("consumer"):
            consume()
        assert spans.tree() == "/search\n└ part\nconsumer"

    @pytest.mark.usefixtures("_propagators")
    def test_baggage_that_no_header_can_carry_costs_no_other(self, spans: Spans) -> None:
        """Half a character gets a question mark; an object that has no text is left out; the trace goes on."""

        class Mute:
            def __str__(self) -> str:
                raise RuntimeError("no words")

        with telemetry.endpoint("/search"), telemetry.request(platform="web \ud83d"):
            carried = otel_context.attach(baggage.set_baggage("mine", Mute(), baggage.set_baggage("o\udcff", "x")))
            headers = inject()
            otel_context.detach(carried)
        with extract(headers) as context:
            assert traced("part") == "search"
            assert baggage.get_baggage("client.platform", context) == "web ?"
            assert baggage.get_baggage("mine", context) is None
        assert spans.tree() == "/search\n└ part"

    def test_a_message_without_headers_begins_a_trace(self, spans: Spans) -> None:
        """Neither the consumer's span nor its baggage is taken for the message's."""
        with telemetry.endpoint("/consume"):
            for headers in (None, {}, {"traceparent": "nonsense", "baggage": "=;="}, {"traceparent": 5}):
                with extract(headers):
                    assert traced("part") == "None"
            traced("after")
        assert spans.tree() == "/consume\n└ after\npart\npart\npart\npart"

    def test_headers_are_added_to_what_is_there(self, spans: Spans) -> None:
        """`inject` returns the very mapping that it was given, with its other entries."""
        headers = {"content-type": "text"}
        with telemetry.stage("root"):
            assert inject(headers) is headers
        assert sorted(headers) == ["content-type", "traceparent"]
        assert inject() == {}

    def test_what_arrived_can_be_linked(self, spans: Spans) -> None:
        """A consumer of many messages links their spans: `extract` yields the context."""
        with telemetry.stage("message"):
            headers = inject()
        with extract(headers) as arrived:
            link = trace.Link(trace.get_current_span(arrived).get_span_context())
        with telemetry.stage("batch", links=[link]):
            pass
        message = spans.one("message").context
        assert [one.context.span_id for one in spans.one("batch").links] == [message.span_id if message else 0]

    @pytest.mark.parametrize("carrier", [[], (), "text", 5])
    def test_inject_states_what_it_cannot_write_into(self, carrier: Any) -> None:
        """A list of pairs cannot be injected into, and the error reports it."""
        with pytest.raises(telemetry.TelemetryError, match=r"inject.* writes into a dictionary, not into a"):
            inject(carrier)

    @pytest.mark.parametrize("carrier", ["text", 5, [1]])
    def test_headers_that_cannot_be_read_stop_no_consumer(
        self, carrier: Any, spans: Spans, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What is neither a mapping nor pairs is logged once, and the message has a trace of its own."""
        messages._warn_once.cache_clear()
        with telemetry.stage("consumer"):
            for _ in range(2):
                with extract(carrier), telemetry.stage("message"):
                    pass
        assert sorted(spans.tree().splitlines()) == ["consumer", "message", "message"]
        assert len([r for r in caplog.records if "extract() takes a mapping or pairs" in r.message]) == 1

    def test_an_exception_leaves_the_block_unchanged(self) -> None:
        """The very exception, and the context before."""
        problem = KeyError()
        before = otel_context.get_current()
        with pytest.raises(KeyError) as caught, extract({}):
            raise problem
        assert caught.value is problem
        assert otel_context.get_current() is before

    def test_a_carrier_of_ones_own_is_written_by_its_own_rules(self, spans: Spans) -> None:
        """Anything with items that can be set is a carrier."""

        class Headers(dict[str, str]):
            def __setitem__(self, name: str, value: str) -> None:
                super().__setitem__(f"x-{name}", value)

        with telemetry.stage("root"):
            headers: Mapping[str, str] = inject(Headers())
        assert list(headers) == ["x-traceparent"]
