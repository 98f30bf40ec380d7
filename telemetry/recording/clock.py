"""Reads the time.

In: nothing. Out: nanoseconds. State: the two clocks, which only `telemetry.testing` replaces.

Spans begin by the wall clock, and end that much later as the steady clock says: a wall clock that is set back makes no
span of negative length, and the duration of a span and of its metric are the same number.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    """`wall` counts nanoseconds since 1970, `steady` since any moment, and never goes back."""

    wall: Callable[[], int] = time.time_ns
    steady: Callable[[], int] = time.perf_counter_ns


clock = Clock()
