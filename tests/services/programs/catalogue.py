"""Search in a shop's catalogue: Flask under gunicorn, the shelves searched side by side."""

from __future__ import annotations

import logging

from flask import Flask, Response, abort, jsonify, request
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

import telemetry
from telemetry.context import ThreadPoolExecutor

telemetry.configure("catalogue", logs="otlp")
logging.basicConfig(level=logging.INFO)
log = logging.getLogger("catalogue")
pool = ThreadPoolExecutor(4)

SHELVES = {"jackets": ["black jacket", "red coat"], "hats": ["black hat", "straw hat"], "torn": None}

app = Flask(__name__)
app.wsgi_app = OpenTelemetryMiddleware(app.wsgi_app)  # type: ignore[method-assign]


@app.get("/search")
@telemetry.endpoint("/search", docs=lambda: request.args.get("q"))
def search() -> Response:
    """Goods of some shelves whose names hold a word."""
    shelves = request.args.getlist("shelf") or ["jackets", "hats"]
    if unknown := [shelf for shelf in shelves if shelf not in SHELVES]:
        abort(404, f"there is no shelf {unknown[0]!r}")
    query = request.args["q"]
    found = [pool.submit(search_shelf, shelf, query) for shelf in shelves]
    goods = [name for names in found for name in names.result()]
    log.info("%d goods on %d shelves", len(goods), len(shelves))
    return jsonify(goods)


@telemetry.stage("search_shelf")
def search_shelf(shelf: str, query: str) -> list[str]:
    """Goods of one shelf."""
    goods = SHELVES[shelf]
    if goods is None:
        raise OSError(f"the file of shelf {shelf!r} is damaged")
    return [name for name in goods if query in name]
