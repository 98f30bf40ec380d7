"""Logs the mistakes of callers, at most once a minute for each kind, so that no caller can flood the log.

In: kinds and messages, from any thread; standard error of this process. Out: log lines; standard error, filtered. Owns
the time of each kind's last line, and the count of those left out; a pipe and a thread while gRPC's log is filtered.

gRPC reports a failed TLS handshake only in its log, one line for each attempt. The filter is meant for a process that
runs only a collector.
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


class LogLimiter:
    """Warnings of the ports, with a limited rate."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, write: Callable[[str], object] = _log.warning
    ) -> None:
        self._clock = clock
        self._write = write
        self._lock = threading.Lock()  # guards _logged_at and _left_out
        self._logged_at: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def warn(self, kind: str, message: str) -> None:
        """Log `message`; if its `kind`, one of a fixed few, was logged within the last minute, only count it."""
        with self._lock:
            now = self._clock()
            if kind in self._logged_at and now - self._logged_at[kind] < EVERY_S:
                self._left_out[kind] = self._left_out.get(kind, 0) + 1
                return
            self._logged_at[kind] = now
            left_out = self._left_out.pop(kind, 0)
        more = f" ({left_out} more like this since the last such line)" if left_out else ""
        self._write(f"{message}{more}")


_HANDSHAKE = re.compile(rb"^[IWEF]\d{4} .*(Handshake failed|handshake failed)[^:]*:? ?(.*)")
PORT = "OTLP over gRPC:"
HANDSHAKE_FAILED = "the TLS handshake with a caller failed"


@contextmanager
def failed_handshakes_limited() -> Iterator[None]:
    """Limit gRPC's lines about failed handshakes on standard error."""
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
        os.dup2(real, 2)  # closes the last writing end: the thread reads the rest, and ends
        thread.join(5)
        os.close(real)


def _filter(reading: int, real: int) -> None:
    limiter = LogLimiter(write=lambda text: os.write(real, f"{text}\n".encode()))
    with os.fdopen(reading, "rb") as lines:
        for line in lines:
            found = _HANDSHAKE.match(line)
            if found is None:
                os.write(real, line)
            else:
                message = found[2].decode("utf-8", "backslashreplace").strip()
                limiter.warn("handshake", f"{PORT} {HANDSHAKE_FAILED}: {client_problem(message)}")
