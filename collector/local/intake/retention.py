"""Deletes the oldest telemetry, so that the store stays within its age and its size.

In: the store's size and its oldest records, looked at now and then. Out: steps of deleting, done by the writer between
two commits; counts of what went. Owns one thread, which only reads.

By age: looked at once a minute, and then step by step until nothing is too old. By size: looked at once a second while
something comes in. What counts is the blocks in use and the log; blocks of deleted rows count as free already, since
the next checkpoint frees them. Above the limit, the oldest goes until a twentieth below it, so that one second's
telemetry does not make work every second. Between two checkpoints the file may grow by the log
(`CollectorSettings.effective_checkpoint_bytes`) beyond the limit, and by what arrives during a step.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import duckdb

from collector.local.amounts import age_text, size_text
from collector.local.errors import CollectorError
from collector.local.intake.writer import Writer
from collector.local.settings import CollectorSettings
from collector.local.stats import Counters
from collector.local.store import expiry
from collector.local.store.damage import is_damage
from collector.local.store.expiry import Expired, Expiry
from collector.local.store.store import Store

LOOK_EVERY_S = 1.0
AGE_EVERY_S = 60.0
TELL_EVERY_S = 600.0
"""A line in the log at most so often, with what went since the one before."""
LOW_SHARE = 0.95
"""Of the largest size: below it, deleting by size ends."""
WRITER_S = 600.0
"""A step that is not done by then never will be: the writer is gone."""
NS = 1_000_000_000
_log = logging.getLogger(__name__)


class Retention:
    """Keeps one store within its limits, while its writer writes."""

    def __init__(self, store: Store, writer: Writer, counters: Counters, settings: CollectorSettings) -> None:
        self._store = store
        self._writer = writer
        self._counters = counters
        self._settings = settings
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="collector-retention", daemon=True)
        self._age_at = 0.0
        self._tell_at = 0.0
        self._untold = dict.fromkeys(expiry.RECORDS, 0)
        self._seen = -1  # the store's sequence when its size was last looked at

    def start(self) -> None:
        """Begin to look."""
        if self._settings.retention_s is not None or self._settings.max_store_bytes is not None:
            self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """End after the step under way; false when that took longer than the timeout."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def expire_by_age(self, now_unix_ns: int) -> int:
        """Delete all that arrived too long before `now_unix_ns`; return how many records went.

        Raises:
            duckdb.Error, CollectorError: the store does not work now.
        """
        if self._settings.retention_s is None:
            return 0
        limit = now_unix_ns - int(self._settings.retention_s * NS)
        gone, after = 0, 0
        while not self._stopping.is_set() and after < limit:
            with closing(self._store.reader()) as cursor:
                step = expiry.by_age(cursor, limit, after)
            if step is None:
                break
            gone += self._expire(step)
            after = step.before_unix_ns
        if gone:
            self._expire_unused(limit)
        return gone

    def expire_by_size(self) -> int:
        """Delete the oldest until the store is well below its largest size; return how many records went.

        Raises:
            duckdb.Error, CollectorError: the store does not work now.
        """
        largest = self._settings.max_store_bytes
        if largest is None or self._store.path is None or self._taken() <= largest:
            return 0
        gone = 0
        while not self._stopping.is_set():
            live = self._live()
            excess = live - LOW_SHARE * largest
            if excess <= 0 or (gone == 0 and live <= largest):
                break
            with closing(self._store.reader()) as cursor:
                step = expiry.by_share(cursor, min(1.0, excess / live))
            if step is None:
                break
            gone += self._expire(step)
        if self._taken() > largest + self._settings.effective_checkpoint_bytes():
            self._do(self._store.checkpoint)  # a query was under way during the last one, which then frees nothing
        if gone:
            self._expire_unused(time.time_ns())
        return gone

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                self._look()
            except (duckdb.Error, CollectorError) as error:
                _log.debug("Nothing expires now: %s", error)  # the writer tells what is wrong with the store
                if is_damage(str(error)):
                    self._writer.do(self._store.read_all)
            except Exception:  # noqa: BLE001 (without this thread the store grows until the disk is full)
                _log.exception("Old telemetry could not be deleted.")

    def _look(self) -> None:
        if time.monotonic() >= self._age_at:
            self._age_at = time.monotonic() + AGE_EVERY_S
            self.expire_by_age(time.time_ns())
        sequence = self._store.changed.sequence
        if sequence != self._seen:
            self.expire_by_size()
            self._seen = sequence
        if any(self._untold.values()) and time.monotonic() >= self._tell_at:
            self._tell()

    def _taken(self) -> int:
        size = self._store.size()
        return size.used + size.log

    def _live(self) -> float:
        """Bytes of what is not deleted: what was deleted has its blocks still, until the next checkpoint."""
        with closing(self._store.reader()) as cursor:
            return self._taken() * expiry.live_share(cursor)

    def _expire(self, step: Expiry) -> int:
        expired: Expired = self._do(lambda: self._store.expire(step))
        for signal, number in expired.items():
            self._counters.add(signal, expired=number)
            self._untold[signal] += number
        return sum(expired.values())

    def _expire_unused(self, before_unix_ns: int) -> None:
        with closing(self._store.reader()) as cursor:
            unused = expiry.unused(cursor, before_unix_ns)
        if unused:
            self._expire(unused)

    def _do(self, work: Callable[[], Any]) -> Any:
        return self._writer.do(work).result(timeout=WRITER_S)

    def _tell(self) -> None:
        self._tell_at = time.monotonic() + TELL_EVERY_S
        gone = ", ".join(
            f"{number:,} {what}"
            for what, number in zip(("spans", "metric points", "log records"), self._untold.values(), strict=True)
            if number
        )
        kept = f"retention {age_text(self._settings.retention_s)}, max-size {size_text(self._settings.max_store_bytes)}"
        _log.info("Deleted the oldest telemetry: %s (%s).", gone, kept)
        self._untold = dict.fromkeys(self._untold, 0)
