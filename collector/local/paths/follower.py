"""The thread that follows traces until they are finished, and counts them.

In: the spans of exports, from any thread. Out: values of the metrics of critical paths. State: the exports that wait
for it (`SpanQueue`), and the traces that wait to be finished. Nothing here holds up who hands one over.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from collector.analysis.counting import Counting
from collector.analysis.waiting import Decided, LostReason, Waiting
from collector.local.paths.span_queue import SpanQueue

REPORT_EVERY_S: Final = 5.0
"""How often the metrics are reported, if they have changed: as often as the library exports its own."""
_log = logging.getLogger(__name__)


class Follower(SpanQueue):
    """Follows the traces of all exports.

    Args:
        counting: counts the traces.
        report: called on the thread, every few seconds in which something was counted, and at the end.
        decided: traces of which spans arrived before: an earlier process has counted or skipped them.
        rest: how long it pauses after some work, in durations of that work: with 2 it takes a third of a core, and
            leaves the interpreter to the threads that receive and store.
    """

    def __init__(
        self,
        counting: Counting,
        report: Callable[[], None] = lambda: None,
        decided: Iterable[str] = (),
        *,
        rest: float = 0.0,
    ) -> None:
        super().__init__()
        self._counting = counting
        self._report = report
        self._waiting = Waiting(decided=decided)
        self._late = 0
        self._rest = rest
        self._stopping = threading.Event()
        self._report_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="collector-paths", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Count what is complete, skip the rest, and end; False if that took longer than the timeout."""
        self._stopping.set()
        self._end()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        going = True
        while going:
            try:
                going = self._step()
            except Exception:  # noqa: BLE001 (without this thread no trace would be counted any more)
                _log.exception("Critical paths could not be counted.")

    def _step(self) -> bool:
        try:
            item = self._next(self._pause())
        except queue.Empty:
            pass
        else:
            if item is None:
                self._count(self._waiting.end())
                self._count_lost()
                if self._report_at is not None:
                    self._report()
                return False
            begun = time.monotonic()
            self._count(self._waiting.add(item[1](), begun))
            self._count(self._waiting.due(begun))
            self._stopping.wait(self._rest * (time.monotonic() - begun))
        self._count(self._waiting.due(time.monotonic()))
        self._count_lost()
        if self._report_at is not None and time.monotonic() >= self._report_at:
            self._report_at = None
            self._report()
        return True

    def _pause(self) -> float | None:
        """Seconds until there is something to do without a new export; None: for ever."""
        times = [at for at in (self._waiting.next_due, self._report_at) if at is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _count(self, decided: Iterable[Decided]) -> None:
        for trace in decided:
            self._counting.count(trace)
            self._report_soon()
        self._counting.flush()

    def _count_lost(self) -> None:
        refused = self._take_lost()
        late, self._late = self._waiting.late - self._late, self._waiting.late
        for reason, spans in ((LostReason.LATE, late), (LostReason.QUEUE_FULL, refused)):
            if spans:
                self._counting.lose(reason, spans)
                self._report_soon()

    def _report_soon(self) -> None:
        if self._report_at is None:
            self._report_at = time.monotonic() + REPORT_EVERY_S
