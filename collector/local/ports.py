"""Opens the collector's three ports.

In: addresses, who may call, the receiver, the API's application. Out: the real addresses. The loops own what listens.
"""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from collector.local.errors import CollectorError
from collector.local.intake.otlp_grpc import grpc_server
from collector.local.intake.otlp_http import http_app, status_json
from collector.local.intake.receiver import Receiver
from collector.local.intake.receiving import Receiving
from collector.local.net.access import Access
from collector.local.net.complaints import Complaints
from collector.local.net.http_port import serve_http
from collector.local.net.listen import Place, bind, join_address, resolve, taken
from collector.local.net.loop_thread import LoopThread
from collector.local.settings import CollectorSettings


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the collector listens, as `HOST:PORT` with the real port; None where it does not."""

    grpc: str | None
    http: str | None
    api: str | None


@dataclass(frozen=True, slots=True)
class Places:
    """The same, as resolved."""

    grpc: Place | None
    http: Place | None
    api: Place | None


def find_places(wanted: Addresses, access: Access) -> Places:
    """Resolve the addresses and see that none is more open than was meant.

    Raises:
        SettingsError: one is no address, or too open.
    """
    places = Places(
        *(resolve(address, option) if address else None
          for option, address in (("grpc", wanted.grpc), ("http", wanted.http), ("api", wanted.api)))
    )  # fmt: skip
    all_places = (place for place in (places.grpc, places.http, places.api) if place)
    access.allow((place.option, place.given, place.ip) for place in all_places)
    return places


class Ports:
    """Opens ports on the loops of a collector."""

    def __init__(self, access: Access, settings: CollectorSettings, complaints: Complaints) -> None:
        self._access = access
        self._settings = settings
        self._complaints = complaints
        tls = access.tls.context() if access.tls else None
        self._shared: dict[str, Any] = {"settings": settings, "tls": tls, "complaints": self._complaints}

    def open_otlp(self, ingest: LoopThread, receiver: Receiver, places: Places) -> tuple[str | None, str | None]:
        """Listen for OTLP; return the real addresses of gRPC and HTTP.

        Raises:
            PortTakenError: with nothing left open.
        """
        with ExitStack() as sockets:  # closes it when the other cannot be had
            http = sockets.enter_context(bind(places.http)) if places.http else None
            receiving = ingest.run(self._receiving())
            grpc = ingest.run(self._start_grpc(ingest, receiver, receiving, places.grpc)) if places.grpc else None
            sockets.pop_all()
        if http is None:
            return grpc, None
        address = _address_of(http)
        app = http_app(receiver, self._settings, receiving, self._access, self._complaints)
        ingest.run(serve_http(ingest, app, http, **self._shared, error_json=status_json))
        return grpc, address

    def open_api(self, thread: LoopThread, collector: Any, listening: socket.socket) -> str:
        """Answer queries on a bound socket; return its real address."""
        from collector.local.api.app import create_app, error_json  # here, since the API is built on the collector

        address = _address_of(listening)
        app = create_app(collector, self._access)
        thread.run(serve_http(thread, app, listening, **self._shared, error_json=error_json))
        return address

    async def _receiving(self) -> Receiving:
        return Receiving(self._settings)

    async def _start_grpc(self, ingest: LoopThread, receiver: Receiver, receiving: Receiving, place: Place) -> str:
        bind(place).close()  # gRPC itself does not say why a port cannot be had
        server = grpc_server(receiver, self._settings, receiving, self._complaints)
        wanted = join_address(place.ip, int(place.where[1]))
        try:
            if self._access.tls:
                port = server.add_secure_port(wanted, self._access.tls.grpc_credentials())
            else:
                port = server.add_insecure_port(wanted)
        except RuntimeError as error:
            raise taken(place.given, place.option, OSError(errno.EADDRINUSE, str(error))) from error
        if not port:
            raise CollectorError(f"gRPC does not listen on {place.given}", "choose another with --grpc HOST:PORT")
        await server.start()
        ingest.on_stop(server.stop)
        return join_address(place.ip, port)


def _address_of(listening: socket.socket) -> str:
    return join_address(*listening.getsockname()[:2])
