"""A page of metrics like Qdrant's, for boards on a server that the tests do not have.

In: nothing. Out: the address of a page. State: an HTTP server, closed with its block.

Names, labels and kinds are those of Qdrant's source, `src/common/metrics` of 2026, with `metrics_prefix: qdrant_` and
`?per_collection=true`; the values are made up, and rise with time. Nothing here was answered by a server.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

COLLECTION = "goods"
_BOUNDS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 20.0, 50.0)
_REST = 'method="POST",endpoint="/collections/{collection_name}/points/query"'
_GRPC = 'endpoint="/qdrant.Points/Upsert"'


def page(seconds: float) -> str:
    """The page of a server that has served for so long: 20 queries and 2 upserts a second, a few of them refused."""
    served, written, refused = int(20 * seconds), int(2 * seconds), int(seconds / 10)
    lines = [
        f'qdrant_collection_points{{id="{COLLECTION}"}} {1000 + written}',
        f'qdrant_collection_vectors{{collection="{COLLECTION}",vector=""}} {1000 + written}',
        f'qdrant_collection_indexed_only_excluded_points{{id="{COLLECTION}",vector=""}} {written % 100}',
        f'qdrant_collection_running_optimizations{{id="{COLLECTION}"}} {int(seconds) % 2}',
        f'qdrant_collection_update_queue_length{{id="{COLLECTION}"}} {int(seconds) % 5}',
        f'qdrant_collection_update_queue_deferred_points{{id="{COLLECTION}"}} {int(seconds) % 3}',
        "qdrant_collection_dead_replicas 0",
        f'qdrant_collection_hardware_metric_cpu{{id="{COLLECTION}"}} {served * 100}',
        "qdrant_memory_resident_bytes 2.5e+08",
        *_responses("rest", f'{_REST},status="200"', served, timed=True),
        *_responses("rest", f'{_REST},status="404"', refused, timed=False),
        *_responses("grpc", f'{_GRPC},status="0"', written, timed=True),
    ]
    return "\n".join(lines) + "\n"


def _responses(kind: str, labels: str, count: int, *, timed: bool) -> Iterator[str]:
    """Counters of an endpoint; Qdrant times over HTTP what has the status 200 alone."""
    labels = f'{labels},collection="{COLLECTION}"'
    yield f"qdrant_{kind}_responses_total{{{labels}}} {count}"
    if timed:
        for bound in _BOUNDS:
            within = int(count * min(1.0, bound / 0.01))
            yield f'qdrant_{kind}_responses_duration_seconds_bucket{{{labels},le="{bound:g}"}} {within}'
        yield f'qdrant_{kind}_responses_duration_seconds_bucket{{{labels},le="+Inf"}} {count}'
        yield f"qdrant_{kind}_responses_duration_seconds_sum{{{labels}}} {count * 0.004}"
        yield f"qdrant_{kind}_responses_duration_seconds_count{{{labels}}} {count}"


@contextmanager
def recorded_qdrant() -> Iterator[str]:
    """Serve the page; yields `HOST:PORT`."""
    began = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page(time.monotonic() - began).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's)
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, name="recorded-qdrant")
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
