"""Every variable of OpenTelemetry's specification: what it allows never stops the host.

What cannot be done is replaced by what comes nearest, and warned of; arguments, and what is not a standard value, are
judged as ever.
"""

from typing import Any

import pytest

from telemetry.config.settings import Settings, load
from telemetry.errors import ConfigurationError

DONE = {
    "OTEL_SDK_DISABLED": ("true", "false", "TRUE"),
    "OTEL_RESOURCE_ATTRIBUTES": ("a=b", "a=b,c=d=e", "a=%20", "a="),
    "OTEL_SERVICE_NAME": ("shop",),
    "OTEL_LOG_LEVEL": ("info", "warn"),
    "OTEL_PROPAGATORS": ("tracecontext", "baggage,tracecontext", "b3", "b3multi", "jaeger", "none"),
    "OTEL_TRACES_SAMPLER": (
        "always_on", "always_off", "traceidratio",
        "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
    ),
    "OTEL_TRACES_SAMPLER_ARG": ("0", "1", "0.25"),
    "OTEL_BSP_SCHEDULE_DELAY": ("0", "5000", "9223372036854775807"),
    "OTEL_BSP_EXPORT_TIMEOUT": ("0", "30000"),
    "OTEL_BSP_MAX_QUEUE_SIZE": ("1", "2048"),
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": ("1", "4096"),
    "OTEL_BLRP_SCHEDULE_DELAY": ("0", "1000"),
    "OTEL_BLRP_EXPORT_TIMEOUT": ("0", "30000"),
    "OTEL_BLRP_MAX_QUEUE_SIZE": ("1", "2048"),
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": ("1", "512"),
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("0", "128", "2147483647"),
    "OTEL_SPAN_LINK_COUNT_LIMIT": ("0", "128"),
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": ("0", "128"),
    "OTEL_EXPORTER_OTLP_ENDPOINT": (
        "http://collector", "https://collector:4317", "http://collector:4318/otlp", "collector:4317", "[::1]:4317",
        "unix:/tmp/o.sock", "unix:///tmp/o.sock", "unix:o.sock", "unix-abstract:otlp", "dns:///collector:4317",
        "dns:collector:4317", "dns://8.8.8.8/collector:4317", "ipv4:127.0.0.1:4317", "ipv6:[::1]:4317",
        "passthrough:///collector:4317",
    ),
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": ("http://collector:4318/v1/traces", "dns:///collector:4317"),
    "OTEL_EXPORTER_OTLP_PROTOCOL": ("grpc", "http/protobuf"),
    "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": ("grpc", "http/protobuf", "http/json"),  # no logs are exported here
    "OTEL_EXPORTER_OTLP_HEADERS": ("a=b", "authorization=Bearer%20token,x=y"),
    "OTEL_EXPORTER_OTLP_COMPRESSION": ("none", "gzip"),
    "OTEL_EXPORTER_OTLP_TIMEOUT": ("0", "10000", "9223372036854775807"),
    "OTEL_EXPORTER_OTLP_INSECURE": ("true", "false"),
    "OTEL_EXPORTER_OTLP_SPAN_INSECURE": ("true",),
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": ("cumulative", "delta", "lowmemory", "LowMemory"),
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": ("explicit_bucket_histogram",),
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT": ("http://localhost:9411/api/v2/spans",),
    "OTEL_EXPORTER_PROMETHEUS_HOST": ("localhost", "0.0.0.0"),
    "OTEL_EXPORTER_PROMETHEUS_PORT": ("9464", "0"),
    "OTEL_TRACES_EXPORTER": (
        "otlp", "console", "none", "console,otlp", "otlp_proto_http", "otlp_proto_grpc", "logging", "otlp/stdout",
    ),
    "OTEL_METRICS_EXPORTER": ("otlp", "prometheus", "console", "none", "otlp_proto_http", "logging"),
    "OTEL_LOGS_EXPORTER": ("otlp", "console", "none", "otlp_proto_grpc", "logging"),
    "OTEL_METRICS_EXEMPLAR_FILTER": ("always_on", "always_off", "trace_based"),
    "OTEL_METRIC_EXPORT_INTERVAL": ("100", "60000", "9223372036854775807"),
    "OTEL_METRIC_EXPORT_TIMEOUT": ("0", "30000"),
}  # fmt: skip


@pytest.mark.parametrize(("variable", "value"), [(name, value) for name, values in DONE.items() for value in values])
def test_what_can_be_done_is_done_without_a_word(variable: str, value: str) -> None:
    """Neither a mistake nor a warning."""
    assert load({}, {variable: value}).notes == ()


@pytest.mark.parametrize(
    ("spelling", "address"),
    [
        ("ipv6:%5B::1%5D:4317", "[::1]:4317"), ("ipv6:%5b2001%3Adb8::1%5d:4317", "[2001:db8::1]:4317"),
        ("ipv6:///%5B::1%5D:4317", "[::1]:4317"), ("dns:///collector%3A4317", "collector:4317"),
    ],
)  # fmt: skip
def test_an_address_can_be_percent_encoded_as_grpc_allows(spelling: str, address: str) -> None:
    """The brackets of IPv6, as gRPC's naming document writes them."""
    settings = load({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": spelling})
    assert (settings.traces.endpoint, settings.notes) == (address, ())
    assert load({"endpoint": spelling}, {}).traces.endpoint == address


def at_path(settings: Settings, path: str) -> Any:
    """What a path of attributes leads to."""
    found: Any = settings
    for name in path.split("."):
        found = getattr(found, name)
    return found


REPLACED = [
    ("OTEL_TRACES_EXPORTER", "zipkin", "traces_exporter", ("otlp",), "'zipkin', which is not supported; OTLP is"),
    ("OTEL_TRACES_EXPORTER", "jaeger,console", "traces_exporter", ("otlp", "console"), "'jaeger', which is not s"),
    ("OTEL_TRACES_SAMPLER", "xray", "sampler", "parentbased_traceidratio", "0.05 of the traces are kept"),
    ("OTEL_TRACES_SAMPLER", "jaeger_remote", "sampler", "traceidratio", "0.001 of the traces are kept"),
    (
        "OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote", "sampler", "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG=0.1 keeps a tenth",
    ),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "traces.protocol", "http/protobuf", "http/protobuf is"),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "deflate", "traces.compression", "gzip", "gzip is"),
    ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "zstd", "traces.compression", "gzip", "gzip is"),
    ("OTEL_PROPAGATORS", "xray,b3", "propagators", ("b3",), "pip install opentelemetry-propagator-aws-xray"),
    ("OTEL_PROPAGATORS", "ottrace", "propagators", ("tracecontext", "baggage"), "until then, tracecontext, baggage"),
    ("OTEL_RESOURCE_ATTRIBUTES", "a=b,team,=c", "resource_attributes", (("a", "b"),), "'team', '=c'"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "0", "metric_interval", 0.1, "100 is used"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector", "traces.endpoint", "collector:4317", "has no port"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "dns:///collector", "traces.endpoint", "collector:4317", "has no port"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "ipv4:1.2.3.4:5,1.2.3.5:5", "traces.endpoint", "1.2.3.4:5", "several addresses"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "ipv6:%5B::1%5D", "traces.endpoint", "[::1]:4317", "has no port"),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT", "ipv6:%5B::1%5D:5,%5B::2%5D:5", "traces.endpoint", "[::1]:5",
        "several addresses; only [::1]:5",
    ),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "ipv6:%5B::1%5D:5%2C%5B::2%5D:5", "traces.endpoint", "[::1]:5", "several addr"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "xds:///pool:4317", "traces.endpoint", "pool:4317", "xDS"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "vsock:1:2", "traces.endpoint", "http://localhost:4317", "not supported"),
    (
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram",
        "temporality", "cumulative", "is not supported",
    ),
    ("OTEL_CONFIG_FILE", "/etc/otel.yaml", "sampler", "parentbased_always_on", "is not supported"),
]  # fmt: skip


@pytest.mark.parametrize(("variable", "value", "path", "becomes", "message"), REPLACED)
def test_what_cannot_be_done_is_replaced_and_reported(
    variable: str, value: str, path: str, becomes: object, message: str
) -> None:
    """One warning names the variable, its value, and what is done in its place."""
    settings = load({}, {variable: value})
    assert at_path(settings, path) == becomes
    (note,) = settings.notes
    assert note.startswith(f"{variable}={value!r} ")
    assert message in note


@pytest.mark.parametrize(
    ("sampler", "argument", "share"),
    [
        ("jaeger_remote", "endpoint=http://j:14250,pollingIntervalMs=5000,initialSamplingRate=0.25", 0.25),
        ("jaeger_remote", "endpoint=http://j:14250", 0.001),
        ("xray", "endpoint=http://localhost:2000", 0.05),
        ("xray", "0.5", 0.5),
        ("xray", "1.2.3", 0.05),
    ],
)
def test_a_sampler_that_would_ask_a_service_keeps_its_first_share(sampler: str, argument: str, share: float) -> None:
    """What its argument sets for the time before the first answer, else what such samplers do then: never all."""
    assert load({}, {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument}).sampler_arg == share


def test_an_exporters_name_chooses_the_protocol_of_its_signal() -> None:
    """`otlp_proto_http` goes before the protocol of all signals, an argument before both."""
    environ = {"OTEL_TRACES_EXPORTER": "otlp_proto_http", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    settings = load({}, environ)
    assert (settings.traces.protocol, settings.traces.endpoint) == ("http/protobuf", "http://localhost:4318/v1/traces")
    assert settings.metrics_export.protocol == "grpc"
    assert load({"protocol": "grpc"}, environ).traces.protocol == "grpc"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_TRACES_EXPORTER", "otpl"), ("OTEL_TRACES_SAMPLER", "sometimes"), ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip"), ("OTEL_PROPAGATORS", "b4"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "two words"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "-1"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
        ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "exponential"),
    ],
)  # fmt: skip
def test_what_is_not_a_standard_value_is_a_mistake(variable: str, value: str) -> None:
    """A typo must not become a process without telemetry."""
    with pytest.raises(ConfigurationError, match=variable):
        load({}, {variable: value})


@pytest.mark.parametrize(
    "arguments",
    [
        {"protocol": "http/json"}, {"sampler": "xray"}, {"compression": "deflate"}, {"endpoint": "xds:///pool"},
        {"traces_exporter": "zipkin"}, {"propagators": "ottrace"}, {"metric_interval": 0.01},
    ],
)  # fmt: skip
def test_arguments_are_judged_as_ever(arguments: dict[str, object]) -> None:
    """What a program sets itself can be put right there."""
    with pytest.raises(ConfigurationError, match="configure: "):
        load(arguments, {})


def test_an_address_for_grpc_is_not_an_address_for_http() -> None:
    """A socket file has no HTTP sender here, and the specification wants a URL."""
    with pytest.raises(ConfigurationError, match="an address for gRPC, not for http/protobuf"):
        load({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "unix:/tmp/o.sock", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"})


def test_variables_of_an_adopted_signal_are_not_judged() -> None:
    """They are somebody else's; those of the other signals are ours still, and so are arguments."""
    environ = {
        "OTEL_TRACES_EXPORTER": "mine", "OTEL_TRACES_SAMPLER": "mine", "OTEL_SPAN_EVENT_COUNT_LIMIT": "many",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "carrier/pigeon", "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": "/no/such",
        "OTEL_BSP_MAX_QUEUE_SIZE": "0",
    }  # fmt: skip
    assert load({}, environ, adopted=["traces"]).notes == ()
    with pytest.raises(ConfigurationError) as caught:
        load({"sampler": "mine"}, {**environ, "OTEL_METRICS_EXPORTER": "mine"}, adopted=["traces"])
    assert {problem.partition("=")[0] for problem in caught.value.problems} == {
        "configure: sampler", "OTEL_METRICS_EXPORTER",
    }  # fmt: skip


@pytest.mark.parametrize("how", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
def test_variables_of_what_is_off_are_not_judged(how: dict[str, str]) -> None:
    """Nobody reads them."""
    assert load({}, {**how, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "ftp://x"}).notes == ()
