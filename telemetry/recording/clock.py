"""The clocks of spans and metrics, and the generation of this process, which changes in a forked child.

State: the two clocks, which only `telemetry.testing` replaces, and the generations of spans and of metrics.

A span starts at a time of the wall clock, and ends after a duration of the steady clock: a wall clock that is set back
makes no negative durations, and a span and its metric have the same duration.

A span that is open at a fork is open in both processes. It belongs to the parent: the child neither exports nor
measures its copy.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from telemetry.recording.fork import Rank, in_child


class Generation:
    """Holds an object that is replaced in each forked child: cheaper to compare than process ids."""

    __slots__ = ("current",)

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Start a new generation."""
        self.current = object()


generation = Generation()
in_child(Rank.GENERATION, generation.renew)
metrics_generation = Generation()
"""Renewed, beside forks, whenever bound records of metrics are no longer valid."""
in_child(Rank.SERIES, metrics_generation.renew)


@dataclass(slots=True)
class Clock:
    """`wall` counts nanoseconds since 1970; `steady` counts from an arbitrary moment, and never goes back."""

    wall: Callable[[], int] = time.time_ns
    steady: Callable[[], int] = time.perf_counter_ns


clock = Clock()
