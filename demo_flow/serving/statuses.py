"""Which gRPC statuses are a caller's own mistake; both ends of a call ask. In: nothing. Out: `CALLERS`. State: none."""

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
