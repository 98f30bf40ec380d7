"""Jaeger, with its data in its own folder."""

from collections.abc import Mapping, Sequence

from collector.stack import cache
from collector.stack.programs.asking import answers_http
from collector.stack.programs.program import CONFIG, HOST, Place, Port


class Jaeger:
    """Jaeger, storage and query in one process."""

    name = "jaeger"
    ports = (
        Port("query", 16686, "Jaeger", "http://"),
        Port("query_grpc", 16685),
        Port("otlp", 14317, variable="JAEGER_OTLP"),
        Port("health", 14133),
        Port("metrics", 14888, scraped=True),
    )

    def prepare(self, place: Place) -> None:
        """Nothing: it creates its folders itself."""

    def command(self, place: Place) -> Sequence[str]:  # noqa: ARG002 (a Program's)
        """Jaeger on its one file."""
        return [str(cache.binary("jaeger")), f"--config=file:{CONFIG / 'jaeger.yaml'}"]

    def environment(self, place: Place) -> Mapping[str, str]:
        """Where it listens, keeps its traces, and finds the metrics of its Monitor page."""
        variables = {
            "JAEGER_QUERY": place.address(self.name, "query"),
            "JAEGER_QUERY_GRPC": place.address(self.name, "query_grpc"),
            "JAEGER_OTLP": place.address(self.name, "otlp"),
            "JAEGER_HEALTH": place.address(self.name, "health"),
            "JAEGER_METRICS_HOST": HOST,
            "JAEGER_METRICS_PORT": str(place.port(self.name, "metrics")),
            "JAEGER_STORAGE": str(place.folder(self.name)),
        }
        if "prometheus.web" in place.ports:
            variables["PROMETHEUS_URL"] = f"http://{place.address('prometheus', 'web')}"
        return variables

    def is_ready(self, place: Place) -> bool:
        """Ask its health extension."""
        return answers_http(place.address(self.name, "health"), "/status")
