"""Takes exports from the front ends, decodes them, hands them to the writer, and answers when they are durable.

In: bodies from gRPC and HTTP, on their event loop. Out: `Reply`, or a `RefusedError`.
Owns the decoder threads. Every export is counted once as it arrives, and once by its outcome.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Protocol

from collector.local.decode.decoded import Bounds, Decoded
from collector.local.decode.signals import Signal
from collector.local.errors import MalformedError, RefusedError
from collector.local.intake.export import Export, Reply
from collector.local.intake.payload import PROTOBUF, check_json, decompress, too_large
from collector.local.intake.receiving import Budget, Hold
from collector.local.intake.repair import read
from collector.local.intake.wire import pieces
from collector.local.net.access import OPEN, Access
from collector.local.net.log_limiter import LogLimiter
from collector.local.settings import CollectorSettings
from collector.local.stats import Counters
from collector.processes.priority import lower_priority

LARGE_BYTES = 1 << 20
"""Larger bodies are decoded on a thread of their own, one at a time, which limits memory and holds up no others."""


class Taker(Protocol):
    """Who takes decoded exports, and answers each."""

    def expect(self, export: Export) -> None:
        """One is about to be decoded; it will be put, or refused."""

    def put(self, export: Export) -> None:
        """Take one, in a decoder thread; returns at once."""


class Receiver:
    """Admits, decodes and hands over exports, for both protocols."""

    def __init__(
        self,
        writer: Taker,
        budget: Budget,
        counters: Counters,
        settings: CollectorSettings,
        *,
        access: Access = OPEN,
        limiter: LogLimiter | None = None,
    ) -> None:
        self._writer = writer
        self._budget = budget
        self._counters = counters
        self._settings = settings
        self._access = access
        self._limiter = limiter or LogLimiter()
        # one, as two would wait for each other
        self._decoders = ThreadPoolExecutor(1, "collector-decode", initializer=lower_priority)
        self._large = ThreadPoolExecutor(1, "collector-decode-large", initializer=lower_priority)

    def admit(self, signal: Signal, authorization: str | None = None, origin: str | None = None) -> Export:
        """Count and admit an export, before any of its body is read.

        Raises:
            UnauthorizedError: `authorization` has no valid token.
            ForbiddenError: `origin` is that of a web page that may not send.
            QueueFullError: too many exports are in progress.
        """
        self._counters.add(signal.name, exports=1)
        export = Export(signal, self._counters, Hold(self._budget))
        with export.arriving():
            try:
                self._access.check(authorization, origin)
            except RefusedError as refusal:
                self._limiter.warn("unauthorized", f"an export of {signal.name} was refused: {refusal.message}")
                raise
            export.hold.begin()
        return export

    async def store(self, export: Export) -> Reply:
        """Store an export whose body has arrived; return when it is durable.

        Raises:
            RefusedError: it is not stored.
        """
        loop, answered = asyncio.get_running_loop(), asyncio.Event()

        def wake(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(answered.set)

        export.answer.add_done_callback(wake)
        self._writer.expect(export)
        self._decoders.submit(self._decode, export)
        await answered.wait()
        return export.answer.result()

    def close(self) -> None:
        """Decode the waiting exports, then end the threads."""
        self._decoders.shutdown(wait=True)
        self._large.shutdown(wait=True)

    def _decode(self, export: Export) -> None:
        """Decompress and decode, in a decoder thread, and hand over to the writer."""
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
                export.accept()

    def _read(self, export: Export) -> Decoded:
        """Decode an export piece by piece: a parsed piece may take 90 times its size."""
        signal, settings = export.signal, self._settings
        bounds = Bounds(settings.max_elements, settings.max_depth)
        decoded = Decoded(signal.name, bounds=bounds)
        if export.content_type != PROTOBUF:
            check_json(export.body, settings.max_json_values)
            bodies: Iterable[bytes] = (export.body,)
        else:
            bodies = pieces(export.body, settings, decoded.reject)
        quickly = signal.decode_bytes if export.content_type == PROTOBUF else None
        for body in bodies:
            found = quickly(body, bounds) if quickly else None
            decoded.take(found or signal.decode(read(body, export.content_type, signal, decoded), bounds))
        return decoded

    @contextmanager
    def _answering(self, export: Export) -> Iterator[None]:
        """Answer any error: no exception ends a decoder thread or leaves a sender waiting."""
        try:
            yield
        except RefusedError as refusal:
            export.refuse(refusal.without_traceback())
        except Exception as error:  # noqa: BLE001 (an unexpected error must not affect other exports)
            export.refuse(MalformedError(f"the export cannot be read: {type(error).__name__}: {error}"))
