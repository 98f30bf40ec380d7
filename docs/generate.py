"""Writes `docs/signals.md`, `docs/settings.md` and the names in `docs/metrics.md` from what the code declares."""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from telemetry import conventions as c
from telemetry.config import standard
from telemetry.config.reader import Declared
from telemetry.config.settings import ExporterSettings, Settings
from telemetry.prometheus.names import label_name, metric_name

HERE = Path(__file__).parent


def pages() -> dict[Path, str]:
    """Return every generated page with its text."""
    return {HERE / "signals.md": signals(), HERE / "settings.md": settings(), HERE / "metrics.md": metrics()}


def metrics() -> str:
    """Return the page about metrics, with its table of what they are called in Prometheus."""
    rows = (
        (
            f"`{metric.name}`",
            ", ".join(f"`{name}`" for name in _series(metric)),
            ", ".join(f"`{label_name(attribute.name)}`" for attribute in metric.attributes),
        )
        for metric in c.METRICS
    )
    table = "\n".join(_table(("metric", "in Prometheus", "labels"), rows))
    written = (HERE / "metrics.md").read_text(encoding="utf-8")
    return re.sub(r"(<!-- names.*-->\n).*?(<!-- /names)", rf"\1{table}\n\2", written, flags=re.DOTALL)


def _series(metric: c.Metric) -> tuple[str, ...]:
    name = metric_name(metric.name, metric.unit, metric.instrument.value)
    return tuple(f"{name}_{part}" for part in ("bucket", "count", "sum")) if metric.buckets else (name,)


def signals() -> str:
    """Return the page of all spans, metrics, log events and attributes."""
    return "\n".join(
        (
            "# Signals",
            "",
            "<!-- Generated from telemetry/conventions/ by `make docs`: do not edit. -->",
            "",
            (
                "Everything that `search-telemetry` and the demo emit. Names in `search.*` are ours; the others are"
                " OpenTelemetry's, or known from Jina and CLIP-as-service."
            ),
            "",
            "## Spans",
            "",
            f"Every span of a request also has {_names(c.BAGGAGE)}, if the request does.",
            "",
            *_table(("span", "kind", "what", "attributes"), _spans()),
            "",
            "## Metrics",
            "",
            (
                "Exact at any sampling rate. An attribute keeps a limited number of values; further ones become"
                f" `{c.OTHER}` and are counted in `{c.TELEMETRY_OVERFLOW.name}`."
            ),
            "",
            *_table(("metric", "instrument, unit", "what", "attributes", "bucket bounds"), _metrics()),
            "",
            "## Log events",
            "",
            *_table(
                ("event", "what", "attributes"), ((f"`{e.name}`", e.brief, _names(e.attributes)) for e in c.EVENTS)
            ),
            "",
            "## Attributes",
            "",
            *_table(("attribute", "type", "values on metrics", "what"), _attributes()),
            "",
            "## Resource",
            "",
            "Every span, metric and log record of a process has its resource.",
            "",
            *_table(("attribute", "what"), ((f"`{a.name}`", a.brief) for a in c.RESOURCE)),
            "",
        )
    )


def settings() -> str:
    """Return the page of all settings."""
    of_process = [f for f in dataclasses.fields(Settings) if "setting" in f.metadata]
    return "\n".join(
        (
            "# Settings",
            "",
            "<!-- Generated from telemetry/config/settings.py by `make docs`: do not edit. -->",
            "",
            (
                "An argument of `telemetry.configure` overrides the variable, the variable overrides the default; an"
                " empty variable counts as unset. All mistakes are reported together at the start."
            ),
            "",
            "## The process",
            "",
            *_table(("argument", "variable", "default", "what"), map(_setting, of_process)),
            "",
            "## Export",
            "",
            (
                "The argument and the variable apply to all signals. With `TRACES_`, `METRICS_` or `LOGS_` after"
                " `OTLP_`, such as `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, a variable is for one signal and takes"
                " precedence; such an endpoint by HTTP is used as it is, while `/v1/traces` is added to the common one."
            ),
            "",
            *_table(("argument", "variable", "default", "what"), map(_setting, dataclasses.fields(ExporterSettings))),
            "",
            (
                "The limits of spans and log records (`OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT` and its like) are"
                " OpenTelemetry's own; without one, an attribute's value is cut at 16,384 characters."
            ),
            "",
            "## Standard values that are replaced",
            "",
            (
                "A value that OpenTelemetry's specification allows in a variable never stops a process. What is not"
                " implemented here is replaced by the nearest value, with one warning at the start. A value that is not"
                " standard, or an invalid argument of `configure`, is still a mistake. Variables of a signal that is"
                " off, or whose provider was set by other code, are not checked."
            ),
            "",
            *_table(("variable", "value", "becomes"), _replaced()),
            "",
        )
    )


def _replaced() -> Iterator[tuple[str, ...]]:
    words = (
        ("OTEL_TRACES_EXPORTER, …", standard.EXPORTERS),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", standard.PROTOCOLS),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", standard.COMPRESSIONS),
        (standard.HISTOGRAM_VARIABLE, standard.HISTOGRAMS),
    )
    for variable, replaced in words:
        for becomes in dict.fromkeys(ours for ours, _ in replaced.values()):
            values = ", ".join(f"`{value}`" for value, (ours, _) in replaced.items() if ours == becomes)
            yield f"`{variable}`", values, f"`{becomes}`"
    for sampler, (ours, share) in standard.REMOTE_SAMPLERS.items():
        yield "`OTEL_TRACES_SAMPLER`", f"`{sampler}`", f"`{ours}`, {share:g} or its argument's `initialSamplingRate`"
    yield from standard.OTHERS


def _spans() -> Iterator[tuple[str, ...]]:
    for span in c.SPANS:
        yield f"`{span.name}`", span.kind, span.brief, _names(span.attributes)


def _metrics() -> Iterator[tuple[str, ...]]:
    for metric in c.METRICS:
        buckets = ", ".join(str(bound) for bound in metric.buckets)
        yield (
            f"`{metric.name}`", f"{metric.instrument.value}, `{metric.unit}`", metric.brief, _names(metric.attributes),
            buckets,
        )  # fmt: skip


def _attributes() -> Iterator[tuple[str, ...]]:
    for attribute in c.ATTRIBUTES:
        if attribute not in c.RESOURCE:
            limit = "never" if attribute.limit is None else str(attribute.limit)
            yield f"`{attribute.name}`", attribute.type, limit, attribute.brief


def _setting(field: "dataclasses.Field[Any]") -> tuple[str, ...]:
    declared: Declared = field.metadata["setting"]
    variable = f"`{declared.variable.format('')}`" if declared.variable else ""
    return f"`{field.name}`", variable, _default(field.default), declared.help


def _default(value: object) -> str:
    if value in {None, "", ()}:
        return ""
    return f"`{','.join(value) if isinstance(value, tuple) else str(value).lower()}`"


def _names(attributes: Iterable[c.Attribute]) -> str:
    return ", ".join(f"`{attribute.name}`" for attribute in attributes)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
