"""What an endpoint inside a gRPC handler counts as: what its caller was answered, however that was set."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

import telemetry
from tests.contract.rpc_clients import Refused, threaded_client
from tests.contract.rpc_echo import SERVERS, Echo, Tasks, Threads, aio_server, threaded_server
from tests.contract.rpc_watch import PATIENCE, Watch, watching


class EndpointThreads(Threads):
    """Each call is a request at an endpoint. `late`: the code is set, and then something is raised."""

    @telemetry.endpoint("/search")
    def unary_unary(self, request: bytes, servicer: Any) -> bytes:
        if request.startswith(b"late:"):
            servicer.set_code(grpc.StatusCode[request.decode()[5:]])
            raise LookupError("no such shelf")
        return self._do(request, servicer)


class EndpointTasks(Tasks):
    @telemetry.endpoint("/search")
    async def unary_unary(self, request: bytes, servicer: Any) -> bytes:
        if request.startswith(b"late:"):
            servicer.set_code(grpc.StatusCode[request.decode()[5:]])
            raise LookupError("no such shelf")
        return await self._do(request, servicer)


KINDS: dict[str, tuple[Callable[..., Any], Callable[[], Echo]]] = {
    "threads": (threaded_server, EndpointThreads),
    "tasks": (aio_server, EndpointTasks),
    "threads_on_aio": (aio_server, EndpointThreads),
}
assert KINDS.keys() <= SERVERS.keys()


def outcome_of(watch: Watch) -> tuple[str, str | None]:
    """Outcome and error type of the one request."""
    (point,) = watch.points("search.request.duration")
    found = point.attributes or {}
    return str(found["search.outcome"]), found.get("error.type")  # type: ignore[return-value]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["abort", "code"])
@pytest.mark.parametrize(
    ("code", "outcome"),
    [("NOT_FOUND", "rejected"), ("CANCELLED", "cancelled"), ("RESOURCE_EXHAUSTED", "error"), ("INTERNAL", "error")],
)
def test_the_status_that_answers_the_caller_is_the_outcome(kind: str, how: str, code: str, outcome: str) -> None:
    """By `abort` or by `set_code`: endpoint and SERVER span agree."""
    serve, make = KINDS[kind]
    with watching() as watch:
        with serve(make()) as target, threaded_client(target, []) as call:
            with pytest.raises(Refused):
                call("unary_unary", f"{how}:{code}")
            watch.settled(2)  # after `abort` the caller knows before the handler does; a server that stops cancels that
        fault = f" ! {code}" if outcome == "error" else ""
        event = f" *{code}" if outcome != "error" and how == "abort" else ""
        assert watch.tree(2) == f"unary_unary SERVER {code}{fault}\n  search{fault}{event}"
        assert outcome_of(watch) == (outcome, code if outcome == "error" else None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("code", "outcome"), [("NOT_FOUND", "rejected"), ("UNAVAILABLE", "error")])
def test_an_exception_behind_a_status_is_judged_by_the_status(kind: str, code: str, outcome: str) -> None:
    """The caller sees the code; the event still has what was raised."""
    serve, make = KINDS[kind]
    with watching() as watch:
        with serve(make()) as target, threaded_client(target, []) as call, pytest.raises(Refused):
            call("unary_unary", f"late:{code}")
        fault = " ! LookupError" if outcome == "error" else ""
        assert watch.tree(2) == f"unary_unary SERVER {code}{fault}\n  search{fault} *LookupError"
        assert outcome_of(watch)[0] == outcome


@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_a_caller_that_hangs_up_has_cancelled(kind: str) -> None:
    """A thread returns into the void, a task is cancelled: the request is neither a success nor a failure."""
    serve, make = KINDS[kind]
    with watching() as watch:
        echo = make()
        with serve(echo) as target, grpc.insecure_channel(target) as channel:
            call: Any = channel.unary_unary("/test.Echo/unary_unary")  # type: ignore[call-arg]  # the stubs want serializers
            future = call.future(b"hang")
            assert echo.reached.wait(PATIENCE)
            future.cancel()
            watch.settled(2)
        assert outcome_of(watch) == ("cancelled", None)


@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_a_deadline_that_passed_is_an_error(kind: str) -> None:
    """The service was too slow: that must not count as the caller's whim."""
    serve, make = KINDS[kind]
    with watching() as watch:
        with serve(make()) as target, threaded_client(target, []) as call:
            with pytest.raises(Refused):
                call("unary_unary", "hang", timeout=0.3)
            watch.settled(2)
        assert outcome_of(watch) == ("error", "DEADLINE_EXCEEDED")


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_of_a_call_further_down_is_an_error(kind: str) -> None:
    """`RpcError` escapes: that somebody refused us is our failure, whatever its code."""

    def fails(servicer: Any) -> None:
        with grpc.insecure_channel(servicer.target) as channel:
            call: Any = channel.unary_unary("/test.Nobody/nothing")  # type: ignore[call-arg]  # as above
            call(b"", timeout=PATIENCE)

    class Asking(EndpointThreads):
        target = ""

        @telemetry.endpoint("/search")
        def unary_unary(self, request: bytes, servicer: Any) -> bytes:
            fails(self)
            return b""

    class AskingTasks(EndpointTasks):
        target = ""

        @telemetry.endpoint("/search")
        async def unary_unary(self, request: bytes, servicer: Any) -> bytes:
            fails(self)
            return b""

    serve, _ = KINDS[kind]
    echo = AskingTasks() if kind == "tasks" else Asking()
    with watching() as watch:
        with threaded_server(Threads(), []) as below, serve(echo) as target, threaded_client(target, []) as call:
            echo.target = below
            with pytest.raises(Refused):
                call("unary_unary", "")
        assert outcome_of(watch) == ("error", "UNIMPLEMENTED")
