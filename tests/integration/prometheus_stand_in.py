"""A stand-in for Prometheus that keeps what it was asked.

In: the answer. Out: its address, the requests. State: a server on a free port, until the block ends.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER: dict[str, Any] = {"status": "success", "data": {"resultType": "vector", "result": []}}


@dataclass
class Asked:
    """The server: where it is, what it answers, and what it was asked."""

    port: int = 0
    status: int = 200
    answer: dict[str, Any] = field(default_factory=lambda: ANSWER)
    requests: list[tuple[str, str, str, str | None]] = field(default_factory=list)
    """Method, path with its query, body, `Authorization`."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def prometheus(port: int = 0) -> Iterator[Asked]:
    """Serve, on a port of the caller's or on a free one."""
    asked = Asked()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            asked.requests.append((self.command, self.path, body, self.headers.get("Authorization")))
            text = json.dumps(asked.answer).encode()
            self.send_response(asked.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = _answer  # noqa: N815 (the standard library's names)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the standard library's name)
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        asked.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()
