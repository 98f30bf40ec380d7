"""Children that are forked in the middle of everything: some end by themselves, some are killed.

In: random numbers. Out: what became of each child. State: the children that live, owned by one `Children`, whose thread
forks them and waits for them.
"""

import multiprocessing.util
import os
import signal
import threading
import time
import traceback
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from pathlib import Path
from random import Random

from telemetry import Telemetry
from tests.chaos.counts import write_counts
from tests.chaos.work import little

HUNG = 15.0  # seconds after which a child counts as hung
DOOMED_AFTER = 0.3  # seconds that a child lives that is killed


@dataclass
class Child:
    """A child that lives; `process` where `multiprocessing` made it, and waits for it."""

    pid: int
    since: float
    doomed: bool = False
    process: ForkProcess | None = None

    def exit_code(self) -> int | None:
        """Return its exit code, None while it lives."""
        if self.process is not None:
            return self.process.exitcode
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if ended else None


class Children:
    """Forks at a steady rate until it is stopped. `started`, `killed`, `hung` and `failed` count children."""

    def __init__(self, handle: Telemetry, counts: Path, every: float, random: Random) -> None:
        self._handle = handle
        self._counts = counts
        self._every = every
        self._random = random
        self._over = threading.Event()
        self._living: list[Child] = []
        self.started = self.killed = self.hung = self.failed = 0
        self._thread = threading.Thread(target=self._run, name="forks")

    def start(self) -> None:
        """Begin to fork."""
        self._thread.start()

    def stop(self) -> None:
        """Fork no more, and wait for all."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._over.wait(max(0.0, min(0.05, due - time.monotonic()))):
            if time.monotonic() >= due:
                due = max(due + self._every, time.monotonic() - self._every)
                self._living.append(self._fork())
            self._reap()
        while self._living:
            self._reap()
            time.sleep(0.02)

    def _fork(self) -> Child:
        self.started += 1
        random, how = Random(self._random.random()), self._random.random()
        if how < 0.2:
            process = get_context("fork").Process(target=self._in_worker, args=(random,))
            process.start()
            assert process.pid is not None
            return Child(process.pid, time.monotonic(), process=process)
        doomed = how > 0.85
        child = os.fork()
        if not child:
            self._in_child(random, doomed=doomed)
        return Child(child, time.monotonic(), doomed)

    def _in_worker(self, random: Random) -> None:
        # `multiprocessing` ends its children without exit hooks; this runs after the library's own finalizer.
        multiprocessing.util.Finalize(None, write_counts, (self._counts, self._handle), exitpriority=1)
        little(random, "worker")

    def _in_child(self, random: Random, *, doomed: bool) -> None:
        status = 1
        try:
            while doomed:  # until it is killed
                little(random, "doomed")
                time.sleep(0.01)
            little(random, "child")
            write_counts(self._counts, self._handle, exit_handle=True)
            status = 0
        except BaseException:  # noqa: BLE001  whatever it is, this process must end here
            traceback.print_exc()
        finally:
            os._exit(status)

    def _reap(self) -> None:
        for child in tuple(self._living):
            lasted = time.monotonic() - child.since
            code = child.exit_code()
            if code is not None:
                self._living.remove(child)
                self.failed += code != (-signal.SIGKILL if child.doomed else 0)
            elif child.doomed and lasted > DOOMED_AFTER:
                self.killed += 1
                os.kill(child.pid, signal.SIGKILL)
                os.waitpid(child.pid, 0)
                self._living.remove(child)
            elif lasted > HUNG:
                self.hung += 1
                os.kill(child.pid, signal.SIGKILL)
                child.doomed = True
