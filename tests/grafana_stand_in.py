"""Grafana's HTTP API for tests, by HTTP on a free port: folder, data sources, boards, health.

Written from the documentation of Grafana 13.0, "HTTP API" (legacy APIs: folder.md, data_source.md, dashboard.md and
other.md of grafana/grafana, `docs/sources`, November 2026): paths, bodies, what Grafana adds, and the statuses 200,
401, 403, 404, 409 and 412 with their bodies. `answers` makes it misbehave. It keeps everything in memory.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "glsa_of-a-test"
VERSION = "13.0.1"
Json = Any
Answer = tuple[int, Json]


@dataclass(frozen=True)
class Odd:
    """An answer in place of the right one.

    `piece_s` is the pause before each byte of its body; `missing` is how many announced bytes do not come.
    """

    status: int
    body: Json = ""  # text is sent as it is
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    piece_s: float = 0.0
    missing: int = 0


@dataclass
class GrafanaStandIn:
    """What it holds, what it was asked, and how it misbehaves."""

    address: str = ""
    prefix: str = ""  # the path that it is served under
    folders: dict[str, Json] = field(default_factory=dict)
    sources: dict[str, Json] = field(default_factory=dict)
    boards: dict[str, Json] = field(default_factory=dict)  # {"dashboard", "meta"}
    asked: list[tuple[str, str, Json]] = field(default_factory=list)
    answers: dict[tuple[str, str], Odd] = field(default_factory=dict)  # by method and path

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.address}{self.prefix}"

    def changes(self) -> list[tuple[str, str]]:
        """The requests that change something: method and path."""
        return [(method, path) for method, path, _ in self.asked if method != "GET"]

    def respond(self, method: str, path: str, token: str, body: Json) -> Answer | Odd:
        """Answer one request."""
        if not path.startswith(f"{self.prefix}/api/"):
            return 404, {"message": "Not found"}
        path = path.removeprefix(self.prefix)
        self.asked.append((method, path, body))
        if odd := self.answers.get((method, path)):
            return odd
        if (method, path) == ("GET", "/api/health"):
            return 200, {"commit": "abc", "database": "ok", "version": VERSION}
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Invalid API key"}
        kind, _, rest = path.removeprefix("/api/").partition("/")
        of = {"folders": self._folders, "datasources": self._sources, "dashboards": self._boards}.get(kind)
        return of(method, rest, body) if of else (404, {"message": "Not found"})

    def _folders(self, method: str, rest: str, body: Json) -> Answer:
        if method == "GET":
            found = self.folders.get(rest)
            return (200, found) if found else (404, {"message": "folder not found", "status": "not-found"})
        if body["uid"] in self.folders:
            return 409, {"message": "a folder with the same name already exists"}
        self.folders[body["uid"]] = {"id": 1, **body, "url": f"/dashboards/f/{body['uid']}", "version": 1}
        return 200, self.folders[body["uid"]]

    def _sources(self, method: str, rest: str, body: Json) -> Answer:
        uid = rest.removeprefix("uid/")
        if method == "GET":
            found = self.sources.get(uid)
            return (200, found) if found else (404, {"message": "Data source not found"})
        if method == "POST":
            if any(source["name"] == body["name"] for source in self.sources.values()):
                return 409, {"message": "data source with the same name already exists"}
            added = {"id": len(self.sources) + 1, "orgId": 1, "isDefault": False, "readOnly": False, "version": 1}
            self.sources[body["uid"]] = {"basicAuth": False, "user": "", "database": "", **added, **body}
            return 200, {"datasource": self.sources[body["uid"]], "message": "Datasource added", "name": body["name"]}
        if uid not in self.sources:
            return 404, {"message": "Data source not found"}
        if self.sources[uid]["readOnly"]:
            return 403, {"message": "Cannot update read-only data source"}
        self.sources[uid] = {**self.sources[uid], **body}
        return 200, {"datasource": self.sources[uid], "message": "Datasource updated", "name": body["name"]}

    def _boards(self, method: str, rest: str, body: Json) -> Answer:
        if method == "GET":
            found = self.boards.get(rest.removeprefix("uid/"))
            return (200, found) if found else (404, {"message": "Dashboard not found"})
        sent, uid = body["dashboard"], body["dashboard"]["uid"]
        there = self.boards.get(uid)
        if body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        if there and not sent.get("id") and not body["overwrite"]:
            return 412, {"message": "A dashboard with the same uid already exists", "status": "name-exists"}
        if there and sent.get("version") != there["dashboard"]["version"] and not body["overwrite"]:
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        version = there["dashboard"]["version"] + 1 if there else 1
        number = there["dashboard"]["id"] if there else len(self.boards) + 1
        self.boards[uid] = {
            "dashboard": {**sent, "id": number, "version": version},
            "meta": {"folderUid": body["folderUid"], "provisioned": False, "url": f"/d/{uid}", "version": version},
        }
        return 200, {"id": number, "uid": uid, "status": "success", "version": version, "slug": uid, "url": f"/d/{uid}"}


@contextmanager
def grafana_stand_in(**behaviour: Any) -> Iterator[GrafanaStandIn]:
    """Run one."""
    grafana = GrafanaStandIn(**behaviour)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            answer = grafana.respond(self.command, self.path, self.headers.get("authorization", ""), body)
            odd = answer if isinstance(answer, Odd) else Odd(*answer)
            text = odd.body.encode() if isinstance(odd.body, str) else json.dumps(odd.body).encode()
            ended.wait(odd.delay_s)
            self.send_response(odd.status)
            for name, value in (("content-type", "application/json"), *odd.headers):
                self.send_header(name, value)
            if odd.status != 204:
                self.send_header("content-length", str(len(text) + odd.missing))
            self.end_headers()
            self._write(text, odd.piece_s)
            self.close_connection = bool(odd.missing)

        def _write(self, text: bytes, piece_s: float) -> None:
            pieces = [text] if not piece_s else [text[place : place + 1] for place in range(len(text))]
            for piece in pieces:
                if ended.wait(piece_s):
                    return
                try:
                    self.wfile.write(piece)
                except OSError:  # nobody waits any more
                    return

        do_POST = do_PUT = do_GET  # noqa: N815  (names of the server)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    ended = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    grafana.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield grafana
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
