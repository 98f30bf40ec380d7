"""OTLP over gRPC: the three collector services, each with its one method `Export`.

In: calls on port 4317. Out: the receiver's replies, as messages and status codes of OTLP
(https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-response). Owns the gRPC server, on the ingest event loop.

`Export` takes one message, but is served as a method with a stream of requests, which is the same on the wire: so the
call is counted, admitted or refused before its message is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no types are published
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no types are published

from collector.local.decode.signals import ALL, Signal
from collector.local.errors import MalformedError, QueueFullError, RefusedError
from collector.local.intake.export import Export, Reply
from collector.local.intake.receiver import Receiver
from collector.local.intake.receiving import Receiving
from collector.local.net.log_limiter import LogLimiter
from collector.local.net.loop_thread import GRACE_S, Stopper
from collector.local.settings import CollectorSettings

FLUSH_S: Final = 0.1
"""How long the responses of calls that have ended may take to leave."""
Context = grpc.aio.ServicerContext[bytes, bytes]

CODES = {code.value[0]: code for code in grpc.StatusCode}


def grpc_server(
    receiver: Receiver,
    settings: CollectorSettings,
    receiving: Receiving,
    limiter: LogLimiter,
    signals: Sequence[Signal] = ALL,
) -> tuple[grpc.aio.Server, Stopper]:
    """A server with the services of some signals, not started, and what stops it; call this on the loop it runs on."""
    server = grpc.aio.server(
        options=[
            ("grpc.so_reuseport", 0),  # a port in use is an error; the kernel must not share its traffic
            # Up to twice the limit, the receiver refuses and names the setting; beyond, gRPC does, and names none.
            ("grpc.max_receive_message_length", 2 * settings.max_request_bytes),
            ("grpc.max_allowed_incoming_connections", settings.max_connections),
            ("grpc.max_concurrent_streams", settings.max_streams),
            ("grpc.max_metadata_size", settings.max_header_bytes),
            ("grpc.absolute_max_metadata_size", settings.max_header_bytes),
            ("grpc.server_handshake_timeout_ms", int(settings.handshake_timeout_s * 1_000)),
            ("grpc.keepalive_time_ms", int(settings.idle_timeout_s * 1_000)),  # detects dead connections
            ("grpc.keepalive_timeout_ms", int(settings.handshake_timeout_s * 1_000)),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
        ]
    )
    services = Services(receiver, settings, receiving, limiter)
    for signal in signals:
        handler = grpc.stream_unary_rpc_method_handler(services.export_of(signal))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(signal.service, {"Export": handler}),))

    async def stop(timeout_s: float) -> None:
        """Wait for the calls in progress. A connection without one may not notice for long that the server stops."""
        limit = min(timeout_s, GRACE_S)
        stopping = asyncio.ensure_future(server.stop(limit))
        for _ in range(2):  # a call that gRPC had accepted may begin only now
            await services.wait_for_calls(limit)
            await asyncio.wait([stopping], timeout=FLUSH_S)
        await server.stop(None)
        await stopping

    return server, stop


class Services:
    """The methods `Export`, on raw bytes: the receiver's threads decode."""

    def __init__(
        self, receiver: Receiver, settings: CollectorSettings, receiving: Receiving, limiter: LogLimiter
    ) -> None:
        self._receiver = receiver
        self._settings = settings
        self._receiving = receiving
        self._limiter = limiter
        self._calls = 0  # in progress
        self._idle = asyncio.Event()
        self._idle.set()

    async def wait_for_calls(self, timeout_s: float) -> None:
        """Wait until no call is in progress, so many seconds at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), timeout_s)

    def export_of(self, signal: Signal) -> Any:
        """The method of one signal."""

        async def export(_: Any, context: Context) -> bytes:
            with self._call():
                reply = await self._answer(signal, context)
                if isinstance(reply, RefusedError):
                    await _abort(context, reply)
                    raise reply  # unreachable: abort raises
                return signal.reply(reply.rejected, reply.problem).SerializeToString()

        return export

    @contextmanager
    def _call(self) -> Iterator[None]:
        self._calls += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    async def _answer(self, signal: Signal, context: Context) -> Reply | RefusedError:
        """The reply to one export, or its refusal.

        A refusal is returned without its traceback: gRPC keeps an exception that ends a call in a reference cycle with
        the call, and the traceback would keep the body.
        """
        try:
            export = await self._receive(signal, context)
            return await self._receiver.store(export)
        except RefusedError as refusal:
            return refusal.without_traceback()

    async def _receive(self, signal: Signal, context: Context) -> Export:
        """Admit one export and read its body."""
        try:
            export = self._receiver.admit(signal, _authorization(context))
            with export.arriving():
                export.body = await self._body(context)
                export.hold.grow(len(export.body))
        except QueueFullError:
            self._receiving.give_way()
            raise
        return export

    async def _body(self, context: Context) -> bytes:
        async with self._receiving.place():
            body = await context.read()
        if isinstance(body, bytes):
            return body
        # gRPC returns the same for a call without a message and for one whose message is too large, and has already
        # responded to the latter; so only the log can name the limit.
        limit = self._settings.max_request_bytes
        message = f"an export over gRPC was refused: it was empty, or larger than twice max_request_bytes, {limit}"
        self._limiter.warn("grpc_size", message)
        raise MalformedError(f"the export did not arrive; it may be larger than max_request_bytes, {limit}")


def _authorization(context: Context) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            return value if isinstance(value, str) else value.decode("latin-1")
    return None


async def _abort(context: Context, refusal: RefusedError) -> None:
    code = CODES[refusal.grpc_code]
    metadata: tuple[tuple[str, bytes], ...] = ()
    if refusal.retry_after_s is not None:
        metadata = (("grpc-status-details-bin", _retry_details(refusal, refusal.retry_after_s)),)
    await context.abort(code, str(refusal), trailing_metadata=metadata)


def _retry_details(refusal: RefusedError, retry_after_s: float) -> bytes:
    """The status with OTLP's `RetryInfo`: when the sender may try again."""
    delay = Duration()
    delay.FromNanoseconds(int(retry_after_s * 1e9))
    detail = AnyMessage()
    detail.Pack(RetryInfo(retry_delay=delay))
    status: bytes = Status(code=refusal.grpc_code, message=str(refusal), details=[detail]).SerializeToString()
    return status
