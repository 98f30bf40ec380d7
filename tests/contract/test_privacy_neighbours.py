"""Instrumentations of others, which write into the provider that `configure` sets: they record no query by themselves.

FastAPI has its own; those of requests, httpx and WSGI (on which Flask's is built) are OpenTelemetry's. Flask's, which
pins another release of them, cannot be installed beside these.
"""

from typing import Any

import pytest

from tests.otlp_stand_in import attributes, stand_in
from tests.unit.own_process import python

PROGRAM = """
import threading, wsgiref.simple_server
import httpx, requests, uvicorn
from fastapi import FastAPI
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

handle = telemetry.configure("shop", endpoint=sys.argv[1], metrics="none", capture_content=sys.argv[2])
app = FastAPI()

@app.get("/search")
def search(q: str):
    return {}

def wsgi(environ, start):
    start("200 OK", [])
    return [b""]

RequestsInstrumentor().instrument()
HTTPXClientInstrumentor().instrument()
class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args): pass
plain = wsgiref.simple_server.make_server("127.0.0.1", 0, OpenTelemetryMiddleware(wsgi), handler_class=Quiet)
threading.Thread(target=plain.serve_forever, args=(0.02,), daemon=True).start()
config = uvicorn.Config(app, port=0, log_config=None, lifespan="off")
listening = config.bind_socket()
listening.listen()
server = uvicorn.Server(config)
serving = threading.Thread(target=server.run, args=([listening],), daemon=True)
serving.start()
asked = "/search?q=my+illness&next=%2Flogin%3Fpassword%3Dhunter22#top"
for port in (listening.getsockname()[1], plain.server_port):
    requests.get(f"http://ada:secretive@127.0.0.1:{port}{asked}", timeout=10)
    httpx.get(f"http://ada:secretive@127.0.0.1:{port}{asked}", timeout=10)
server.should_exit = True
serving.join()
plain.shutdown()
plain.server_close()
show(handle.shutdown(10))
"""

FILLED = {"url.full", "http.url", "url.query", "http.target"}


@pytest.mark.parametrize("capture", ["false", "true"])
def test_no_neighbour_records_what_was_searched_for(capture: str) -> None:
    """Unless contents are asked for; a secret in it is hidden even then, behind escapes too."""
    with stand_in() as collector:
        quiet = "import warnings; warnings.simplefilter('ignore')\n"  # theirs are not ours
        both: dict[str, Any] = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"}  # the old names and the new
        ended = python(PROGRAM, collector.grpc, capture, before=quiet, **both)
        assert ended.shown == [True], ended.err
        spans = [(span.name, attributes(span.attributes)) for span, _ in collector.spans()]
    recorded = [(name, value) for _, has in spans for name, value in has.items() if name in FILLED and "=" in value]
    assert {name for name, _ in recorded} >= {"http.url", "url.full", "url.query"}, spans
    assert len(recorded) >= 8, spans
    everything = str(spans)
    assert "hunter22" not in everything
    assert "secretive" not in everything
    assert ("illness" in everything) == (capture == "true")
    if capture == "false":
        assert [one for one in recorded if "q=[redacted:query]&next=[redacted:query]" not in one[1]] == []
