"""Lets a program end when it is asked to: by Ctrl-C or SIGTERM.

In: signals, on the main thread. Out: a function that waits for one. State: the handlers, inside a block.

A handler runs between two steps of whatever the main thread does, also of another handler. So it must take no lock that
this thread may hold: `threading.Event` has such a lock while it waits, and `SimpleQueue.put` is made for this.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def end_requested() -> Iterator[Callable[[], object]]:
    """Keep the signals from ending the process inside the block; give a function that waits for the first one."""
    asked: SimpleQueue[int] = SimpleQueue()
    before = {number: signal.signal(number, lambda number, _: asked.put(number)) for number in SIGNALS}
    try:
        yield asked.get
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
