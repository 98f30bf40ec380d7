"""One call: ended once; and what a server reads out of gRPC's context."""

import asyncio
import threading
from typing import Any

import grpc
import pytest
from opentelemetry import context as otel_context

from telemetry.recording.clock import clock
from telemetry.rpc.calls.call import Call
from telemetry.rpc.calls.incoming import Incoming
from telemetry.rpc.calls.names import method_of
from telemetry.rpc.calls.outcome import CLIENT, Outcome
from telemetry.rpc.threads.server import wrapped
from tests.contract.rpc_watch import watching


class Servicer:
    """As much of gRPC's servicer context as a server asks for."""

    def __init__(self, remaining: list[float | None], code: Any = None) -> None:
        self._remaining = remaining
        self._code = code

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return ()

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"

    def time_remaining(self) -> float | None:
        return self._remaining.pop(0)

    def code(self) -> Any:
        return self._code

    def details(self) -> bytes:
        return b"as asked"


METHOD = method_of("/test.Echo/unary_unary")


def test_a_call_is_ended_once_whoever_is_first() -> None:
    """A callback, an exception and a cancellation race with each other: one span, one measurement, one outcome."""
    with watching() as watch:
        call = Call(CLIENT, METHOD, otel_context.get_current(), {})
        together = threading.Barrier(8)

        def end(number: int) -> None:
            together.wait()
            call.end(Outcome(list(grpc.StatusCode)[number]))

        threads = [threading.Thread(target=end, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (span,) = watch.settled(1)
        (point,) = watch.points("rpc.client.call.duration")
    assert (point.count, call.ended) == (1, True)
    assert (point.attributes or {})["rpc.response.status_code"] == (span.attributes or {})["rpc.response.status_code"]


@pytest.mark.parametrize(
    ("allowed", "remaining", "code"),
    [
        (None, None, "CANCELLED"),
        (1.0, 0.5, "CANCELLED"),
        (1.0, 0.0, "DEADLINE_EXCEEDED"),
        (1.0, 0.015, "DEADLINE_EXCEEDED"),  # the caller's clock ran out, and its cancellation arrived first
        (1.0, 0.1, "CANCELLED"),
        (100.0, 0.9, "DEADLINE_EXCEEDED"),  # gRPC sent 100.4 s as 101 s
        (100.0, 2.0, "CANCELLED"),
    ],
)
def test_a_deadline_is_distinguished_from_a_cancellation_by_the_time_left(
    monkeypatch: pytest.MonkeyPatch, allowed: float | None, remaining: float | None, code: str
) -> None:
    """Both reach a handler as the cancellation of its task."""
    with watching() as watch:
        call = Incoming(None, wrapped).begin(METHOD, b"", Servicer([remaining]))
        assert call is not None
        with monkeypatch.context() as later:
            now = clock.steady() + int(((allowed or 0) - (remaining or 0)) * 1e9)
            later.setattr(clock, "steady", lambda: now)
            call.finish(asyncio.CancelledError())
        (span,) = watch.settled(1)
    assert (span.attributes or {})["rpc.response.status_code"] == code


@pytest.mark.parametrize(
    ("raw", "error", "code"),
    [
        (None, None, "OK"),
        (0, None, "OK"),
        (5, None, "NOT_FOUND"),
        (grpc.StatusCode.NOT_FOUND, None, "NOT_FOUND"),
        (None, ValueError("boom"), "UNKNOWN"),
        (0, ValueError("boom"), "UNKNOWN"),
        (5, ValueError("boom"), "NOT_FOUND"),
        (99, None, "UNKNOWN"),
        (None, grpc.aio.InternalError("Failed grpc_call_start_batch"), "CANCELLED"),
    ],
)
def test_codes_in_all_forms(raw: Any, error: Exception | None, code: str) -> None:
    """`grpc` keeps the enum or None, `grpc.aio` a number, which need not be one of gRPC's."""
    with watching() as watch:
        call = Incoming(None, wrapped).begin(METHOD, b"", Servicer([None, None, None], raw))
        assert call is not None
        call.finish(error)
        (span,) = watch.settled(1)
    assert (span.attributes or {})["rpc.response.status_code"] == code
