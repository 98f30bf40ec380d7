"""The Collector, with the layers of one role; its queues are in its own folder."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collector.stack import cache
from collector.stack.programs.asking import answers_http
from collector.stack.programs.program import HOST, Place, Port

LAYERS: Final = Path(__file__).parents[2] / "otelcol"
SENTRY: Final = ("SENTRY_OTLP_ENDPOINT", "SENTRY_PUBLIC_KEY")
"""If both are set in the user's environment, the layer for Sentry is loaded."""


@dataclass(frozen=True)
class Otelcol:
    """One Collector.

    Arguments: `name`; `layers`, names of files beside the manifest, later ones over earlier ones; `sentry`, the
    layer that it ships to Sentry by, where that is configured; `shift`, added to its usual ports, so that several
    Collectors can run.
    """

    name: str
    layers: tuple[str, ...]
    sentry: str = "sentry"
    shift: int = 0

    @property
    def ports(self) -> Sequence[Port]:
        """OTLP in, health, its own metrics, and, with the layer for it, the pipeline's for Prometheus."""
        shown = self.shift == 0
        found_by = f"OTELCOL_{self.name.upper().replace('-', '_')}" if "gateway" in self.layers else ""
        return (
            Port("otlp_grpc", 4317 + self.shift, "OTLP over gRPC" if shown else "", variable=found_by),
            Port("otlp_http", 4318 + self.shift, "OTLP over HTTP" if shown else "", "http://"),
            Port("health", 13133 + self.shift),
            Port("metrics", 8888 + self.shift),
            *([Port("scrape", 8889 + self.shift)] if "prometheus" in self.layers else []),
        )

    def prepare(self, place: Place) -> None:
        """Make the folder of its queues."""
        self._storage(place).mkdir(exist_ok=True)

    def command(self, place: Place) -> Sequence[str]:  # noqa: ARG002 (a Program's)
        """The Collector on its layers."""
        layers = (*self.layers, *([self.sentry] if all(map(os.environ.get, SENTRY)) else []))
        return [str(cache.binary("search-otelcol")), *(f"--config=file:{LAYERS / layer}.yaml" for layer in layers)]

    def environment(self, place: Place) -> Mapping[str, str]:
        """Its own addresses, and those of the other programs."""
        variables = {
            "OTELCOL_OTLP_GRPC": place.address(self.name, "otlp_grpc"),
            "OTELCOL_OTLP_HTTP": place.address(self.name, "otlp_http"),
            "OTELCOL_HEALTH": place.address(self.name, "health"),
            "OTELCOL_METRICS_HOST": HOST,
            "OTELCOL_METRICS_PORT": str(place.port(self.name, "metrics")),
            "OTELCOL_STORAGE": str(self._storage(place)),
        }
        if f"{self.name}.scrape" in place.ports:
            variables["OTELCOL_SCRAPE"] = place.address(self.name, "scrape")
        for program, port in place.declared():
            if port.variable:
                variables[port.variable] = port.form.format(place.address(program.name, port.use))
        return variables

    def is_ready(self, place: Place) -> bool:
        """Ask its health extension."""
        return answers_http(place.address(self.name, "health"), "/")

    def _storage(self, place: Place) -> Path:
        return place.folder(self.name) / "queues"
