"""Replaces values of variables that OpenTelemetry's specification allows, and that we do not support.

A process must not fail to start because of a value that the specification allows. Arguments of `configure` are not
replaced: their program can be fixed.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

Fallback = Callable[[str], tuple[Any, str] | None]
"""From the text of a variable that its check refused: the value to use, and the words that complete the warning
"VARIABLE=value …" ("" for none); or None if the specification does not allow the text."""
Replacements = Mapping[str, tuple[str, str]]
"""By a standard value: the value to use, and the words of the warning."""

_BY_OTLP: Final = ("otlp", "has {!r}, which is not supported; OTLP is used, which that backend accepts too")
EXPORTERS: Final[Replacements] = {
    "otlp_proto_grpc": ("otlp", ""),
    "otlp_proto_http": ("otlp", ""),
    "otlp/stdout": ("console", ""),
    "logging": ("console", ""),
    **dict.fromkeys(("zipkin", "zipkin_proto", "zipkin_json", "jaeger", "jaeger_proto", "jaeger_thrift"), _BY_OTLP),
}
"""Names that exporters have in OpenTelemetry; `otlp_proto_…` are those of its packages for Python."""
PROTOCOLS: Final[Replacements] = {
    "http/json": ("http/protobuf", "is not supported; http/protobuf is used, at the same address"),
}
COMPRESSIONS: Final[Replacements] = dict.fromkeys(
    ("deflate", "zlib", "zstd", "snappy", "lz4"),
    ("gzip", "is not supported; gzip is used, which every collector accepts"),
)
_NO_REMOTE_SAMPLER: Final = (
    "asks a remote service for its ratio, which is not supported; {ratio:g} of the traces are kept, and metrics stay "
    "exact; OTEL_TRACES_SAMPLER=parentbased_traceidratio with OTEL_TRACES_SAMPLER_ARG=0.1 keeps a tenth"
)
REMOTE_SAMPLERS: Final[Mapping[str, tuple[str, float]]] = {
    "jaeger_remote": ("traceidratio", 0.001),
    "parentbased_jaeger_remote": ("parentbased_traceidratio", 0.001),
    "xray": ("parentbased_traceidratio", 0.05),
}
"""By its name: the sampler in place of a remote one, and its ratio if the argument has none."""
HISTOGRAM_VARIABLE: Final = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
HISTOGRAMS: Final[Replacements] = {
    "base2_exponential_bucket_histogram": (
        "explicit_bucket_histogram", "is not supported; histograms have the bounds in docs/signals.md",
    ),
}  # fmt: skip
_PROPAGATORS: Final[Mapping[str, str]] = {
    "b3": "opentelemetry-propagator-b3",
    "b3multi": "opentelemetry-propagator-b3",
    "jaeger": "opentelemetry-propagator-jaeger",
    "xray": "opentelemetry-propagator-aws-xray",
    "ottrace": "opentelemetry-propagator-ot-trace",
}
"""The packages of the propagators that the specification names."""
OTHERS: Final = (
    ("`OTEL_PROPAGATORS`", "a standard one that is not installed", "the others, else `tracecontext,baggage`"),
    ("`OTEL_RESOURCE_ATTRIBUTES`", "an entry that is not `name=value`", "left out"),
    ("`OTEL_METRIC_EXPORT_INTERVAL`", "below `100`", "`100`"),
    ("`OTEL_EXPORTER_OTLP_TIMEOUT`", "`0`, no limit", "an hour"),
    ("`OTEL_EXPORTER_OTLP_ENDPOINT`", "a host without a port", "4317 by gRPC, 4318 by HTTP"),
    ("`OTEL_EXPORTER_OTLP_ENDPOINT`", "`ipv4:` or `ipv6:` with several addresses", "the first"),
    ("`OTEL_EXPORTER_OTLP_ENDPOINT`", "`xds:///NAME`", "`NAME` as a host"),
    ("`OTEL_EXPORTER_OTLP_ENDPOINT`", "`vsock:…`", "the default"),
    ("`OTEL_CONFIG_FILE`", "any", "not supported"),
)
"""Further replacements, for the documentation: variable, value, replacement."""
_HOST: Final = re.compile(r"[\w.-]+|\[[0-9a-fA-F:.]+\]")


def word(replacements: Replacements) -> Fallback:
    """Replace one word by another."""

    def fallback(raw: str) -> tuple[str, str] | None:
        return replacements.get(raw.strip().lower())

    return fallback


def exporters(*ours: str) -> Fallback:
    """Replace each name of an exporter that is not one of `ours`."""

    def fallback(raw: str) -> tuple[tuple[str, ...], str] | None:
        given = [part.strip().lower() for part in raw.split(",") if part.strip()]
        if any(name not in ours and name not in EXPORTERS for name in given):
            return None
        found = [(name, ("", "")) if name in ours else (name, EXPORTERS[name]) for name in given]
        notes = [note.format(name) for name, (_, note) in found if note]
        return tuple(dict.fromkeys(instead or name for name, (instead, _) in found)), "; ".join(notes)

    return fallback


def protocol_of(exporter: str) -> str:
    """Return the protocol in the names of exporters, "" for none."""
    names = {part.strip().lower() for part in exporter.split(",")}
    asked = {"otlp_proto_grpc": "grpc", "otlp_proto_http": "http/protobuf"}
    return next((protocol for name, protocol in asked.items() if name in names), "")


def sampler(raw: str) -> tuple[str, str] | None:
    """Replace a sampler that asks a remote service; `ratio_of` returns the warning."""
    found = REMOTE_SAMPLERS.get(raw.strip().lower())
    return None if found is None else (found[0], "")


def ratio_of(sampler: str, argument: str) -> tuple[float, str] | None:
    """Return the ratio of traces to keep in place of a remote sampler, and the warning; None for any other sampler."""
    found = REMOTE_SAMPLERS.get(sampler.strip().lower())
    if found is None:
        return None
    initial = re.search(r"(?:initialSamplingRate\s*=|^)\s*([\d.]+)\s*(?:,|$)", argument.strip())
    ratio = found[1]
    if initial is not None and initial[1].count(".") <= 1 and initial[1] != ".":
        ratio = min(1.0, float(initial[1]))
    return ratio, _NO_REMOTE_SAMPLER.format(ratio=ratio)


def propagators(raw: str) -> tuple[tuple[str, ...], str] | None:
    """Leave out those that are not installed; if none is left, use W3C's."""
    from importlib.metadata import entry_points

    given = [part.strip().lower() for part in raw.split(",") if part.strip()]
    installed = entry_points(group="opentelemetry_propagator").names
    missing = [name for name in given if name not in installed]
    if any(name not in _PROPAGATORS for name in missing):
        return None
    notes = [f"has {name!r}, which is not installed; pip install {package_of(name)}" for name in missing]
    left = tuple(name for name in given if name in installed) or ("tracecontext", "baggage")
    return left, f"{'; '.join(notes)}; until then, {', '.join(left)} are used"


def package_of(propagator: str) -> str:
    """Return the package of a propagator that the specification names, "" for any other."""
    return _PROPAGATORS.get(propagator, "")


def at_least(seconds: float) -> Fallback:
    """Raise an interval that is shorter than we support."""

    def fallback(raw: str) -> tuple[float, str] | None:
        if not re.fullmatch(r"\s*\d+\s*", raw):
            return None
        return seconds, "" if seconds < 0.01 else f"is shorter than supported; {seconds * 1000:g} is used"

    return fallback


def pairs(raw: str) -> tuple[tuple[tuple[str, str], ...], str] | None:
    """Keep the valid pairs."""
    items = [item.strip() for item in raw.split(",") if item.strip()]
    split = [(item, *item.partition("=")) for item in items]
    read = tuple((unquote(name.strip()), unquote(value.strip())) for _, name, sign, value in split if sign and name)
    lost = [item for item, name, sign, _ in split if not (sign and name)]
    return read, f"has {', '.join(map(repr, lost))}, which is not name=value and is left out; write name=value"


def endpoint(raw: str) -> tuple[str, str] | None:
    """Replace addresses that gRPC takes and we do not: without a port, several ones, other name services."""
    value = raw.strip()
    scheme, _, rest = value.partition(":")
    if scheme in {"ipv4", "ipv6"} and "," in unquote(rest):
        first = unquote(rest).partition(",")[0]
        return grpc_name(f"{scheme}:{first}"), f"has several addresses; only {first} is used"
    if scheme == "vsock":
        return "", "is not supported; the default is used, localhost"
    if scheme == "xds":
        value = f"dns:{rest}"
    host = grpc_name(value)
    if not _HOST.fullmatch(host):
        return (host, "is resolved as a host name, not by an xDS server") if scheme == "xds" and host else None
    return host, "has no port; the default is used, 4317 for gRPC and 4318 for HTTP"


def grpc_name(value: str) -> str:
    """Return `host:port` for gRPC's forms of it: `dns:///host:port`, `ipv4:1.2.3.4:4317`, `ipv6:%5B::1%5D:4317`."""
    scheme, separator, rest = value.partition(":")
    if not separator or scheme not in {"dns", "ipv4", "ipv6", "passthrough"}:
        return value
    rest = unquote(rest)
    if rest.startswith("//"):  # a name server may stand between the slashes
        rest = rest[2:].partition("/")[2]
    if scheme == "ipv6" and not rest.startswith("["):
        return f"[{rest}]"
    return rest
