"""The processes of the demo: Pamazon's roles and other programs, which end with this process.

In: commands. Out: running children, and the facts that a role reports. State: the children of one `Processes`.

A role's standard input is a pipe: it ends however the parent ends (kill -9 included), and the role with it. On its
standard output it writes one line of JSON when it is ready, and one when it has drained; its log is standard error.
"""

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from collector.processes.child import Child, PipedChild, exits
from demo_flow.errors import PamazonError

GRACE: Final = 12.0
"""Seconds a child has to drain and flush before it is killed."""


class ChildDied(PamazonError):
    """A child ended by itself; the message holds the end of its log."""

    def __init__(self, child: Child) -> None:
        super().__init__(child.exit_message(), "")


class Processes:
    """A context manager; leaving it ends every child. Use it from the main thread."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._roles: list[PipedChild] = []
        self._others: list[Child] = []

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
    def roles(self) -> Sequence[PipedChild]:
        """The running roles, in the order in which they were started."""
        return tuple(self._roles)

    def start_role(self, name: str, command: Sequence[str]) -> PipedChild:
        """Start a role."""
        child = PipedChild(name, command, self._new_log(name))
        self._roles.append(child)
        return child

    def start_other(self, name: str, command: Sequence[str]) -> Child:
        """Start a program that does not watch its standard input, a collector for instance."""
        child = Child(name, command, self._new_log(name), death_signal=signal.SIGTERM)
        self._others.append(child)
        return child

    def _new_log(self, name: str) -> Path:
        log = self._logs / f"{name}.log"
        log.write_bytes(b"")
        return log

    def ready(self, role: PipedChild, timeout: float = 60.0) -> Mapping[str, Any]:
        """Wait for the line that reports that a role is ready, and return its facts.

        Raises ChildDied, and PamazonError after `timeout` seconds.
        """
        if not role.await_output(timeout):
            raise PamazonError(f"{role.name} is not ready after {timeout:.0f} s.", f"Its log is {role.log}.")
        line = role.output.readline()
        if not line:
            raise ChildDied(role)
        facts: Mapping[str, Any] = json.loads(line)
        return facts

    def exits(self) -> Iterator[Child]:
        """Wait, and yield each role as it ends; stop after the last one."""
        return exits(self._roles)

    def stop(self) -> None:
        """End every child.

        The roles drain one after the other, the last one started first, and then flush their telemetry all at once;
        the others, of which one may be the collector that they flush to, are ended when the roles are gone.
        """
        for role in reversed(self._roles):
            role.terminate()
            role.await_output(GRACE)  # that it has drained, or the end of its output
        for role in reversed(self._roles):
            role.await_exit(GRACE)
        for other in reversed(self._others):
            other.stop(GRACE)
        self._roles.clear()
        self._others.clear()


def follow_parent() -> None:
    """In a role: when standard input ends, end this process as SIGTERM does, and by force after `GRACE` seconds."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os._exit(1)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


def announce(facts: Mapping[str, Any]) -> None:
    """In a role: write facts as a line for the parent, or another reader of standard output."""
    with contextlib.suppress(OSError):  # the parent has gone
        print(json.dumps(facts), flush=True)
