"""The small server: what it answers, how much it holds, how it ends."""

import gzip
import http.client
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from telemetry import conventions as c
from telemetry.prometheus import server as server_module
from telemetry.prometheus.exposition import WsgiApp, wsgi
from telemetry.prometheus.server import MetricsServer
from tests.unit.pulled import OPENMETRICS, families, pulled

PATIENCE = 20.0


@pytest.fixture
def served() -> Iterator[Callable[[WsgiApp], tuple[str, int]]]:
    """Start servers that end with the test."""
    servers: list[MetricsServer] = []

    def serve(app: WsgiApp) -> tuple[str, int]:
        servers.append(MetricsServer("127.0.0.1", 0, app))
        servers[-1].start()
        return servers[-1].address

    yield serve
    for server in servers:
        server.close()


def get(
    address: tuple[str, int], path: str = "/metrics", method: str = "GET", **headers: str
) -> tuple[int, Any, bytes]:
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def greeting(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello\n"]


def test_a_scrape_gets_what_it_accepts(served: Callable[[WsgiApp], tuple[str, int]]) -> None:
    """OpenMetrics where it is asked for, the plain text otherwise, each compressed where that is accepted."""
    with pulled() as scrape:
        scrape.own.aggregation(c.DOCUMENTS, {}).record(3, None)
        address = served(wsgi(scrape.exposition.respond))
        status, headers, body = get(address, Accept=OPENMETRICS)
        assert (status, headers["Content-Length"]) == (200, str(len(body)))
        assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert families(body.decode(), headers["Content-Type"])["search_documents"].samples[0].value == 3
        _, plain, text = get(address)
        assert plain["Content-Type"].startswith("text/plain")
        _, packed, zipped = get(address, Accept=OPENMETRICS, Accept_Encoding="gzip")
        assert packed["Content-Encoding"] == "gzip"
        assert gzip.decompress(zipped) == body
        assert text != body
        assert get(address, method="POST")[0] == 405
        _, headers, some = get(address, "/metrics?name[]=search_documents_total", Accept=OPENMETRICS)
        assert list(families(some.decode(), headers["Content-Type"])) == ["search_documents"]


def test_a_close_frees_the_port_at_once(served: Callable[[WsgiApp], tuple[str, int]]) -> None:
    """The next server takes the same port, and nobody is answered in between."""
    first = MetricsServer("127.0.0.1", 0, greeting)
    first.start()
    assert get(first.address)[2] == b"hello\n"
    first.close()
    with pytest.raises(ConnectionRefusedError):
        get(first.address)
    again = MetricsServer(*first.address, greeting)
    again.start()
    assert get(again.address)[2] == b"hello\n"
    again.close()


def test_a_taken_port_is_an_error() -> None:
    """Two servers never share one, where half of the scrapes would go to each."""
    server = MetricsServer("127.0.0.1", 0, greeting)
    with pytest.raises(OSError, match="in use"):
        MetricsServer(*server.address, greeting)
    server.abandon()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has 127.0.0.2 without being configured")
def test_a_port_taken_at_one_address_of_a_host_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` has two addresses on most machines: a taken one is an error, a missing one is skipped."""
    server = MetricsServer("127.0.0.1", 0, greeting)
    port = server.address[1]
    known = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.2"), (socket.AF_INET, "203.0.113.7")]
    stream = (socket.SOCK_STREAM, 0, "")

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [(family, *stream, (address, port)) for family, address in known]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(OSError, match="in use"):
        MetricsServer("anything", port, greeting)
    known[0] = (socket.AF_INET, "203.0.113.7")
    other = MetricsServer("anything", port, greeting)
    assert other.address == ("127.0.0.2", port)
    other.abandon()
    server.abandon()


def test_silent_clients_hold_no_more_than_their_share(
    served: Callable[[WsgiApp], tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight connections are served at once; one more gets a 503; an idle one is closed after its time."""
    assert server_module._Handler.timeout == 10.0
    monkeypatch.setattr(server_module._Handler, "timeout", 2.0)
    address = served(greeting)
    silent = [socket.create_connection(address, timeout=PATIENCE) for _ in range(server_module._MAX_CONNECTIONS)]
    assert b"503" in until_closed(socket.create_connection(address, timeout=PATIENCE))
    assert [until_closed(one) for one in silent] == [b""] * len(silent), "the server hung up"
    assert eventually_served(address) == b"hello\n"


def until_closed(client: socket.socket) -> bytes:
    with client:
        return b"".join(iter(lambda: client.recv(1000), b""))


def eventually_served(address: tuple[str, int]) -> bytes:
    """Ask until a place is free: the server has hung up before it is."""
    for _ in range(1000):
        status, _, body = get(address)
        if status == 200:
            return body
    return body


def test_a_hanging_scrape_keeps_nobody_from_ending(served: Callable[[WsgiApp], tuple[str, int]]) -> None:
    """A close does not wait for an app that never answers, and logs nothing."""
    asked, over = threading.Event(), threading.Event()

    def hang(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        asked.set()
        over.wait(PATIENCE)
        return greeting(environ, start_response)

    server = MetricsServer("127.0.0.1", 0, hang)
    server.start()
    client = threading.Thread(target=lambda: get(server.address))
    client.start()
    assert asked.wait(PATIENCE)
    server.close()
    with pytest.raises(ConnectionRefusedError):
        get(server.address)
    over.set()
    client.join()
    for thread in server._http._threads:
        thread.join()


def test_a_client_that_goes_away_is_not_reported(
    served: Callable[[WsgiApp], tuple[str, int]], capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither half a request nor a client that hangs up in the middle of an answer is printed anywhere."""
    address = served(lambda environ, start_response: [*greeting(environ, start_response), b"x" * 10_000_000])
    for words in (b"GET", b"\x16\x03\x01 no http\r\n\r\n", b"GET /metrics HTTP/1.1\r\n\r\n"):
        with socket.create_connection(address, timeout=PATIENCE) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            client.sendall(words)
    status, _, body = get(address)
    assert (status, len(body)) == (200, 10_000_006)
    assert capfd.readouterr().err == ""
