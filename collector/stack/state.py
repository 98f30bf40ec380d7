"""The state of a running stack: a lock on its folder, and its profile and ports.

State: `lock` and `stack.json` in the folder; the lock is released when its process ends in any way.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import platformdirs

from collector.stack.errors import StackError

_LOCK: Final = "lock"
_STATE: Final = "stack.json"


def default_data() -> Path:
    """The default folder of `telemetry stack up`."""
    return platformdirs.user_data_path("search-telemetry") / "stack"


@contextlib.contextmanager
def holding(data: Path) -> Iterator[None]:
    """Lock a data folder: two stacks would corrupt each other's data.

    Raises:
        StackError: another stack has locked it, or it cannot be created.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / _LOCK).open("a+")
    except OSError as error:
        raise StackError(f"The folder {data} cannot be used: {error.strerror}.", "Use another one.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"A stack is running in {data} already (pid {holder(data)}).", "End it: telemetry stack down"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            (data / _STATE).unlink(missing_ok=True)


def holder(data: Path) -> int | None:
    """The process id of the stack in a folder, or None."""
    try:
        lock = (data / _LOCK).open("r")
    except OSError:
        return None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read() or 0) or None
    return None


def write(data: Path, profile: str, ports: Mapping[str, int]) -> None:
    """Record the running stack, once it is ready."""
    text = json.dumps({"profile": profile, "ports": dict(ports)}, indent=2)
    (data / _STATE).write_text(text + "\n", encoding="utf-8")


def read(data: Path) -> dict[str, Any] | None:
    """The running stack; None if it is not ready yet."""
    try:
        return dict(json.loads((data / _STATE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
