"""The pytest plugin: light to load, the same in every run, and no business of tests that do not ask."""

import contextlib
import gc
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import telemetry
from telemetry.batching import Batcher
from telemetry.testing.metrics import Metrics
from telemetry.testing.recording import record_metrics
from telemetry.testing.spans import Spans

pytest_plugins = ("pytester",)

LOOP_SCOPE = "asyncio_default_fixture_loop_scope=function"


def test_ids_and_times_are_the_same_in_every_run(spans: Spans) -> None:
    """Ids count up from one; a millisecond passes with each look at the clock, and more only when set."""
    with telemetry.stage("outer") as outer:
        spans.clock.advance(2)
        with telemetry.stage("inner"):
            outer.add_event("seen")
    inner_span, outer_span = spans
    assert (inner_span.context.trace_id, inner_span.context.span_id) == (1, 2)
    start = 1_767_225_600_000_000_000
    assert [
        t - start for t in (outer_span.start_time or 0, inner_span.start_time or 0, outer_span.events[0].timestamp)
    ] == [
        0,
        2_002_000_000,
        2_004_000_000,
    ]


@pytest.mark.parametrize("again", range(2))
def test_each_test_begins_with_nothing(spans: Spans, metrics: Metrics, again: int) -> None:
    """Spans, ids and values of an earlier test are not there."""
    assert (len(spans), metrics.names()) == (0, set())
    with telemetry.stage("work"):
        pass
    assert spans.one("work").context.span_id == 1
    assert metrics.value("search.stage.duration") == 1


def test_a_batcher_of_an_earlier_test_is_not_seen() -> None:
    """Its queue would be measured for as long as the collector of garbage takes to find it."""
    gc.disable()
    try:
        with record_metrics() as metrics:
            kept: list[Any] = [Batcher(list, name="gone")]
            kept.append(kept)
            with contextlib.suppress(Exception):
                kept[0](["a"])
            assert "search.queue.length" in metrics.names()
            del kept
        with record_metrics() as metrics:
            assert metrics.names() == set()
    finally:
        gc.enable()


def test_the_users_own_spans_are_in_the_tree(spans: Spans) -> None:
    """Spans made by OpenTelemetry's API alone are recorded with ours."""
    from opentelemetry import trace

    with trace.get_tracer("theirs").start_as_current_span("theirs"), telemetry.stage("ours"):
        pass
    assert spans.tree() == "theirs\n└ ours"


def test_wait_and_clear(spans: Spans) -> None:
    """Spans of another thread can be awaited; a test in two halves can forget the first."""
    go = threading.Event()

    def work() -> None:
        go.wait()
        with telemetry.stage("work"):
            pass

    thread = threading.Thread(target=work)
    thread.start()
    with pytest.raises(AssertionError, match="0 of 1 spans ended"):
        spans.wait(1, timeout=0)
    go.set()
    spans.wait(1)
    thread.join()
    spans.clear()
    assert len(spans) == 0


def test_a_missing_span_is_reported_with_the_tree(spans: Spans) -> None:
    """A failing assertion shows what there was instead."""
    with telemetry.stage("work"):
        pass
    with pytest.raises(AssertionError, match="0 spans are named 'other':\nwork"):
        spans.one("other")


def test_the_plugin_loads_nothing_heavy() -> None:
    """Every test run of every project that has the library installed loads the plugin."""
    code = (
        "import sys, search_telemetry_pytest; "
        "print([m for m in ('telemetry', 'opentelemetry', 'grpc', 'requests', 'numpy', 'asyncio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_project_with_a_telemetry_of_its_own_runs_its_tests(pytester: pytest.Pytester) -> None:
    """Its module is the one that it imports; a test that uses a fixture of ours fails with the name of that file."""
    pytester.makepyfile(
        telemetry="answer = 42",
        test_theirs="""
        import telemetry

        def test_theirs():
            assert telemetry.answer == 42

        def test_ours(metrics):
            pass
        """,
    )
    outcome = pytester.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", LOOP_SCOPE)
    outcome.assert_outcomes(passed=1, errors=1)
    outcome.stdout.fnmatch_lines([f"this fixture needs the package telemetry, which *{pytester.path.name}*hides; *"])


def test_tests_that_do_not_ask_are_not_touched(pytester: pytest.Pytester) -> None:
    """Before the first test that asks no provider is set; after it, nothing is recorded for those that do not ask."""
    pytester.makepyfile(
        """
        import telemetry
        from opentelemetry import trace

        def test_before():
            assert type(trace.get_tracer_provider()).__name__ == "ProxyTracerProvider"

        def test_asks(spans):
            with telemetry.stage("work"):
                pass
            assert spans.tree() == "work"

        def test_after():
            with telemetry.stage("work") as span:
                assert not span.is_recording()
            with trace.get_tracer("theirs").start_as_current_span("theirs") as span:
                assert not span.is_recording()
        """
    )
    outcome = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-o", LOOP_SCOPE)
    outcome.assert_outcomes(passed=3)


def test_a_provider_of_the_users_own_is_used(pytester: pytest.Pytester) -> None:
    """Where the user's tests set a provider, `spans` watches it, and its own processors see all they saw before."""
    pytester.makepyfile(
        """
        import telemetry
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        theirs = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(theirs))
        trace.set_tracer_provider(provider)

        def test_both(spans):
            with telemetry.stage("work"):
                pass
            assert spans.tree() == "work"
            assert [span.name for span in theirs.get_finished_spans()] == ["work"]
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_page_about_testing_is_true(pytester: pytest.Pytester) -> None:
    """The tests shown in `docs/testing.md` pass as they stand there."""
    page = (Path(__file__).parents[2] / "docs/testing.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    pytester.makepyfile("\n".join(blocks))
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-o", LOOP_SCOPE).assert_outcomes(passed=2)
