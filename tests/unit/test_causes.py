"""What a failed export means, in words that say what to do."""

import http.client
import socket
import struct
from collections.abc import Callable

import pytest
import requests
import urllib3

from telemetry.pipeline.causes import explained
from telemetry.pipeline.http_sender import HttpSender
from telemetry.pipeline.sending import Outcome
from telemetry.settings import ExporterSettings
from tests.doctor_stand_in import NOTHING_LISTENS, listener


@pytest.mark.parametrize(
    ("problem", "mend"),
    [
        ("HTTP 401 Unauthorized: no", "asks for a token"),
        ("UNAUTHENTICATED: no", "asks for a token"),
        ("TLS: [SSL: WRONG_VERSION_NUMBER]", "write http://"),
        ("HTTP 400 Bad Request: Client sent an HTTP request to an HTTPS server.", "write https://"),
        ("UNAVAILABLE: Socket closed before HTTP/2 came (it hung up)", "write https://"),
        ("UNAVAILABLE: it speaks TLS, not plain text", "write https://"),
        ("UNAVAILABLE: it speaks HTTP/1, not gRPC", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
        ("CERTIFICATE_VERIFY_FAILED: certificate has expired", "renew"),
        ("CERTIFICATE_VERIFY_FAILED: certificate is not yet valid", "compare the clocks"),
        ("CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
        ("IP address mismatch, certificate is not valid for '127.0.0.2'", "for another name"),
        ("it hung up after the TLS handshake (it hung up)", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
    ],
)
def test_a_known_cause_has_its_mend(problem: str, mend: str) -> None:
    """What was said stays, and what to do stands behind it."""
    told = explained(problem)
    assert told.startswith(f"{problem}; ")
    assert mend in told


@pytest.mark.parametrize("problem", ["", "UNAVAILABLE: Connection refused", "HTTP 503 Service Unavailable"])
def test_what_is_clear_or_unknown_stays_as_it_is(problem: str) -> None:
    """No guess is made."""
    assert explained(problem) == problem


def _sent(endpoint: str) -> Outcome:
    """Send a request as a service does."""
    sender = HttpSender(ExporterSettings(endpoint=f"{endpoint}/v1/traces"))
    try:
        return sender.send(b"a request", 10.0)
    finally:
        sender.close()


def _reset(connection: socket.socket) -> None:
    """Hang up by a reset: TCP sends one where nothing is to linger."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _reads_and_resets(connection: socket.socket) -> None:
    connection.recv(65_536)
    _reset(connection)


def _resets_amid_its_answer(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 48\r\n\r\nClient sent")
    _reset(connection)


def _reads_and_hangs_up(connection: socket.socket) -> None:
    connection.recv(65_536)


def _sends_an_alert(connection: socket.socket) -> None:
    while not connection.recv(65_536).endswith(b"a request"):
        pass
    connection.sendall(b"\x15\x03\x01\x00\x02\x02\x16")


@pytest.mark.parametrize(
    ("say", "mend"),
    [
        (_reads_and_resets, "where that port speaks TLS, write https://"),
        (_resets_amid_its_answer, "where that port speaks TLS, write https://"),
        (_reads_and_hangs_up, "where that port speaks TLS, write https://"),
        (_sends_an_alert, "that port speaks TLS: write https://"),
    ],
)
def test_plain_http_that_is_broken_off_may_have_met_tls(say: Callable[[socket.socket], None], mend: str) -> None:
    """A port of TLS says so, or resets the connection before that is read: the mend names it either way."""
    with listener(say) as address:
        outcome = _sent(f"http://{address}")
    assert (outcome.response, outcome.retry) == (None, True)
    assert mend in explained(outcome.problem), outcome.problem


_BROKEN_OFF = [
    ConnectionResetError(104, "Connection reset by peer"),
    ConnectionAbortedError(103, "Software caused connection abort"),
    BrokenPipeError(32, "Broken pipe"),
    http.client.RemoteDisconnected("Remote end closed connection without response"),
    http.client.BadStatusLine("?"),
]


def _as_requests_tells(cause: Exception) -> list[Exception]:
    """Before the answer, and amid it."""
    aborted = urllib3.exceptions.ProtocolError("Connection aborted.", cause)
    broken = urllib3.exceptions.ProtocolError(f"Connection broken: {cause!r}", cause)
    return [requests.exceptions.ConnectionError(aborted), requests.exceptions.ChunkedEncodingError(broken)]


@pytest.mark.parametrize("error", [told for cause in _BROKEN_OFF for told in _as_requests_tells(cause)], ids=repr)
def test_every_way_to_be_broken_off_has_the_mend_in_plain_http_alone(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By TLS the same errors mean something else, and are told as they are."""

    def post(*_: object, **__: object) -> requests.Response:
        raise error

    monkeypatch.setattr(requests.Session, "post", post)
    assert "write https://" in explained(_sent("http://127.0.0.1:4318").problem)
    by_tls = _sent("https://127.0.0.1:4318").problem
    assert by_tls.startswith(type(error).__name__)
    assert explained(by_tls) == by_tls


def test_a_port_where_nothing_listens_has_no_such_mend() -> None:
    """Whoever refuses the connection itself speaks nothing."""
    problem = _sent(NOTHING_LISTENS).problem
    assert "refused" in problem
    assert explained(problem) == problem
