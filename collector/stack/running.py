"""One running program of a stack.

In: a program and its place. Out: a process and its log. State: the process, which ends with ours.
"""

import threading
from collections.abc import Mapping

from collector.processes.child import Child, last_lines
from collector.stack.errors import ProgramDiedError, StackError
from collector.stack.programs.program import Place, Program


class Running(Child):
    """A program that was started.

    Arguments: `environment`, more variables for it.
    """

    def __init__(self, program: Program, place: Place, environment: Mapping[str, str]) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise StackError("A program was started from a thread.", "Start it from the main one: it ends with it.")
        self.program = program
        self._place = place
        log = place.data / "logs" / f"{program.name}.log"
        log.parent.mkdir(exist_ok=True)
        program.prepare(place)
        super().__init__(
            program.name,
            program.command(place),
            log,
            environment={**program.environment(place), **environment},
            folder=place.folder(program.name),
        )

    def require_ready(self, deadline: float) -> None:
        """Wait until it is ready.

        Arguments: `deadline`, of `time.monotonic()`.

        Raises:
            ProgramDiedError: it has ended.
            StackError: the deadline has passed.
        """
        if self.await_ready(lambda: self.program.is_ready(self._place), deadline):
            return
        if not self.is_alive():
            raise ProgramDiedError(self.exit_message())
        raise StackError(f"{self.name} is not ready in time. {last_lines(self.log)}".rstrip())
