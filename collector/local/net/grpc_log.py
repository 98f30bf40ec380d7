"""What gRPC's library writes to standard error: let through, but for failed handshakes, which are told once a minute.

In: standard error of this process. Out: the same, filtered. Owns a pipe and a thread, while it is open.

gRPC tells of a caller with whom it can agree on no TLS in its log alone, a line for every attempt, and has no other way
to be asked. This is for a process that is nothing but a collector.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from collector.local.net.complaints import Complaints

_HANDSHAKE = re.compile(rb"^[IWEF]\d{4} .*(Handshake failed|handshake failed)[^:]*:? ?(.*)")
PORT = "OTLP over gRPC:"
_MEANINGS = {
    "WRONG_VERSION_NUMBER": "it spoke plain text; callers have to write https://",
    "HTTP_REQUEST": "it spoke plain text; callers have to write https://",
    "UNKNOWN_CA": "it does not trust the certificate",
    "CERTIFICATE_EXPIRED": "it says that the certificate has expired",
    "CERTIFICATE_UNKNOWN": "it refuses the certificate",
    "BAD_CERTIFICATE": "it refuses the certificate",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it showed no certificate, which --tls-client-ca asks for",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not of --tls-client-ca",
}


@contextmanager
def handshakes_told_once() -> Iterator[None]:
    """Filter standard error until the end."""
    sys.stderr.flush()
    real = os.dup(2)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    os.close(writing)
    thread = threading.Thread(target=_filter, args=(reading, real), name="collector-grpc-log", daemon=True)
    thread.start()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(real, 2)  # closes the last end to write to: the thread reads the rest, and ends
        thread.join(5)
        os.close(real)


def _filter(reading: int, real: int) -> None:
    complaints = Complaints(write=lambda text: os.write(real, f"{text}\n".encode()))
    with os.fdopen(reading, "rb") as lines:
        for line in lines:
            found = _HANDSHAKE.match(line)
            if found is None:
                os.write(real, line)
            else:
                complaints.tell("handshake", f"{PORT} a caller and this port agree on no TLS: {_meaning(found[2])}")


def _meaning(said: bytes) -> str:
    text = said.decode("utf-8", "backslashreplace").strip()
    return next((f"{meaning} ({name})" for name, meaning in _MEANINGS.items() if name in text), text)
