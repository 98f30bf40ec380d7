"""Beside interceptors of the user's own, above and below ours."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import grpc.aio
import pytest

from telemetry import rpc
from tests.contract.rpc_clients import CLIENTS, Refused, aio_client, threaded_client
from tests.contract.rpc_echo import Tasks, Threads, aio_server, threaded_server
from tests.contract.rpc_watch import Watch, watching

ONE = "{0} CLIENT OK\n  {0} SERVER OK"


@pytest.fixture
def watch() -> Iterator[Watch]:
    with watching() as found:
        yield found


class Wrapping(grpc.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    """Hands on a generator in place of gRPC's call object, as many do."""

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        responses = continuation(client_call_details, request)
        return (response + b"!" for response in responses)


class AioWrapping(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    """The same in asyncio."""

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        call = await continuation(client_call_details, request)

        async def changed() -> AsyncIterator[bytes]:
            async for response in call:
                yield response + b"!"

        return changed()


class Retrying(grpc.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    """Calls twice."""

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        continuation(client_call_details, request).result()
        return continuation(client_call_details, request)


class AioRetrying(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    """Calls twice, and hands on the plain response."""

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        await (await continuation(client_call_details, request))
        return await (await continuation(client_call_details, request))


@pytest.mark.parametrize("below", [True, False])
@pytest.mark.parametrize(
    ("client", "ours", "neighbour"),
    [(threaded_client, rpc.client_interceptors, Wrapping), (aio_client, rpc.aio_client_interceptors, AioWrapping)],
)
def test_responses_wrapped_by_another(watch: Watch, client: Any, ours: Any, neighbour: Any, below: bool) -> None:
    """The responses arrive as the neighbour made them, and the spans end."""
    interceptors = [*ours(), neighbour()] if below else [neighbour(), *ours()]
    with threaded_server(Threads()) as target, client(target, interceptors) as call:
        assert call("unary_stream", "ok ok") == [b"ok!", b"ok!"]
        assert watch.tree(2) == ONE.format("unary_stream")


@pytest.mark.parametrize(
    ("client", "ours", "neighbour"),
    [(threaded_client, rpc.client_interceptors, Wrapping), (aio_client, rpc.aio_client_interceptors, AioWrapping)],
)
def test_a_failure_below_a_wrapping_neighbour(watch: Watch, client: Any, ours: Any, neighbour: Any) -> None:
    """The caller gets gRPC's error through the neighbour, and the CLIENT span its code."""
    with threaded_server(Threads()) as target, client(target, [*ours(), neighbour()]) as call:
        with pytest.raises(Refused) as raised:
            call("unary_stream", "ok abort:NOT_FOUND")
        assert raised.value.code == "NOT_FOUND"
        code = "NOT_FOUND"
        assert watch.tree(2) == f"unary_stream CLIENT {code} ! {code}\n  unary_stream SERVER {code}"


@pytest.mark.parametrize("below", [True, False])
@pytest.mark.parametrize(
    ("client", "ours", "neighbour"),
    [(threaded_client, rpc.client_interceptors, Retrying), (aio_client, rpc.aio_client_interceptors, AioRetrying)],
)
def test_a_call_made_twice_by_another(watch: Watch, client: Any, ours: Any, neighbour: Any, below: bool) -> None:
    """Below ours the retries are one call of the caller's; above ours each is a call."""
    interceptors = [*ours(), neighbour()] if below else [neighbour(), *ours()]
    with threaded_server(Threads()) as target, client(target, interceptors) as call:
        assert call("unary_unary", "ok") == [b"ok"]
        one = ONE.format("unary_unary")
        assert watch.tree(3 if below else 4) == (f"{one}\n  unary_unary SERVER OK" if below else f"{one}\n{one}")


def refusing(_: Any, context: Any) -> None:
    context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")


async def aio_refusing(_: Any, context: Any) -> None:
    await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")


class Refusing(grpc.ServerInterceptor):  # type: ignore[type-arg]
    """Lets nobody in."""

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(refusing)


class AioRefusing(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """The same in asyncio."""

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(aio_refusing)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_a_call_refused_below_ours(watch: Watch, client: str, kind: str) -> None:
    """An interceptor that answers by itself is seen as a handler is."""
    serving: dict[str, Any] = {
        "threads": threaded_server(Threads(), [*rpc.server_interceptors(), Refusing()]),
        "tasks": aio_server(Tasks(), [*rpc.aio_server_interceptors(), AioRefusing()]),
    }
    with serving[kind] as target, CLIENTS[client](target) as call:
        with pytest.raises(Refused) as raised:
            call("unary_unary", "ok")
        assert (raised.value.code, raised.value.details) == ("PERMISSION_DENIED", "not you")
        code = "PERMISSION_DENIED"
        assert watch.tree(2) == f"unary_unary CLIENT {code} ! {code}\n  unary_unary SERVER {code}"


class AroundStreams(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """Iterates the handler below it, which must have stayed an async generator."""

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)

        async def around(request: Any, context: Any) -> AsyncIterator[bytes]:
            async for response in handler.unary_stream(request, context):
                yield response + b"!"

        return grpc.unary_stream_rpc_method_handler(around)


@pytest.mark.parametrize("below", [True, False])
def test_a_neighbour_around_a_streaming_handler(watch: Watch, below: bool) -> None:
    """Whichever is outside, the responses and the spans are right."""
    ours = rpc.aio_server_interceptors()
    interceptors = [*ours, AroundStreams()] if below else [AroundStreams(), *ours]
    with aio_server(Tasks(), interceptors) as target, CLIENTS["aio"](target) as call:
        assert call("unary_stream", "ok ok") == [b"ok!", b"ok!"]
        assert watch.tree(2) == ONE.format("unary_stream")
