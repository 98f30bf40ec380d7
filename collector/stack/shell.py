"""Runs build tools with low priority, and logs their output."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final

from collector.processes.child import last_lines
from collector.stack.errors import BuildError

NICENESS: Final = "10"
"""Compilers use all cores for minutes: other programs of the user go first."""

TOOLS: Final[Mapping[str, str]] = {
    "go": "Install Go 1.26 or newer (https://go.dev/dl) and put it on the PATH",
    "java": "Install a Java runtime, version 17 or newer: apt-get install openjdk-17-jre-headless",
    "mvn": "Install Maven: apt-get install maven",
}
"""How to get each tool that a recipe may need."""


class Shell:
    """The commands of one build.

    Arguments: `log`, the file of their output; `step`, called with a short description of each step.
    """

    def __init__(self, log: Path, step: Callable[[str], None]) -> None:
        self._log = log
        self.step = step
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")

    def run(self, *command: str, cwd: Path, env: Mapping[str, str] | None = None) -> str:
        """Run a command to its end and return its standard output.

        Raises:
            BuildError: it is not installed, or it failed.
        """
        if not is_installed(command[0]):
            raise BuildError(f"{command[0]} is not on the PATH.", TOOLS.get(command[0], ""))
        with self._log.open("ab") as log:
            log.write(f"$ {' '.join(command)}\n".encode())
            log.flush()
            ended = self._call(command, cwd, {**os.environ, **(env or {})}, log)
        if ended.returncode != 0:
            raise BuildError(f"{command[0]} ended with exit status {ended.returncode}. {last_lines(self._log)}")
        return ended.stdout.decode()

    def _call(
        self, command: tuple[str, ...], cwd: Path, env: Mapping[str, str], log: IO[bytes]
    ) -> subprocess.CompletedProcess[bytes]:
        command_line = ["nice", "-n", NICENESS, *command]
        ended = subprocess.run(
            command_line, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, check=False
        )
        log.write(ended.stdout)
        return ended


def is_installed(tool: str) -> bool:
    """Whether a tool is on the PATH."""
    return shutil.which(tool) is not None
