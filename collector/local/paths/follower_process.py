"""Follows traces in a process of its own: one interpreter cannot follow all that a collector can receive and store.

In: spans, from any thread. Out: values of the metrics of critical paths, on a thread of ours. State: the spans that
wait to be sent there, bounded, and the process, which ends with its input. If it ends before, a new one begins, and
knows nothing of the traces that waited.

To send a span takes a quarter of what it takes to follow it.
"""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from collector.analysis.counting import Record, exemplar
from collector.local.paths import frames
from collector.local.paths.span_queue import Read, SpanQueue
from collector.processes.priority import lower_priority
from telemetry.conventions import METRICS

AGAIN_AFTER_S: Final = 10.0
"""How long after the start of a process that ended another one may begin."""
COMMAND: Final = (sys.executable, "-P", "-m", "collector.local.paths.follower_main")
Values = Sequence[tuple[str, float, Mapping[str, str], tuple[str, str] | None]]
"""Of metrics by name, with attributes, and trace and span of an exemplar."""
_METRICS: Final = {metric.name: metric for metric in METRICS}
_log = logging.getLogger(__name__)


class FollowerProcess(SpanQueue):
    """Follows the traces of all exports, as `Follower` does.

    Args:
        record: takes the values, on a thread of ours.
        report: called after some values, every few seconds and at the end.
        decided: reads of which traces spans arrived before: an earlier process has counted or skipped them.
    """

    def __init__(self, record: Record, report: Callable[[], None], decided: Callable[[], Sequence[str]]) -> None:
        super().__init__()
        self._record = record
        self._report = report
        self._decided = decided
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._again_at = 0.0
        self._stopping = False
        self._sender = threading.Thread(target=self._send_all, name="collector-paths", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._begin()
        self._sender.start()

    @property
    def pid(self) -> int | None:
        """The process that follows; None while there is none."""
        return self._process.pid if self._process else None

    def stop(self, timeout_s: float) -> bool:
        """Count what is complete, skip the rest, and end; False if that took longer than the timeout."""
        end = time.monotonic() + timeout_s
        self._stopping = True
        self._end()
        if self._sender.is_alive():  # it is not where the collector could not start
            self._sender.join(timeout_s)
        process, reader = self._process, self._reader  # no others begin now, or it takes too long
        if process is None or reader is None:
            return not self._sender.is_alive()
        reader.join(max(0.0, end - time.monotonic()))
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False
        return True

    def _begin(self) -> None:
        """Start a process, and send it what is decided."""
        self._again_at = time.monotonic() + AGAIN_AFTER_S
        try:
            self._process = process = subprocess.Popen(
                COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )  # in a session of its own, Ctrl-C is the collector's alone
        except OSError as error:
            _log.warning("Critical paths are not counted: no process can be started: %s.", error)
            return
        self._reader = threading.Thread(target=self._read, args=(process,), name="collector-paths-read", daemon=True)
        self._reader.start()
        self._write(list(self._decided()))

    def _send_all(self) -> None:
        lower_priority()
        while (item := self._next()) is not None:
            records, read = item
            lost = self._take_lost()
            if self._process is None and time.monotonic() >= self._again_at:
                self._begin()
            if not self._send(lost, records, read):
                self.lose(lost + records)
        if lost := self._take_lost():
            self._write((lost, 0, {}))
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()

    def _send(self, lost: int, records: int, read: Read) -> bool:
        """Send some spans, and the number of those that were lost before; False if they are lost, too."""
        if self._process is None:
            return False
        try:
            spans = {trace_id: [tuple(span) for span in some] for trace_id, some in read().items()}
        except Exception:  # noqa: BLE001 (without this thread no trace would be counted any more)
            _log.exception("Spans could not be followed.")
            return False
        return self._write((lost, records, spans))

    def _write(self, frame: object) -> bool:
        process = self._process
        if process is None or process.stdin is None:
            return False
        try:
            frames.write(frame, process.stdin)
        except OSError:  # it has ended
            self._forget(process)
            return False
        return True

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        """A process has ended too soon: forget it, once all that it has written is recorded."""
        code = process.wait()
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        if self._reader is not None:
            self._reader.join()
        self._process = self._reader = None
        if not self._stopping:
            _log.warning("The process that counts critical paths ended (%d); another one will begin.", code)

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Record what a process writes, until it ends."""
        assert process.stdout is not None  # noqa: S101 (for the type checker)
        with process.stdout as written:
            while True:
                try:
                    values: Values = frames.read(written)
                except EOFError:
                    return
                for name, value, attributes, ids in values:
                    self._record(_METRICS[name], value, attributes, exemplar(*ids) if ids else None)
                self._report()
