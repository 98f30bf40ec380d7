"""A shop's front over HTTP: its page, and its search, which asks Pamazon's gateway. A program of its own.

In: the gateway's address, the collector's for the page, the page's script. Out: its own address, as a line of JSON.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from opentelemetry import trace

import telemetry
from demo_flow.client import GatewayClient
from demo_flow.flow import REGIONS
from demo_flow.proto.pamazon_pb2 import SearchRequest
from telemetry.context import extract

GATEWAY, COLLECTOR, SCRIPT = sys.argv[1:]
PAGE = f"""<!doctype html><title>Pamazon</title><link rel="icon" href="data:,">
<body data-collector="{COLLECTOR}" data-region="de">
<input id="query"><button id="search">Search</button><ol id="found"></ol>
<script src="/page.js"></script>"""


class Front(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/search":
            with extract(dict(self.headers)):
                self._answer("application/json", json.dumps(search(parse_qs(asked.query)["q"][0])).encode())
        elif asked.path == "/page.js":
            self._answer("text/javascript", Path(SCRIPT).read_bytes())
        else:
            self._answer("text/html", PAGE.encode())

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the standard library's name)
        pass


@telemetry.endpoint("/search")
def search(query: str) -> dict[str, object]:
    """Names of goods, and the trace that the search belongs to."""
    found, _ = client.search(SearchRequest(text=query, limit=3), 30)
    trace_id = trace.get_current_span().get_span_context().trace_id
    return {"names": [match.id for match in found.results], "trace_id": trace.format_trace_id(trace_id)}


telemetry.configure("shop_front", regions=REGIONS)
with ThreadingHTTPServer(("127.0.0.1", 0), Front) as server, GatewayClient(GATEWAY) as client:
    print(json.dumps({"address": f"127.0.0.1:{server.server_port}"}), flush=True)
    server.serve_forever()
