"""Calls through gRPC in every arity, sync and aio on both sides, that succeed, fail, are cancelled or left.

In: random numbers. Out: CLIENT and SERVER spans; an AssertionError where an answer is not what the handler gave. State:
two servers, and channels that are opened and closed with each call or kept.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from random import Random
from typing import Any

import grpc

from tests.chaos.work import raised
from tests.contract.rpc_clients import Call, Refused, aio_client, outgoing, threaded, threaded_client
from tests.contract.rpc_echo import ARITIES, Tasks, Threads, aio_server, threaded_server

_DEADLINE = {"DEADLINE_EXCEEDED", "CANCELLED", "INTERNAL"}


class _Threads(Threads):
    """Remembers nothing, so that nothing grows."""

    def look(self, servicer: Any) -> None:
        pass


class _Tasks(Tasks):
    """Remembers nothing, so that nothing grows."""

    def look(self, servicer: Any) -> None:
        pass


@contextmanager
def calls() -> Iterator[list[Callable[[Random], None]]]:
    """Run two servers and their clients; yield the operations."""
    with (
        threaded_server(_Threads()) as one,
        aio_server(_Tasks()) as other,
        threaded_client(one) as first,
        threaded_client(other) as second,
        aio_client(other) as third,
    ):
        every = (first, second, third)
        yield [
            lambda random: _answered(random.choice(every), random),
            lambda random: _answered(random.choice(every), random),
            lambda random: _refused(random.choice(every), random),
            lambda random: _too_late(random.choice(every), random),
            lambda random: _left(random.choice((one, other)), random),
        ]


def _answered(call: Call, random: Random) -> None:
    arity = random.choice(ARITIES)
    words = ["ok"] if arity == "unary_unary" else ["ok", "stage"][: random.randrange(1, 3)]
    assert b" ".join(call(arity, *words)) == " ".join(words).encode()


def _refused(call: Call, random: Random) -> None:
    code = random.choice(["NOT_FOUND", "INVALID_ARGUMENT", "INTERNAL"])
    arity = random.choice(ARITIES)
    assert raised(Refused, lambda: call(arity, f"abort:{code}")).args == (code, "as asked")


def _too_late(call: Call, random: Random) -> None:
    """A deadline that passes.

    Where the machine is slow gRPC reports CANCELLED (`CancelledError` in asyncio) or INTERNAL now and then, without any
    interceptor as well: the server's deadline has come before the caller's.
    """
    arity = random.choice(ARITIES)
    error = raised((Refused, CancelledError), lambda: call(arity, "hang", timeout=0.02))
    assert isinstance(error, CancelledError) or error.args[0] in _DEADLINE, error.args


def _left(target: str, random: Random) -> None:
    """A stream of a channel of its own: cancelled, dropped, or the channel closed under it."""
    how = random.choice(["cancel", "drop", "close"])
    with threaded(target) as channel:
        call = outgoing(channel, "stream_stream")(iter([b"ok"] * 5))
        assert next(call) == b"ok"
        if how == "cancel":
            call.cancel()
        elif how == "drop":
            del call
    assert how != "close" or call.code() in {grpc.StatusCode.CANCELLED, grpc.StatusCode.OK}
