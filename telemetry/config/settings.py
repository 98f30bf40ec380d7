"""Every setting, declared once: name, variable, default, check, help. `load` reads them.

A new setting is a field of `Settings`, and a key of `Arguments` with the type that users give; `make docs` adds it to
`docs/settings.md`.

An argument of `configure` takes precedence over the variable of one signal (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`), that
over the variable of all signals (`OTEL_EXPORTER_OTLP_ENDPOINT`), that over the default. An empty variable counts as
unset.

A value that OpenTelemetry's specification allows in a variable is not a mistake: if we do not support it, `standard`
replaces it, and `Settings.notes` warns. Variables are not checked if their signal is off, or has a provider of the
user's.
"""
# ruff: noqa: RUF009  `env` declares a field, as `dataclasses.field` does

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict
from urllib.parse import urlsplit

from telemetry.config import checks, clients, propagators, standard
from telemetry.config import dsn as sentry
from telemetry.config.reader import Reader, env
from telemetry.conventions import PLATFORMS, SIGNALS, Signal
from telemetry.errors import ConfigurationError, ExceptionClasses, exception_classes
from telemetry.privacy import Scrub, options

if TYPE_CHECKING:  # it is loaded where metrics are pulled
    from prometheus_client import CollectorRegistry

_SAMPLERS = (
    "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio", "always_on", "always_off",
    "traceidratio",
)  # fmt: skip


_LIMITS: Final[Mapping[str, tuple[Signal, ...]]] = {
    "OTEL_ATTRIBUTE_COUNT_LIMIT": ("traces", "logs"),
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("traces", "logs"),
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": ("traces",),
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("traces",),
    "OTEL_SPAN_EVENT_COUNT_LIMIT": ("traces",),
    "OTEL_SPAN_LINK_COUNT_LIMIT": ("traces",),
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": ("traces",),
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": ("traces",),
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": ("logs",),
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("logs",),
}
"""Variables that the SDK reads, by the signals that they are for; here they are only checked."""
_EXPORTERS: Final[Mapping[Signal, str]] = {"traces": "traces_exporter", "metrics": "metrics", "logs": "logs"}
_CONFIG_FILES = ("OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE")
_MULTIPROCESS = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")


@dataclass(frozen=True, slots=True)
class ExporterSettings:
    """The export of one signal."""

    endpoint: str = env(
        "OTEL_EXPORTER_OTLP_{}ENDPOINT", "", checks.address, shown=False,  # http://user:password@host
        fallback=standard.endpoint,
        help="address of the collector; default `http://localhost:4317`, by HTTP `http://localhost:4318`",
    )  # fmt: skip
    protocol: str = env(
        "OTEL_EXPORTER_OTLP_{}PROTOCOL", "grpc", checks.one_of("grpc", "http/protobuf"),
        fallback=standard.word(standard.PROTOCOLS),
        help="`grpc` or `http/protobuf`",
    )  # fmt: skip
    headers: checks.Pairs = env(
        "OTEL_EXPORTER_OTLP_{}HEADERS", (), checks.headers, secret=True,
        help="sent with every export: `authorization=Bearer%20TOKEN`",
    )  # fmt: skip
    timeout: float = env(
        "OTEL_EXPORTER_OTLP_{}TIMEOUT", 10.0, checks.export_timeout,
        help="timeout of one export: milliseconds (below 100: seconds); the argument in seconds",
    )  # fmt: skip
    compression: str = env(
        "OTEL_EXPORTER_OTLP_{}COMPRESSION", "none", checks.one_of("none", "gzip"), help="`none` or `gzip`",
        fallback=standard.word(standard.COMPRESSIONS),
    )  # fmt: skip
    insecure: bool | None = env(
        "OTEL_EXPORTER_OTLP_{}INSECURE", None, checks.boolean,
        help="gRPC to an endpoint without a scheme: in plain text (default), or with TLS if `false`",
    )  # fmt: skip
    certificate: Path | None = env(
        "OTEL_EXPORTER_OTLP_{}CERTIFICATE", None, checks.file,
        help="PEM file of trusted CA certificates for the collector",
    )  # fmt: skip
    client_key: Path | None = env(
        "OTEL_EXPORTER_OTLP_{}CLIENT_KEY", None, checks.file, help="PEM file with our private key, for mutual TLS"
    )
    client_certificate: Path | None = env(
        "OTEL_EXPORTER_OTLP_{}CLIENT_CERTIFICATE", None, checks.file,
        help="PEM file with our certificate, for mutual TLS",
    )  # fmt: skip


class Arguments(TypedDict, total=False):
    """The keyword arguments of `configure`, typed as users give them: a key for each setting."""

    namespace: str | None
    version: str | None
    resource_attributes: Mapping[str, str] | None
    endpoint: str | None
    protocol: str | None
    headers: Mapping[str, str] | None
    timeout: float | None
    compression: str | None
    insecure: bool | None
    certificate: str | Path | None
    client_key: str | Path | None
    client_certificate: str | Path | None
    traces_exporter: str | None
    metrics: str | Sequence[str] | None
    logs: str | Sequence[str] | None
    sampler: str | None
    sampler_arg: float | None
    propagators: str | Sequence[str] | None
    metric_interval: float | None
    temporality: str | None
    exemplar_filter: str | None
    prometheus_host: str | None
    prometheus_port: int | None
    prometheus_server: bool | None
    prometheus_registry: "CollectorRegistry | None"
    span_queue_size: int | None
    span_batch_size: int | None
    span_interval: float | None
    log_queue_size: int | None
    log_batch_size: int | None
    log_interval: float | None
    exit_timeout: float | None
    scrub: bool | Scrub | None
    capture_content: bool | None
    content_length: int | None
    content_docs: int | None
    operations: str | Sequence[str] | None
    platforms: str | Sequence[str] | None
    regions: str | Sequence[str] | None
    expected_errors: Collection[type[BaseException]] | type[BaseException] | None
    sentry_dsn: str | None
    sentry_ca: str | Path | None
    disabled: bool | None


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a process; see the help of each."""

    service_name: str = env("OTEL_SERVICE_NAME", "", checks.text, help="`service.name`, the executor's name")
    namespace: str = env("", "", checks.text, help="`service.namespace`, the flow's name")
    version: str = env("", "", checks.text, help="`service.version`")
    resource_attributes: checks.Pairs = env(
        "OTEL_RESOURCE_ATTRIBUTES", (), checks.pairs, fallback=standard.pairs,
        help="further attributes of the resource: `name=value,…`",
    )  # fmt: skip
    disabled: bool = env("OTEL_SDK_DISABLED", False, checks.boolean, help="`true`: nothing is recorded")
    traces_exporter: Sequence[str] = env(
        "OTEL_TRACES_EXPORTER", ("otlp",), checks.some_of("otlp", "console"), of="traces",
        fallback=standard.exporters("otlp", "console"),
        help="`otlp`; `console` writes spans to standard output, a line each; both, with a comma; `none` for no "
        "traces",
    )  # fmt: skip
    metrics: Sequence[str] = env(
        "OTEL_METRICS_EXPORTER", ("otlp",), checks.some_of("otlp", "prometheus", "console"), of="metrics",
        fallback=standard.exporters("otlp", "prometheus", "console"),
        help="`otlp` pushes metrics, `prometheus` serves them for scraping, `console` writes them to standard output; "
        "several, with commas; `none` for no metrics",
    )  # fmt: skip
    logs: Sequence[str] = env(
        "OTEL_LOGS_EXPORTER", (), checks.some_of("otlp", "console"), of="logs",
        fallback=standard.exporters("otlp", "console"),
        help="records of `logging`: `otlp` exports them, `console` writes JSON lines to standard error; both, with a "
        "comma; default `none`",
    )  # fmt: skip
    sampler: str = env(
        "OTEL_TRACES_SAMPLER", _SAMPLERS[0], checks.one_of(*_SAMPLERS), of="traces", fallback=standard.sampler,
        help="the sampler of traces; metrics do not depend on it",
    )  # fmt: skip
    sampler_arg: float = env(
        "OTEL_TRACES_SAMPLER_ARG", 1.0, checks.number(0, 1, "0.1"), of="traces",
        help="the share that a `…traceidratio` sampler keeps",
    )  # fmt: skip
    propagators: Sequence[str] = env(
        "OTEL_PROPAGATORS", ("tracecontext", "baggage"), propagators.installed, fallback=standard.propagators,
        help="the headers that propagate context between processes; also `b3`, `b3multi`, `jaeger`, …",
    )  # fmt: skip
    metric_interval: float = env(
        "OTEL_METRIC_EXPORT_INTERVAL", 5.0, checks.milliseconds(100, 5000), of="metrics",
        fallback=standard.at_least(0.1),
        help="interval between exports of metrics: milliseconds; the argument in seconds",
    )  # fmt: skip
    temporality: str = env(
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative",
        checks.one_of("cumulative", "delta", "lowmemory"), of="metrics",
        help="`cumulative` sums since the start, or `delta` sums since the last export; `lowmemory`: `delta`, except "
        "for observable instruments",
    )  # fmt: skip
    exemplar_filter: str = env(
        "OTEL_METRICS_EXEMPLAR_FILTER", "trace_based", checks.one_of("trace_based", "always_on", "always_off"),
        of="metrics",
        help="which measurements may become exemplars",
    )  # fmt: skip
    prometheus_host: str = env(
        "OTEL_EXPORTER_PROMETHEUS_HOST", "localhost", checks.text, of="metrics",
        help="the address that serves metrics: this machine only; `0.0.0.0` for all",
    )  # fmt: skip
    prometheus_port: int = env(
        "OTEL_EXPORTER_PROMETHEUS_PORT", 9464, checks.port, of="metrics", help="its port; `0` for any free port"
    )
    prometheus_server: bool = env(
        "SEARCH_TELEMETRY_PROMETHEUS_SERVER", True, checks.boolean, of="metrics",
        help="`false` opens no port: your own server mounts the app of `telemetry.prometheus`",
    )  # fmt: skip
    prometheus_registry: Any = env(
        "", None, checks.registry, help="a `CollectorRegistry` of yours, whose metrics are served with ours"
    )
    span_queue_size: int = env(
        "OTEL_BSP_MAX_QUEUE_SIZE", 8192, checks.integer(1, 8192), of="traces",
        help="spans kept while the collector is unavailable",
    )  # fmt: skip
    span_batch_size: int = env(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 8192, checks.integer(1, 8192), of="traces",
        help="most spans in one export; an export is at most 3 MiB",
    )  # fmt: skip
    span_interval: float = env(
        "OTEL_BSP_SCHEDULE_DELAY", 0.25, checks.milliseconds(1, 250), of="traces", fallback=standard.at_least(0.001),
        help="longest delay before a span is exported: milliseconds; the argument in seconds",
    )  # fmt: skip
    log_queue_size: int = env(
        "OTEL_BLRP_MAX_QUEUE_SIZE", 8192, checks.integer(1, 8192), of="logs",
        help="log records kept while the collector is unavailable",
    )  # fmt: skip
    log_batch_size: int = env(
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", 8192, checks.integer(1, 8192), of="logs",
        help="most log records in one export; an export is at most 3 MiB",
    )  # fmt: skip
    log_interval: float = env(
        "OTEL_BLRP_SCHEDULE_DELAY", 0.25, checks.milliseconds(1, 250), of="logs", fallback=standard.at_least(0.001),
        help="longest delay before a log record is exported: milliseconds; the argument in seconds",
    )  # fmt: skip
    exit_timeout: float = env(
        "SEARCH_TELEMETRY_EXIT_TIMEOUT", 1.25, checks.number(0, 60, "1.25"),
        help="seconds that the process waits for the last exports when it exits",
    )  # fmt: skip
    scrub: Scrub | None = env(
        "SEARCH_TELEMETRY_SCRUB", Scrub(), options.check,
        help="hides secrets and personal data in all exports ([which](privacy.md)); `false` does not; the argument may "
        "also be a `telemetry.privacy.Scrub`",
    )  # fmt: skip
    capture_content: bool = env(
        "SEARCH_TELEMETRY_CAPTURE_CONTENT", False, checks.boolean,
        help="`true` records the start of documents' texts, on the spans of endpoints",
    )  # fmt: skip
    content_length: int = env(
        "SEARCH_TELEMETRY_CONTENT_LENGTH", 256, checks.integer(1, 256), help="characters of each text"
    )
    content_docs: int = env("SEARCH_TELEMETRY_CONTENT_DOCS", 4, checks.integer(1, 4), help="documents of each call")
    operations: Sequence[str] = env(
        "SEARCH_TELEMETRY_OPERATIONS", (), checks.names,
        help="operations that requests carry in their baggage and no endpoint here has, separated by commas; other "
        "values in the baggage cannot take their places in metrics ([how many](metrics.md#how-many-series))",
    )  # fmt: skip
    platforms: Sequence[str] = env(
        "SEARCH_TELEMETRY_PLATFORMS", PLATFORMS, clients.platforms,
        help="platforms of clients, at most 12; any other is recorded as `_other` ([who asks](metrics.md#who-asks))",
    )  # fmt: skip
    regions: Sequence[str] = env(
        "SEARCH_TELEMETRY_REGIONS", (), clients.regions,
        help="countries of clients, in two letters (ISO 3166), at most 20: `de,us`; any other is recorded as `_other`",
    )  # fmt: skip
    expected_errors: ExceptionClasses = env(
        "", (), exception_classes,
        help="exception classes for the caller's mistakes: a request that raises one is "
        "[`rejected`](library.md#errors), and not an error",
    )  # fmt: skip
    sentry_dsn: str = env(
        "SEARCH_TELEMETRY_SENTRY_DSN", "", sentry.check, secret=True,
        help="the Sentry project for errors of this process, sent by Sentry's SDK (`search-telemetry[sentry]`)",
    )  # fmt: skip
    sentry_ca: Path | None = env(
        "SEARCH_TELEMETRY_SENTRY_CA",
        None,
        checks.file,
        help="PEM file of trusted CA certificates for a self-hosted Sentry",
    )
    traces: ExporterSettings = ExporterSettings()
    metrics_export: ExporterSettings = ExporterSettings()
    logs_export: ExporterSettings = ExporterSettings()
    notes: tuple[str, ...] = field(default=(), repr=False, compare=False)
    """Warnings: standard values that were replaced."""


def load(arguments: Mapping[str, object], environ: Mapping[str, str], adopted: Iterable[Signal] = ()) -> Settings:
    """Return the settings. Raises `ConfigurationError` with all mistakes.

    Arguments: `adopted`, the signals whose provider the user set: their variables are not checked.
    """
    declared = {f.name: f for f in dataclasses.fields(Settings) if "setting" in f.metadata}
    reader = Reader(arguments, environ, adopted)
    if reader.value(declared["disabled"]):
        reader.unchecked.update(SIGNALS, ("",))
    ratio = _sampler_ratio(reader)
    values = {name: reader.value(f) for name, f in declared.items() if name != "sampler_arg" or ratio is None}
    values.setdefault("sampler_arg", ratio)
    exporters = {signal: values[name] for signal, name in _EXPORTERS.items()}
    reader.unchecked.update(signal for signal in SIGNALS if not exporters[signal])
    _check_variables_of_others(reader, pulled="prometheus" in exporters["metrics"])
    reader.unchecked.update(signal for signal in SIGNALS if "otlp" not in exporters[signal])
    for signal, key in zip(SIGNALS, ("traces", "metrics_export", "logs_export"), strict=True):
        asked = standard.protocol_of(reader.text_of(declared[_EXPORTERS[signal]]))
        values[key] = _exporter(reader, signal, asked)
    if reader.problems:
        raise ConfigurationError(list(dict.fromkeys(reader.problems)))
    return Settings(**values, notes=tuple(dict.fromkeys(reader.notes)))


def _sampler_ratio(reader: Reader) -> float | None:
    """Return the ratio of traces to keep if the sampler would ask a remote service for it, else None."""
    found = standard.ratio_of(reader.variable("OTEL_TRACES_SAMPLER"), reader.variable("OTEL_TRACES_SAMPLER_ARG"))
    if (
        found is None
        or not reader.is_checked("traces")
        or reader.has_argument("sampler")
        or reader.has_argument("sampler_arg")
    ):
        return None
    reader.note("OTEL_TRACES_SAMPLER", found[1])
    return found[0]


def _check_variables_of_others(reader: Reader, *, pulled: bool) -> None:
    """Check variables that the SDK reads, and warn of standard ones that are not supported."""
    for variable, signals in _LIMITS.items():
        if any(reader.is_checked(signal) for signal in signals):
            reader.check(variable, checks.integer(0, 128))
    histograms = checks.one_of("explicit_bucket_histogram")
    reader.check(standard.HISTOGRAM_VARIABLE, histograms, standard.word(standard.HISTOGRAMS), "metrics")
    for variable in _CONFIG_FILES:
        if reader.variable(variable) and any(reader.is_checked(signal) for signal in SIGNALS):
            reader.note(variable, "is not supported; use arguments of configure and the other OTEL_ variables")
    if pulled and reader.is_checked("metrics"):
        reader.refuse(
            _MULTIPROCESS, "asks for prometheus_client's multiprocess mode, which has no exemplars and cannot hold "
            "OpenTelemetry's metrics; unset it, and push with OTEL_METRICS_EXPORTER=otlp or give each process a port "
            "of its own in OTEL_EXPORTER_PROMETHEUS_PORT"
        )  # fmt: skip


def _exporter(reader: Reader, signal: Signal, protocol: str) -> ExporterSettings:
    """Return the settings of a signal's export; `protocol` comes from its exporter's name, "" for none."""
    values = {f.name: reader.value(f, signal) for f in dataclasses.fields(ExporterSettings)}
    if protocol and not reader.has_argument("protocol"):
        values["protocol"] = protocol
    given = values["endpoint"]
    values["endpoint"] = _endpoint(given, values["protocol"], signal, own=reader.has_own(signal))
    settings = ExporterSettings(**values)
    if given.startswith("unix") and settings.protocol != "grpc" and reader.is_checked(signal):
        reader.problems.append(
            f"endpoint={given!r} is an address for gRPC, not for {settings.protocol}; "
            "write http://localhost:4318, or OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
        )
    if (settings.client_key is None) != (settings.client_certificate is None) and reader.is_checked(signal):
        reader.problems.append(
            "OTEL_EXPORTER_OTLP_CLIENT_KEY and OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE belong together; set both or none"
        )
    return settings


def _endpoint(endpoint: str, protocol: str, signal: Signal, *, own: bool) -> str:
    """Return the complete address: HTTP adds the signal's path, unless the signal has a variable of its `own`."""
    port = 4317 if protocol == "grpc" else 4318
    base = endpoint or f"http://localhost:{port}"
    if "://" not in base and not base.startswith("unix") and urlsplit(f"//{base}").port is None:
        base = f"{base}:{port}"
    if protocol == "grpc":
        return base
    if "://" not in base:
        base = f"http://{base}"
    return base if own else f"{base.rstrip('/')}/v1/{signal}"
