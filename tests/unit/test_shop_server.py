"""The shop's HTTP server in the gateway's event loop: its port, its end, and searches whose browser has left."""

import asyncio
import json
import socket

import httpx
import pytest

from demo_flow.commands.options import page_of
from demo_flow.flow import CLIP_ENCODER, GATEWAY
from demo_flow.proto.pamazon_pb2 import Parameters
from demo_flow.serving.dispatch import Dispatcher
from demo_flow.serving.endpoints import Documents, requests
from demo_flow.serving.ports import PortTaken
from demo_flow.shop.server import ShopServer
from tests.unit.shop_goods import SETTINGS, Goods


async def test_a_taken_port_names_who_holds_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(PortTaken, match=rf"the shop's page cannot listen on {address}: port \d+ is taken") as no:
            ShopServer(address, SETTINGS).bind()
    assert no.value.hint == "Stop that process, or choose another port: --shop HOST:PORT."


async def test_it_serves_beside_whatever_else_the_loop_does_and_ends_when_told() -> None:
    """A real port; a connection that stays open does not hold its end up."""
    server = ShopServer("127.0.0.1:0", SETTINGS)
    address = server.bind()
    await server.start(Dispatcher("gateway"))
    async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
        assert (await client.get("/")).status_code == 200
        await asyncio.wait_for(server.stop(), 3)
        with pytest.raises(httpx.TransportError):
            await client.get("/")


class Slow(Goods):
    """Searches that wait until they are told to end; `ended` says how they did."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.begun = asyncio.Event(), asyncio.Event()
        self.ended: list[str] = []

    @requests(on="/search")
    async def search(self, docs: Documents, parameters: Parameters) -> Documents:
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            self.go.set()
            raise
        self.ended.append("answered")
        return await super().search(docs, parameters)


async def test_a_search_ends_when_its_browser_has_left_and_holds_up_nobody() -> None:
    """While it runs, and while another's picture arrives slowly, the page answers."""
    slow, server = Slow(), ShopServer("127.0.0.1:0", SETTINGS)
    address = server.bind()
    dispatcher = Dispatcher("gateway")
    dispatcher.ready(slow)
    await server.start(dispatcher)
    host, port = address.split(":")
    head = f"POST /api/search HTTP/1.1\r\nHost: {address}\r\nContent-Type: "
    _, arriving = await asyncio.open_connection(host, int(port))
    arriving.write(f"{head}image/png\r\nContent-Length: 1000\r\n\r\n123".encode())
    _, leaving = await asyncio.open_connection(host, int(port))
    asked = json.dumps({"text": "coat"})
    leaving.write(f"{head}application/json\r\nContent-Length: {len(asked)}\r\n\r\n{asked}".encode())
    async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
        assert (await client.get("/api/shop")).status_code == 200
        await asyncio.wait_for(slow.begun.wait(), 5)
        leaving.close()
        await asyncio.wait_for(slow.go.wait(), 5)
        assert (await client.post("/api/search", json={"text": "coat"})).status_code == 200
    arriving.close()
    await asyncio.wait_for(server.stop(), 8)
    assert slow.ended == ["cancelled", "answered"]


def test_the_page_of_a_role_is_at_the_address_that_was_given() -> None:
    """At any free port where the role is at one, so that two Pamazons never meet; nowhere by `none`, or without one."""
    assert page_of(GATEWAY, "127.0.0.1:8080", None) == "127.0.0.1:8081" == GATEWAY.page
    assert page_of(GATEWAY, "127.0.0.1:0", None) == "127.0.0.1:0"
    assert page_of(GATEWAY, "127.0.0.1:0", "0.0.0.0:80") == "0.0.0.0:80"
    assert page_of(GATEWAY, "127.0.0.1:8080", "none") is None
    assert page_of(CLIP_ENCODER, "127.0.0.1:8090", None) is None
