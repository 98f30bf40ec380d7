"""Delivers encoded requests to the collector, with retries.

In: requests, on the pipeline's threads. Out: outcomes. State: the senders, one per concurrent request, and the deadline
of a shutdown; both owned by one `Delivery` per signal.
"""

import contextlib
import logging
import math
import random
import threading
import time
from collections.abc import Callable
from typing import Final

from opentelemetry.context import Context

from telemetry import conventions as c
from telemetry.otlp.outcome import Outcome, Sender, explained
from telemetry.otlp.signals import SignalKind
from telemetry.pipeline.stats import Counts, Reason
from telemetry.recording.metrics.instruments import observe

_log = logging.getLogger("search_telemetry.export")
_MIN_WAIT, _MAX_WAIT = 0.25, 2.0  # seconds between attempts; short, to notice soon that a collector is back
_MAX_RETRY_DELAY = 60.0  # seconds, of those that a collector asks for
_WARNING_INTERVAL = 60.0  # seconds between two warnings
_NO_SPAN: Final = Context()
_EXIT_WAIT, _EXIT_ATTEMPTS = 0.1, 3  # while the process exits, which must not wait for a collector


class Delivery:
    """Delivers the requests of one signal, on any number of threads.

    Arguments: `kind` of signal; `make_sender`; `timeout` of one attempt in seconds; `where`, the collector's address,
    for warnings; `counts` of the signal.
    """

    def __init__(
        self, kind: SignalKind, make_sender: Callable[[], Sender], timeout: float, where: str, counts: Counts
    ) -> None:
        self.kind = kind
        self._make_sender = make_sender
        self._timeout = timeout
        self.where = where
        self._counts = counts
        self._senders: list[Sender] = []
        self._idle: list[Sender] = []  # a stack of those not in use
        self._closed = False
        self._deadline: float | None = None  # by time.monotonic; once set, it only gets earlier
        self._hurry = threading.Event()  # ends the wait between attempts
        self._state = threading.Lock()  # guards the state of warnings
        self.failing = False
        self._warned = False  # of the current failure
        self._next_warning = -math.inf  # by time.monotonic
        self._warned_of_rejection = False
        self._patient = True
        self._failed_at_exit = 0

    def deliver(self, request: bytes, *, retry: bool, meanwhile: Callable[[], None] = lambda: None) -> Outcome:
        """Send `request`; with `retry`, until it is accepted, rejected for good, or the deadline has passed.

        `meanwhile` is called after each failed attempt.
        """
        wait = _MIN_WAIT
        while True:
            outcome = self._attempt(request)
            if outcome.response is not None:
                self._recovered()
                return outcome
            if self.late():
                self._warn_of_loss()
                return outcome
            self._warn(outcome)
            meanwhile()
            if not (retry and outcome.retry) or self._gives_up():
                return outcome
            minimum = wait if self._patient else _EXIT_WAIT
            pause = max(minimum, min(outcome.wait or 0.0, _MAX_RETRY_DELAY)) * random.uniform(0.8, 1.2)  # noqa: S311  jitter, for many processes
            self._hurry.wait(self._at_most(pause))
            self._hurry.clear()
            wait = min(wait * 2, _MAX_WAIT)

    def prepare(self) -> None:
        """Make the first sender, whose import takes its time where other threads are busy."""
        if not self._senders:
            self._idle.append(self._new_sender())

    def rejected(self, outcome: Outcome) -> int:
        """Return how many items the collector rejected of a request that it accepted."""
        if outcome.response is None:
            return 0
        rejected, message = self.kind.rejected(outcome.response)
        if (rejected or message) and not self._warned_of_rejection:
            self._warned_of_rejection = True
            _log.warning("%s rejected %d %s: %s (logged once)", self.where, rejected, self.kind.name, message)
        return rejected

    def reason(self) -> Reason:
        """Return the reason for dropping a request that was not delivered."""
        return "deadline" if self.late() else "export_failed"

    def hurry(self) -> None:
        """Retry at once what waits for its next attempt."""
        self._hurry.set()

    def finish_by(self, deadline: float, *, patient: bool) -> None:
        """Stop trying at `deadline`, by `time.monotonic`; if not `patient`, also after a few failures."""
        self._deadline = deadline if self._deadline is None else min(self._deadline, deadline)
        self._patient = patient
        self._hurry.set()

    def late(self) -> bool:
        """Return whether the deadline has passed."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def close(self, *, lost: bool = False) -> None:
        """Cancel what is being sent; `lost`: items were not delivered in time, which is logged."""
        if lost:
            self._warn_of_loss()
        self.failing = True  # do not log the errors of cancelled calls
        self._closed = True
        for sender in tuple(self._senders):
            sender.close()

    def trim(self) -> None:
        """Close all idle connections but one."""
        with contextlib.suppress(IndexError):
            while len(self._idle) > 1:
                sender = self._idle.pop(0)
                self._senders.remove(sender)
                sender.close()

    def _gives_up(self) -> bool:
        """Return whether to give up, since the process exits."""
        if self._patient:
            return False
        self._failed_at_exit += 1
        return self._failed_at_exit >= _EXIT_ATTEMPTS

    def _attempt(self, request: bytes) -> Outcome:
        try:
            sender = self._idle.pop()
        except IndexError:
            sender = self._new_sender()
        began = time.monotonic()
        outcome = sender.send(request, max(0.001, self._at_most(self._timeout)))
        self._measure(time.monotonic() - began, outcome)
        self._idle.append(sender)
        return outcome

    def _new_sender(self) -> Sender:
        sender = self._make_sender()
        self._senders.append(sender)
        if self._closed:  # `close` ran before it could see this sender
            sender.close()
        return sender

    def _measure(self, seconds: float, outcome: Outcome) -> None:
        """Record how long an attempt took. That of metrics is in the next export: an export never causes another."""
        labels = {c.TELEMETRY_SIGNAL.name: self.kind.name}
        if outcome.response is None:
            labels[c.ERROR_TYPE.name] = outcome.error or c.OTHER
        observe(c.TELEMETRY_EXPORT_DURATION, seconds, labels, _NO_SPAN)

    def _at_most(self, seconds: float) -> float:
        if self._deadline is None:
            return seconds
        return max(0.0, min(seconds, self._deadline - time.monotonic()))

    def _warn(self, outcome: Outcome) -> None:
        """Log a failure once until the next success, and at most once per `_WARNING_INTERVAL`."""
        with self._state:
            now = time.monotonic()
            if self.failing:
                return
            self.failing = True
            self._warned = now >= self._next_warning
            if not self._warned:
                return
            self._next_warning = now + _WARNING_INTERVAL
        _log.warning(
            "%s cannot be delivered to %s (%s); they are kept as long as there is room, and losses are counted",
            self.kind.name,
            self.where,
            explained(outcome.problem),
        )

    def _warn_of_loss(self) -> None:
        with self._state:
            known, self.failing = self.failing, True
        if not known:
            _log.warning("%s were not delivered to %s in time and are lost", self.kind.name, self.where)

    def _recovered(self) -> None:
        with self._state:
            self.failing = False
            warned, self._warned = self._warned, False
        if warned:
            _log.info("%s are delivered to %s again", self.kind.name, self.where)
