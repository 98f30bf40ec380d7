"""The gRPC statuses that are a caller's own mistake, for both ends of a call."""

from typing import Final

import grpc

CALLERS: Final = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.FAILED_PRECONDITION,
    }
)
"""Statuses of a caller's mistake."""
