"""Pictures of what an alert links: the first screen of its board, while the incident lasts.

In: Prometheus' address, the path of the link. Out: a picture. State: the served page, until the block ends.

It needs the built page of the boards (`make dashboards-page`) and Chromium (`make browser`).
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
from PIL import Image

from demo_flow.demo import free_address
from tests.browser.driving import in_browser

WIDTH, HEIGHT = 1440, 900
_PATIENCE: Final = 30.0
"""Seconds for the page to be served."""


@contextlib.contextmanager
def boards(prometheus: str, page: Path | None = None) -> Iterator[str]:
    """Serve the boards on the data of a Prometheus; yields the page's address. `page` is its folder, if it is another.

    Raises:
        RuntimeError: it is not served.
    """
    address = free_address()
    command = [sys.executable, "-m", "telemetry", "dashboards", "preview", "--prometheus", prometheus]
    command += ["--listen", address, *(["--page", str(page)] if page else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            _await(address, server)
            yield f"http://{address}"
        finally:
            server.terminate()


def _await(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(f"http://{address}/", timeout=1)
            return
        time.sleep(0.1)
    server.kill()
    output = server.stdout.read().decode() if server.stdout else ""
    raise RuntimeError(f"The boards are not served: {output}")


def picture(address: str, link: str, file: Path) -> None:
    """Take a picture of what is behind an alert's link, of the last few minutes."""
    shot = file.with_suffix(".png")
    url = address + link.replace("from=now-1h", "from=now-3m")
    in_browser("first_screen.mjs", url=url, width=WIDTH, height=HEIGHT, dark=False, picture=str(shot), timeout_s=120)
    with Image.open(shot) as image:
        image.save(file, "WEBP", quality=82, method=6)
    shot.unlink()
