"""The clients of the service of `rpc_echo`: every kind, traced by interceptors or by a channel of ours."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc
import grpc.aio
from opentelemetry import context as otel_context

from telemetry import rpc
from tests.contract.rpc_echo import SERVICE, running_loop
from tests.contract.rpc_watch import PATIENCE


class Refused(Exception):
    """What a client got: code and details."""

    def __init__(self, error: Any) -> None:
        super().__init__(error.code().name, error.details())
        self.code: str = error.code().name
        self.details: str = error.details()


Call = Callable[..., list[bytes]]


def _prepared(arity: str, words: Sequence[str]) -> Any:
    return iter([word.encode() for word in words]) if arity.startswith("stream") else " ".join(words).encode()


@contextlib.contextmanager
def threaded_client(target: str, interceptors: Sequence[Any] | None = None) -> Iterator[Call]:
    """Yield `call(arity, *words, timeout=None)`, by `grpc`."""
    found = rpc.client_interceptors(target) if interceptors is None else interceptors
    with _threads(target, lambda plain: grpc.intercept_channel(plain, *found)) as call:
        yield call


@contextlib.contextmanager
def threaded_channel(target: str) -> Iterator[Call]:
    """Yield the same, by a channel of ours."""
    with _threads(target, lambda plain: rpc.traced(plain, target)) as call:
        yield call


@contextlib.contextmanager
def _threads(target: str, made_of: Callable[[grpc.Channel], grpc.Channel]) -> Iterator[Call]:
    with made_of(grpc.insecure_channel(target)) as channel:

        def call(arity: str, *words: str, timeout: float | None = None, metadata: Any = None) -> list[bytes]:
            method = getattr(channel, arity)(f"/{SERVICE}/{arity}")
            try:
                answer = method(_prepared(arity, words), timeout=timeout, metadata=metadata)
                return [answer] if arity.endswith("unary") else list(answer)
            except grpc.RpcError as error:
                raise Refused(error) from None

        yield call


@contextlib.contextmanager
def aio_client(target: str, interceptors: Sequence[Any] | None = None) -> Iterator[Call]:
    """Yield `call(arity, *words, timeout=None)`, by `grpc.aio` in a loop of its own."""
    found = rpc.aio_client_interceptors(target) if interceptors is None else interceptors
    with _tasks(lambda: grpc.aio.insecure_channel(target, interceptors=found)) as call:
        yield call


@contextlib.contextmanager
def aio_channel(target: str) -> Iterator[Call]:
    """Yield the same, by a channel of ours."""
    with _tasks(lambda: rpc.traced(grpc.aio.insecure_channel(target), target)) as call:
        yield call


@contextlib.contextmanager
def _tasks(made: Callable[[], grpc.aio.Channel]) -> Iterator[Call]:
    async def call(arity: str, words: Sequence[str], **options: Any) -> list[bytes]:
        async with made() as channel:
            method = getattr(channel, arity)(f"/{SERVICE}/{arity}")
            try:
                answer = method(_prepared(arity, words), **options)
                return [await answer] if arity.endswith("unary") else [message async for message in answer]
            except grpc.aio.AioRpcError as error:
                raise Refused(error) from None

    with running_loop() as loop:

        def blocking(arity: str, *words: str, **options: Any) -> list[bytes]:
            # a task made from another thread sees none of that thread's context
            context = otel_context.get_current()

            async def within() -> list[bytes]:
                otel_context.attach(context)
                return await call(arity, words, **options)

            return asyncio.run_coroutine_threadsafe(within(), loop).result(PATIENCE)

        yield blocking


CLIENTS: dict[str, Callable[..., contextlib.AbstractContextManager[Call]]] = {
    "threads": threaded_client,
    "aio": aio_client,
}


TRACED: dict[str, Callable[[str], contextlib.AbstractContextManager[Call]]] = {
    **CLIENTS,
    "threads_channel": threaded_channel,
    "aio_channel": aio_channel,
}
"""All ways to trace the calls of a client: by interceptors, and by a channel of ours."""


@contextlib.contextmanager
def threaded(target: str) -> Iterator[Any]:
    """Yield a channel of `grpc` with our interceptors."""
    with grpc.insecure_channel(target) as channel:
        yield grpc.intercept_channel(channel, *rpc.client_interceptors(target))


def threaded_traced(target: str) -> Any:
    """Return a channel of ours over one of `grpc`."""
    return rpc.traced(grpc.insecure_channel(target), target)


def aio(target: str) -> Any:
    """Return a channel of `grpc.aio` with our interceptors."""
    return grpc.aio.insecure_channel(target, interceptors=rpc.aio_client_interceptors(target))


def aio_traced(target: str) -> Any:
    """Return a channel of ours over one of `grpc.aio`."""
    return rpc.traced(grpc.aio.insecure_channel(target), target)


def outgoing(channel: Any, arity: str) -> Any:
    """Return the service's method of this arity, as the channel calls it."""
    return getattr(channel, arity)(f"/{SERVICE}/{arity}")
