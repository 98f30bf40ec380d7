"""Logs what strangers do wrong, at most once a minute for each kind: a log that anyone could flood helps nobody.

In: kinds and messages, from any thread; standard error of this process. Out: log lines; standard error, filtered. Owns
when each kind was logged last, and how many were not; a pipe and a thread, while gRPC's log is filtered.

gRPC tells of a caller with whom it can agree on no TLS in its log alone, a line for every attempt, and has no other way
to be asked. The filter is for a process that is nothing but a collector.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from telemetry.otlp.tls_reasons import client_problem

EVERY_S = 60.0
_log = logging.getLogger("collector.local")


class Complaints:
    """What the ports tell the person who runs the collector."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, write: Callable[[str], object] = _log.warning
    ) -> None:
        self._clock = clock
        self._write = write
        self._lock = threading.Lock()  # guards _told and _untold
        self._told: dict[str, float] = {}
        self._untold: dict[str, int] = {}

    def tell(self, kind: str, message: str) -> None:
        """Log `message`, unless its `kind`, one of a fixed few, was logged within the last minute: then count it."""
        with self._lock:
            now = self._clock()
            if kind in self._told and now - self._told[kind] < EVERY_S:
                self._untold[kind] = self._untold.get(kind, 0) + 1
                return
            self._told[kind] = now
            untold = self._untold.pop(kind, 0)
        more = f" ({untold} more like it since the last such line)" if untold else ""
        self._write(f"{message}{more}")


_HANDSHAKE = re.compile(rb"^[IWEF]\d{4} .*(Handshake failed|handshake failed)[^:]*:? ?(.*)")
PORT = "OTLP over gRPC:"
HANDSHAKE_FAILED = "the TLS handshake with a caller failed"


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
                message = found[2].decode("utf-8", "backslashreplace").strip()
                complaints.tell("handshake", f"{PORT} {HANDSHAKE_FAILED}: {client_problem(message)}")
