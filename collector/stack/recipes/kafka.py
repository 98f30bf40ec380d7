"""Downloads Kafka's broker: jars from Maven's repository, which `java` runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from collector.stack.shell import Shell
from collector.stack.versions import VERSIONS

POM: Final = Path(__file__).with_name("kafka-pom.xml")


class Kafka:
    """Kafka's recipe."""

    name = "kafka"
    tools = ("java", "mvn")

    @property
    def version(self) -> str:
        """The released version."""
        return VERSIONS["kafka"]["version"]

    @property
    def outputs(self) -> Sequence[str]:
        """The broker's jar and its logger, without which it logs nothing."""
        pin = VERSIONS["kafka"]
        broker = pin["artifact"].rpartition(":")[2]
        return (f"libs/{broker}-{pin['version']}.jar", f"libs/slf4j-simple-{pin['slf4j']}.jar")

    @property
    def build_inputs(self) -> Sequence[bytes]:
        """The pins and the list of jars."""
        return [repr(dict(VERSIONS["kafka"])).encode(), POM.read_bytes()]

    def make(self, shell: Shell, work: Path, out: Path) -> None:
        """Let Maven resolve the broker and copy its jars."""
        pin = VERSIONS["kafka"]
        shell.step("downloading jars")
        versions = (f"-Dkafka.version={pin['version']}", f"-Dslf4j.version={pin['slf4j']}")
        goal = ("dependency:copy-dependencies", f"-DoutputDirectory={out / 'libs'}")
        shell.run("mvn", "--batch-mode", "--no-transfer-progress", "-f", str(POM), *versions, *goal, cwd=work)
