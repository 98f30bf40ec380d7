"""Alertmanager, with its data in its own folder."""

from collections.abc import Mapping, Sequence

from collector.stack import cache
from collector.stack.programs.asking import answers_http
from collector.stack.programs.program import CONFIG, Place, Port


class Alertmanager:
    """One Alertmanager, alone."""

    name = "alertmanager"
    ports = (Port("web", 9093, "Alertmanager", "http://", scraped=True),)

    def prepare(self, place: Place) -> None:
        """Nothing."""

    def command(self, place: Place) -> Sequence[str]:
        """Alertmanager; an empty cluster address: it looks for no others and opens no port for them."""
        return [
            str(cache.binary("alertmanager")),
            f"--config.file={CONFIG / 'alertmanager.yml'}",
            f"--storage.path={place.folder(self.name)}",
            f"--web.listen-address={place.address(self.name, 'web')}",
            "--cluster.listen-address=",
        ]

    def environment(self, place: Place) -> Mapping[str, str]:  # noqa: ARG002 (a Program's)
        """None: it reads no variables."""
        return {}

    def is_ready(self, place: Place) -> bool:
        """By its health endpoint."""
        return answers_http(place.address(self.name, "web"), "/-/ready")
