"""Lets a program end when it is asked to: by Ctrl-C or SIGTERM.

In: signals, on the main thread. Out: a function that waits for one. State: the handlers, inside a block.

The wait is a read of a socket, to which Python writes the number of each signal that arrives, in whichever thread. A
wait for a lock would not do: a handler of Python's runs on the main thread, perhaps while this holds a lock that the
handler needs, and only once something wakes that thread, which a signal that another thread takes does not.
"""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def end_requested() -> Iterator[Callable[[], None]]:
    """Keep the signals from ending the process inside the block; give a function that waits for the first one."""
    receiving, sending = socket.socketpair()
    sending.setblocking(False)

    def wait() -> None:
        while receiving.recv(1)[0] not in SIGNALS:
            pass

    with receiving, sending:
        before_fd = signal.set_wakeup_fd(sending.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
        try:
            yield wait
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before_fd)
