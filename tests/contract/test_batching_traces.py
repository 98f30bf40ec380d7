"""What batching leaves in traces and metrics: every request keeps its tree, and is linked with its batch both ways."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.sdk.trace import ReadableSpan

import telemetry
from telemetry.batching import AsyncBatcher, Batcher, BatcherClosed, QueueFull, batched
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans
from tests.otlp_stand_in import StandIn
from tests.unit.batching_actors import AsyncGate, Gate, settled, started
from tests.unit.own_process import python
from tests.waiting import until

SHOWN = ["search.stage", "minibatch_size", "search.batch.requests"]


def linked(spans: Spans, span: ReadableSpan) -> list[str]:
    """The names of the spans that `span` is linked to."""
    names = {(s.context.trace_id, s.context.span_id): s.name for s in spans if s.context}
    return sorted(names[link.context.trace_id, link.context.span_id] for link in span.links)


def search(batcher: Batcher[Any, Any], name: str, items: Sequence[Any]) -> list[Any]:
    """One request: an endpoint, in it a stage named after the request, in that the call."""
    with telemetry.endpoint("/search"), telemetry.stage(name):
        return batcher(items)


class TestThreads:
    def test_every_request_is_linked_with_its_batch_and_keeps_its_tree(self, spans: Spans) -> None:
        """Jina's and Ray's batches belong to their first request alone; here all of them are linked, both ways."""
        gate = Gate()
        batcher = Batcher(gate, name="encode")
        calls = [started(search, batcher, "first", [0])]
        assert gate.entered.wait(10)
        for number, name in enumerate(("second", "third"), 1):
            calls.append(started(search, batcher, name, [number] * number))
            until(lambda: batcher.length >= len(calls) - 1)
        until(lambda: batcher.length == 3)
        gate.opened.set()
        assert [f.result(10) for f in calls] == [[0], [2], [4, 4]]
        spans.wait(8)
        batches = spans.named("batch")
        assert [linked(spans, batch) for batch in batches] == [["first"], ["second", "third"]]
        assert [linked(spans, spans.one(name)) for name in ("first", "second", "third")] == [["batch"]] * 3
        (second,) = spans.one("second").links
        assert second.context == batches[1].context
        assert sorted(spans.tree(attributes=SHOWN).splitlines()) == [
            "/search",
            "/search",
            "/search",
            "batch search.stage=encode minibatch_size=1 search.batch.requests=1",
            "batch search.stage=encode minibatch_size=3 search.batch.requests=2",
            "└ first",
            "└ second",
            "└ third",
        ]

    def test_the_shares_of_a_batch_add_up_to_what_it_took(self, spans: Spans) -> None:
        """Each call has its part of the items; a call in two batches has a part of both, and a link to both."""
        gate = Gate()
        batcher = Batcher(gate, max_size=2)
        calls = [started(search, batcher, "first", [0])]
        assert gate.entered.wait(10)
        calls.append(started(search, batcher, "second", [1, 2, 3]))
        until(lambda: batcher.length == 3)
        calls.append(started(search, batcher, "third", [4]))
        until(lambda: batcher.length == 4)
        gate.opened.set()
        assert [f.result(10) for f in calls] == [[0], [2, 4, 6], [8]]
        spans.wait(9)
        lasted = [((b.end_time or 0) - (b.start_time or 0)) / 1e9 for b in spans.named("batch")]
        shares = [(spans.one(name).attributes or {})["search.batch.share"] for name in ("first", "second", "third")]
        assert shares == [lasted[0], pytest.approx(lasted[1] + lasted[2] / 2), pytest.approx(lasted[2] / 2)]
        assert linked(spans, spans.one("second")) == ["batch", "batch"]

    def test_spans_of_the_function_belong_to_the_batch(self, spans: Spans) -> None:
        """And nothing of a caller does: not its baggage, not its operation, not its span."""
        seen: list[Any] = []

        @telemetry.stage("encode")
        @batched
        @telemetry.stage("forward")
        def encode(items: Sequence[int]) -> list[int]:
            seen.append(dict(baggage.get_all()))
            with telemetry.stage("tokenise"):
                return list(items)

        with telemetry.request("/search", platform="web"), telemetry.endpoint("/search"):
            encode([1])
            assert baggage.get_baggage("client.platform") == "web"
            assert trace.get_current_span().get_span_context().is_valid
        assert spans.tree(attributes=["search.operation"]) == (
            "/search search.operation=search\n└ encode search.operation=search\nbatch\n└ forward\n  └ tokenise"
        )
        assert seen == [{"search.entry": "false"}]

    def test_waiting_is_not_work(self, spans: Spans, metrics: Metrics) -> None:
        """Jina counts the wait for a lock as processing: here it is the request's wait, and not the batch's time."""
        gate = Gate()
        batcher = Batcher(gate, name="encode")
        calls = [started(search, batcher, "first", [0])]
        assert gate.entered.wait(10)
        calls.append(started(search, batcher, "second", [1]))
        until(lambda: batcher.length == 1)
        spans.clock.advance(5)
        gate.opened.set()
        assert [f.result(10) for f in calls] == [[0], [2]]
        spans.wait(6)
        waits = [float((spans.one(n).attributes or {})["search.batch.queue_wait"]) for n in ("first", "second")]  # type: ignore[arg-type]
        assert waits[0] < 1
        assert waits[1] > 5
        wait = {"search.operation": "search", "search.stage": "encode"}
        assert metrics.value("search.queue.wait.duration", wait) == 2
        assert metrics.total("search.queue.wait.duration", wait) == pytest.approx(sum(waits))
        worked = [((b.end_time or 0) - (b.start_time or 0)) / 1e9 for b in spans.named("batch")]
        assert worked[0] > 5
        assert worked[1] < 1
        assert metrics.total("search.stage.duration", {"search.stage": "encode"}) == pytest.approx(sum(worked))
        assert metrics.value("search.batch.size", {"search.stage": "encode"}) == 2

    def test_the_queue_length_falls_whatever_happens(self, metrics: Metrics) -> None:
        """After a refusal and after failures nothing is left over, as it is in Jina's gauge of pending requests."""
        gate = Gate()

        def fail(items: Sequence[int]) -> list[int]:
            gate(items)
            raise ValueError("broken")

        batcher = Batcher(fail, max_size=2, max_queue=2, name="encode")
        length = ("search.queue.length", {"search.stage": "encode"})
        first = started(batcher, [0])
        assert gate.entered.wait(10)
        waiting = started(batcher, [1, 2])
        until(lambda: batcher.length == 2)
        assert metrics.value(*length) == 2
        with pytest.raises(QueueFull):
            batcher([3])
        gate.opened.set()
        assert [str(call.exception(10)) for call in (first, waiting)] == ["broken"] * 2
        assert metrics.points(*length)
        assert metrics.value(*length) == 0

    def test_a_failed_batch_is_an_error_and_so_is_each_of_its_calls(self, spans: Spans, metrics: Metrics) -> None:
        """In every trace the exception stands once, on its innermost span."""

        @telemetry.stage("encode")
        @batched
        def encode(items: Sequence[int]) -> list[int]:
            raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"), telemetry.endpoint("/search"):
            encode([1])
        assert spans.tree(status=True) == "/search !\n└ encode ! ValueError\nbatch ! ValueError"
        assert linked(spans, spans.one("encode")) == ["batch"]
        failed = {"search.stage": "encode", "error.type": "ValueError"}
        assert metrics.value("search.stage.duration", failed) == 1

    def test_a_failed_item_is_the_error_of_its_call_alone(self, spans: Spans) -> None:
        """The batch did its work."""

        @telemetry.stage("encode")
        @batched
        def encode(items: Sequence[int]) -> list[Any]:
            return [ValueError("no picture") for _ in items]

        with pytest.raises(ValueError, match="no picture"):
            encode([1])
        assert spans.tree(status=True) == "encode ! ValueError\nbatch"

    def test_a_call_outside_of_any_trace_has_a_batch_without_links(self, spans: Spans) -> None:
        """A script that encodes needs no span around it."""
        batched_list: Batcher[int, int] = Batcher(list)
        assert batched_list([1]) == [1]
        assert spans.tree() == "batch"
        assert spans.one("batch").links == ()


class TestTasks:
    async def test_every_request_is_linked_with_its_batch_and_keeps_its_tree(self, spans: Spans) -> None:
        """Each task's stage has the link; what the function opens, in threads too, belongs to the batch."""

        @batched
        async def encode(items: Sequence[int]) -> list[int]:
            with telemetry.stage("forward"):
                return await asyncio.to_thread(tokenise, items)

        @telemetry.stage("tokenise")
        def tokenise(items: Sequence[int]) -> list[int]:
            return list(items)

        async def search(name: str) -> list[int]:
            with telemetry.endpoint("/search"), telemetry.stage(name):
                return await encode([1])

        await asyncio.gather(search("a"), search("b"))
        assert spans.tree() == "/search\n└ a\n/search\n└ b\nbatch\n└ forward\n  └ tokenise"
        assert linked(spans, spans.one("batch")) == ["a", "b"]
        assert linked(spans, spans.one("a")) == linked(spans, spans.one("b")) == ["batch"]

    async def test_several_calls_of_one_span_are_one_link(self, spans: Spans) -> None:
        """The batch counts the calls, and links the span once."""

        @batched
        async def encode(items: Sequence[int]) -> list[int]:
            return list(items)

        with telemetry.stage("encode all"):
            await asyncio.gather(*(encode([number]) for number in range(3)))
        batch = spans.one("batch")
        assert linked(spans, batch) == ["encode all"]
        assert (batch.attributes or {})["search.batch.requests"] == 3

    async def test_a_cancelled_call_ends_its_spans_and_nobody_elses(self, spans: Spans, metrics: Metrics) -> None:
        """Cancelled in the batch it has wait and link; cancelled before, it has none, and the queue is empty."""
        gate = AsyncGate()
        batcher = AsyncBatcher(gate, name="encode")

        async def call(name: str) -> None:
            with telemetry.stage(name):
                await batcher([1])

        running, beside = asyncio.create_task(call("running")), asyncio.create_task(call("beside"))
        await gate.entered.wait()
        waiting = asyncio.create_task(call("waiting"))
        await settled()
        length = ("search.queue.length", {"search.stage": "encode"})
        assert metrics.value(*length) == 1
        running.cancel()
        waiting.cancel()
        await settled()
        assert metrics.value(*length) == 0
        gate.opened.set()
        await beside
        assert running.cancelled() == waiting.cancelled() is True
        assert linked(spans, spans.one("running")) == linked(spans, spans.one("beside")) == ["batch"]
        assert linked(spans, spans.one("batch")) == ["beside", "running"]
        assert spans.one("waiting").links == ()
        assert "search.batch.queue_wait" not in (spans.one("waiting").attributes or {})
        assert metrics.value("search.queue.wait.duration", {"search.stage": "encode"}) == 2

    async def test_a_closed_batcher_is_an_error_of_the_call(self, spans: Spans) -> None:
        """No batch, no link."""
        batcher = AsyncBatcher(AsyncGate())
        assert await batcher.close()
        with pytest.raises(BatcherClosed), telemetry.stage("encode"):
            await batcher([1])
        assert spans.tree(status=True) == "encode ! telemetry.batching.errors.BatcherClosed"


SAMPLED = """
import asyncio
from telemetry.batching import batched
from telemetry.context import extract
handle = telemetry.configure("x")

@batched
async def encode(items):
    with telemetry.stage("forward"):
        return items

async def search(name, flags):
    with extract({"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-{flags}"} if flags else {}), telemetry.stage(name):
        return await encode([1])

async def main():
    await asyncio.gather(*(search(name, flags) for name, flags in json.loads(sys.argv[1]).items()))

asyncio.run(main())
assert handle.shutdown()
"""


def exported(collector: StandIn, sampler: str, ratio: str, requests: str) -> dict[str, list[str]]:
    """The spans that arrive, by name, each with the names of what it is linked to (`?` for what never arrives)."""
    ended = python(
        SAMPLED,
        requests,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        OTEL_TRACES_SAMPLER=sampler,
        OTEL_TRACES_SAMPLER_ARG=ratio,
    )
    assert (ended.status, ended.err) == (0, "")
    found = [span for span, _ in collector.spans()]
    names = {(span.trace_id, span.span_id): span.name for span in found}
    return {s.name: sorted(names.get((link.trace_id, link.span_id), "?") for link in s.links) for s in found}


def test_a_batch_is_kept_with_any_of_its_requests(collector: StandIn) -> None:
    """One request is sampled and one is not: the batch is there, and links that one; no link leads nowhere."""
    assert exported(collector, "parentbased_traceidratio", "0", '{"kept": "01", "dropped": "00"}') == {
        "kept": ["batch"], "batch": ["kept"], "forward": [],
    }  # fmt: skip
    size = collector.metric("search.batch.size")
    assert [point.sum for point in size] == [2.0]


def test_a_batch_of_requests_that_are_not_kept_is_not_kept(collector: StandIn) -> None:
    """They force no trace; metrics are exact all the same."""
    assert exported(collector, "parentbased_always_on", "1", '{"dropped": "00", "dropped too": "00"}') == {}
    waits = collector.metric("search.queue.wait.duration")
    assert [point.count for point in waits] == [2]


def test_a_batch_links_more_requests_than_a_span_usually_may(collector: StandIn) -> None:
    """OpenTelemetry keeps 128 links of a span by default."""
    ended = python(
        """
import asyncio
from telemetry.batching import batched
handle = telemetry.configure("x")

@batched(max_size=200)
async def encode(items):
    return items

async def search():
    with telemetry.stage("search"):
        return await encode([1])

async def main():
    await asyncio.gather(*(search() for _ in range(200)))

asyncio.run(main())
assert handle.shutdown()
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err) == (0, "")
    (batch,) = [span for span, _ in collector.spans() if span.name == "batch"]
    assert (len({link.trace_id for link in batch.links}), batch.dropped_links_count) == (200, 0)
