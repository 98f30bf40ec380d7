"""What can be set, each setting once.

In: arguments of `configure` and the environment. Out: one frozen `Settings`, or a `ConfigurationError` with every
mistake at once. State: none; parsed once.

An argument goes before the variable of one signal (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`), that before the variable of
all signals (`OTEL_EXPORTER_OTLP_ENDPOINT`), that before the default. An empty variable is an unset one.

What OpenTelemetry's specification allows in a variable is no mistake: where we cannot do it, `standard` says what comes
nearest, and `Settings.notes` what to warn of. Variables of a signal that is not ours, or is switched off,
are not judged.
"""
# ruff: noqa: RUF009  `env` declares a field, as `dataclasses.field` does

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict
from urllib.parse import urlsplit

from telemetry.config import checks, propagators, standard
from telemetry.config import dsn as sentry
from telemetry.config.reader import Reader, env
from telemetry.conventions import SIGNALS, Signal
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
"""Read by the SDK itself, for the signals named; here only their mistakes are found."""
_EXPORTERS: Final[Mapping[Signal, str]] = {"traces": "traces_exporter", "metrics": "metrics", "logs": "logs"}
_CONFIG_FILES = ("OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE")
_MULTIPROCESS = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")


@dataclass(frozen=True, slots=True)
class ExporterSettings:
    """How one signal is exported."""

    endpoint: str = env(
        "OTEL_EXPORTER_OTLP_{}ENDPOINT", "", checks.address, shown=False,  # http://user:password@host
        nearest=standard.endpoint,
        help="where the collector listens; default `http://localhost:4317`, by HTTP `http://localhost:4318`",
    )  # fmt: skip
    protocol: str = env(
        "OTEL_EXPORTER_OTLP_{}PROTOCOL", "grpc", checks.one_of("grpc", "http/protobuf"),
        nearest=standard.word(standard.PROTOCOLS),
        help="`grpc` or `http/protobuf`",
    )  # fmt: skip
    headers: checks.Pairs = env(
        "OTEL_EXPORTER_OTLP_{}HEADERS", (), checks.headers, secret=True,
        help="sent with every export: `authorization=Bearer%20TOKEN`",
    )  # fmt: skip
    timeout: float = env(
        "OTEL_EXPORTER_OTLP_{}TIMEOUT", 10.0, checks.export_timeout,
        help="how long one export may last: milliseconds (below 100: seconds); the argument in seconds",
    )  # fmt: skip
    compression: str = env(
        "OTEL_EXPORTER_OTLP_{}COMPRESSION", "none", checks.one_of("none", "gzip"), help="`none` or `gzip`",
        nearest=standard.word(standard.COMPRESSIONS),
    )  # fmt: skip
    insecure: bool | None = env(
        "OTEL_EXPORTER_OTLP_{}INSECURE", None, checks.boolean,
        help="gRPC to an endpoint without a scheme: in plain text (default), or with TLS where `false`",
    )  # fmt: skip
    certificate: Path | None = env(
        "OTEL_EXPORTER_OTLP_{}CERTIFICATE", None, checks.file,
        help="PEM file that the collector's certificate is checked by",
    )  # fmt: skip
    client_key: Path | None = env(
        "OTEL_EXPORTER_OTLP_{}CLIENT_KEY", None, checks.file, help="PEM file with our private key, for mutual TLS"
    )
    client_certificate: Path | None = env(
        "OTEL_EXPORTER_OTLP_{}CLIENT_CERTIFICATE", None, checks.file,
        help="PEM file with our certificate, for mutual TLS",
    )  # fmt: skip


class Arguments(TypedDict, total=False):
    """What `configure` takes beside the name, as users write it: a key for each setting below."""

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
    """Everything that `configure` knows; see each setting's help."""

    service_name: str = env("OTEL_SERVICE_NAME", "", checks.text, help="`service.name`, the executor's name")
    namespace: str = env("", "", checks.text, help="`service.namespace`, the flow's name")
    version: str = env("", "", checks.text, help="`service.version`")
    resource_attributes: checks.Pairs = env(
        "OTEL_RESOURCE_ATTRIBUTES", (), checks.pairs, nearest=standard.pairs,
        help="further attributes of the resource: `name=value,…`",
    )  # fmt: skip
    disabled: bool = env("OTEL_SDK_DISABLED", False, checks.boolean, help="`true` records nothing at all")
    traces_exporter: Sequence[str] = env(
        "OTEL_TRACES_EXPORTER", ("otlp",), checks.some_of("otlp", "console"), of="traces",
        nearest=standard.exporters("otlp", "console"),
        help="`otlp`; `console` writes them to standard output, a line for each; both, with a comma; `none` for no "
        "traces",
    )  # fmt: skip
    metrics: Sequence[str] = env(
        "OTEL_METRICS_EXPORTER", ("otlp",), checks.some_of("otlp", "prometheus", "console"), of="metrics",
        nearest=standard.exporters("otlp", "prometheus", "console"),
        help="`otlp` pushes metrics, `prometheus` lets them be pulled, `console` writes them to standard output; "
        "several, with commas; `none` for no metrics",
    )  # fmt: skip
    logs: Sequence[str] = env(
        "OTEL_LOGS_EXPORTER", (), checks.some_of("otlp", "console"), of="logs",
        nearest=standard.exporters("otlp", "console"),
        help="what becomes of `logging`: `otlp` exports it, `console` writes JSON lines to standard error; both, with "
        "a comma; default `none`",
    )  # fmt: skip
    sampler: str = env(
        "OTEL_TRACES_SAMPLER", _SAMPLERS[0], checks.one_of(*_SAMPLERS), of="traces", nearest=standard.sampler,
        help="which traces are kept; metrics never depend on it",
    )  # fmt: skip
    sampler_arg: float = env(
        "OTEL_TRACES_SAMPLER_ARG", 1.0, checks.number(0, 1, "0.1"), of="traces",
        help="the share that a `…traceidratio` sampler keeps",
    )  # fmt: skip
    propagators: Sequence[str] = env(
        "OTEL_PROPAGATORS", ("tracecontext", "baggage"), propagators.installed, nearest=standard.propagators,
        help="the headers that carry context between processes; also `b3`, `b3multi`, `jaeger`, …",
    )  # fmt: skip
    metric_interval: float = env(
        "OTEL_METRIC_EXPORT_INTERVAL", 5.0, checks.milliseconds(100, 5000), of="metrics",
        nearest=standard.at_least(0.1),
        help="time between exports of metrics: milliseconds; the argument in seconds",
    )  # fmt: skip
    temporality: str = env(
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative",
        checks.one_of("cumulative", "delta", "lowmemory"), of="metrics",
        help="`cumulative` sums since the start, or `delta` sums since the last export; `lowmemory`: `delta`, but for "
        "what callbacks observe",
    )  # fmt: skip
    exemplar_filter: str = env(
        "OTEL_METRICS_EXEMPLAR_FILTER", "trace_based", checks.one_of("trace_based", "always_on", "always_off"),
        of="metrics",
        help="which measurements may become exemplars",
    )  # fmt: skip
    prometheus_host: str = env(
        "OTEL_EXPORTER_PROMETHEUS_HOST", "localhost", checks.text, of="metrics",
        help="where metrics can be pulled from: this machine only; `0.0.0.0` for everyone",
    )  # fmt: skip
    prometheus_port: int = env(
        "OTEL_EXPORTER_PROMETHEUS_PORT", 9464, checks.port, of="metrics", help="its port; `0` takes any that is free"
    )
    prometheus_server: bool = env(
        "SEARCH_TELEMETRY_PROMETHEUS_SERVER", True, checks.boolean, of="metrics",
        help="`false` opens no port: a server of yours has the app of `telemetry.prometheus`",
    )  # fmt: skip
    prometheus_registry: Any = env(
        "", None, checks.registry, help="a `CollectorRegistry` of yours, whose metrics are served beside ours"
    )
    span_queue_size: int = env(
        "OTEL_BSP_MAX_QUEUE_SIZE", 8192, checks.whole(1, 8192), of="traces",
        help="spans kept while the collector is away",
    )  # fmt: skip
    span_batch_size: int = env(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 8192, checks.whole(1, 8192), of="traces",
        help="spans in one export at most; none is larger than 3 MiB",
    )  # fmt: skip
    span_interval: float = env(
        "OTEL_BSP_SCHEDULE_DELAY", 0.25, checks.milliseconds(1, 250), of="traces", nearest=standard.at_least(0.001),
        help="time until a span is exported: milliseconds; the argument in seconds",
    )  # fmt: skip
    log_queue_size: int = env(
        "OTEL_BLRP_MAX_QUEUE_SIZE", 8192, checks.whole(1, 8192), of="logs",
        help="log records kept while the collector is away",
    )  # fmt: skip
    log_batch_size: int = env(
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", 8192, checks.whole(1, 8192), of="logs",
        help="log records in one export at most; none is larger than 3 MiB",
    )  # fmt: skip
    log_interval: float = env(
        "OTEL_BLRP_SCHEDULE_DELAY", 0.25, checks.milliseconds(1, 250), of="logs", nearest=standard.at_least(0.001),
        help="time until a log record is exported: milliseconds; the argument in seconds",
    )  # fmt: skip
    exit_timeout: float = env(
        "SEARCH_TELEMETRY_EXIT_TIMEOUT", 1.25, checks.number(0, 60, "1.25"),
        help="seconds that the end of the process waits for the last exports",
    )  # fmt: skip
    scrub: Scrub | None = env(
        "SEARCH_TELEMETRY_SCRUB", Scrub(), options.check,
        help="hides secrets and personal data in whatever leaves ([which](privacy.md)); `false` does not; the argument "
        "may also be a `telemetry.privacy.Scrub`",
    )  # fmt: skip
    capture_content: bool = env(
        "SEARCH_TELEMETRY_CAPTURE_CONTENT", False, checks.boolean,
        help="`true` records how the texts of documents begin, on the spans of endpoints",
    )  # fmt: skip
    content_length: int = env(
        "SEARCH_TELEMETRY_CONTENT_LENGTH", 256, checks.whole(1, 256), help="of each text, that many characters"
    )
    content_docs: int = env(
        "SEARCH_TELEMETRY_CONTENT_DOCS", 4, checks.whole(1, 4), help="of each call, that many documents"
    )
    operations: Sequence[str] = env(
        "SEARCH_TELEMETRY_OPERATIONS", (), checks.names,
        help="operations that requests bring along and no endpoint here has, with commas between; junk in the baggage "
        "takes none of their places in metrics ([how many](metrics.md#how-many-series))",
    )  # fmt: skip
    platforms: Sequence[str] = env(
        "SEARCH_TELEMETRY_PLATFORMS", (), checks.names, help="the same for platforms of callers: `web,ios`"
    )
    regions: Sequence[str] = env(
        "SEARCH_TELEMETRY_REGIONS", (), checks.names, help="the same for their regions: `eu,us`"
    )
    expected_errors: ExceptionClasses = env(
        "", (), exception_classes,
        help="classes of exceptions that are the caller's mistake: a request that one of them ends is "
        "[`rejected`](library.md#errors), and no error",
    )  # fmt: skip
    sentry_dsn: str = env(
        "SEARCH_TELEMETRY_SENTRY_DSN", "", sentry.check, secret=True,
        help="the project that errors of this process go to, by Sentry's own SDK (`search-telemetry[sentry]`)",
    )  # fmt: skip
    sentry_ca: Path | None = env(
        "SEARCH_TELEMETRY_SENTRY_CA", None, checks.file, help="PEM file that a self-hosted Sentry is checked by"
    )
    traces: ExporterSettings = ExporterSettings()
    metrics_export: ExporterSettings = ExporterSettings()
    logs_export: ExporterSettings = ExporterSettings()
    notes: tuple[str, ...] = field(default=(), repr=False, compare=False)
    """What to warn of: standard values that something else stands in for."""


def load(arguments: Mapping[str, object], environ: Mapping[str, str], adopted: Iterable[Signal] = ()) -> Settings:
    """Return the settings. Raises `ConfigurationError` with all mistakes.

    Arguments: `adopted`, the signals whose provider is somebody else's, so that variables say nothing of them to us.
    """
    declared = {f.name: f for f in dataclasses.fields(Settings) if "setting" in f.metadata}
    reader = Reader(arguments, environ, adopted)
    if reader.value(declared["disabled"]):
        reader.unused.update(SIGNALS, ("",))
    share = _share(reader)
    values = {name: reader.value(f) for name, f in declared.items() if name != "sampler_arg" or share is None}
    values.setdefault("sampler_arg", share)
    exporters = {signal: values[name] for signal, name in _EXPORTERS.items()}
    reader.unused.update(signal for signal in SIGNALS if not exporters[signal])
    _judge_what_others_read(reader, pulled="prometheus" in exporters["metrics"])
    reader.unused.update(signal for signal in SIGNALS if "otlp" not in exporters[signal])
    for signal, key in zip(SIGNALS, ("traces", "metrics_export", "logs_export"), strict=True):
        asked = standard.protocol_of(reader.words_of(declared[_EXPORTERS[signal]]))
        values[key] = _exporter(reader, signal, asked)
    if reader.problems:
        raise ConfigurationError(list(dict.fromkeys(reader.problems)))
    return Settings(**values, notes=tuple(dict.fromkeys(reader.notes)))


def _share(reader: Reader) -> float | None:
    """Return the share of traces that is kept where the sampler would ask another service for it, else None."""
    found = standard.share_of(reader.variable("OTEL_TRACES_SAMPLER"), reader.variable("OTEL_TRACES_SAMPLER_ARG"))
    if found is None or not reader.judges("traces") or reader.argued("sampler") or reader.argued("sampler_arg"):
        return None
    reader.note("OTEL_TRACES_SAMPLER", found[1])
    return found[0]


def _judge_what_others_read(reader: Reader, *, pulled: bool) -> None:
    """Look for mistakes in variables that the SDK reads, and for standard ones that nobody reads here."""
    for variable, signals in _LIMITS.items():
        if any(reader.judges(signal) for signal in signals):
            reader.check(variable, checks.whole(0, 128))
    histograms = checks.one_of("explicit_bucket_histogram")
    reader.check(standard.HISTOGRAM_VARIABLE, histograms, standard.word(standard.HISTOGRAMS), "metrics")
    for variable in _CONFIG_FILES:
        if reader.variable(variable) and any(reader.judges(signal) for signal in SIGNALS):
            reader.note(variable, "is not read here; arguments of configure and the other OTEL_ variables are")
    if pulled and reader.judges("metrics"):
        reader.refuse(
            _MULTIPROCESS, "asks for prometheus_client's multiprocess mode, which has no exemplars and cannot hold "
            "OpenTelemetry's metrics; unset it, and push with OTEL_METRICS_EXPORTER=otlp or give each process a port "
            "of its own in OTEL_EXPORTER_PROMETHEUS_PORT"
        )  # fmt: skip


def _exporter(reader: Reader, signal: Signal, protocol: str) -> ExporterSettings:
    """Return how a signal is exported; `protocol` is the one that its exporter's name asks for, "" for none."""
    values = {f.name: reader.value(f, signal) for f in dataclasses.fields(ExporterSettings)}
    if protocol and not reader.argued("protocol"):
        values["protocol"] = protocol
    given = values["endpoint"]
    values["endpoint"] = _endpoint(given, values["protocol"], signal, own=reader.has_own(signal))
    settings = ExporterSettings(**values)
    if given.startswith("unix") and settings.protocol != "grpc" and reader.judges(signal):
        reader.problems.append(
            f"endpoint={given!r} is an address for gRPC, not for {settings.protocol}; "
            "write http://localhost:4318, or OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
        )
    if (settings.client_key is None) != (settings.client_certificate is None) and reader.judges(signal):
        reader.problems.append(
            "OTEL_EXPORTER_OTLP_CLIENT_KEY and OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE belong together; set both or none"
        )
    return settings


def _endpoint(endpoint: str, protocol: str, signal: Signal, *, own: bool) -> str:
    """Return the whole address: by HTTP the signal's path is added, unless the signal has a variable of its `own`."""
    port = 4317 if protocol == "grpc" else 4318
    base = endpoint or f"http://localhost:{port}"
    if "://" not in base and not base.startswith("unix") and urlsplit(f"//{base}").port is None:
        base = f"{base}:{port}"
    if protocol == "grpc":
        return base
    if "://" not in base:
        base = f"http://{base}"
    return base if own else f"{base.rstrip('/')}/v1/{signal}"
