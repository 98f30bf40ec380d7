"""A language model behind HTTP that sends each word when the test lets it.

In: a prompt by POST. Out: words, one chunk each. State: what the test waits for and lets go.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.services.running import PATIENCE

WORDS = ("the ", "black ", "jacket")


class Model(ThreadingHTTPServer):
    """The server: `go_on` lets it send more than a first word, `let_go` is set where nobody listens any more."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.go_on = threading.Event()
        self.let_go = threading.Event()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Model

    def do_POST(self) -> None:
        """Answer a prompt: by 429 if it asks for that, for ever if it asks for that, else with all words."""
        prompt = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if "busy" in prompt:
            self.send_response(429)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._say(WORDS[0])
        if "for ever" in prompt:
            self.rfile.read(1)  # until the caller closes the connection
            self.close_connection = True
            self.server.let_go.set()
            return
        assert self.server.go_on.wait(PATIENCE)
        for word in WORDS[1:]:
            self._say(word)
        self._say("")

    def _say(self, word: str) -> None:
        self.wfile.write(f"{len(word):x}\r\n{word}\r\n".encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def model_server() -> Iterator[Model]:
    """Run the model until the block ends."""
    model = Model()
    thread = threading.Thread(target=model.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield model
    finally:
        model.shutdown()
        thread.join(PATIENCE)
        model.server_close()
