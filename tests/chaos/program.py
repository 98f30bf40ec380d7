"""The program under chaos: `python -m tests.chaos.program ROLE ENDPOINT FOLDER SEED FORK_EVERY`.

In: a line for each command: `rate N` (operations a second, 0 for as many as it can), `end`; the end of standard input
is `end` too. Out: a line of JSON every half second, one more before it exits. State: its threads.

Roles: `pipeline` forks; `rpc` has gRPC servers and channels of its own, which must not be forked.
"""

import asyncio
import contextlib
import json
import logging
import os
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import telemetry
from tests.chaos.children import Children
from tests.chaos.counts import write_counts
from tests.chaos.pace import Pace
from tests.chaos.work import Work

THREADS = 2


class Program:
    """Threads and a loop that work until they are stopped."""

    def __init__(self, role: str, seed: str, operations: list[Callable[[Random], None]], work: Work) -> None:
        self.pace = Pace()
        self.errors: list[str] = []
        self._role = role
        self._seed = seed
        self._operations = operations
        self._work = work
        self._over = threading.Event()
        workers = [(self._run, number) for number in range(THREADS)]
        if role == "pipeline":
            workers.append((self._run_loop, THREADS))
        self._threads = [threading.Thread(target=run, args=(number,)) for run, number in workers]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End every operation that has begun, and begin no more."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _random(self, number: int) -> Random:
        return Random(f"{self._seed} {self._role} {number}")

    def _run(self, number: int) -> None:
        random = self._random(number)
        while not self._over.wait(self.pace.wait_for_next()):
            with self._noted():
                random.choice(self._operations)(random)

    def _run_loop(self, number: int) -> None:
        async def main() -> None:
            random = self._random(number)
            while not self._over.is_set():
                await asyncio.sleep(self.pace.wait_for_next())
                with self._noted():
                    await self._work.tasks(random)

        asyncio.run(main())

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001  an error that the host was not meant to see
            self.errors.append(traceback.format_exc())


@contextlib.contextmanager
def operations_of(role: str, work: Work) -> Iterator[list[Callable[[Random], None]]]:
    """Give what a role does."""
    if role == "pipeline":
        yield work.operations
        return
    from tests.chaos.work_rpc import calls

    with calls() as operations:
        yield operations


def send(**what: Any) -> None:
    """Send to the conductor."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def report(program: Program, handle: telemetry.Telemetry, children: Children | None) -> dict[str, Any]:
    """Return the counts so far."""
    spans = handle.stats.spans
    return {
        "operations": program.pace.done,
        "recorded": spans.recorded,
        "exported": spans.exported,
        "dropped": spans.lost,
        "errors": len(program.errors),
        "children": 0 if children is None else children.started,
    }


def obey(commands: Iterable[str], program: Program, over: threading.Event) -> None:
    """Do what the conductor asks."""
    for line in commands:
        command, _, value = line.strip().partition(" ")
        if command == "rate":
            program.pace.at(float(value))
        elif command == "end":
            break
    over.set()


def main(role: str, endpoint: str, folder: Path, seed: str, fork_every: float) -> None:
    """Work until it is ended."""
    warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of a fork with threads from 3.12 on
    logging.basicConfig(format="%(process)d %(levelname)s %(name)s %(message)s", level=logging.INFO)
    logging.getLogger().handlers[0].setLevel(logging.WARNING)
    handle = telemetry.configure(role, endpoint=endpoint, logs="otlp")
    # A child of `multiprocessing` closes its standard input, and would wait for a thread that reads the parent's.
    commands, sys.stdin = sys.stdin, open(os.devnull)  # noqa: PTH123, SIM115  stays open
    work, over = Work(), threading.Event()
    with operations_of(role, work) as operations:
        program = Program(role, seed, operations, work)
        children = Children(handle, folder, fork_every, Random(f"{seed} forks")) if role == "pipeline" else None
        threading.Thread(target=obey, args=(commands, program, over), daemon=True).start()
        program.start()
        if children is not None:
            children.start()
        while not over.wait(0.5):
            send(**report(program, handle, children))
        if children is not None:
            children.stop()
        program.stop()
    hung, failed = (0, 0) if children is None else (children.hung, children.failed)
    killed = 0 if children is None else children.killed
    send(**report(program, handle, children), ends_at=time.monotonic(), hung=hung, failed=failed, killed=killed)
    for error in program.errors[:3]:
        sys.stderr.write(error)
    write_counts(folder, handle, exit_handle=True)  # as the exit hook does, which finds nothing left to do


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4], float(sys.argv[5]))
