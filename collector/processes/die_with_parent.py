"""Runs a command that gets a signal when its parent ends, even by kill -9: `die_with_parent.py PID SIGNAL COMMAND …`.

Linux alone has this signal, and sends it when the *thread* ends that started the command: start it from the main one.
A script and not a hook between fork and exec: such a hook runs Python in a child of a process that has threads.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, signal: int, command: list[str]) -> None:
    """Become the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal)
    if os.getppid() == parent:  # else it has ended already, and no signal will come
        os.execv(command[0], command)  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
