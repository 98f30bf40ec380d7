"""A program that is asked to end, at any moment."""

import signal
import sys
from types import FrameType
from typing import Any

import pytest

from collector.processes.ending import SIGNALS, end_requested


@pytest.mark.timeout(20)
def test_a_signal_at_each_step_of_the_wait_and_of_a_handler_ends_the_wait() -> None:
    """A handler that needs a lock of the wait, or of another handler, would wait for ever."""
    before = [signal.getsignal(number) for number in SIGNALS]
    steps: list[int] = []

    def ask(frame: FrameType, _event: str, _: Any) -> Any:
        if len(steps) < 100:
            steps.append(frame.f_lineno)
            for number in SIGNALS:
                signal.raise_signal(number)
        return ask

    with end_requested() as wait:
        signal.raise_signal(signal.SIGTERM)
        sys.settrace(ask)
        try:
            wait()
            signal.raise_signal(signal.SIGTERM)
        finally:
            sys.settrace(None)
    assert steps
    assert [signal.getsignal(number) for number in SIGNALS] == before
