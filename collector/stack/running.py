"""One running program.

In: a program and its place. Out: a process, its log, word of its end. State: the process, which never outlives ours.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from collector.stack.errors import ProgramDiedError, StackError
from collector.stack.programs.program import Place, Program
from collector.stack.shell import last_lines

GRACE: Final = 15.0
"""Seconds that a program has to end: a Collector drains its queues, Kafka closes its log."""

_LEASH: Final = Path(__file__).with_name("leash.py")
_POLL: Final = 0.05
"""Seconds between two questions to a program that is starting; its end is noticed at once."""


class Running:
    """A program that was started.

    Arguments: `environment`, more variables for it.
    """

    def __init__(self, program: Program, place: Place, environment: Mapping[str, str]) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise StackError("A program was started from a thread.", "Start it from the main one: it ends with it.")
        self.program = program
        self._place = place
        self.log = place.data / "logs" / f"{program.name}.log"
        self.log.parent.mkdir(exist_ok=True)
        program.prepare(place)
        command = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), *program.command(place)]
        # Unbuffered: what a Python program printed last stands in its log, in order with what it wrote as errors.
        told = {**os.environ, "PYTHONUNBUFFERED": "1", **program.environment(place), **environment}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=told,
                cwd=place.folder(program.name),
                start_new_session=True,  # Ctrl-C is for us, who end them in order
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def await_ready(self, deadline: float) -> None:
        """Wait until it says that it is ready.

        Arguments: `deadline`, a moment of `time.monotonic()`.

        Raises:
            ProgramDiedError: it has ended.
            StackError: the deadline has passed.
        """
        while not self.program.is_ready(self._place):
            try:
                self._process.wait(_POLL)
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    raise StackError(f"{self.program.name} is not ready in time. {last_lines(self.log)}") from None
            else:
                raise ProgramDiedError(self.obituary())

    def obituary(self) -> str:
        """How it ended, with the end of its log."""
        code = self._process.wait()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
        return f"{self.program.name} {how}. {last_lines(self.log)}"

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._process.wait()

    def ask_to_end(self) -> None:
        """Ask it to end."""
        if self.is_alive():
            self._process.terminate()

    def stop(self) -> None:
        """Ask it to end, and wait; end it where it does not."""
        self.ask_to_end()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.kill()
