"""Settings: where each comes from, and the errors for mistakes."""

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import pytest

import telemetry
from telemetry.config.settings import ExporterSettings, Settings, load
from telemetry.errors import ConfigurationError


def problem(arguments: dict[str, object], environ: dict[str, str]) -> str:
    """The only mistake in these."""
    with pytest.raises(ConfigurationError) as caught:
        load(arguments, environ)
    (only,) = caught.value.problems
    return only


def test_configure_takes_every_setting() -> None:
    """What can be set can be set by argument, under the setting's name."""
    declared = {
        f.name for kind in (Settings, ExporterSettings) for f in dataclasses.fields(kind) if "setting" in f.metadata
    }
    parameters = set(inspect.signature(telemetry.configure).parameters)
    assert parameters == declared, "each setting needs a key in `Arguments`"


def test_arguments_before_variables_before_defaults() -> None:
    """The nearest one counts; an empty variable is an unset one."""
    environ = {"OTEL_SERVICE_NAME": "inherited", "OTEL_EXPORTER_OTLP_TIMEOUT": "", "OTEL_TRACES_SAMPLER": "always_off"}
    settings = load({"service_name": "mine"}, environ)
    assert (settings.service_name, settings.sampler, settings.traces.timeout) == ("mine", "always_off", 10.0)


def test_one_signals_variable_goes_before_that_of_all() -> None:
    """Traces may go elsewhere than the rest; an argument holds for all."""
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://all:4317",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://traces:4317",
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "a=1",
    }
    settings = load({}, environ)
    assert (settings.traces.endpoint, settings.metrics_export.endpoint) == ("http://traces:4317", "http://all:4317")
    assert (settings.logs_export.headers, settings.traces.headers) == ((("a", "1"),), ())
    assert load({"endpoint": "http://mine:1"}, environ).traces.endpoint == "http://mine:1"


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        ({}, {}, "http://localhost:4317"),
        ({}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "http://localhost:4318/v1/traces"),
        ({"protocol": "http/protobuf", "endpoint": "collector:4318"}, {}, "http://collector:4318/v1/traces"),
        ({"protocol": "http/protobuf", "endpoint": "https://host/otlp/"}, {}, "https://host/otlp/v1/traces"),
        ({"protocol": "http/protobuf"}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h:1/x"}, "http://h:1/x"),
    ],
)
def test_the_address_of_a_signal(arguments: dict[str, object], environ: dict[str, str], expected: str) -> None:
    """By HTTP every signal has its path, unless its own variable gives the whole address."""
    assert load(arguments, environ).traces.endpoint == expected


@pytest.mark.parametrize(
    ("variable", "value", "name", "expected"),
    [
        ("OTEL_SDK_DISABLED", "TRUE", "disabled", True),
        ("OTEL_TRACES_EXPORTER", "none", "traces_exporter", ()),
        ("OTEL_LOGS_EXPORTER", "otlp,console", "logs", ("otlp", "console")),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25", "sampler_arg", 0.25),
        ("OTEL_METRIC_EXPORT_INTERVAL", "60000", "metric_interval", 60.0),
        ("OTEL_BSP_SCHEDULE_DELAY", "250", "span_interval", 0.25),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "17", "span_queue_size", 17),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=1, b=%C3%BC", "resource_attributes", (("a", "1"), ("b", "ü"))),
        ("OTEL_PROPAGATORS", "b3,baggage", "propagators", ("b3", "baggage")),
        ("OTEL_PROPAGATORS", "none", "propagators", ()),
        ("SEARCH_TELEMETRY_EXIT_TIMEOUT", "0.5", "exit_timeout", 0.5),
    ],
)
def test_variables_are_read(variable: str, value: str, name: str, expected: object) -> None:
    """Each variable is understood as its specification writes it."""
    assert getattr(load({}, {variable: value}), name) == expected


@pytest.mark.parametrize(("value", "seconds"), [("10000", 10.0), ("250", 0.25), ("10", 10.0), ("0.5", 0.5)])
def test_a_timeout_is_understood_in_either_unit(value: str, seconds: float) -> None:
    """The specification's milliseconds, or the seconds of OpenTelemetry's exporters for Python."""
    assert load({}, {"OTEL_EXPORTER_OTLP_TIMEOUT": value}).traces.timeout == seconds


@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        (
            {},
            {"OTEL_TRACES_SAMPLER_ARG": "1.5"},
            "OTEL_TRACES_SAMPLER_ARG='1.5' is not a number from 0 to 1; write 0.1",
        ),
        (
            {},
            {"OTEL_TRACES_SAMPLER_ARG": "nan"},
            "OTEL_TRACES_SAMPLER_ARG='nan' is not a number from 0 to 1; write 0.1",
        ),
        ({"sampler_arg": True}, {}, "configure: sampler_arg=True is not a number from 0 to 1; write 0.1"),
        ({"service_name": 5}, {}, "configure: service_name=5 is int, not a string; write it in quotes"),
        ({}, {"OTEL_SDK_DISABLED": "yes"}, "OTEL_SDK_DISABLED='yes' is neither true nor false; write true"),
        (
            {"endpoint": "localhost"},
            {},
            "configure: endpoint='localhost' has no host or no port; write http://localhost:4317",
        ),
        (
            {},
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://host:99999"},
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT='http://host:99999' has a port that is not a number up to 65535; "
                "write http://localhost:4317"
            ),
        ),
        (
            {"protocol": "http/json"},
            {},
            "configure: protocol='http/json' is not one of grpc, http/protobuf; write grpc",
        ),
        (
            {},
            {"OTEL_BSP_MAX_QUEUE_SIZE": "0"},
            "OTEL_BSP_MAX_QUEUE_SIZE='0' is not a whole number of at least 1; write 8192",
        ),
        (
            {},
            {"OTEL_SPAN_EVENT_COUNT_LIMIT": "many"},
            "OTEL_SPAN_EVENT_COUNT_LIMIT='many' is not a whole number of at least 0; write 128",
        ),
        (
            {"propagators": "xray"},
            {},
            (
                "configure: propagators='xray' has 'xray', which is not installed; "
                "pip install opentelemetry-propagator-aws-xray"
            ),
        ),
        (
            {},
            {"OTEL_PROPAGATORS": "b4"},
            (
                "OTEL_PROPAGATORS='b4' has 'b4', which is not an installed propagator; "
                "write tracecontext, baggage, b3, b3multi, jaeger or none"
            ),
        ),
        (
            {},
            {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/no/such.pem"},
            (
                "OTEL_EXPORTER_OTLP_CERTIFICATE='/no/such.pem' cannot be read (No such file or directory); "
                "write the path of a PEM file"
            ),
        ),
        (
            {},
            {"OTEL_EXPORTER_OTLP_HEADERS": "s3cret"},
            "OTEL_EXPORTER_OTLP_HEADERS=*** is not a list of name=value; write name=value,other=value",
        ),
        (
            {"headers": {"x": "s3cret\r\nInjected: 1"}},
            {},
            "configure: headers=*** has a line break or control character in a value; write it in one line",
        ),
        (
            {},
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://me:s3cret@host:1"},
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT='ftp://***@host:1' has the scheme 'ftp', which is neither http nor https; "
                "write http://localhost:4317"
            ),
        ),
    ],
)
def test_a_mistake_names_the_variable_the_value_and_the_hint(
    arguments: dict[str, object], environ: dict[str, str], message: str
) -> None:
    """One sentence is all that a user needs; no secret is ever shown in it."""
    assert problem(arguments, environ) == message


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ({"sampler": "always-of"}, "write always_off"),
        ({"sampler": "parentbased_traceid_ratio"}, "write parentbased_traceidratio"),
        ({"protocol": "http"}, "write http/protobuf"),
        ({"temporality": "detla"}, "write delta"),
        ({"logs": "consle"}, "write console"),
        ({"metrics": "non"}, "write none"),
        ({"capture_content": "flase"}, "write false"),
        ({"capture_content": "off"}, "write false"),
        ({"propagators": "tracecontxt"}, "write tracecontext"),
        ({"compression": "zstandard"}, "write none"),
    ],
)
def test_a_misspelt_value_is_answered_with_the_nearest_that_is_known(arguments: dict[str, object], advice: str) -> None:
    """With the first where none is like it."""
    assert problem(arguments, {}).endswith(f"; {advice}")


@pytest.mark.parametrize(("name", "meant"), [("service", "service_name"), ("endpont", "endpoint")])
def test_a_misspelt_argument_is_answered_with_the_nearest_that_is_known(name: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"{name}.*Did you mean {meant}"):
        telemetry.configure(**{name: "shop"})  # type: ignore[arg-type]


def test_a_key_without_its_certificate_is_noticed(tmp_path: Path) -> None:
    """Two settings that belong together are reported together, once for all signals."""
    (tmp_path / "key.pem").write_text("key")
    assert problem({"client_key": tmp_path / "key.pem"}, {}).endswith("belong together; set both or none")


def test_settings_do_not_show_secrets() -> None:
    """Whoever prints the settings prints no token."""
    assert "s3cret" not in repr(load({"headers": {"authorization": "s3cret"}}, {}))


def test_settings_are_frozen() -> None:
    """Nobody changes them once they are in use."""
    settings: Any = load({}, {})
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.sampler = "always_off"
