"""VictoriaLogs, with its data in its own folder."""

from collections.abc import Mapping, Sequence
from typing import Final

from collector.stack import cache
from collector.stack.programs.asking import answers_http
from collector.stack.programs.program import Place, Port

FLAGS: Final = (
    "-retentionPeriod=3d",  # as long as Jaeger keeps the trace
    "-retention.maxDiskSpaceUsageBytes=8GB",
    "-inmemoryDataFlushInterval=1s",  # without a write-ahead log, a kill loses newer data; the default is 5 s
    "-loggerLevel=WARN",
)


class VictoriaLogs:
    """VictoriaLogs as a single process."""

    name = "victorialogs"
    ports = (
        Port(
            "http", 9428, "VictoriaLogs", "http://",
            variable="LOGS_OTLP", form="http://{}/insert/opentelemetry", scraped=True,
        ),
    )  # fmt: skip

    def prepare(self, place: Place) -> None:
        """Nothing: it creates its folders itself."""

    def command(self, place: Place) -> Sequence[str]:
        """Flags only: it has no configuration file."""
        return [
            str(cache.binary("victoria-logs")),
            f"-storageDataPath={place.folder(self.name)}",
            f"-httpListenAddr={place.address(self.name, 'http')}",
            *FLAGS,
        ]

    def environment(self, place: Place) -> Mapping[str, str]:  # noqa: ARG002 (a Program's)
        """None: it reads no variables."""
        return {}

    def is_ready(self, place: Place) -> bool:
        """By its health endpoint."""
        return answers_http(place.address(self.name, "http"), "/health")
