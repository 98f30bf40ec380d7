"""`telemetry criticalpath`, which makes metrics of the critical paths of traces: a program of our own."""

import sys
from collections.abc import Mapping, Sequence

from collector.stack.programs.asking import accepts
from collector.stack.programs.program import HOST, Place, Port


class CriticalPath:
    """The program, from the Python that runs the stack.

    Arguments: `collector`, the Collector that takes its metrics.
    """

    name = "criticalpath"
    ports = (Port("otlp", 4320, variable="CRITICALPATH_OTLP"),)

    def __init__(self, collector: str = "collector") -> None:
        self._collector = collector

    def prepare(self, place: Place) -> None:
        """Nothing: it stores nothing."""

    def command(self, place: Place) -> Sequence[str]:
        """The command as a user types it; its metrics go to the Collector, if there is one."""
        command = [sys.executable, "-m", "telemetry", "criticalpath", "--grpc", place.address(self.name, "otlp")]
        if f"{self._collector}.otlp_grpc" in place.ports:
            command += ["--endpoint", f"http://{place.address(self._collector, 'otlp_grpc')}"]
        return command

    def environment(self, place: Place) -> Mapping[str, str]:  # noqa: ARG002 (a Program's)
        """Nothing: all is on the command line."""
        return {}

    def is_ready(self, place: Place) -> bool:
        """It listens once it can take spans."""
        return accepts(HOST, place.port(self.name, "otlp"))
