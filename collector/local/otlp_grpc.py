"""OTLP over gRPC: the three collector services, each with its one method `Export`.

In: calls on port 4317. Out: what the receiver says, as messages and status codes of OTLP
(https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-response). Owns the gRPC server, on the ingest event loop.
"""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no types are published
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no types are published

from collector.local.errors import MalformedError, QueueFullError, RefusedError, StoreUnavailableError, TooLargeError
from collector.local.receiver import Receiver
from collector.local.settings import CollectorSettings
from collector.local.signals import ALL, Signal

Context = grpc.aio.ServicerContext[bytes, bytes]

CODES: dict[type[RefusedError], grpc.StatusCode] = {
    MalformedError: grpc.StatusCode.INVALID_ARGUMENT,
    TooLargeError: grpc.StatusCode.RESOURCE_EXHAUSTED,  # without RetryInfo, which tells senders not to try again
    QueueFullError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    StoreUnavailableError: grpc.StatusCode.UNAVAILABLE,
}


def grpc_server(receiver: Receiver, settings: CollectorSettings) -> grpc.aio.Server:
    """A server with the three services, not started; to be made on the loop it runs on."""
    server = grpc.aio.server(
        options=[
            ("grpc.so_reuseport", 0),  # a taken port is an error, not a share of the traffic
            # gRPC refuses in words of its own; up to twice the limit the receiver does it, naming the setting.
            ("grpc.max_receive_message_length", 2 * settings.max_request_bytes),
        ]
    )
    for signal in ALL:
        handler = grpc.unary_unary_rpc_method_handler(_behaviour(signal, receiver))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(signal.service, {"Export": handler}),))
    return server


def _behaviour(signal: Signal, receiver: Receiver) -> Any:
    """The method `Export` of one signal, on raw bytes: decoding happens in the receiver's threads."""

    async def export(body: bytes, context: Context) -> bytes:
        try:
            hold = receiver.admit(signal)
            try:
                hold.grow(len(body))
            except QueueFullError:
                hold.release()
                raise
        except QueueFullError as refusal:
            receiver.count_refusal(signal, refusal)
            await _abort(context, refusal)
        try:
            reply = await receiver.export(signal, body, hold)
        except RefusedError as refusal:
            await _abort(context, refusal)
        return signal.reply(reply.rejected, reply.problem).SerializeToString()

    return export


async def _abort(context: Context, refusal: RefusedError) -> None:
    code = CODES[type(refusal)]
    metadata: tuple[tuple[str, bytes], ...] = ()
    if isinstance(refusal, QueueFullError | StoreUnavailableError):
        metadata = (("grpc-status-details-bin", _retry_details(code, refusal)),)
    await context.abort(code, str(refusal), trailing_metadata=metadata)


def _retry_details(code: grpc.StatusCode, refusal: QueueFullError | StoreUnavailableError) -> bytes:
    """The status with `RetryInfo`, by which OTLP tells a sender when to try again."""
    delay = Duration()
    delay.FromNanoseconds(int(refusal.retry_after_s * 1e9))
    detail = AnyMessage()
    detail.Pack(RetryInfo(retry_delay=delay))
    status: bytes = Status(code=code.value[0], message=str(refusal), details=[detail]).SerializeToString()
    return status
