"""A program that stands in for the real ones: it serves HTTP, or misbehaves as configured."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from collector.stack.programs.asking import answers_http
from collector.stack.programs.program import HOST, Place, Port

SERVE = """
import http.server, os, sys
print("began as", os.environ.get("ROLE"), flush=True)
http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
DIE = "import sys; print('first word'); sys.exit('no such setting')"
IGNORE = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVE


@dataclass
class StandIn:
    """One such program."""

    name: str = "stand-in"
    script: str = SERVE
    usual: int = 0
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def ports(self) -> Sequence[Port]:
        return (Port("web", self.usual, f"The {self.name}", "http://"),)

    def prepare(self, place: Place) -> None:
        (place.folder(self.name) / "prepared").touch()

    def command(self, place: Place) -> Sequence[str]:
        return [sys.executable, "-c", self.script, HOST, str(place.port(self.name, "web"))]

    def environment(self, place: Place) -> Mapping[str, str]:
        return self.variables

    def is_ready(self, place: Place) -> bool:
        return answers_http(place.address(self.name, "web"), "/")
