"""Waiting for what no event reports: the state of another thread, of another process, of a backend."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def until(ask: Callable[[], Answer], seconds: float = 10.0, *, pause: float = 0.001) -> Answer:
    """Ask until the answer is true, and return it.

    Args:
        ask: what is asked again and again.
        seconds: after which the test fails, with the last answer.
        pause: seconds between two questions; longer ones spare a program that has to answer them.
    """
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(pause)
    return answer
