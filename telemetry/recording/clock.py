"""Reads the time, and tells what a process began itself from what it inherited, half done, when it was forked.

In: nothing; forks. Out: nanoseconds; the generation of this process, an object that is another one in every forked
child. State: the two clocks, which only `telemetry.testing` replaces, and that object.

Spans begin by the wall clock, and end that much later as the steady clock says: a wall clock that is set back makes no
span of negative length, and the duration of a span and of its metric are the same number.

A span that is open at a fork is open in both processes afterwards. It is the parent's: the child neither exports its
copy nor measures it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from telemetry.recording.fork import Rank, in_child


class Generation:
    """Holds what is another object in each forked child: cheaper to compare than to ask for the process id."""

    __slots__ = ("current",)

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Begin a generation."""
        self.current = object()


generation = Generation()
in_child(Rank.GENERATION, generation.renew)


@dataclass(slots=True)
class Clock:
    """`wall` counts nanoseconds since 1970, `steady` since any moment, and never goes back."""

    wall: Callable[[], int] = time.time_ns
    steady: Callable[[], int] = time.perf_counter_ns


clock = Clock()
