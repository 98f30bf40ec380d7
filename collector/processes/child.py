"""Starts child processes, watches them, and ends them.

In: a command and a log file. Out: a `Child`. State: its process, in a session of its own, so that Ctrl-C reaches the
parent alone, which ends its children in order. Start children from the main thread: see `die_with_parent`.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

LOG_LINES: Final = 12
"""Last lines of a log that a message shows."""

_DIE_WITH_PARENT: Final = Path(__file__).with_name("die_with_parent.py")
_POLL: Final = 0.05
"""Seconds between two checks of a child."""


class Child:
    """A running program; what it writes is added to its log, and Linux ends it with this process.

    Arguments: `name`, for messages; `command`, which starts with an absolute path; `log`, a file; `environment`,
    variables over those of this process; `folder`, its working directory; `death_signal`, how Linux ends it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        launcher = [sys.executable, "-I", "-S", str(_DIE_WITH_PARENT), str(os.getpid()), str(int(death_signal))]
        self.name = name
        self.log = log
        self.process = self._popen([*launcher, *command], subprocess.DEVNULL, None, environment, folder)

    def _popen(
        self,
        command: Sequence[str],
        stdin: int,
        stdout: int | None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process that writes to the log, but for its standard output where that is given."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=stdin,
                stdout=log if stdout is None else stdout,
                stderr=log,
                # Unbuffered: what a Python program prints and what it writes as errors are logged in their order.
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
                cwd=folder,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def await_ready(self, is_ready: Callable[[], bool], deadline: float) -> bool:
        """Wait until `is_ready` returns true; return false once the child has ended or the deadline has passed.

        Arguments: `deadline`, a moment of `time.monotonic()`.
        """
        while not is_ready():
            if time.monotonic() > deadline:
                return False
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_POLL)
                return False
        return True

    def exit_message(self) -> str:
        """How it ended, with the end of its log."""
        code = self.process.wait()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
        return f"{self.name} {how}. {last_lines(self.log)}".rstrip()

    def terminate(self) -> None:
        """Ask it to end."""
        self.process.terminate()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait()

    def await_exit(self, grace: float) -> None:
        """Wait until it has ended; kill it after `grace` seconds."""
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()

    def stop(self, grace: float) -> None:
        """Ask it to end, and wait; kill it after `grace` seconds."""
        self.terminate()
        self.await_exit(grace)


class PipedChild(Child):
    """A running program that ends when its standard input does, and reports on its standard output."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        self.process = self._popen(command, subprocess.PIPE, subprocess.PIPE)

    @property
    def output(self) -> IO[bytes]:
        """Its standard output."""
        assert self.process.stdout is not None  # noqa: S101 (started with a pipe)
        return self.process.stdout

    def await_output(self, timeout: float) -> bool:
        """Wait until it writes or ends; return whether it did."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.output, selectors.EVENT_READ)
            return bool(selector.select(timeout))

    def await_exit(self, grace: float) -> None:
        """Wait until it has ended, and close its pipes; kill it after `grace` seconds."""
        super().await_exit(grace)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def last_lines(log: Path) -> str:
    """The end of a log, indented, with where the rest is; empty where the log is. JSON is left out if there is text."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    lines = [line for line in lines if not line.startswith("{")] or lines
    return "\n".join([f"The end of {log}:", *(f"  {line}" for line in lines[-LOG_LINES:])]) if lines else ""


def exits(children: Sequence[Child]) -> Iterator[Child]:
    """Wait, and yield each child as it ends; stop after the last one.

    What piped children write meanwhile is read and dropped: a full pipe would block them.
    """
    running = list(children)
    with selectors.DefaultSelector() as outputs:
        for child in running:
            if isinstance(child, PipedChild):
                outputs.register(child.output, selectors.EVENT_READ)
        while running:
            for key, _ in outputs.select(_POLL):
                if not os.read(key.fd, 4096):
                    outputs.unregister(key.fileobj)
            for child in [child for child in running if not child.is_alive()]:
                running.remove(child)
                yield child


@contextlib.contextmanager
def interrupted_by(*signals: signal.Signals) -> Iterator[None]:
    """Let these signals end the block as Ctrl-C does, with KeyboardInterrupt: everything that is open is closed."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before: Mapping[int, Any] = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
