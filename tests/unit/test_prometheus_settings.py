"""The settings of metrics that are pulled, and their mistakes."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from telemetry.config.settings import load
from telemetry.errors import ConfigurationError

PULL = {"OTEL_METRICS_EXPORTER": "prometheus"}


def problems(arguments: dict[str, object], environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load(arguments, environ)
    return caught.value.problems


def test_the_standard_variables_and_the_arguments() -> None:
    """An argument goes before its variable, that before the default."""
    default = load({}, PULL)
    assert (default.metrics, default.prometheus_host, default.prometheus_port) == (("prometheus",), "localhost", 9464)
    assert default.prometheus_server
    environ = {"OTEL_METRICS_EXPORTER": "otlp, prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "1"}
    both = load({}, {**environ, "OTEL_EXPORTER_PROMETHEUS_HOST": "::1", "SEARCH_TELEMETRY_PROMETHEUS_SERVER": "false"})
    assert (both.metrics, both.prometheus_host, both.prometheus_port) == (("otlp", "prometheus"), "::1", 1)
    assert not both.prometheus_server
    registry = CollectorRegistry()
    argued = load({"metrics": "prometheus", "prometheus_port": 0, "prometheus_registry": registry}, environ)
    assert (argued.metrics, argued.prometheus_port) == (("prometheus",), 0)
    assert argued.prometheus_registry is registry


@pytest.mark.parametrize(
    ("arguments", "environ", "problem"),
    [
        ({"prometheus_port": 70000}, {}, "configure: prometheus_port=70000 is not a port from 0 to 65535; write 9464"),
        ({"prometheus_port": 1.5}, {}, "configure: prometheus_port=1.5 is not a port from 0 to 65535; write 9464"),
        (
            {},
            {"OTEL_EXPORTER_PROMETHEUS_PORT": "http"},
            "OTEL_EXPORTER_PROMETHEUS_PORT='http' is not a port from 0 to 65535; write 9464",
        ),
        (
            {"prometheus_registry": 7},
            {},
            "configure: prometheus_registry=7 is not a CollectorRegistry; write prometheus_client.REGISTRY",
        ),
        (
            {"metrics": "statsd"},
            {},
            "configure: metrics='statsd' has 'statsd', which is not one of otlp, prometheus, console, none; write otlp",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_hint(arguments: dict[str, Any], environ: dict[str, str], problem: str) -> None:
    """The name of the setting, its value, what is wrong, and what to write."""
    assert problems(arguments, {**PULL, **environ}) == (problem,)


@pytest.mark.parametrize("variable", ["PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"])
def test_multiprocess_mode_is_refused(variable: str) -> None:
    """It would lose exemplars and mix up gauges; who pushes is not concerned by it."""
    (problem,) = problems({}, {**PULL, variable: "/x"})
    assert problem == (
        f"{variable}='/x' asks for prometheus_client's multiprocess mode, which has no exemplars and cannot hold "
        "OpenTelemetry's metrics; unset it, and push with OTEL_METRICS_EXPORTER=otlp or give each process a port of "
        "its own in OTEL_EXPORTER_PROMETHEUS_PORT"
    )
    assert load({}, {variable: "/x"}).metrics == ("otlp",)
    assert load({}, {**PULL, variable: ""}).metrics == ("prometheus",)
