"""Finds what responds to HTTP at an exporter's address: an OTLP receiver, the local collector's API, or a web server.

A receiver accepts an empty export, which has no effect, and responds in protobuf.
"""

from typing import Final, Literal

import httpx
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from collector.doctor.network.api import client_for
from collector.doctor.network.place import Place
from telemetry.conventions import SIGNALS

Kind = Literal["receiver", "reading", "web"]

_PROTOBUF: Final = "application/x-protobuf"
_UNSURE: Final = {401, 403, 407, 429, 500, 502, 503, 504}
"""Statuses that receivers and web servers both return."""


def kind_of(place: Place) -> Kind | None:
    """Return what responds to HTTP there; None if it is not known, for example if a token is required."""
    base = f"{'https' if place.tls else 'http'}://{place.address}"
    try:
        with client_for(base, place) as client:
            if _is_for_reading(client.get(f"{base}/api/health")):
                return "reading"
            for signal in SIGNALS:  # a receiver may accept one signal only
                answer = client.post(f"{base}/v1/{signal}", content=b"", headers={"content-type": _PROTOBUF})
                if answer.status_code in _UNSURE:
                    return None
                if answer.status_code == 200 and is_response(answer.content):
                    return "receiver"
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        return None
    return "web"


def is_response(content: bytes) -> bool:
    """Whether this is the response to an export: a message of OTLP, which may be empty."""
    try:
        ExportTraceServiceResponse().ParseFromString(content)
    except DecodeError:
        return False
    return True


def _is_for_reading(answer: httpx.Response) -> bool:
    """Whether this is the health of the local collector."""
    try:
        health = answer.json() if answer.status_code == 200 else None
    except ValueError:
        return False
    return isinstance(health, dict) and health.get("status") in {"ok", "degraded"}
