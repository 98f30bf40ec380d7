"""A program that is asked to end, at any moment."""

import os
import signal
import subprocess
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


PROGRAM = """
import threading, time
from collector.processes.ending import end_requested

def work():
    while True:
        time.sleep(0.001)

for _ in range(8):
    threading.Thread(target=work, daemon=True).start()
with end_requested() as wait:
    print("ready", flush=True)
    wait()
    wait()
print("ended", flush=True)
"""


@pytest.mark.timeout(60)
def test_of_two_signals_at_once_both_arrive_whichever_threads_take_them() -> None:
    """As where Ctrl-C reaches a group of processes, and their supervisor sends SIGTERM."""
    for _ in range(10):
        with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            try:
                assert program.stdout.readline() == "ready\n"
                os.kill(program.pid, signal.SIGINT)
                os.kill(program.pid, signal.SIGTERM)
                assert program.communicate(timeout=5)[0] == "ended\n"
            finally:
                program.kill()
