"""How an rpc ends, on each side of the wire.

In: status codes as gRPC's interfaces have them. Out: an `Outcome`; the attributes of spans and metrics for each code.
State: none.

Status follows the semantic conventions for gRPC: on the client every code but OK is an error; on the server only
those that are the server's own fault (see `recording.runs.outcome`), so that a caller's mistake or a caller's
cancellation does not count as an error.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import grpc
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording.runs.outcome import ERROR, outcome_of_status

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


class Outcome(NamedTuple):
    """How a call ended: gRPC's code (None: it never became a call), its details, the exception that ended it."""

    code: grpc.StatusCode | None = grpc.StatusCode.OK
    details: str = ""
    error: BaseException | None = None


OK: Final = Outcome()


class CallEnding:
    """The attributes of a span and a metric for one code (None: it never became a call) on one side.

    Attributes: `failed`, whether it is an error there; `labels` of the metric; `attributes` of the span.
    """

    __slots__ = ("attributes", "failed", "labels")

    def __init__(self, code: grpc.StatusCode | None, *, failed: bool) -> None:
        self.failed = failed
        self.labels: dict[str, AttributeValue] = {}
        self.attributes: dict[str, AttributeValue] = {}
        if code is not None:
            self.labels[c.RPC_RESPONSE_STATUS_CODE.name] = code.name
            self.attributes[c.RPC_GRPC_STATUS_CODE.name] = code.value[0]
        if failed:
            self.labels[c.ERROR_TYPE.name] = str(code and code.name)
        self.attributes |= self.labels

    def labels_with(self, error: str | None) -> Mapping[str, AttributeValue]:
        """Return the labels; with `error`, of the exception that ended the call, in place of the code."""
        return self.labels if error is None else {**self.labels, c.ERROR_TYPE.name: error}

    def attributes_with(self, error: str) -> Mapping[str, AttributeValue]:
        """Return the attributes with `error`, as the labels have it."""
        return {**self.attributes, c.ERROR_TYPE.name: error}


class Side:
    """What differs between the ends of a call. `endings`: by code; `ok` is one of them."""

    __slots__ = ("duration", "endings", "kind", "ok")

    def __init__(self, kind: SpanKind, duration: c.Metric, faults: frozenset[grpc.StatusCode]) -> None:
        self.kind = kind
        self.duration = duration
        self.endings: dict[grpc.StatusCode | None, CallEnding] = {
            code: CallEnding(code, failed=code is None or code in faults) for code in (*grpc.StatusCode, None)
        }
        self.ok = self.endings[grpc.StatusCode.OK]


CLIENT: Final = Side(
    SpanKind.CLIENT, c.RPC_CLIENT_CALL_DURATION, frozenset(code for code in grpc.StatusCode if code.value[0] != 0)
)
SERVER: Final = Side(
    SpanKind.SERVER,
    c.RPC_SERVER_CALL_DURATION,
    frozenset(code for code in grpc.StatusCode if outcome_of_status(code.name) == ERROR),
)


def code_of(raw: object) -> grpc.StatusCode | None:
    """Return gRPC's code for what an API gave as one: the enum, its name, or (in `grpc.aio`'s servers) its number."""
    if isinstance(raw, grpc.StatusCode):
        return raw
    if isinstance(raw, str):
        return grpc.StatusCode.__members__.get(raw, grpc.StatusCode.UNKNOWN)
    return _CODES.get(raw, grpc.StatusCode.UNKNOWN) if isinstance(raw, int) else None
