"""Alertmanager, with its data in its own folder.

Alertmanager reads no environment variables. Whether it sends is decided by its file: the one with a webhook, where the
user's environment names a file that has its address, else the one that sends nothing.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from collector.stack import cache
from collector.stack.errors import StackError
from collector.stack.programs.asking import answers_http
from collector.stack.programs.program import DASHBOARDS, Place, Port

VARIABLE: Final = "ALERT_WEBHOOK_FILE"
"""Names a file with the address that alerts are posted to: it is a secret, as whoever knows it can post."""

FILES: Final = DASHBOARDS / "alerts"
_URL_FILE: Final = "webhook-url"
"""What `alertmanager-webhook.yml` calls the file with the address, in the folder that the program runs in."""


class Alertmanager:
    """One Alertmanager, alone.

    Arguments: `files`, the folder with its two files; a test has others, with shorter waits.
    """

    name = "alertmanager"
    ports = (Port("web", 9093, "Alertmanager", "http://", scraped=True),)

    def __init__(self, files: Path = FILES) -> None:
        self._files = files.absolute()

    def prepare(self, place: Place) -> None:
        """Link its file, and the file with the webhook's address, into its folder."""
        webhook = webhook_file()
        _link(self._configuration(place), self._files / ("alertmanager-webhook.yml" if webhook else "alertmanager.yml"))
        _link(place.folder(self.name) / _URL_FILE, webhook)

    def command(self, place: Place) -> Sequence[str]:
        """Alertmanager; an empty cluster address: it looks for no others and opens no port for them.

        Raises:
            NotBuiltError: it is not in the cache.
            StackError: the file with the webhook's address is missing, or has none.
        """
        webhook_file()
        return [
            str(cache.binary("alertmanager")),
            f"--config.file={self._configuration(place)}",
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

    def _configuration(self, place: Place) -> Path:
        return place.folder(self.name) / "alertmanager.yml"


def receiver() -> str:
    """Return who gets the alerts, for a person to read."""
    webhook = webhook_file()
    return f"the webhook in {webhook}" if webhook else f"nobody, until {VARIABLE} names a file with a webhook's address"


def webhook_file() -> Path | None:
    """Return the file with the webhook's address, if there is to be one.

    Raises:
        StackError: it is missing, or has no address.
    """
    named = os.environ.get(VARIABLE, "").strip()
    if not named:
        return None
    path = Path(named).expanduser().absolute()
    hint = f"Write the webhook's address into it, as https://example.com/alerts, or unset {VARIABLE}."
    try:
        address = urlsplit(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError) as error:
        raise StackError(f"{VARIABLE}={named}: {getattr(error, 'strerror', None) or 'it is not text'}.", hint) from None
    if address.scheme not in {"http", "https"} or not address.netloc:
        raise StackError(f"{VARIABLE}={named}: the file does not hold an address.", hint)
    return path


def _link(link: Path, target: Path | None) -> None:
    link.unlink(missing_ok=True)
    if target is not None:
        link.symlink_to(target)
