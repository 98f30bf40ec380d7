"""Makes environments in the user's cache, each in a folder named after all that it holds.

In: an interpreter, a lock. Out: a folder. State: the folders; one that is there is used as it is, so that a run without
news installs nothing.
"""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

import platformdirs

UV: Final = (sys.executable, "-m", "uv", "--quiet", "--system-certs")  # as pip does
CACHE: Final = platformdirs.user_cache_path("search-telemetry") / "environments"


class NotMade(Exception):
    """A command failed; the message has it and what it printed."""


def made(name: str, python: str, lock: str, *options: str) -> Path:
    """Return the folder of an environment, made where it is not there yet.

    Arguments: a `lock` as `uv pip compile` prints it, installed first; `options` of a second `uv pip install`.
    Raises `NotMade`.
    """
    held = hashlib.sha256("\n".join((python, *options, lock)).encode()).hexdigest()[:16]
    folder = CACHE / f"{name}-{held}"
    if not (folder / "ready").exists():
        call(*UV, "venv", "--clear", "--no-python-downloads", "--python", python, str(folder))
        (folder / "lock.txt").write_text(lock, "utf-8")
        install = (*UV, "pip", "install", "--compile-bytecode", "--python", str(folder / "bin/python"))
        call(*install, "--requirement", str(folder / "lock.txt"))
        if options:
            call(*install, *options)
        (folder / "ready").touch()
    return folder


def call(*command: str, given: str = "", cwd: Path | None = None) -> str:
    """Return what a command prints, with `given` as its input. Raises `NotMade`."""
    ended = subprocess.run(command, cwd=cwd, input=given, check=False, capture_output=True, text=True)
    if ended.returncode:
        raise NotMade(f"{' '.join(command)}\n{ended.stderr}")
    return ended.stdout
