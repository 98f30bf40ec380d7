"""Gives every exception of an executor its gRPC status, and a message for the caller.

A caller's mistake has a class of its own. Any other exception, a stray ValueError included, is the executor's failure:
INTERNAL, with its class and message for the caller and its stack in the executor's log.
"""

import asyncio
from typing import Final

import grpc

from demo_flow.encoders.base import BadPicture, EncoderUnavailable
from demo_flow.errors import CallerError, PamazonError, Refused
from demo_flow.index.base import IndexUnavailable, UnknownCollection
from demo_flow.serving.statuses import CALLERS
from telemetry.batching import BatcherClosed, QueueFull


class UnknownEndpoint(PamazonError):
    """An endpoint that the executor does not have."""


class NotReady(PamazonError):
    """The process listens already, but has not loaded yet."""


_STATUS: Final[tuple[tuple[type[Exception], grpc.StatusCode], ...]] = (
    (CallerError, grpc.StatusCode.INVALID_ARGUMENT),
    (BadPicture, grpc.StatusCode.INVALID_ARGUMENT),
    (UnknownCollection, grpc.StatusCode.NOT_FOUND),
    (UnknownEndpoint, grpc.StatusCode.UNIMPLEMENTED),
    (IndexUnavailable, grpc.StatusCode.UNAVAILABLE),
    (EncoderUnavailable, grpc.StatusCode.UNAVAILABLE),
    (NotReady, grpc.StatusCode.UNAVAILABLE),
    (QueueFull, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (BatcherClosed, grpc.StatusCode.UNAVAILABLE),
    (asyncio.TimeoutError, grpc.StatusCode.DEADLINE_EXCEEDED),
)

MISTAKES: Final = tuple(kind for kind, code in _STATUS if code in CALLERS)
"""Exceptions that are the caller's mistake: no span of theirs is an error."""


def status_of(error: Exception) -> tuple[grpc.StatusCode, str]:
    """Return the status that `error` has for the caller, and its message.

    The error of a call further down keeps its code. Who was called stands in a note (see `serving.client`).
    """
    if isinstance(error, Refused):
        return error.code, error.message
    if isinstance(error, grpc.aio.AioRpcError):
        message = error.details() or ""
        where = ", ".join(getattr(error, "__notes__", ()))
        return error.code(), f"{where}: {message}" if where else message
    for kind, code in _STATUS:
        if isinstance(error, kind):
            return code, str(error)
    return grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}"
