"""Runs the tools that build: politely, with everything they say in a log.

In: commands. Out: their standard output, or a `BuildError` with the end of the log. State: the log file of one build.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final

from collector.processes.child import last_lines
from collector.stack.errors import BuildError

NICENESS: Final = "10"
"""Compilers take every core for minutes: whatever else the user does goes first."""

TOOLS: Final[Mapping[str, str]] = {
    "go": "Install Go 1.26 or newer (https://go.dev/dl) and put it on the PATH",
    "java": "Install a Java runtime, version 17 or newer: apt-get install openjdk-17-jre-headless",
    "mvn": "Install Maven: apt-get install maven",
}
"""How to get each tool that a recipe may need."""


class Shell:
    """One build's commands and their log.

    Arguments: `log`, the file that takes what they say; `step`, told in a few words what is being done.
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
        if not is_here(command[0]):
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
        polite = ["nice", "-n", NICENESS, *command]
        ended = subprocess.run(
            polite, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, check=False
        )
        log.write(ended.stdout)
        return ended


def is_here(tool: str) -> bool:
    """Say whether a tool is on the PATH."""
    return shutil.which(tool) is not None
