"""The mark of a deployment, and the version on every series that a board compares."""

import json
import time

import pytest

from tests.otlp_stand_in import StandIn, attributes
from tests.unit.own_process import python
from tests.unit.pulled import SCRAPE_AND_SEARCH, families

TIME = "search.deployment.time"


def marks(request: object) -> dict[str, float]:
    """The marks in an export of metrics: time by version."""
    return {
        attributes(point.attributes).get("search.deployment.version", ""): point.as_double
        for of_resource in request.resource_metrics  # type: ignore[attr-defined]
        for scope in of_resource.scope_metrics
        for metric in scope.metrics
        if metric.name == TIME
        for point in metric.gauge.data_points
    }


def test_a_deployment_is_marked_in_logs_and_metrics(collector: StandIn) -> None:
    """One event with the version, where it was called, also as a line; a gauge that each export has again."""
    ended = python(
        """
handle = telemetry.configure("enc", version="1.2", logs=("otlp", "console"))
logging.disable()
def start():
    telemetry.deployed()
start()
assert handle.flush(20)
telemetry.stage("encode").__enter__()
assert handle.flush(20)
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        OTEL_METRIC_EXPORT_INTERVAL="3600000",
    )
    assert (ended.status, len(ended.err.splitlines())) == (0, 1)
    line = json.loads(ended.err)
    assert {name: line[name] for name in ("level", "logger", "message", "event.name", "service.version")} == {
        "level": "INFO", "logger": "search-telemetry", "message": "deployed 1.2", "event.name": "deployment",
        "service.version": "1.2",
    }  # fmt: skip
    ((of_resource,),) = (request.resource_logs for request in collector.got("logs"))
    (scope,) = of_resource.scope_logs
    (record,) = scope.log_records
    found = attributes(record.attributes)
    assert (scope.scope.name, record.event_name, record.body.string_value) == (
        "search-telemetry", "deployment", "deployed 1.2",
    )  # fmt: skip
    assert (found.pop("code.function.name"), found.pop("code.file.path"), found.pop("code.line.number") > 0) == (
        "start", "<string>", True,
    )  # fmt: skip
    assert found == {"service.version": "1.2"}
    exports = [marks(request) for request in collector.got("metrics")]
    assert len(exports) >= 2
    assert [one == exports[0] for one in exports] == [True] * len(exports)
    assert exports[0] == {"1.2": pytest.approx(time.time(), abs=60)}


def test_the_version_is_that_of_the_process_unless_given(collector: StandIn) -> None:
    """From the standard variable; a given one goes before it; of many in one process, the first eight keep a name."""
    ended = python(
        """
handle = telemetry.configure("enc")
telemetry.deployed()
for number in range(10):
    telemetry.deployed(f"2.{number}")
assert handle.flush(20)
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        OTEL_RESOURCE_ATTRIBUTES="service.version=1.3",
    )
    assert (ended.status, ended.err) == (0, "")  # neither logged nor exported: logs are off
    assert collector.got("logs") == []
    assert set(marks(collector.got("metrics")[-1])) == {"1.3", *(f"2.{number}" for number in range(7)), "_other"}


def test_a_mark_without_a_version_has_the_time_alone(collector: StandIn) -> None:
    """Nobody named a version: before and after are told apart by the time."""
    ended = python(
        'handle = telemetry.configure("enc", logs="console")\ntelemetry.deployed()\nassert handle.flush(20)',
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, json.loads(ended.err)["message"]) == (0, "deployed")
    assert set(marks(collector.got("metrics")[-1])) == {""}


@pytest.mark.parametrize("before", ["", 'telemetry.configure("enc", logs="console", disabled=True)'])
def test_without_telemetry_a_mark_does_nothing(before: str) -> None:
    """Before `configure`, and with everything off; the user's own handlers see nothing either."""
    ended = python(f"logging.basicConfig(level=0)\n{before}\ntelemetry.deployed('1.2')")
    assert (ended.status, ended.err) == (0, "")


def test_the_users_own_providers_get_the_mark() -> None:
    """The version is that of their resource."""
    ended = python(
        """
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader], shutdown_on_exit=False))
trace.set_tracer_provider(TracerProvider(resource=Resource({"service.version": "3"}), shutdown_on_exit=False))
telemetry.deployed()
(metric,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
show([metric.name, [dict(point.attributes) for point in metric.data.data_points]])
        """
    )
    assert (ended.status, ended.err) == (0, "")
    assert ended.shown == [[TIME, [{"search.deployment.version": "3"}]]]


def test_each_pulled_series_joins_the_version_of_its_process() -> None:
    """By `target_info`, on job and instance, which every series has; two versions of a service are two instances."""
    versions = {}
    for version in ("1.2", "1.3"):
        ended = python(
            SCRAPE_AND_SEARCH
            + f"""
telemetry.configure("enc", namespace="shop", version="{version}", traces_exporter="none", metrics="prometheus",
                    prometheus_port=0)
telemetry.deployed()
search(["a"])
show(scrape())
            """
        )
        assert (ended.status, ended.err) == (0, "")
        found = families(*ended.shown[0])
        (target,) = (sample.labels for sample in found["target"].samples)
        assert (target["job"], target["service_version"]) == ("shop/enc", version)
        joined = {(sample.labels["job"], sample.labels["instance"]) for one in found.values() for sample in one.samples}
        assert joined == {("shop/enc", target["instance"])}
        (mark,) = found["search_deployment_time_seconds"].samples
        assert mark.labels["search_deployment_version"] == version
        assert mark.value == pytest.approx(time.time(), abs=60)
        versions[target["instance"]] = version
    assert sorted(versions.values()) == ["1.2", "1.3"]
