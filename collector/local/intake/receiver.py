"""Takes exports from the front ends, decodes them, hands them to the writer, and answers when they are durable.

In: bodies from gRPC and HTTP, on their event loop. Out: `Reply`, or a `RefusedError`.
Owns the decoder threads. Every export is counted once as it arrives, and once for what becomes of it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from collector.local.decode.decoded import Bounds, Decoded
from collector.local.decode.signals import Signal
from collector.local.errors import (
    ForbiddenError,
    MalformedError,
    QueueFullError,
    RefusedError,
    StoreUnavailableError,
    TooLargeError,
    TooSlowError,
    UnauthorizedError,
    UnsupportedError,
)
from collector.local.intake.export import Export, Reply
from collector.local.intake.payload import PROTOBUF, check_json, decompress, too_large
from collector.local.intake.receiving import Budget, Hold
from collector.local.intake.repair import read
from collector.local.intake.wire import pieces
from collector.local.intake.writer import Writer
from collector.local.net.access import OPEN, Access
from collector.local.net.complaints import Complaints
from collector.local.settings import CollectorSettings
from collector.local.stats import Counters

LARGE_BYTES = 1 << 20
"""Bodies above it are decoded one at a time: they bound what decoding takes, and never keep all decoders busy."""
DECODERS = 2
"""Threads that decode: one works while the other inflates or digests, which needs no interpreter lock."""


class Receiver:
    """The way in, the same for every protocol."""

    def __init__(
        self,
        writer: Writer,
        budget: Budget,
        counters: Counters,
        settings: CollectorSettings,
        *,
        access: Access = OPEN,
        complaints: Complaints | None = None,
    ) -> None:
        self._writer = writer
        self._budget = budget
        self._counters = counters
        self._settings = settings
        self._access = access
        self._complaints = complaints or Complaints()
        self._decoders = ThreadPoolExecutor(DECODERS, thread_name_prefix="collector-decode")
        self._large = ThreadPoolExecutor(1, thread_name_prefix="collector-decode-large")

    def admit(self, signal: Signal, authorization: str | None = None) -> Hold:
        """Count an export as it arrives and let it in, before anything of its body is read.

        Raises:
            UnauthorizedError: `authorization` has no token that is known here.
            QueueFullError: too much is under way.
        """
        self._counters.add(signal.name, exports=1)
        self._access.check(authorization)
        return self._budget.hold()

    async def export(
        self, signal: Signal, body: bytes, hold: Hold, content_type: str = PROTOBUF, encoding: str = "identity"
    ) -> Reply:
        """Store one export; return when it is durable. `hold` covers the body, and is given back in any case.

        Raises:
            RefusedError: it is not stored; the kind says why.
        """
        export = Export(signal, body, content_type, encoding, hold)
        del body  # the export has it, and drops it once it is read
        loop, answered = asyncio.get_running_loop(), asyncio.Event()

        def wake(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended: nobody waits
                loop.call_soon_threadsafe(answered.set)

        export.answer.add_done_callback(wake)
        self._decoders.submit(self._decode, export)
        try:
            await answered.wait()
            return export.answer.result()
        finally:
            # A refusal holds this frame by its traceback, and the export the refusal: with the body in that circle,
            # memory would grow until the garbage collector happens to come by. `asyncio.wrap_future` makes one, too.
            del export

    def count_refusal(self, signal: Signal, refusal: RefusedError) -> None:
        """Count an export that was not stored, by the kind of its refusal."""
        if isinstance(refusal, QueueFullError | StoreUnavailableError):
            self._counters.add(signal.name, refused=1)
        elif isinstance(refusal, UnauthorizedError | ForbiddenError):
            self._counters.add(signal.name, unauthorized=1)
            self._complaints.tell("unauthorized", f"an export of {signal.name} was not let in: {refusal.message}")
        elif isinstance(refusal, MalformedError | TooLargeError | TooSlowError | UnsupportedError):
            self._counters.add(signal.name, malformed=1)

    def close(self) -> None:
        """Decode what is waiting, then end the threads."""
        self._decoders.shutdown(wait=True)
        self._large.shutdown(wait=True)

    def _decode(self, export: Export) -> None:
        """In a decoder thread: from bytes to columns, and on to the writer."""
        with self._answering(export):
            limit = self._settings.max_request_bytes
            if len(export.body) > limit:
                raise too_large(limit)
            export.body = decompress(export.body, export.encoding, limit)
            export.encoding = "identity"
            export.hold.grow(max(0, len(export.body) - export.hold.size))
            if len(export.body) > LARGE_BYTES:
                self._large.submit(self._finish, export)
            else:
                self._finish(export)

    def _finish(self, export: Export) -> None:
        """The second half of decoding."""
        with self._answering(export):
            person = export.signal.name.encode()
            export.digest = hashlib.blake2b(export.body, digest_size=16, person=person).hexdigest()
            export.decoded = self._read(export)
            export.body = b""
            self._counters.add(export.signal.name, received=export.decoded.records + export.decoded.rejected)
            if export.decoded.records:
                self._writer.put(export)
            else:
                self._counters.count(export.signal.name, export.decoded)
                export.accept()

    def _read(self, export: Export) -> Decoded:
        """What an export holds, read piece by piece: parsed, a piece may take 90 times its size."""
        signal, settings = export.signal, self._settings
        bounds = Bounds(settings.max_elements, settings.max_depth)
        decoded = Decoded(signal.name, bounds=bounds)
        if export.content_type != PROTOBUF:
            check_json(export.body, settings.max_json_values)
            bodies: Iterable[bytes] = (export.body,)
        else:
            bodies = pieces(export.body, settings, decoded.reject)
        for body in bodies:
            decoded.take(signal.decode(read(body, export.content_type, signal, decoded), bounds))
        return decoded

    @contextmanager
    def _answering(self, export: Export) -> Iterator[None]:
        """Whatever goes wrong within is the answer: nothing ends a decoder thread, or leaves a sender waiting."""
        try:
            yield
        except RefusedError as refusal:
            self.count_refusal(export.signal, refusal)
            refusal.__cause__ = refusal.__context__ = None  # with their tracebacks, which hold what was read so far
            export.refuse(refusal.with_traceback(None))
        except Exception as error:  # noqa: BLE001 (a payload that we did not foresee must not harm the next)
            unread = MalformedError(f"the export cannot be read: {type(error).__name__}: {error}", "")
            self.count_refusal(export.signal, unread)
            export.refuse(unread)
