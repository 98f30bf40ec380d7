"""Starts a program that ends with whoever started it, even by kill -9. Run as a script: `leash.py PID COMMAND …`.

In: the starter's process id and a command line. Out: this process becomes that program. State: none.

Linux alone has the death signal, and sends it when the *thread* ends that started the program: start from the main one.
A script and not a hook between fork and exec: such a hook runs Python in a child of a process that has threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(starter: int, command: list[str]) -> None:
    """Become the command, on a leash."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == starter:  # else it has died already, and no signal will come
        os.execv(command[0], command)  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
