"""The one thread that writes: stores the waiting exports in one transaction, and answers each.

In: decoded exports from any thread, and chores to be done between two commits. Out: rows in the store; each export
accepted once it is durable, or refused; a chore's result. Owns the queue (limited by the budget), the digests of recent
exports, and the state of the store.
"""

from __future__ import annotations

import logging
import queue
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import duckdb

from collector.local.errors import CollectorError, MalformedError, StoreUnavailableError
from collector.local.intake.export import Export
from collector.local.intake.rhythm import Rhythm
from collector.local.settings import CollectorSettings
from collector.local.store.damage import is_damage
from collector.local.store.store import Store

FOLD_EVERY_S, FOLD_MANY_EVERY_S = 2.5, 1.0
"""How often summaries of traces are folded, of which no span came since the last time but one, or for longer; and the
same where there are many. A fold of few takes 40 ms of CPU, too."""
PRUNE_EVERY_S = 600.0
"""How often old digests of exports are deleted from the store."""
BAD_VALUE = (duckdb.DataError, duckdb.IntegrityError)
"""DuckDB cannot store a value. Any other error means that the store itself does not work."""
ROOM_BYTES = 4 << 20
"""A disk with less free space counts as full: a reopened store could be read, but would fail at the next write."""
GATHER_S = 0.1
"""How long a transaction waits for exports that are being decoded: ten milliseconds of its CPU do not depend on its
size, so that senders who come together are answered sooner for it."""
TOGETHER_S = 0.15
"""How long it waits for the next export of senders who are due, after the first one. It is more than half of the pause
that our own senders make, so that all of them come together after a while."""
_log = logging.getLogger(__name__)


@dataclass
class Chore:
    """Work on the store between two commits, by the writing thread."""

    work: Callable[[], Any]
    done: Future[Any] = field(default_factory=Future)

    def refuse(self, why: str) -> None:
        """Report that it cannot be done now."""
        self.done.set_exception(CollectorError(why))


class Writer:
    """Group commit: while one transaction is written, the next one gathers."""

    def __init__(
        self, store: Store, settings: CollectorSettings, stored: Callable[[Export], None] = lambda _: None
    ) -> None:
        """Write to `store`; `stored` is called with each export once it is durable, before its sender is answered."""
        self._store = store
        self._settings = settings
        self._stored = stored
        self._queue: queue.SimpleQueue[Export | Chore | None] = queue.SimpleQueue()
        self._expected: set[int] = set()
        self._rhythm = Rhythm()
        self._recent: OrderedDict[str, int] = OrderedDict()
        self._thread = threading.Thread(target=self._run, name="collector-writer", daemon=True)
        self._retry_at = 0.0
        self._damaged = False
        self._failing_since = 0.0  # by the monotonic clock; 0: it works. Logged at the start and at the end
        self._prune_at = time.monotonic() + PRUNE_EVERY_S
        self._folded_at = time.monotonic()
        self.problem = ""
        """Why the store cannot write now; empty when it can."""
        self.commits = 0
        """Transactions since the start."""

    def start(self) -> None:
        """Start to write."""
        self._recall()
        self._thread.start()

    def expect(self, export: Export) -> None:
        """An export is about to be decoded: a transaction may wait for it a little."""
        key = id(export)
        self._expected.add(key)
        export.answer.add_done_callback(lambda _: self._expected.discard(key))

    def put(self, export: Export) -> None:
        """Add a decoded export to the queue; it will be answered."""
        self._queue.put(export)
        self._expected.discard(id(export))

    def do(self, work: Callable[[], Any]) -> Future[Any]:
        """Run `work` between two commits, in the writing thread; at once if nothing waits to be stored.

        The future has its result or exception, or a `CollectorError` if the store does not work now.
        """
        chore = Chore(work)
        self._queue.put(chore)
        return chore.done

    def idle(self, timeout_s: float) -> bool:
        """Wait until all that waits now has been written; false if that took longer than the timeout."""
        waited = threading.Event()
        self.do(lambda: None).add_done_callback(lambda _: waited.set())
        return waited.wait(timeout_s)

    def stop(self, timeout_s: float) -> bool:
        """Write the waiting exports, then end; false if that took longer than the timeout."""
        self._queue.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        going = True
        while going:
            group, chore, going = self._gather()
            try:
                self._reopen_if_due()
                self._store_group(self._without_duplicates(group))
                self._rhythm.answered(time.monotonic())
                self._prune()
                self._fold()
            except Exception as error:  # noqa: BLE001 (without this thread no export is answered)
                self._fail(group, f"{type(error).__name__}: {error}")
            if chore:
                self._work(chore)

    def _gather(self) -> tuple[list[Export], Chore | None, bool]:
        """Wait for an export; take it and the next ones, up to the group's size or a chore. False: the end.

        Those that are being decoded, or due, are waited for, but not for long. If the store has failed, the wait is
        limited: readers need it reopened even if no export arrives. So it is while summaries wait to be folded.
        """
        group: list[Export] = []
        size = 0
        try:
            item = self._queue.get(timeout=self._patience())
            begun = time.monotonic()
            while isinstance(item, Export):
                group.append(item)
                self._rhythm.came(item, time.monotonic())
                size += item.hold.size
                if size >= self._settings.group_bytes:
                    return group, None, True
                item = self._next(begun)
        except queue.Empty:
            return group, None, True
        return group, item, item is not None

    def _next(self, begun: float) -> Export | Chore | None:
        """The next of the queue. Raises `queue.Empty` if there is none, nor one expected soon after the first."""
        now = time.monotonic()
        left = self._rhythm.wait(now, begun + TOGETHER_S)
        if self._expected:
            left = max(left, begun + GATHER_S - now)
        return self._queue.get(timeout=left) if left > 0 else self._queue.get_nowait()

    def _patience(self) -> float | None:
        if self.problem:
            return self._settings.reopen_after_s
        return max(0.0, self._fold_at - time.monotonic()) if self._store.has_parts else None

    @property
    def _fold_at(self) -> float:
        return self._folded_at + (FOLD_MANY_EVERY_S if self._store.has_many_parts else FOLD_EVERY_S)

    def _fold(self) -> None:
        """Fold summaries, if it is time."""
        if self.problem or time.monotonic() < self._fold_at:
            return
        if self._store.has_parts:
            self._store.fold(time.time_ns())
        self._folded_at = time.monotonic()

    def _work(self, chore: Chore) -> None:
        """Do it. An error is the store's problem, and the chore's result."""
        if self.problem:
            chore.refuse(f"the store cannot write: {self.problem}")
            return
        try:
            chore.done.set_result(chore.work())
        except Exception as error:  # noqa: BLE001 (as above)
            self._fail((), str(error))
            chore.done.set_exception(error)

    def _reopen_if_due(self) -> None:
        if not self.problem or time.monotonic() < self._retry_at:
            return
        try:
            self._reopen()
            self._recall()
            self._retry_at = time.monotonic() + self._settings.reopen_after_s
            self.problem = "" if self._has_room() else f"no space left on the disk of {self._store.path}"
        except (duckdb.Error, CollectorError) as error:
            self._fail((), str(error))

    def _reopen(self) -> None:
        """Open the store again, or start a new one if it is damaged."""
        if self._damaged:
            self._store.start_afresh(f"The store {self._store.path} is damaged ({self.problem})")
            self._damaged = False
        else:
            self._store.reopen()

    def _has_room(self) -> bool:
        path = self._store.path
        return path is None or shutil.disk_usage(path.parent).free >= ROOM_BYTES

    def _without_duplicates(self, group: Sequence[Export]) -> list[list[Export]]:
        """The exports that are not stored yet, grouped by equal bytes; the first of each group is stored."""
        fresh: dict[str, list[Export]] = {}
        for export in group:
            if export.digest in self._recent:
                export.accept(duplicate=True)
            else:
                fresh.setdefault(export.digest, []).append(export)
        return list(fresh.values())

    def _store_group(self, group: list[list[Export]]) -> None:
        if self.problem:
            self._fail([export for same in group for export in same], self.problem)
            return
        try:
            self._write(group)
        except BAD_VALUE as error:
            self._store_one_by_one(group, error)
        except (duckdb.Error, CollectorError) as error:
            self._fail([export for same in group for export in same], str(error))

    def _store_one_by_one(self, group: list[list[Export]], error: duckdb.Error) -> None:
        """DuckDB cannot store a value in the group: refuse only the export that has it."""
        if len(group) > 1:
            for same in group:
                self._store_group([same])
            return
        for export in group[0]:
            export.refuse(MalformedError(f"the export cannot be stored: {error}"))

    def _write(self, group: list[list[Export]]) -> None:
        """One transaction; afterwards everything in it is durable."""
        if not group:
            return
        now = time.time_ns()
        firsts = [same[0] for same in group]
        self._store.write([export.decoded for export in firsts], [export.digest for export in firsts], now)
        self.commits += 1
        if self._failing_since:
            _log.warning("The store writes again after %.0f s.", time.monotonic() - self._failing_since)
            self._failing_since = 0.0
        for same in group:
            self._recent[same[0].digest] = now
            self._stored(same[0])
            for position, export in enumerate(same):
                export.accept(duplicate=position > 0)
        while len(self._recent) > self._settings.remembered_exports:
            self._recent.popitem(last=False)

    def _fail(self, group: Sequence[Export], problem: str) -> None:
        """The store does not work: refuse these exports, and reopen it a little later."""
        if not self.problem or time.monotonic() >= self._retry_at:
            self._retry_at = time.monotonic() + self._settings.reopen_after_s
        self.problem = problem.partition("\n")[0]
        self._damaged = is_damage(problem)
        if not self._failing_since:
            self._failing_since = time.monotonic()
            _log.warning("The store cannot write: %s. Senders are asked to retry; reading still works.", self.problem)
        why = f"the store cannot write: {self.problem}"
        for export in group:
            if not export.answer.done():
                export.refuse(StoreUnavailableError(why, "exporters retry by themselves", self._settings.retry_after_s))

    def _recall(self) -> None:
        """Read from the store which exports it has: after a restart, or after a commit that only seemed to fail."""
        oldest = time.time_ns() - int(self._settings.remembered_age_s * 1e9)
        digests = self._store.recent_digests(self._settings.remembered_exports)
        self._recent = OrderedDict((digest, when) for digest, when in digests if when >= oldest)

    def _prune(self) -> None:
        if time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + PRUNE_EVERY_S
        oldest = time.time_ns() - int(self._settings.remembered_age_s * 1e9)
        while self._recent and next(iter(self._recent.values())) < oldest:
            self._recent.popitem(last=False)
        if self._recent:
            self._store.forget_digests(next(iter(self._recent.values())))
