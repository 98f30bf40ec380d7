"""Brings encoded requests to the collector, or finds out that it cannot.

In: requests, on the pipeline's threads. Out: outcomes. State: the senders, as many as requests were ever under way at
once, and the deadline, once there is one; both owned by one `Delivery` for each signal.
"""

import contextlib
import logging
import math
import random
import threading
import time
from collections.abc import Callable

from telemetry.otlp.outcome import Outcome, Sender, explained
from telemetry.otlp.signals import SignalKind
from telemetry.pipeline.stats import Counts, Reason

_log = logging.getLogger("search_telemetry.export")
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 2.0  # seconds between attempts: a collector that was restarted is found soon
_LONGEST_ASKED = 60.0  # seconds that a collector may ask to be left alone for
_QUIET = 60.0  # seconds after a warning: a collector that comes and goes makes no more than one in that time
_LAST_WAIT, _LAST_ATTEMPTS = 0.1, 3  # the same while the process exits: a collector that is away is not waited for


class Delivery:
    """Delivers the requests of one signal, on any number of threads.

    Arguments: `kind` of signal; `make_sender`; `timeout` of one attempt in seconds; `where` the collector listens, for
    warnings; `counts`, the signal's books.
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
        self._idle: list[Sender] = []  # of these; the one that was used last is used next
        self._closed = False
        self._deadline: float | None = None  # of time.monotonic; once set, it only comes nearer
        self._hurry = threading.Event()  # ends a wait between attempts
        self._state = threading.Lock()  # guards what was told
        self.failing = False
        self._told = False  # of the failure that lasts
        self._quiet_until = -math.inf  # of time.monotonic
        self._told_refusal = False
        self._patient = True
        self._failed_at_exit = 0

    def deliver(self, request: bytes, *, retry: bool, meanwhile: Callable[[], None] = lambda: None) -> Outcome:
        """Send `request`; with `retry`, again and again until it is taken, refused for good, or time is up.

        `meanwhile` is called after each attempt that failed.
        """
        wait = _FIRST_WAIT
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
            if not (retry and outcome.retry) or self._exits_without():
                return outcome
            least = wait if self._patient else _LAST_WAIT
            pause = max(least, min(outcome.wait or 0.0, _LONGEST_ASKED)) * random.uniform(0.8, 1.2)  # noqa: S311  spreads many processes
            self._hurry.wait(self._at_most(pause))
            self._hurry.clear()
            wait = min(wait * 2, _LONGEST_WAIT)

    def rejected(self, outcome: Outcome) -> int:
        """Return how many items of a request that was taken the collector refused all the same."""
        if outcome.response is None:
            return 0
        rejected, message = self.kind.rejected(outcome.response)
        if (rejected or message) and not self._told_refusal:
            self._told_refusal = True
            _log.warning("%s refused %d %s: %s (logged once)", self.where, rejected, self.kind.name, message)
        return rejected

    def reason(self) -> Reason:
        """Return why a request that was not delivered is lost."""
        return "deadline" if self.late() else "export_failed"

    def hurry(self) -> None:
        """Try at once what waits to be tried again."""
        self._hurry.set()

    def finish_by(self, deadline: float, *, patient: bool) -> None:
        """Stop trying at `deadline` (of `time.monotonic`), or, where not `patient`, after some failures."""
        self._deadline = deadline if self._deadline is None else min(self._deadline, deadline)
        self._patient = patient
        self._hurry.set()

    def late(self) -> bool:
        """Say whether the deadline has passed."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def close(self, *, lost: bool = False) -> None:
        """Break off whatever is being sent; `lost` says whether items were not delivered in time."""
        if lost:
            self._warn_of_loss()
        self.failing = True  # what a call that is broken off says is no news
        self._closed = True
        for sender in tuple(self._senders):
            sender.close()

    def trim(self) -> None:
        """Close the connections that nobody uses, but for one."""
        with contextlib.suppress(IndexError):
            while len(self._idle) > 1:
                sender = self._idle.pop(0)
                self._senders.remove(sender)
                sender.close()

    def _exits_without(self) -> bool:
        """Say whether the process should exit rather than try again."""
        if self._patient:
            return False
        self._failed_at_exit += 1
        return self._failed_at_exit >= _LAST_ATTEMPTS

    def _attempt(self, request: bytes) -> Outcome:
        try:
            sender = self._idle.pop()
        except IndexError:
            sender = self._make_sender()
            self._senders.append(sender)
        if self._closed:  # since nobody saw this sender to close it
            sender.close()
        outcome = sender.send(request, max(0.001, self._at_most(self._timeout)))
        self._idle.append(sender)
        return outcome

    def _at_most(self, seconds: float) -> float:
        if self._deadline is None:
            return seconds
        return max(0.0, min(seconds, self._deadline - time.monotonic()))

    def _warn(self, outcome: Outcome) -> None:
        """Say once that something is wrong, until it has been right again, and not too often: never a flood."""
        with self._state:
            now = time.monotonic()
            if self.failing:
                return
            self.failing = True
            self._told = now >= self._quiet_until
            if not self._told:
                return
            self._quiet_until = now + _QUIET
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
            _log.warning("%s were not delivered to %s in time, and are lost", self.kind.name, self.where)

    def _recovered(self) -> None:
        with self._state:
            self.failing = False
            told, self._told = self._told, False
        if told:
            _log.info("%s are delivered to %s again", self.kind.name, self.where)
