"""Small answers of our HTTP servers leave at once: no answer waits 40 ms for the caller to acknowledge its head."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from collector.local.net.listen import bind as bind_collector
from collector.local.net.listen import resolve
from dashboards.preview.address import bind as bind_preview
from demo_flow.shop.server import ShopServer
from demo_flow.shop.settings import Settings


def of_the_shop() -> socket.socket:
    server = ShopServer("127.0.0.1:0", Settings())
    server.bind()
    assert server._socket is not None
    server._socket.listen()
    return server._socket


SERVERS: dict[str, Callable[[], socket.socket]] = {
    "collector": lambda: bind_collector(resolve("127.0.0.1:0", "api")),
    "boards": lambda: bind_preview("127.0.0.1:0"),
    "shop": of_the_shop,
}


@pytest.mark.parametrize("listen", SERVERS.values(), ids=SERVERS)
async def test_asyncio_sends_small_answers_at_once(listen: Callable[[], socket.socket]) -> None:
    """It does so for sockets whose protocol is named, and those that a server accepts have the protocol of its own."""
    delays = asyncio.Queue[int]()

    class Seen(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted: socket.socket = transport.get_extra_info("socket")
            delays.put_nowait(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    with listen() as listening:
        server = await asyncio.get_running_loop().create_server(Seen, sock=listening)
        _, writer = await asyncio.open_connection(*listening.getsockname()[:2])
        at_once = await asyncio.wait_for(delays.get(), 5)
        writer.close()
        server.close()
        await server.wait_closed()
    assert at_once
