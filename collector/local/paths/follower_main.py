"""The process of `follower_process.py`: `python -m collector.local.paths.follower_main`.

In, as frames in standard input: the ids of traces that are decided; then how many spans were lost, how many there are,
and these by trace. Out, in standard output: values of the metrics. It ends with its input: with the collector, however
that ends, and not by a signal to both. Its priority is lower than that of others.
"""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import IO, Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import get_current_span

from collector.analysis.counting import Counting
from collector.analysis.seen import Seen
from collector.local.paths import frames
from collector.local.paths.follower import Follower
from collector.processes.priority import NICER
from telemetry.conventions import Metric

FULL_S: Final = 0.02
"""How long a full queue is waited for; meanwhile the collector waits, too."""
END_S: Final = 10.0


class ValueWriter:
    """Keeps values of metrics until they are written."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._values: list[tuple[str, float, dict[str, str], tuple[str, str] | None]] = []

    def record(self, metric: Metric, value: float, attributes: Mapping[str, str], context: Context | None) -> None:
        """Keep a value."""
        ids = None
        if context is not None:
            span = get_current_span(context).get_span_context()
            ids = (f"{span.trace_id:032x}", f"{span.span_id:016x}")
        self._values.append((metric.name, value, {key: str(text) for key, text in attributes.items()}, ids))

    def write(self) -> None:
        """Write what was recorded since the last time."""
        values, self._values = self._values, []
        with suppress(OSError):  # the collector has ended
            frames.write(values, self._out)


def follow(source: IO[bytes], out: IO[bytes]) -> None:
    """Follow the traces of all spans from `source` until it ends."""
    writer = ValueWriter(out)
    with suppress(EOFError):
        follower = Follower(Counting(writer.record), writer.write, frames.read(source))
        follower.start()
        try:
            while True:
                lost, records, spans = frames.read(source)
                follower.lose(lost)
                while not follower.offer(records, partial(_seen, spans)):
                    time.sleep(FULL_S)
        finally:
            follower.stop(END_S)


def _seen(spans: Mapping[str, Sequence[tuple[Any, ...]]]) -> Mapping[str, Sequence[Seen]]:
    return {trace_id: [tuple.__new__(Seen, span) for span in some] for trace_id, some in spans.items()}


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with suppress(OSError, AttributeError):
        # Not `os.nice`: it may have inherited the lower priority of the thread that starts another process.
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, os.getppid()) + NICER)
    follow(sys.stdin.buffer, sys.stdout.buffer)
