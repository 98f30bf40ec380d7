"""Tells what answers HTTP where an exporter sends: a receiver of OTLP, the local collector's API, or a web server.

In: a place. Out: one word. State: none; each question opens a connection, and closes it.

A receiver takes an empty export, which holds nothing and changes nothing, and answers it in protobuf.
"""

from typing import Final, Literal

import httpx
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from collector.doctor.asking import client_for
from collector.doctor.place import Place
from telemetry.conventions import SIGNALS

Kind = Literal["receiver", "reading", "web"]

_PROTOBUF: Final = "application/x-protobuf"
_UNSURE: Final = {401, 403, 407, 429, 500, 502, 503, 504}
"""Answers of receivers and web servers alike: who are you, not now."""


def kind_of(place: Place) -> Kind | None:
    """Return what answers HTTP there; None where that cannot be told, as where callers have to show who they are."""
    base = f"{'https' if place.tls else 'http'}://{place.address}"
    try:
        with client_for(base, place) as client:
            if _is_for_reading(client.get(f"{base}/api/health")):
                return "reading"
            for signal in SIGNALS:  # a receiver of one may know nothing of the others
                answer = client.post(f"{base}/v1/{signal}", content=b"", headers={"content-type": _PROTOBUF})
                if answer.status_code in _UNSURE:
                    return None
                if answer.status_code == 200 and is_response(answer.content):
                    return "receiver"
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        return None
    return "web"


def is_response(content: bytes) -> bool:
    """Whether an export is answered so: by a message of OTLP's, which may be empty."""
    try:
        ExportTraceServiceResponse().ParseFromString(content)
    except DecodeError:
        return False
    return True


def _is_for_reading(answer: httpx.Response) -> bool:
    """Whether this is the local collector's own word on its health."""
    try:
        told = answer.json() if answer.status_code == 200 else None
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("status") in {"ok", "degraded"}
