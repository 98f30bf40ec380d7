"""`stage`: its attributes, its links, its span; one object used many times."""

import contextlib
import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace

import telemetry
from telemetry.recording import providers
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans


class TestAttributes:
    def test_values_arrive_as_their_own_type(self, spans: Spans) -> None:
        """NumPy's numbers are Python's, None is absent, the mapping is for names with dots."""
        import numpy as np

        with telemetry.stage("work", {"db.system.name": "qdrant"}, count=np.int64(3), absent=None, both=[1, 2]):
            pass
        assert dict(spans.one("work").attributes or {}) == {"db.system.name": "qdrant", "count": 3, "both": (1, 2)}

    def test_what_no_span_can_carry_is_left_out_and_reported_once(
        self, spans: Spans, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A document given as an attribute by mistake is not turned into text: it might be anyone's."""
        for _ in range(3):
            with telemetry.stage("work", document_by_mistake=object()):
                pass
        assert spans.tree(attributes=["document_by_mistake"]) == "work\nwork\nwork"
        assert [message.partition(" is left out")[0] for message in caplog.messages] == [
            "attribute document_by_mistake"
        ]

    def test_an_attribute_that_raises_at_any_look_costs_no_other(
        self, spans: Spans, metrics: Metrics, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Flask's `request` outside of a request is such a one; so is a list that holds itself; a name may be such."""

        class Proxy:
            def __getattr__(self, name: str) -> object:
                raise RuntimeError("working outside of request context")

            @property
            def __class__(self) -> type:
                raise RuntimeError("working outside of request context")

            @__class__.setter
            def __class__(self, kind: type) -> None: ...

        looped: list[object] = []
        looped.append(looped)
        named: Any = {Proxy(): 1, 7: 7}
        with telemetry.stage("answer", named, caller=Proxy(), callers=[Proxy()], looped=looped, top_k=3):
            pass
        assert dict(spans.one("answer").attributes or {}) == {"7": 7, "top_k": 3}
        assert metrics.value("search.stage.duration") == 1
        assert len(caplog.messages) == 4
        assert [record for record in caplog.records if record.exc_info] == []

    def test_the_span_itself_is_given(self, spans: Spans) -> None:
        """`stage` yields the OpenTelemetry span: users of OpenTelemetry learn nothing new."""
        with telemetry.stage("work") as span:
            assert span is trace.get_current_span()
            span.set_attribute("mine", 1)
        assert spans.tree(attributes=["mine"]) == "work mine=1"

    def test_links_lead_to_other_traces(self, spans: Spans) -> None:
        """`links` are the span's links."""
        with telemetry.stage("one") as other:
            pass
        with telemetry.stage("two", links=[trace.Link(other.get_span_context())]):
            pass
        odd: Any = ["not a link", None, trace.Link(other.get_span_context())]
        with telemetry.stage("three", links=odd):
            pass
        assert len(spans.one("three").links) == 1
        (link,) = spans.one("two").links
        assert link.context.span_id == other.get_span_context().span_id


class TestOneObject:
    def test_one_object_nests_in_itself(self, spans: Spans) -> None:
        """A stage that is kept in a variable may be entered again before it was left."""
        work = telemetry.stage("work")
        with work, work:
            pass
        with work:
            pass
        assert spans.tree() == "work\n└ work\nwork"

    def test_one_object_serves_threads_and_stacks(self, spans: Spans) -> None:
        """Threads that hold one object at the same time end their own spans; so do the blocks of an `ExitStack`."""
        import threading

        work = telemetry.stage("work")
        barrier = threading.Barrier(4)

        def hold(name: str) -> None:
            with telemetry.stage(name), contextlib.ExitStack() as stack:
                stack.enter_context(work)
                barrier.wait()
                with work:
                    barrier.wait()

        threads = [threading.Thread(target=hold, args=(f"thread {number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert spans.tree().count("\n└ work\n  └ work") == 4
        assert (len(spans), spans.open) == (12, [])

    def test_it_may_be_switched_off_or_on_inside_its_block(self, spans: Spans) -> None:
        """What was begun is ended; what was not begun is not."""
        work, inner = telemetry.stage("work"), telemetry.stage("inner")
        before = (providers.current.tracer, providers.current.meter, providers.current.own)
        with work:
            providers.set_current(None, None)
            with inner as span:
                assert span is trace.INVALID_SPAN
                assert trace.get_current_span().is_recording()
        with inner:
            providers.set_current(*before)
        with inner:
            pass
        assert (spans.tree(), trace.get_current_span()) == ("work\ninner", trace.INVALID_SPAN)

    def test_off_it_is_not_begun(self, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
        """An exception passes as it is, and nothing is kept."""
        monkeypatch.setattr(providers.current, "off", True)
        work = telemetry.stage("work")
        with pytest.raises(KeyError) as raised, work:
            raise KeyError("mine")
        assert (raised.value.args, work._open, spans.tree()) == (("mine",), [], "")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_while_a_block_is_open_is_a_stage_of_its_own(spans: Spans, copied: Callable[[Any], Any]) -> None:
    """An executor that holds a stage may be copied while it serves a request: the copy has no open block."""
    held = {"stage": telemetry.stage("work", size=3), "endpoint": telemetry.endpoint("/search")}
    with held["endpoint"], held["stage"]:
        made = copied(held)
        with made["endpoint"], made["stage"]:
            assert spans.open == ["/search", "work", "/search", "work"]
    assert spans.open == []
    assert spans.tree(attributes=["size"]).count("work size=3") == 2


def test_blocks_share_nothing_but_what_is_the_same(spans: Spans, metrics: Metrics) -> None:
    """1, True and 1.0 are equal, and are not the same attribute; each block has its own size and its own list."""
    values: tuple[Any, ...] = (1, True, 1.0, 1, [1], [2])
    for value in values:
        with telemetry.stage("work", len_docs=value):
            pass
    found = [(span.attributes or {})["len_docs"] for span in spans]
    assert [(type(one), one) for one in found[:4]] == [(int, 1), (bool, True), (float, 1.0), (int, 1)]
    assert found[4:] == [(1,), (2,)]
    assert metrics.value("search.batch.size") == 3
