"""The callable of the channel below is made once, however often it is called."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from telemetry import rpc
from telemetry.rpc.threads.multicallables import keep_multicallable
from tests.contract.rpc_echo import ARITIES, SERVICE, Threads, threaded_server
from tests.contract.rpc_watch import watching


class Counting:
    """A channel that counts what it is asked to make."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self.made: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def make(*args: Any) -> Any:
            self.made.append(name)
            return getattr(self._channel, name)(*args)

        return make if name in ARITIES else getattr(self._channel, name)


def ask(method: Any, arity: str, *more: Any) -> None:
    answer = method(iter([b"ok"]) if arity.startswith("stream") else b"ok", *more)
    assert (answer if arity.endswith("unary") else next(iter(answer))) == b"ok"


@pytest.mark.parametrize("arity", ARITIES)
def test_it_is_made_once(arity: str) -> None:
    """Beside an interceptor of another's, above or below; from several threads at most once by each."""

    class Other(
        grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor,  # type: ignore[type-arg]
        grpc.StreamUnaryClientInterceptor, grpc.StreamStreamClientInterceptor,  # type: ignore[type-arg]
    ):  # fmt: skip
        """Hands on."""

        def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
            return continuation(client_call_details, request)

        intercept_unary_stream: Any = intercept_unary_unary
        intercept_stream_unary: Any = intercept_unary_unary
        intercept_stream_stream: Any = intercept_unary_unary

    with watching(), threaded_server(Threads()) as target, grpc.insecure_channel(target) as plain:
        for others in ([], [Other()]):
            counting = Counting(plain)
            channel: Any = grpc.intercept_channel(counting, *others, *rpc.client_interceptors(target))  # type: ignore[arg-type]
            method = getattr(channel, arity)(f"/{SERVICE}/{arity}")
            for _ in range(3):
                ask(method, arity)
            assert len(counting.made) == (1 if not others else 3)  # theirs makes ours anew
        counting = Counting(plain)
        channel = grpc.intercept_channel(counting, *rpc.client_interceptors(target))  # type: ignore[arg-type]
        method = getattr(channel, arity)(f"/{SERVICE}/{arity}")
        with ThreadPoolExecutor(4) as pool:
            for one in [pool.submit(ask, method, arity) for _ in range(12)]:
                one.result()
        assert 1 <= len(counting.made) <= 4


def test_another_method_is_made_for_itself() -> None:
    """An interceptor above may send a call elsewhere."""

    class Elsewhere(grpc.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
        def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
            return continuation(client_call_details._replace(method=f"/{SERVICE}/nothing"), request)

    with watching(), threaded_server(Threads()) as target, grpc.insecure_channel(target) as plain:
        channel: Any = grpc.intercept_channel(plain, *rpc.client_interceptors(target), Elsewhere())
        with pytest.raises(grpc.RpcError):
            channel.unary_unary(f"/{SERVICE}/unary_unary")(b"ok")


def test_what_is_not_grpcs_stays_as_it_is() -> None:
    """Continuations of any kind."""

    class Own:
        _thunk = _method = None

        def continuation(self) -> Any:
            also = 1
            return lambda: (also, self)

    own = Own()
    for other in (None, 1, print, lambda: None, own.continuation()):
        keep_multicallable(other)
    assert own._thunk is None
