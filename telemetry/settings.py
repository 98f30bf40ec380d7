"""What can be set, each setting once.

In: arguments of `configure` and the environment. Out: one frozen `Settings`, or a `ConfigurationError` with every
mistake at once. State: none; parsed once.

An argument goes before the variable of one signal (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`), that before the variable of
all signals (`OTEL_EXPORTER_OTLP_ENDPOINT`), that before the default. An empty variable is an unset one.
"""
# ruff: noqa: RUF009  `env` declares a field, as `dataclasses.field` does

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from telemetry import checks, propagation
from telemetry.checks import Check
from telemetry.errors import ConfigurationError
from telemetry.privacy import Scrub, options
from telemetry.sentry import dsn as sentry

Signal = Literal["traces", "metrics", "logs"]
SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics", "logs")

_SAMPLERS = (
    "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio", "always_on", "always_off",
    "traceidratio",
)  # fmt: skip


_LIMITS = (
    "OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_EVENT_COUNT_LIMIT", "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
)  # fmt: skip
"""Read by the SDK itself; here only their mistakes are found."""
_MULTIPROCESS = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")


@dataclass(frozen=True, slots=True)
class Declared:
    """What a setting is: its variable ("" where only the argument exists), its check, its help, whether it is secret.

    A `{}` in the variable stands for `TRACES_`, `METRICS_`, `LOGS_` or nothing.
    """

    variable: str
    check: Check
    help: str
    secret: bool = False


def env(variable: str, default: Any, check: Check, *, help: str, secret: bool = False, shown: bool = True) -> Any:  # noqa: A002
    """Declare a setting; not `shown` in the settings' `repr` is one that may hold a secret."""
    return field(
        default=default, repr=shown and not secret, metadata={"setting": Declared(variable, check, help, secret)}
    )


@dataclass(frozen=True, slots=True)
class ExporterSettings:
    """How one signal is exported."""

    endpoint: str = env(
        "OTEL_EXPORTER_OTLP_{}ENDPOINT", "", checks.address, shown=False,  # http://user:password@host
        help="where the collector listens; default `http://localhost:4317`, by HTTP `http://localhost:4318`",
    )  # fmt: skip
    protocol: str = env(
        "OTEL_EXPORTER_OTLP_{}PROTOCOL", "grpc", checks.one_of("grpc", "http/protobuf"),
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
        "OTEL_EXPORTER_OTLP_{}COMPRESSION", "none", checks.one_of("none", "gzip"), help="`none` or `gzip`"
    )
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


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `configure` knows; see each setting's help."""

    service_name: str = env("OTEL_SERVICE_NAME", "", checks.text, help="`service.name`, the executor's name")
    namespace: str = env("", "", checks.text, help="`service.namespace`, the flow's name")
    version: str = env("", "", checks.text, help="`service.version`")
    resource_attributes: checks.Pairs = env(
        "OTEL_RESOURCE_ATTRIBUTES", (), checks.pairs, help="further attributes of the resource: `name=value,…`"
    )
    disabled: bool = env("OTEL_SDK_DISABLED", False, checks.boolean, help="`true` records nothing at all")
    traces_exporter: Sequence[str] = env(
        "OTEL_TRACES_EXPORTER", ("otlp",), checks.some_of("otlp"), help="`otlp`, or `none` for no traces"
    )
    metrics: Sequence[str] = env(
        "OTEL_METRICS_EXPORTER", ("otlp",), checks.some_of("otlp", "prometheus"),
        help="`otlp` pushes metrics, `prometheus` lets them be pulled; both, with a comma; `none` for no metrics",
    )  # fmt: skip
    logs: Sequence[str] = env(
        "OTEL_LOGS_EXPORTER", (), checks.some_of("otlp", "console"),
        help="what becomes of `logging`: `otlp` exports it, `console` writes JSON lines to standard error; both, with "
        "a comma; default `none`",
    )  # fmt: skip
    sampler: str = env(
        "OTEL_TRACES_SAMPLER", _SAMPLERS[0], checks.one_of(*_SAMPLERS),
        help="which traces are kept; metrics never depend on it",
    )  # fmt: skip
    sampler_arg: float = env(
        "OTEL_TRACES_SAMPLER_ARG", 1.0, checks.number(0, 1, "0.1"),
        help="the share that a `…traceidratio` sampler keeps",
    )  # fmt: skip
    propagators: Sequence[str] = env(
        "OTEL_PROPAGATORS", ("tracecontext", "baggage"), propagation.installed,
        help="the headers that carry context between processes; also `b3`, `b3multi`, `jaeger`, …",
    )  # fmt: skip
    metric_interval: float = env(
        "OTEL_METRIC_EXPORT_INTERVAL", 5.0, checks.milliseconds(100, 5000),
        help="time between exports of metrics: milliseconds; the argument in seconds",
    )  # fmt: skip
    temporality: str = env(
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative", checks.one_of("cumulative", "delta"),
        help="`cumulative` sums since the start, or `delta` sums since the last export",
    )  # fmt: skip
    exemplar_filter: str = env(
        "OTEL_METRICS_EXEMPLAR_FILTER", "trace_based", checks.one_of("trace_based", "always_on", "always_off"),
        help="which measurements may become exemplars",
    )  # fmt: skip
    prometheus_host: str = env(
        "OTEL_EXPORTER_PROMETHEUS_HOST", "localhost", checks.text,
        help="where metrics can be pulled from: this machine only; `0.0.0.0` for everyone",
    )  # fmt: skip
    prometheus_port: int = env(
        "OTEL_EXPORTER_PROMETHEUS_PORT", 9464, checks.port, help="its port; `0` takes any that is free"
    )
    prometheus_server: bool = env(
        "SEARCH_TELEMETRY_PROMETHEUS_SERVER", True, checks.boolean,
        help="`false` opens no port: a server of yours has the app of `telemetry.prometheus`",
    )  # fmt: skip
    prometheus_registry: Any = env(
        "", None, checks.registry, help="a `CollectorRegistry` of yours, whose metrics are served beside ours"
    )
    span_queue_size: int = env(
        "OTEL_BSP_MAX_QUEUE_SIZE", 8192, checks.whole(1, 8192), help="spans kept while the collector is away"
    )
    span_batch_size: int = env(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, checks.whole(1, 512), help="spans in one export at most"
    )
    span_interval: float = env(
        "OTEL_BSP_SCHEDULE_DELAY", 0.25, checks.milliseconds(1, 250),
        help="time until a span is exported: milliseconds; the argument in seconds",
    )  # fmt: skip
    log_queue_size: int = env(
        "OTEL_BLRP_MAX_QUEUE_SIZE", 8192, checks.whole(1, 8192), help="log records kept while the collector is away"
    )
    log_batch_size: int = env(
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", 512, checks.whole(1, 512), help="log records in one export at most"
    )
    log_interval: float = env(
        "OTEL_BLRP_SCHEDULE_DELAY", 0.25, checks.milliseconds(1, 250),
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


def load(arguments: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """Return the settings. Raises `ConfigurationError` with all mistakes."""
    reader = _Reader(arguments, environ)
    values = {f.name: reader.value(f) for f in dataclasses.fields(Settings) if "setting" in f.metadata}
    values["traces"], values["metrics_export"], values["logs_export"] = (
        _exporter(reader, signal) for signal in SIGNALS
    )
    for variable in _LIMITS:
        reader.check(variable, checks.whole(0, 128))
    if "prometheus" in values["metrics"]:
        reader.refuse(
            _MULTIPROCESS, "asks for prometheus_client's multiprocess mode, which has no exemplars and cannot hold "
            "OpenTelemetry's metrics; unset it, and push with OTEL_METRICS_EXPORTER=otlp or give each process a port "
            "of its own in OTEL_EXPORTER_PROMETHEUS_PORT"
        )  # fmt: skip
    if reader.problems:
        raise ConfigurationError(list(dict.fromkeys(reader.problems)))
    return Settings(**values)


def _exporter(reader: "_Reader", signal: Signal) -> ExporterSettings:
    values = {f.name: reader.value(f, signal) for f in dataclasses.fields(ExporterSettings)}
    values["endpoint"] = _endpoint(values["endpoint"], values["protocol"], signal, own=reader.has_own(signal))
    settings = ExporterSettings(**values)
    if (settings.client_key is None) != (settings.client_certificate is None):
        reader.problems.append(
            "OTEL_EXPORTER_OTLP_CLIENT_KEY and OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE belong together; set both or none"
        )
    return settings


def _endpoint(endpoint: str, protocol: str, signal: Signal, *, own: bool) -> str:
    """Return the whole address: by HTTP the signal's path is added, unless the signal has a variable of its `own`."""
    if protocol == "grpc":
        return endpoint or "http://localhost:4317"
    base = endpoint or "http://localhost:4318"
    if "://" not in base:
        base = f"http://{base}"
    return base if own else f"{base.rstrip('/')}/v1/{signal}"


class _Reader:
    """Reads settings one by one and collects what is wrong with them."""

    def __init__(self, arguments: Mapping[str, object], environ: Mapping[str, str]) -> None:
        self._arguments = arguments
        self._environ = environ
        self.problems: list[str] = []

    def value(self, declared: "dataclasses.Field[Any]", signal: Signal | None = None) -> Any:
        """Return the value of one setting; where it is wrong, its default, and one problem more."""
        setting: Declared = declared.metadata["setting"]
        name, raw = self._raw(declared.name, setting.variable, signal)
        if raw is None:
            return declared.default
        try:
            return setting.check(raw)
        except ValueError as error:
            self.problems.append(f"{name}={checks.shown(raw, secret=setting.secret)} {error}")
            return declared.default

    def check(self, variable: str, check: Check) -> None:
        """Look for a mistake in a variable that somebody else reads."""
        raw = self._environ.get(variable, "").strip()
        try:
            if raw:
                check(raw)
        except ValueError as error:
            self.problems.append(f"{variable}={checks.shown(raw, secret=False)} {error}")

    def refuse(self, variables: Sequence[str], problem: str) -> None:
        """Add `problem` for each of these variables that is set."""
        for variable in variables:
            raw = self._environ.get(variable, "").strip()
            if raw:
                self.problems.append(f"{variable}={checks.shown(raw, secret=False)} {problem}")

    def has_own(self, signal: Signal) -> bool:
        """Say whether the signal's endpoint comes from the variable of this signal alone."""
        own = self._environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT", "").strip()
        return bool(own) and self._arguments.get("endpoint") is None

    def _raw(self, name: str, variable: str, signal: Signal | None) -> tuple[str, object]:
        """Return what was written for a setting, None for nothing, and where."""
        if self._arguments.get(name) is not None:
            return f"configure: {name}", self._arguments[name]
        spellings = [variable] if signal is None else [variable.format(f"{signal.upper()}_"), variable.format("")]
        for spelling in spellings:
            if self._environ.get(spelling, "").strip():
                return spelling, self._environ[spelling]
        return name, None
