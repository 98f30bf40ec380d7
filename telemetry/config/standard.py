"""The nearest thing to what OpenTelemetry's specification allows in a variable, and we cannot do.

In: the text of a variable that its check has refused. Out: the value to go on with, and the words that complete the
sentence "VARIABLE=value …" in a warning, "" where nothing is lost; or None where the specification does not allow the
text. State: none.

A host must not fail to start for a value that is right by the specification. Arguments of `configure` are not looked
at here: what a program says itself can be put right in that program.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

Nearest = Callable[[str], tuple[Any, str] | None]
Told = Mapping[str, tuple[str, str]]

_SENT_BY_OTLP: Final = ("otlp", "has {!r}, which is not spoken here; OTLP is, which that backend takes as well")
EXPORTERS: Final[Told] = {
    "otlp_proto_grpc": ("otlp", ""),
    "otlp_proto_http": ("otlp", ""),
    "otlp/stdout": ("console", ""),
    "logging": ("console", ""),
    **dict.fromkeys(
        ("zipkin", "zipkin_proto", "zipkin_json", "jaeger", "jaeger_proto", "jaeger_thrift"), _SENT_BY_OTLP
    ),
}
"""Names that exporters have in OpenTelemetry; `otlp_proto_…` are those of its packages for Python."""
PROTOCOLS: Final[Told] = {
    "http/json": ("http/protobuf", "is not spoken here; http/protobuf is, which has the same address"),
}
COMPRESSIONS: Final[Told] = dict.fromkeys(
    ("deflate", "zlib", "zstd", "snappy", "lz4"), ("gzip", "is not known here; gzip is, which every collector takes")
)
_ASKS_NOBODY: Final = (
    "asks another service for its rate, which is not done here; {share:g} of the traces are kept, and metrics are "
    "exact all the same; OTEL_TRACES_SAMPLER=parentbased_traceidratio with OTEL_TRACES_SAMPLER_ARG=0.1 keeps a tenth"
)
REMOTE_SAMPLERS: Final[Mapping[str, tuple[str, float]]] = {
    "jaeger_remote": ("traceidratio", 0.001),
    "parentbased_jaeger_remote": ("parentbased_traceidratio", 0.001),
    "xray": ("parentbased_traceidratio", 0.05),
}
"""What they are without the service that they ask, and the share that they keep then where nothing else is said."""
HISTOGRAM_VARIABLE: Final = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
HISTOGRAMS: Final[Told] = {
    "base2_exponential_bucket_histogram": (
        "explicit_bucket_histogram", "is not done here; histograms have the bounds that docs/signals.md names",
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
    ("`OTEL_RESOURCE_ATTRIBUTES`", "what is no `name=value`", "left out"),
    ("`OTEL_METRIC_EXPORT_INTERVAL`", "below `100`", "`100`"),
    ("`OTEL_EXPORTER_OTLP_TIMEOUT`", "`0`, no limit", "an hour"),
    ("`OTEL_EXPORTER_OTLP_ENDPOINT`", "a host without a port", "4317 by gRPC, 4318 by HTTP"),
    ("`OTEL_EXPORTER_OTLP_ENDPOINT`", "`ipv4:` or `ipv6:` with several addresses", "the first"),
    ("`OTEL_EXPORTER_OTLP_ENDPOINT`", "`xds:///NAME`", "`NAME` as a host"),
    ("`OTEL_EXPORTER_OTLP_ENDPOINT`", "`vsock:…`", "the default"),
    ("`OTEL_CONFIG_FILE`", "any", "not read"),
)
"""The same in words, for the documentation: variable, value, what becomes of it."""
_HOST: Final = re.compile(r"[\w.-]+|\[[0-9a-fA-F:.]+\]")


def word(told: Told) -> Nearest:
    """Replace one word by another."""

    def nearest(raw: str) -> tuple[str, str] | None:
        return told.get(raw.strip().lower())

    return nearest


def exporters(*ours: str) -> Nearest:
    """Replace the names of exporters, each for itself; `ours` stay."""

    def nearest(raw: str) -> tuple[tuple[str, ...], str] | None:
        given = [part.strip().lower() for part in raw.split(",") if part.strip()]
        if any(name not in ours and name not in EXPORTERS for name in given):
            return None
        found = [(name, ("", "")) if name in ours else (name, EXPORTERS[name]) for name in given]
        notes = [note.format(name) for name, (_, note) in found if note]
        return tuple(dict.fromkeys(instead or name for name, (instead, _) in found)), "; ".join(notes)

    return nearest


def protocol_of(exporter: str) -> str:
    """Return the protocol that the names of exporters ask for, "" for none."""
    names = {part.strip().lower() for part in exporter.split(",")}
    asked = {"otlp_proto_grpc": "grpc", "otlp_proto_http": "http/protobuf"}
    return next((protocol for name, protocol in asked.items() if name in names), "")


def sampler(raw: str) -> tuple[str, str] | None:
    """Replace a sampler that asks a service for its rate; `share_of` gives the words."""
    found = REMOTE_SAMPLERS.get(raw.strip().lower())
    return None if found is None else (found[0], "")


def share_of(sampler: str, argument: str) -> tuple[float, str] | None:
    """Return the share of traces to keep in the place of such a sampler, with the words; None for any other sampler."""
    found = REMOTE_SAMPLERS.get(sampler.strip().lower())
    if found is None:
        return None
    rate = re.search(r"(?:initialSamplingRate\s*=|^)\s*([\d.]+)\s*(?:,|$)", argument.strip())
    share = found[1]
    if rate is not None and rate[1].count(".") <= 1 and rate[1] != ".":
        share = min(1.0, float(rate[1]))
    return share, _ASKS_NOBODY.format(share=share)


def propagators(raw: str) -> tuple[tuple[str, ...], str] | None:
    """Leave out those that are not installed; where none is left, W3C's, which are."""
    from importlib.metadata import entry_points

    given = [part.strip().lower() for part in raw.split(",") if part.strip()]
    there = entry_points(group="opentelemetry_propagator").names
    missing = [name for name in given if name not in there]
    if any(name not in _PROPAGATORS for name in missing):
        return None
    notes = [f"has {name!r}, which is not installed; pip install {package_of(name)}" for name in missing]
    left = tuple(name for name in given if name in there) or ("tracecontext", "baggage")
    return left, f"{'; '.join(notes)}; until then {', '.join(left)} carry the context"


def package_of(propagator: str) -> str:
    """Return the package of a propagator that the specification names, "" for any other."""
    return _PROPAGATORS.get(propagator, "")


def at_least(seconds: float) -> Nearest:
    """Lengthen a span of time that is shorter than what we do."""

    def nearest(raw: str) -> tuple[float, str] | None:
        if not re.fullmatch(r"\s*\d+\s*", raw):
            return None
        return seconds, "" if seconds < 0.01 else f"is shorter than is done here; it is {seconds * 1000:g}"

    return nearest


def pairs(raw: str) -> tuple[tuple[tuple[str, str], ...], str] | None:
    """Keep the pairs that can be read."""
    items = [item.strip() for item in raw.split(",") if item.strip()]
    split = [(item, *item.partition("=")) for item in items]
    read = tuple((unquote(name.strip()), unquote(value.strip())) for _, name, sign, value in split if sign and name)
    lost = [item for item, name, sign, _ in split if not (sign and name)]
    return read, f"has {', '.join(map(repr, lost))}, which is no name=value and is left out; write name=value"


def endpoint(raw: str) -> tuple[str, str] | None:
    """Replace what gRPC takes for an address and we do not: no port, several addresses, names of other services."""
    value = raw.strip()
    scheme, _, rest = value.partition(":")
    if scheme in {"ipv4", "ipv6"} and "," in unquote(rest):
        first = unquote(rest).partition(",")[0]
        return grpc_name(f"{scheme}:{first}"), f"has several addresses; only {first} is used"
    if scheme == "vsock":
        return "", "is not reached here; the default is used, localhost"
    if scheme == "xds":
        value = f"dns:{rest}"
    host = grpc_name(value)
    if not _HOST.fullmatch(host):
        return (host, "is not looked up at an xDS server here, but as a host") if scheme == "xds" and host else None
    return host, "names no port; the usual one is used, 4317 by gRPC and 4318 by HTTP"


def grpc_name(value: str) -> str:
    """Return `host:port` for gRPC's spellings of it: `dns:///host:port`, `ipv4:1.2.3.4:4317`, `ipv6:%5B::1%5D:4317`."""
    scheme, separator, rest = value.partition(":")
    if not separator or scheme not in {"dns", "ipv4", "ipv6", "passthrough"}:
        return value
    rest = unquote(rest)
    if rest.startswith("//"):  # a name server may stand between the slashes
        rest = rest[2:].partition("/")[2]
    if scheme == "ipv6" and not rest.startswith("["):
        return f"[{rest}]"
    return rest
