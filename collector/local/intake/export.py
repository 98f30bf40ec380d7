"""One export on its way from a front end through decoder and writer, back to its sender.

In: the body. Out: `Reply` or a `RefusedError` in its future, once. The export owns its part of the budget until then;
`accept` and `refuse` are the only places that count an outcome and release that part.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from collector.local.decode.decoded import Decoded
from collector.local.decode.signals import Signal
from collector.local.errors import MalformedError, RefusedError
from collector.local.intake.payload import PROTOBUF
from collector.local.intake.receiving import Hold
from collector.local.stats import Counters


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to an accepted export: how many records were rejected, and why the first of them."""

    rejected: int = 0
    problem: str = ""


@dataclass
class Export:
    """The body is dropped once it is decoded."""

    signal: Signal
    counters: Counters
    hold: Hold
    body: bytes = b""
    content_type: str = PROTOBUF
    encoding: str = "identity"
    digest: str = ""
    decoded: Decoded = field(default_factory=lambda: Decoded(""))
    answer: Future[Reply] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.answer.set_running_or_notify_cancel()  # a sender that gives up does not cancel its export

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Refuse the export if it does not arrive as a whole; the exception is raised."""
        try:
            yield
        except RefusedError as refusal:
            self.refuse(refusal)
            raise
        except BaseException:
            self.refuse(MalformedError("the sender left before the export was whole"))
            raise

    def accept(self, *, duplicate: bool = False) -> None:
        """Count it and answer its sender: it is stored durably, now or, as a duplicate, before."""
        reply = Reply(self.decoded.rejected, self.decoded.problem)
        outcome = "duplicate" if duplicate else "stored"
        self.counters.count(self.signal.name, self.decoded, **{outcome: self.decoded.records})
        self._release()
        self.answer.set_result(reply)

    def refuse(self, refusal: RefusedError) -> None:
        """Count it and answer its sender: it is not stored."""
        self.counters.add(self.signal.name, **{refusal.counter: 1})
        self._release()
        self.answer.set_exception(refusal)

    def _release(self) -> None:
        """Release its part of the budget, and the memory that was reserved for."""
        self.hold.release()
        self.body = b""
        self.decoded = Decoded("")
