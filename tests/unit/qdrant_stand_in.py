"""Answers a Qdrant server's REST API from the client library's own local mode, so that requests cross a real socket.

In: HTTP requests on a free port of 127.0.0.1. Out: the answers that a server gives, 404 and 401 included. State: the
collections, in memory. It builds no graph: whatever depends on one needs a real server (`PAMAZON_TEST_QDRANT_URL`).
"""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import BaseModel
from qdrant_client import QdrantClient, models


class StandIn:
    """A server for one test; `key` is what it demands, None for nothing."""

    def __init__(self, key: str | None = None) -> None:
        self.key = key
        self.client = QdrantClient(":memory:")
        self.lock = threading.Lock()  # local mode is not made for several threads
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, answer = stand_in.answer(self.command, self.path, self.headers.get("api-key"), body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()
        self.client.close()

    def answer(self, method: str, path: str, key: str | None, body: bytes) -> tuple[int, dict[str, Any]]:
        if self.key is not None and key != self.key:
            return 401, {"status": {"error": "Must provide an API key"}, "time": 0.0}
        route, _, _ = path.partition("?")
        _, _, collection, *rest = [*route.split("/"), ""]
        action = f"{method} {'/'.join(rest)}".rstrip(" /")
        with self.lock:
            if action not in {"PUT", "GET exists", "DELETE"} and not self.client.collection_exists(collection):
                return 404, {"status": {"error": f"Not found: Collection `{collection}`"}, "time": 0.0}
            result = ACTIONS[action](self.client, collection, json.loads(body or "{}"))
        if isinstance(result, BaseModel):
            result = result.model_dump(mode="json")
        return 200, {"result": result, "status": "ok", "time": 0.0}


def _create(client: QdrantClient, collection: str, body: dict[str, Any]) -> Any:
    asked = models.CreateCollection(**body)
    return client.create_collection(collection, vectors_config=asked.vectors)


def _upsert(client: QdrantClient, collection: str, body: dict[str, Any]) -> Any:
    return client.upsert(collection, models.PointsList(**body).points)


def _query(client: QdrantClient, collection: str, body: dict[str, Any]) -> Any:
    asked = models.QueryRequest(**body)
    return client.query_points(collection, asked.query, limit=asked.limit or 10, with_payload=True)


def _retrieve(client: QdrantClient, collection: str, body: dict[str, Any]) -> Any:
    return [record.model_dump(mode="json") for record in client.retrieve(collection, body["ids"], with_payload=False)]


def _delete(client: QdrantClient, collection: str, body: dict[str, Any]) -> Any:
    return client.delete(collection, body["points"])


ACTIONS: dict[str, Callable[[QdrantClient, str, dict[str, Any]], Any]] = {
    "GET": lambda client, collection, _: client.get_collection(collection),
    "GET exists": lambda client, collection, _: {"exists": client.collection_exists(collection)},
    "PUT": _create,
    "DELETE": lambda client, collection, _: client.delete_collection(collection),
    "PUT points": _upsert,
    "POST points/query": _query,
    "POST points": _retrieve,
    "POST points/delete": _delete,
    "POST points/count": lambda client, collection, _: client.count(collection),
}
