"""Deletes the oldest telemetry, to keep the store within its limits of age and size.

In: the store's size and its oldest records, checked periodically. Out: steps of deletion, run by the writer between two
commits; counts of deleted records. Owns one thread, which only reads.

Age is checked once a minute, and deletion runs step by step until nothing is too old. Size is checked once a second
while telemetry arrives. It is the blocks in use and the log; blocks of deleted rows already count as free, since the
next checkpoint frees them. Above the limit, the oldest telemetry is deleted down to 5 % below it, so that this does not
repeat every second. Between two checkpoints the file may exceed the limit by the log
(`CollectorSettings.effective_checkpoint_bytes`) and by what arrives during a step.
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

CHECK_EVERY_S = 1.0
AGE_EVERY_S = 60.0
LOG_EVERY_S = 600.0
"""The shortest time between two log lines; each counts what was deleted since the last."""
LOW_SHARE = 0.95
"""The share of the limit at which deletion by size ends."""
WRITER_S = 600.0
"""After this time a step has failed: the writer has ended."""
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
        self._log_at = 0.0
        self._not_logged = dict.fromkeys(expiry.RECORDS, 0)
        self._seen = -1  # the store's sequence at the last check of its size

    def start(self) -> None:
        """Start to check."""
        if self._settings.retention_s is not None or self._settings.max_store_bytes is not None:
            self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """End after the current step; false if that took longer than the timeout."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def expire_by_age(self, now_unix_ns: int) -> int:
        """Delete everything that is too old at `now_unix_ns`; return how many records were deleted.

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
        """Delete the oldest until the store is well below its limit; return how many records were deleted.

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
            self._do(self._store.checkpoint)  # a query was running during the last one, which then frees nothing
        if gone:
            self._expire_unused(time.time_ns())
        return gone

    def _run(self) -> None:
        while not self._stopping.wait(CHECK_EVERY_S):
            try:
                self._check()
            except (duckdb.Error, CollectorError) as error:
                _log.debug("Nothing can be deleted now: %s", error)  # the writer reports the store's problem
                if is_damage(str(error)):
                    self._writer.do(self._store.read_all)
            except Exception:  # noqa: BLE001 (without this thread the store grows until the disk is full)
                _log.exception("Old telemetry could not be deleted.")

    def _check(self) -> None:
        if time.monotonic() >= self._age_at:
            self._age_at = time.monotonic() + AGE_EVERY_S
            self.expire_by_age(time.time_ns())
        sequence = self._store.changed.sequence
        if sequence != self._seen:
            self.expire_by_size()
            self._seen = sequence
        if any(self._not_logged.values()) and time.monotonic() >= self._log_at:
            self._log_deleted()

    def _taken(self) -> int:
        size = self._store.size()
        return size.used + size.log

    def _live(self) -> float:
        """Bytes of what is not deleted: deleted rows keep their blocks until the next checkpoint."""
        with closing(self._store.reader()) as cursor:
            return self._taken() * expiry.live_share(cursor)

    def _expire(self, step: Expiry) -> int:
        expired: Expired = self._do(lambda: self._store.expire(step))
        for signal, number in expired.items():
            self._counters.add(signal, expired=number)
            self._not_logged[signal] += number
        return sum(expired.values())

    def _expire_unused(self, before_unix_ns: int) -> None:
        with closing(self._store.reader()) as cursor:
            unused = expiry.unused(cursor, before_unix_ns)
        if unused:
            self._expire(unused)

    def _do(self, work: Callable[[], Any]) -> Any:
        return self._writer.do(work).result(timeout=WRITER_S)

    def _log_deleted(self) -> None:
        self._log_at = time.monotonic() + LOG_EVERY_S
        gone = ", ".join(
            f"{number:,} {what}"
            for what, number in zip(("spans", "metric points", "log records"), self._not_logged.values(), strict=True)
            if number
        )
        kept = f"retention {age_text(self._settings.retention_s)}, max-size {size_text(self._settings.max_store_bytes)}"
        _log.info("Deleted the oldest telemetry: %s (%s).", gone, kept)
        self._not_logged = dict.fromkeys(self._not_logged, 0)
