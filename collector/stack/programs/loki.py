"""Loki.

In: `config/loki.yaml`. Out: how it runs. State: its logs, in its own folder.
"""

from collections.abc import Mapping, Sequence

from collector.stack import cache
from collector.stack.programs.asking import answers_http
from collector.stack.programs.program import CONFIG, HOST, Place, Port


class Loki:
    """Loki, all its parts in one process."""

    name = "loki"
    ports = (Port("http", 3100, "Loki", "http://"), Port("grpc", 3101))

    def prepare(self, place: Place) -> None:
        """Nothing: it makes its folders itself."""

    def command(self, place: Place) -> Sequence[str]:  # noqa: ARG002 (a Program's)
        """Loki on its one file, with the environment put in."""
        return [str(cache.binary("loki")), f"-config.file={CONFIG / 'loki.yaml'}", "-config.expand-env=true"]

    def environment(self, place: Place) -> Mapping[str, str]:
        """Where it listens and keeps its logs."""
        return {
            "LOKI_HOST": HOST,
            "LOKI_HTTP_PORT": str(place.port(self.name, "http")),
            "LOKI_GRPC_PORT": str(place.port(self.name, "grpc")),
            "LOKI_STORAGE": str(place.folder(self.name)),
        }

    def is_ready(self, place: Place) -> bool:
        """Ask it."""
        return answers_http(place.address(self.name, "http"), "/ready")
