"""What only a server can be: away, locked by a key, without the collection, gone in the middle."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from demo_flow.index import IndexUnavailable, UnknownCollection, open_index
from demo_flow.index.server import API_KEY
from tests.unit.qdrant_stand_in import StandIn


@pytest.fixture
def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_that_is_away_is_named(scheme: str, free_port: int) -> None:
    """The address stands in the message, and the way out without a server in the hint."""
    with pytest.raises(IndexUnavailable, match=f"{scheme}://127.0.0.1:{free_port} does not answer") as caught:
        open_index("goods", 4, url=f"{scheme}://127.0.0.1:{free_port}")
    assert "--qdrant-url" in caught.value.hint


@pytest.mark.parametrize("url", ["127.0.0.1:6333", "ftp://host", "http://", "http://host:port", "http://u:secret@h:x"])
def test_a_wrong_address_is_refused(url: str) -> None:
    """What was meant as an address is shown, without a password in it."""
    with pytest.raises(IndexUnavailable, match="not the address of a Qdrant server") as caught:
        open_index("goods", 4, url=url)
    assert "secret" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
def test_a_refused_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable and keeps its value to itself; the right key opens."""
    server = StandIn(key="right-key")
    try:
        monkeypatch.setenv(API_KEY, "wrong-key")
        with pytest.raises(IndexUnavailable, match="refuses the key") as caught:
            open_index("goods", 4, url=server.url)
        assert API_KEY in caught.value.hint
        assert "wrong-key" not in f"{caught.value!r} {caught.value.__cause__!r}"
        monkeypatch.setenv(API_KEY, "right-key")
        open_index("goods", 4, url=server.url).close()
    finally:
        server.stop()


def test_a_collection_that_is_gone_is_named() -> None:
    """Someone deletes the collection while we use it: the search reports it."""
    server = StandIn()
    index = open_index("goods", 4, url=server.url)
    try:
        open_index("goods", 4, url=server.url, recreate=True).close()
        with server.lock:
            server.client.delete_collection("goods")
        with pytest.raises(UnknownCollection, match="'goods'"):
            index.search(np.ones(4, np.float32), 1)
    finally:
        index.close()
        server.stop()


def test_a_server_that_goes_away_is_named() -> None:
    """The process that searches gets an error it can pass on, at once."""
    server = StandIn()
    index = open_index("goods", 4, url=server.url)
    server.stop()
    with pytest.raises(IndexUnavailable, match="does not answer"):
        index.count()
    index.close()


class _Refuse(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    """Answers every call with one status."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self.code = code

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        def refuse(request: bytes, context: grpc.ServicerContext) -> bytes:
            context.abort(self.code, "words of the server")

        return grpc.unary_unary_rpc_method_handler(refuse)


@pytest.fixture(params=[grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INTERNAL])
def refusing(request: pytest.FixtureRequest) -> Iterator[tuple[str, grpc.StatusCode]]:
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool, handlers=[_Refuse(request.param)])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"grpc://127.0.0.1:{port}", request.param
        server.stop(None).wait()


def test_a_status_over_grpc_means_what_it_means_over_http(refusing: tuple[str, grpc.StatusCode]) -> None:
    """A refused key, a missing collection and an error of the server are distinguished on both protocols."""
    url, code = refusing
    expected = {
        grpc.StatusCode.UNAUTHENTICATED: (IndexUnavailable, "refuses the key"),
        grpc.StatusCode.NOT_FOUND: (UnknownCollection, "has no collection 'goods'"),
        grpc.StatusCode.INTERNAL: (IndexUnavailable, "answered: INTERNAL"),
    }
    kind, words = expected[code]
    with pytest.raises(kind, match=words):
        open_index("goods", 4, url=url)
