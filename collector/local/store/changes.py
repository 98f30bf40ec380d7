"""Notifies waiting readers of commits.

In: `bump()` by the writer thread after each commit. Out: `wait()` for any thread. Owns one counter.
"""

from __future__ import annotations

import threading


class Changes:
    """A sequence number that grows with every commit, and a way to wait for the next."""

    def __init__(self) -> None:
        self._condition = threading.Condition()  # guards _sequence and _closed
        self._sequence = 0
        self._closed = False

    @property
    def sequence(self) -> int:
        """How many commits there have been since the store was opened."""
        with self._condition:
            return self._sequence

    @property
    def closed(self) -> bool:
        """Whether the store is closing: there will be no further commit."""
        with self._condition:
            return self._closed

    def bump(self) -> None:
        """Count a commit and wake all waiting threads."""
        with self._condition:
            self._sequence += 1
            self._condition.notify_all()

    def close(self) -> None:
        """The store is closing: wake all waiting threads."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def wait(self, after: int, timeout_s: float) -> int:
        """Wait until the sequence is above `after`, at most `timeout_s` seconds; return the sequence.

        Read `sequence` first, then query, then wait with that sequence: no commit in between is missed.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._sequence > after or self._closed, timeout_s)
            return self._sequence
