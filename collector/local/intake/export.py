"""One export on its way from a front end through decoder and writer, back to its sender.

In: the body. Out: `Reply` or a `RefusedError` in its future, once. The export owns its part of the budget until then.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

from collector.local.decode.decoded import Decoded
from collector.local.decode.signals import Signal
from collector.local.intake.receiving import Hold


@dataclass(frozen=True, slots=True)
class Reply:
    """What an accepted export is answered: how many records could not be taken, and why the first of them."""

    rejected: int = 0
    problem: str = ""


@dataclass
class Export:
    """The body is dropped once it is decoded."""

    signal: Signal
    body: bytes
    content_type: str
    encoding: str
    hold: Hold
    digest: str = ""
    decoded: Decoded = field(default_factory=lambda: Decoded(""))
    answer: Future[Reply] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.answer.set_running_or_notify_cancel()  # a sender that gives up does not stop what is already on its way

    def accept(self) -> None:
        """It is durable: tell the sender."""
        reply = Reply(self.decoded.rejected, self.decoded.problem)
        self._let_go()
        self.answer.set_result(reply)

    def refuse(self, refusal: BaseException) -> None:
        """It is not stored: tell the sender why."""
        self._let_go()
        self.answer.set_exception(refusal)

    def _let_go(self) -> None:
        """Of the budget, and of what it was held for: whoever still holds the export holds little."""
        self.hold.release()
        self.body = b""
        self.decoded = Decoded("")
