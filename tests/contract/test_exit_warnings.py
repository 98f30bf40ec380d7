"""Outages of a minute and of hours in virtual time: one warning for each signal, never a flood."""

import logging

import pytest

from telemetry.otlp import signals
from telemetry.otlp.outcome import Outcome
from telemetry.pipeline import delivery
from telemetry.pipeline.delivery import Delivery
from telemetry.pipeline.stats import Counts

AWAY = Outcome(problem="UNAVAILABLE: connection refused", retry=True)
TAKEN = Outcome(b"")


class VirtualTime:
    """A clock that only waiting moves, and a collector that answers by the time."""

    def __init__(self, down: "list[tuple[float, float]]") -> None:
        self.now = 1000.0
        self.asked = 0
        self._down = down

    def monotonic(self) -> float:
        return self.now

    def send(self, request: bytes, timeout: float) -> Outcome:
        self.asked += 1
        self.now += 0.01
        return AWAY if any(begin <= self.now - 1000 < end for begin, end in self._down) else TAKEN

    def close(self) -> None:
        pass

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def set(self) -> None:
        pass

    def clear(self) -> None:
        pass


def run(monkeypatch: pytest.MonkeyPatch, down: "list[tuple[float, float]]", seconds: float) -> VirtualTime:
    """Deliver a request every quarter second, for so many seconds of virtual time."""
    time = VirtualTime(down)
    monkeypatch.setattr(delivery, "time", time)
    made = Delivery(signals.SPANS, lambda: time, 10.0, "the collector", Counts())
    monkeypatch.setattr(made, "_hurry", time)
    while time.now < 1000 + seconds:
        made.deliver(b"request", retry=True)
        time.now += 0.25
    return time


def lines(caplog: pytest.LogCaptureFixture, level: int) -> int:
    return len([record for record in caplog.records if record.levelno == level])


def test_a_minute_without_a_collector_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked again and again, ever more seldom; the log has one warning, and one line when it is back."""
    caplog.set_level(logging.INFO, logger="search_telemetry")
    time = run(monkeypatch, [(10, 70)], 100)
    assert time.asked > 150
    assert (lines(caplog, logging.WARNING), lines(caplog, logging.INFO)) == (1, 1)
    assert "connection refused" in caplog.messages[0]
    assert caplog.messages[1] == "spans are delivered to the collector again"


def test_a_collector_that_comes_and_goes_is_one_warning_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Down for half a second in every second, for an hour: no more than one warning and one line in each minute."""
    caplog.set_level(logging.INFO, logger="search_telemetry")
    run(monkeypatch, [(second, second + 0.5) for second in range(3600)], 3600)
    assert 30 <= lines(caplog, logging.WARNING) <= 60
    assert lines(caplog, logging.INFO) <= lines(caplog, logging.WARNING)
