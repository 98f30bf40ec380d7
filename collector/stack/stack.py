"""A running stack: the real programs as processes.

In: a profile, ports, a folder. Out: addresses, logs, control of each program. State: the processes and the folder,
owned by one `Stack`; a lock excludes others.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from collector.processes.child import exits
from collector.stack import ports as finding
from collector.stack.errors import ProgramDiedError, StackError
from collector.stack.profiles import programs_of
from collector.stack.programs.otelcol import Otelcol
from collector.stack.programs.program import Place, Program
from collector.stack.running import Running
from collector.stack.state import holding

PATIENCE: Final = 60.0
"""Seconds for a stack to be ready: Kafka takes ten, and more on a busy machine."""

GRACE: Final = 15.0
"""Seconds that a program has to end: a Collector drains its queues, Kafka closes its log."""


class Stack:
    """A context manager: all programs are ready inside, and have ended afterwards. Use it from the main thread.

    Arguments: `profile`, `minimal`, `full`, `scale`, or programs of your own; `ports`, `free` ones, the `usual` ones,
    or from `PROGRAM.USE` to a port over the usual ones; `data_dir`, where the programs keep what they know, and where
    their logs are; `environment`, more variables for every program.

        with Stack("minimal", data_dir=tmp_path) as stack:
            stack.address("collector.otlp_grpc")    # "127.0.0.1:40311"
            stack.kill("jaeger"); stack.restart("jaeger")
    """

    def __init__(
        self,
        profile: str | Sequence[Program] = "minimal",
        *,
        ports: Literal["free", "usual"] | Mapping[str, int] = "free",
        data_dir: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._programs = programs_of(profile)
        if not isinstance(ports, str):
            finding.require_known(self._programs, ports)
        self._ports = ports
        self._data = data_dir.absolute()
        self._environment = dict(environment or {})
        self._running: dict[str, Running] = {}
        self._place = Place({}, self._data)
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as held:
            held.enter_context(holding(self._data))
            self._place = Place(self._choose_ports(), self._data, self._programs)
            held.callback(self._stop_all)
            self._start_all()
            self._held = held.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._held.close()

    @property
    def names(self) -> Sequence[str]:
        """The programs, in the order in which they started."""
        return [program.name for program in self._programs]

    @property
    def ports(self) -> Mapping[str, int]:
        """From `PROGRAM.USE` to its port."""
        return self._place.ports

    @property
    def shown(self) -> Sequence[tuple[str, str]]:
        """Titles and addresses for the user."""
        return [
            (port.title, port.scheme + self._place.address(program.name, port.use))
            for program in self._programs
            for port in program.ports
            if port.title
        ]

    def address(self, key: str) -> str:
        """`HOST:PORT` of a `PROGRAM.USE`."""
        return self._place.address(*key.split("."))

    def url(self, key: str, path: str = "") -> str:
        """An address as `http://`, with a path after it."""
        return f"http://{self.address(key)}{path}"

    def log(self, name: str) -> Path:
        """Where a program logs."""
        return self._running[name].log

    def pid(self, name: str) -> int:
        """A program's process id."""
        return self._running[name].pid

    def is_alive(self, name: str) -> bool:
        """Whether a program runs."""
        return self._running[name].is_alive()

    def exit_message(self, name: str) -> str:
        """How a program ended, with the end of its log."""
        return self._running[name].exit_message()

    def exits(self) -> Iterator[str]:
        """Wait, and yield the name of each program as it ends; stop after the last one."""
        return (running.name for running in exits(list(self._running.values())))

    def kill(self, name: str) -> None:
        """End a program at once, as a crash would."""
        self._running[name].kill()

    def stop(self, name: str) -> None:
        """Ask a program to end, and wait until it has."""
        self._running[name].stop(GRACE)

    def start(self, name: str) -> None:
        """Start a program that has ended, on the same addresses and with what it knows; it may not be ready yet."""
        if self._running[name].is_alive():
            raise StackError(f"{name} is running.", "Stop or kill it first.")
        program = self._running[name].program
        self._running[name] = Running(program, self._place, self._environment)

    def await_ready(self, name: str) -> None:
        """Wait until a program is ready."""
        self._running[name].require_ready(time.monotonic() + PATIENCE)

    def restart(self, name: str) -> None:
        """Restart a program, ended or not, and wait until it is ready."""
        self.stop(name)
        self.start(name)
        self.await_ready(name)

    def _choose_ports(self) -> Mapping[str, int]:
        if self._ports == "free":
            return finding.free_ports(self._programs)
        return finding.usual_ports(self._programs, {} if self._ports == "usual" else self._ports)

    def _start_all(self) -> None:
        for program in self._programs:
            program.command(self._place)  # raises for a program that is not built, before any is started
        deadline = time.monotonic() + PATIENCE
        for program in self._programs:
            self._running[program.name] = Running(program, self._place, self._environment)
        for running in self._running.values():
            running.require_ready(deadline)
        dead = [running.exit_message() for running in self._running.values() if not running.is_alive()]
        if dead:
            raise ProgramDiedError("\n".join(dead))

    def _stop_all(self) -> None:
        """End Collectors one by one, senders first, so that each can drain; then all backends at once."""
        collectors = [running for running in self._running.values() if isinstance(running.program, Otelcol)]
        backends = [running for running in self._running.values() if running not in collectors]
        for running in reversed(collectors):
            running.stop(GRACE)
        for running in backends:
            running.terminate()
        for running in backends:
            running.await_exit(GRACE)
