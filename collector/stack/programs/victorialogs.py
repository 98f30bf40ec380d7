"""VictoriaLogs.

In: command-line flags. Out: how it runs. State: its logs, in its own folder.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from collector.stack import cache
from collector.stack.programs.asking import answers_http
from collector.stack.programs.program import Place, Port

FLAGS: Final = (
    "-retentionPeriod=3d",  # as long as Jaeger keeps the trace
    "-retention.maxDiskSpaceUsageBytes=8GB",
    "-inmemoryDataFlushInterval=1s",  # it has no write-ahead log: what is younger, a kill takes; 5 s usually
    "-loggerLevel=WARN",
)


class VictoriaLogs:
    """VictoriaLogs, all its parts in one process."""

    name = "victorialogs"
    ports = (
        Port(
            "http", 9428, "VictoriaLogs", "http://",
            variable="LOGS_OTLP", form="http://{}/insert/opentelemetry", scraped=True,
        ),
    )  # fmt: skip

    def prepare(self, place: Place) -> None:
        """Nothing: it makes its folders itself."""

    def command(self, place: Place) -> Sequence[str]:
        """VictoriaLogs; it has flags, and no file."""
        return [
            str(cache.binary("victoria-logs")),
            f"-storageDataPath={place.folder(self.name)}",
            f"-httpListenAddr={place.address(self.name, 'http')}",
            *FLAGS,
        ]

    def environment(self, place: Place) -> Mapping[str, str]:  # noqa: ARG002 (a Program's)
        """Nothing: it reads none."""
        return {}

    def is_ready(self, place: Place) -> bool:
        """Ask it."""
        return answers_http(place.address(self.name, "http"), "/health")
