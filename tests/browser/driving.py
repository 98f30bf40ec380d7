"""Drives a real Chromium: a script in JavaScript does what a person does, and gives back what it saw.

In: the script, its arguments, addresses that names resolve to. Out: what the script returns, and what went wrong in the
page. No state: each call starts a browser, with a profile of its own, and ends it.
"""

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.browser.environment import HERE, MODULES, chromium


@dataclass(frozen=True)
class Seen:
    """What came of a script."""

    result: Any
    problems: tuple[str, ...]
    """Errors on the page's console, and exceptions that nobody caught."""


def in_browser(script: str, *, names: Mapping[str, str] | None = None, timeout_s: float = 60, **arguments: Any) -> Seen:
    """Run a script beside this file with a page.

    Args:
        script: its name; it exports `default async (page, arguments)`.
        names: host names and the addresses that the browser takes them for.
        timeout_s: for all of it.
        arguments: for the script, as JSON.
    """
    rules = ", ".join(f"MAP {name} {address}" for name, address in (names or {}).items())
    request = {
        "script": str(HERE / script),
        "chromium": chromium(),
        "options": [f"--host-resolver-rules={rules}"] if rules else [],
        "arguments": arguments,
    }
    done = subprocess.run(
        ["node", str(HERE / "drive.mjs")],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, "NODE_PATH": str(MODULES)},
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    return Seen(seen["result"], tuple(seen["problems"]))


@contextmanager
def blank_page() -> Iterator[int]:
    """A server with an empty page, to call others from; gives its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Blank) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class _Blank(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><link rel=icon href=data:,>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the standard library's name)
        pass
