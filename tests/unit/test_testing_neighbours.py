"""The fixtures beside pytest-asyncio, pytest-xdist, a user's own providers, threads and `logging`."""

import asyncio
import logging

import pytest
from opentelemetry import metrics as otel_metrics

import telemetry
from telemetry.testing import Logs, Metrics, Spans

pytest_plugins = ("pytester",)
OPTIONS = ("-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function")


async def test_an_async_test_records_all_its_tasks(spans: Spans, metrics: Metrics, logs: Logs) -> None:
    """Tasks of a test of pytest-asyncio are in its tree, its metrics and its logs."""

    async def encode(name: str) -> None:
        async with asyncio.timeout(5):
            with telemetry.stage(name):
                logging.getLogger("shop").warning("in %s", name)
                await asyncio.sleep(0)

    with telemetry.stage("inference"):
        await asyncio.gather(encode("text"), encode("image"))
    assert spans.tree() == "inference\n├ text\n└ image"
    assert metrics.value("search.stage.duration", {"search.stage": "text"}) == 1
    assert [line.message for line in logs.of(spans.one("text"))] == ["in text"]
    assert [line.message for line in logs.in_trace(spans.one("inference"))] == ["in text", "in image"]


def test_a_record_leads_to_its_span(spans: Spans, logs: Logs, caplog: pytest.LogCaptureFixture) -> None:
    """Message, level, logger and extras, as they would be exported; below a logger's level nothing is."""
    caplog.set_level(logging.INFO, "shop")
    with telemetry.stage("pay"):
        logging.getLogger("shop").info("sold %s", "out", extra={"item": "jacket"})
        logging.getLogger("shop").debug("not this")
    line = logs.one("sold")
    assert (line.message, line.level, line.logger, line.attributes["item"]) == ("sold out", "INFO", "shop", "jacket")
    assert logs.of(spans.one("pay")) == [line]
    assert logs.messages == ["sold out"]
    with pytest.raises(AssertionError, match=r"0 records contain 'bought':\n<logs\nINFO shop: sold out>"):
        logs.one("bought")


def test_metrics_as_text_and_their_exemplars(spans: Spans, metrics: Metrics) -> None:
    """One line for each series, the same in every run; an exemplar leads to the span of its value."""
    with telemetry.stage("encode", minibatch_size=3) as span:
        spans.clock.advance(0.2)
    assert metrics.text("search.stage.duration", "search.batch.size") == (
        "search.batch.size{search.stage=encode} count 1, sum 3\n"
        "search.stage.duration{search.stage=encode} count 1, sum 0.201"
    )
    assert metrics.exemplars("search.stage.duration") == [span.get_span_context().span_id]


@pytest.mark.parametrize("again", range(2))
def test_the_users_own_instruments_are_measured(metrics: Metrics, again: int) -> None:
    """An instrument made once, by OpenTelemetry's API, counts from zero in each test."""
    otel_metrics.get_meter("theirs").create_counter("sales").add(2, {"kind": "jacket"})
    assert metrics.text("sales") == "sales{kind=jacket} 2"


def test_providers_of_the_users_own_are_used(pytester: pytest.Pytester) -> None:
    """A meter provider set by the user's conftest is watched for a test, and its readers see all they saw before."""
    pytester.makeconftest(
        """
        from opentelemetry import metrics
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader

        theirs = InMemoryMetricReader()
        metrics.set_meter_provider(MeterProvider([theirs]))
        """
    )
    pytester.makepyfile(
        """
        import telemetry
        from conftest import theirs

        def test_both(metrics):
            with telemetry.stage("work"):
                pass
            assert metrics.value("search.stage.duration") == 1
            data = theirs.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
            assert [metric.name for metric in data] == ["search.stage.duration"]
        """
    )
    pytester.runpytest_subprocess(*OPTIONS).assert_outcomes(passed=1)


def test_a_provider_that_cannot_be_watched_is_reported(pytester: pytest.Pytester) -> None:
    """A provider that is not the SDK's gives a clear error instead of an empty result."""
    pytester.makepyfile(
        """
        from opentelemetry import metrics
        metrics.set_meter_provider(metrics.NoOpMeterProvider())

        def test_it(metrics):
            pass
        """
    )
    outcome = pytester.runpytest_subprocess(*OPTIONS)
    outcome.assert_outcomes(errors=1)
    outcome.stdout.fnmatch_lines(["*the fixture `metrics` cannot record with a NoOpMeterProvider*"])


def test_workers_of_xdist_do_not_mix(pytester: pytest.Pytester) -> None:
    """Each worker is a process with providers of its own; every test sees its own spans, with ids from one."""
    pytester.makepyfile(
        """
        import pytest, telemetry

        @pytest.mark.parametrize("n", range(8))
        def test_it(spans, metrics, n):
            with telemetry.stage(f"work {n}"):
                pass
            assert spans.tree() == f"work {n}"
            assert spans.one(f"work {n}").context.span_id == 1
            assert metrics.value("search.stage.duration") == 1
        """
    )
    pytester.runpytest_subprocess(*OPTIONS, "-n", "2").assert_outcomes(passed=8)
