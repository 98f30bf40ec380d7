"""The rows of the table: what they are called, and which figure of which measure stands in which library's column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

OURS: Final = "ours"
BEFORE: Final = "before"
"""Ours at another revision."""
SDK: Final = "sdk"
PEERS: Final = ("ddtrace", "logfire", "sentry", "fastotel")
COLUMNS: Final = (OURS, BEFORE, SDK, *PEERS)


ALONE: Final = ("demo",)
"""Measures of this checkout alone: the demo and the collector need its library."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. Its name is of its group, or begins with it and a hyphen: `--only` takes either."""

    name: str
    title: str
    measures: Mapping[str, str]
    """The measure of each library, with its arguments after dots: `caller.span.off`."""
    figure: str = "cpu"
    unit: str = "µs"

    def measure(self, library: str) -> str | None:
        """Return the measure of a library, None where it has none."""
        found = self.measures.get(OURS if library == BEFORE else library)
        return None if library == BEFORE and found in ALONE else found

    def asked(self, names: Iterable[str]) -> bool:
        """Say whether one of the names is this row's, or its group's."""
        return any(self.name == name or self.name.startswith(f"{name}-") for name in names)


def _of(measure: str, *libraries: str) -> dict[str, str]:
    return dict.fromkeys(libraries or (OURS, SDK), measure)


ALL: Final = (OURS, SDK, *PEERS)
_SPAN: Final = {SDK: "caller.span"}  # what a stage is compared with, though it has no metric

ROWS: Final = (
    Row("span", "OpenTelemetry's span", _of("caller.span", *ALL)),
    Row("stage", "stage, decorator", _of("caller.stage", OURS) | _SPAN),
    Row("stage-with", "stage, with", _of("caller.stage_with", OURS) | _SPAN),
    Row("stage-live", "stage, in a live handler", _of("handler.stage_with", OURS) | {SDK: "handler.span"}),
    Row("stage-live-alone", "… without interceptors",
        _of("handler.stage_with.alone", OURS) | {SDK: "handler.span.alone"}),
    Row("endpoint", "endpoint", _of("caller.endpoint", OURS) | _SPAN),
    Row("endpoint-live", "endpoint, in a live handler", _of("handler.endpoint", OURS) | {SDK: "handler.span"}),
    Row("unsampled", "sampled out: span", _of("caller.span.unsampled", *ALL)),
    Row("unsampled-stage", "sampled out: stage", _of("caller.stage.unsampled", OURS) | {SDK: "caller.span.unsampled"}),
    Row("off", "switched off: decorator", _of("caller.stage.off", OURS)),
    Row("off-with", "switched off: with",
        _of("caller.stage_with.off", OURS) | _of("caller.span.off", SDK, "ddtrace", "sentry")),
    Row("behind", "behind the caller: plain", _of("behind.span", *ALL)),
    *(Row(f"behind-{shape}", f"behind the caller: {shape}", _of(f"behind.{shape}", OURS, SDK, "fastotel"))
      for shape in ("link", "event", "error", "list")),
    *(Row(f"rpc-{kind}{more}", f"unary gRPC, {kind}: {title}", _of(f"rpc.{kind}"), figure)
      for kind in ("sync", "aio") for more, figure, title in (("", "p50", "p50 added"), ("-cpu", "cpu", "CPU added"))),
    Row("histogram", "histogram, with exemplar", _of("caller.histogram")),
    Row("import", "import and start", _of("importing", *ALL), unit="ms"),
    Row("import-memory", "… memory", _of("importing", *ALL), "memory", "MiB"),
    Row("import-memory-used", "… after a first export", _of("importing", *ALL), "memory_used", "MiB"),
    Row("lost", "lost of 20,000/s, gRPC", _of("lost.grpc"), "lost", "%"),
    Row("lost-http", "lost of 20,000/s, HTTP", _of("lost.http"), "lost", "%"),
    Row("demo", "demo: CPU a search", _of("demo", OURS), unit="ms"),
    Row("demo-throughput", "demo: throughput kept", _of("demo", OURS), "throughput", "%"),
    *(Row(f"memory-{call}{more}", f"memory, {call}: {figure}",
          _of(f"memory.{call}", OURS) | {SDK: "memory.span"}, figure, "")
      for call in ("span", "stage", "endpoint")
      for more, figure in (("", "bytes"), ("-blocks", "blocks"))),
    Row("more-two-metrics", "stage of a minibatch, two metrics", _of("caller.two_metrics", OURS)),
    Row("more-generator", "generator of ten items", _of("caller.generator", OURS)),
    Row("more-results", "stage with ten results", _of("caller.results", OURS)),
    Row("more-search", "a search: 3 endpoints, 4 stages", _of("caller.search", OURS)),
    Row("more-batch", "batch of 8, asyncio", _of("caller.batch", OURS)),
)  # fmt: skip

SHARE: Final[Mapping[str, float]] = {"handler": 0.4, "rpc": 0.2, "lost": 12, "caller.batch": 0.2, "caller.search": 0.2}
"""How many calls a measure makes of those asked for, where not all."""
ONCE: Final = ("lost", "demo")
"""What is launched once: it takes long, and has turns of its own or none."""


def groups() -> list[str]:
    """Return the names of the groups."""
    return list(dict.fromkeys(row.name.partition("-")[0] for row in ROWS))
