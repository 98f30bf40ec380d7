"""Kafka: one broker that is its own controller.

Java's properties have no variables: the file in use is the mounted one, followed by the addresses; the later line wins.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from collector.stack import cache
from collector.stack.errors import StackError
from collector.stack.programs.asking import answers_kafka
from collector.stack.programs.program import CONFIG, HOST, Place, Port
from collector.stack.shell import TOOLS

FILE: Final = CONFIG / "kafka" / "server.properties"
CLUSTER: Final = "c2VhcmNoLXRlbGVtZXRyeQ"
"""The cluster's id: 16 bytes in base64."""

HEAP: Final = "-Xmx512m"
"""The broker itself needs 256 MiB; as much again for data in transit."""


class Kafka:
    """One broker."""

    name = "kafka"
    ports = (Port("broker", 9092, "Kafka", variable="KAFKA_BROKERS"), Port("controller", 19093))

    def prepare(self, place: Place) -> None:
        """Write its properties, and format its folder the first time."""
        listen = f"PLAINTEXT://{place.address(self.name, 'broker')}"
        controller = place.address(self.name, "controller")
        lines = (
            f"listeners={listen},CONTROLLER://{controller}",
            f"advertised.listeners={listen}",
            f"controller.quorum.voters=1@{controller}",
            f"log.dirs={place.folder(self.name) / 'log'}",
        )
        text = FILE.read_text(encoding="utf-8") + "\n# Of this stack.\n" + "\n".join(lines) + "\n"
        self._properties(place).write_text(text, encoding="utf-8")
        if not (place.folder(self.name) / "log" / "meta.properties").exists():
            tool = ("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(self._properties(place)))
            subprocess.run(_java(*tool), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def command(self, place: Place) -> Sequence[str]:
        """The broker on its properties."""
        return _java(HEAP, "-Dorg.slf4j.simpleLogger.showDateTime=true", "kafka.Kafka", str(self._properties(place)))

    def environment(self, place: Place) -> Mapping[str, str]:  # noqa: ARG002 (a Program's)
        """Nothing: all is in the file."""
        return {}

    def is_ready(self, place: Place) -> bool:
        """Ask it which requests it serves."""
        return answers_kafka(HOST, place.port(self.name, "broker"))

    def _properties(self, place: Place) -> Path:
        return place.folder(self.name) / FILE.name


def _java(*arguments: str) -> list[str]:
    java = shutil.which("java")
    if java is None:
        raise StackError("java is not on the PATH, and Kafka needs it.", TOOLS["java"])
    return [java, "-cp", str(cache.built("kafka") / "libs" / "*"), *arguments]
