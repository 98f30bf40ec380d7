"""Serves the shop in the event loop of the gateway, beside gRPC.

In: an address, the gateway's dispatcher. Out: HTTP, until it is stopped. State: the socket, which is bound before
anything is loaded, and uvicorn's server.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn

from demo_flow.serving.dispatch import Dispatcher
from demo_flow.serving.ports import PortTaken
from demo_flow.serving.server import DRAIN
from demo_flow.shop.app import create_app
from demo_flow.shop.pictures import Pictures
from demo_flow.shop.settings import Settings

MOST_AT_ONCE: Final = 256
"""Connections at once; one more is answered 503."""
_BACKLOG: Final = 256


class ShopServer:
    """Arguments: `HOST:PORT` (port 0: any free one), and the page's settings."""

    def __init__(self, address: str, settings: Settings) -> None:
        self._address = address
        self._settings = settings
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    def bind(self) -> str:
        """Take the port; return the address. Raises PortTaken."""
        host, _, port = self._address.rpartition(":")
        name = host.strip("[]")
        family = socket.AF_INET6 if ":" in name else socket.AF_INET
        # asyncio lets small answers leave at once (TCP_NODELAY) only where the protocol is named: else they take 40 ms.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((name, int(port)))
        except OSError:
            listening.close()
            raise PortTaken("the shop's page", self._address, "--shop") from None
        self._socket = listening
        return f"{host}:{listening.getsockname()[1]}"

    async def start(self, dispatcher: Dispatcher) -> None:
        """Serve from now on, at the port that `bind` has taken."""
        config = uvicorn.Config(
            create_app(dispatcher, self._settings, Pictures(self._settings.catalogue)),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            limit_concurrency=MOST_AT_ONCE,
            timeout_graceful_shutdown=int(DRAIN),
            backlog=_BACKLOG,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve([self._socket] if self._socket else None))
        await self._server.ready.wait()

    async def stop(self) -> None:
        """Take no more requests, and leave those that run `DRAIN` seconds to end."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
        if self._socket is not None:
            self._socket.close()


class _Server(uvicorn.Server):
    """uvicorn, which says when it serves, and leaves signals to the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
