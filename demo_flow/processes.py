"""Child processes that never outlive their parent.

In: commands. Out: running children, what they said when they were ready, and word of those that died. State: the
children, owned by one `Processes`, ended with it in reverse order.

Each child holds a pipe from its parent as standard input: end of file, which comes however the parent ends (kill -9
included), tells it to go. Its standard output carries one line of JSON once it is ready, one when it has drained, and
by its own end of file the news of its death; its standard error is its log file.
"""

import contextlib
import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Self

from demo_flow.errors import PamazonError

GRACE: Final = 12.0
"""Seconds a child has to drain and flush before it is killed."""

LOG_LINES: Final = 8
"""Last lines of a dead child's log that are shown."""


class ChildDied(PamazonError):
    """A child ended by itself; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Child:
    """One child process and where it logs."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> IO[bytes]:
        """Its standard output."""
        assert self.process.stdout is not None  # noqa: S101 (started with a pipe)
        return self.process.stdout

    def obituary(self) -> str:
        """Say how it ended, with the end of its log."""
        code = self.process.wait()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        told = [line for line in lines if not line.startswith("{")]  # what it said to a person, if anything
        lines = (told or lines)[-LOG_LINES:]
        return "\n".join(
            [f"{self.name} {how}." + (f" The end of {self.log}:" if lines else "")] + [f"  {li}" for li in lines]
        )


class Processes:
    """A context manager; leaving it ends every child. Use it from the main thread."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PamazonError(
                f"The folder {self._logs} cannot be made: {error.strerror}.", "Choose another."
            ) from None
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def children(self) -> tuple[Child, ...]:
        """The children, in the order in which they were started."""
        return tuple(self._children)

    def start(self, name: str, command: Sequence[str], *, ours: bool = True) -> Child:
        """Start a child. One that is not `ours` does not watch its standard input: on Linux the kernel ends it."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if ours else stderr,
                stderr=stderr,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},  # so that a log has what was said in its order
                start_new_session=True,  # Ctrl-C is for the parent, which ends its children in order
                preexec_fn=None if ours else _die_with_parent,  # noqa: PLW1509 (before any thread of ours starts)
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def ready(self, child: Child, timeout: float = 60.0) -> Mapping[str, Any]:
        """Wait for the line that says that a child of ours is ready, and return its facts.

        Raises ChildDied, and PamazonError after `timeout` seconds.
        """
        if not _await_line(child, timeout):
            raise PamazonError(f"{child.name} is not ready after {timeout:.0f} s.", f"Its log is {child.log}.")
        line = child.output.readline()
        if not line:
            raise ChildDied(child.obituary(), "")
        facts: Mapping[str, Any] = json.loads(line)
        return facts

    def deaths(self) -> Iterator[Child]:
        """Wait, and yield each child of ours as it dies; ends with the last one."""
        with selectors.DefaultSelector() as selector:
            for child in self._children:
                if child.process.stdout is not None:
                    selector.register(child.output, selectors.EVENT_READ, child)
            while selector.get_map():
                for key, _ in selector.select():
                    if not os.read(key.fd, 4096):
                        selector.unregister(key.fileobj)
                        yield key.data

    def stop(self) -> None:
        """End every child.

        Ours drain one after the other, the last one started first, and then flush their telemetry all at once; the
        others, of which one may be the collector that they flush to, are ended when ours are gone.
        """
        ours = [child for child in reversed(self._children) if child.process.stdout is not None]
        for child in ours:
            child.process.terminate()
            _await_line(child, GRACE)  # that it has drained, or the end of its output
        for child in ours:
            _await_end(child)
        others = [child for child in reversed(self._children) if child.process.stdout is None]
        for child in others:
            child.process.terminate()
            _await_end(child)
        self._children.clear()


def _await_line(child: Child, timeout: float) -> bool:
    """Wait until a child of ours says something or ends; return whether it did."""
    with selectors.DefaultSelector() as selector:
        selector.register(child.output, selectors.EVENT_READ)
        return bool(selector.select(timeout))


def _await_end(child: Child) -> None:
    """Wait until a child that was told to end has ended, by force after `GRACE` seconds."""
    try:
        child.process.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.process.kill()
        child.process.wait()
    for pipe in (child.process.stdin, child.process.stdout):
        if pipe is not None:
            pipe.close()


def _die_with_parent() -> None:
    """Ask Linux to end this process with the thread that started it (PR_SET_PDEATHSIG). Runs in the child."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def follow_parent() -> None:
    """In a child: when standard input ends, end this process as SIGTERM does, and by force after `GRACE` seconds."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os._exit(1)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


def announce(facts: Mapping[str, Any]) -> None:
    """In a child: tell the parent, or whoever reads standard output, that this process is ready."""
    with contextlib.suppress(OSError):  # the parent has gone
        print(json.dumps(facts), flush=True)


@contextlib.contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, with KeyboardInterrupt: everything that is open is closed."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before: Callable[..., Any] | int | None = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
