"""What a failed export means, in words that state what to do."""

import socket
import struct
from collections.abc import Callable

import pytest

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.http import HttpSender
from telemetry.otlp.outcome import Outcome, explained
from tests.doctor_stand_in import NOTHING_LISTENS, listener


@pytest.mark.parametrize(
    ("problem", "hint"),
    [
        ("HTTP 401 Unauthorized: no", "asks for a token"),
        ("UNAUTHENTICATED: no", "asks for a token"),
        ("HTTP 308 Permanent Redirect to nowhere: a redirect is not followed", "to that URL, if it is the collector's"),
        ("TLS: [SSL: WRONG_VERSION_NUMBER]", "write http://"),
        ("HTTP 400 Bad Request: Client sent an HTTP request to an HTTPS server.", "write https://"),
        ("UNAVAILABLE: connection closed before the HTTP/2 handshake (EOF)", "write https://"),
        ("UNAVAILABLE: it speaks TLS, not plain text", "write https://"),
        ("UNAVAILABLE: it speaks HTTP/1, not gRPC", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
        ("CERTIFICATE_VERIFY_FAILED: certificate has expired", "renew"),
        ("CERTIFICATE_VERIFY_FAILED: certificate is not yet valid", "compare the clocks"),
        ("CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
        ("IP address mismatch, certificate is not valid for '127.0.0.2'", "for another name"),
        (
            "connection closed after the TLS handshake (EOF)",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        ),
    ],
)
def test_a_known_cause_has_its_hint(problem: str, hint: str) -> None:
    """The hint follows the problem."""
    explanation = explained(problem)
    assert explanation.startswith(f"{problem}; ")
    assert hint in explanation


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
    ("respond", "hint"),
    [
        (_reads_and_resets, "if that port speaks TLS, write https://"),
        (_resets_amid_its_answer, "if that port speaks TLS, write https://"),
        (_reads_and_hangs_up, "if that port speaks TLS, write https://"),
        (_sends_an_alert, "that port speaks TLS: write https://"),
    ],
)
def test_plain_http_that_is_broken_off_may_have_met_tls(respond: Callable[[socket.socket], None], hint: str) -> None:
    """A port of TLS reports it, or resets the connection before that is read: the hint names it either way."""
    with listener(respond) as address:
        outcome = _sent(f"http://{address}")
    assert (outcome.response, outcome.retry) == (None, True)
    assert hint in explained(outcome.problem), outcome.problem


def test_a_port_where_nothing_listens_has_no_such_hint() -> None:
    """Whoever refuses the connection itself speaks nothing."""
    problem = _sent(NOTHING_LISTENS).problem
    assert "refused" in problem
    assert explained(problem) == problem
