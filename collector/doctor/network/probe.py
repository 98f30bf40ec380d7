"""Examines what listens at an address: whether anything does, with TLS or without, gRPC or HTTP.

It is used after a failure, and to read a server's clock. It sends a `GET` and HTTP/2's preface (RFC 9113, section 3.4),
to which a gRPC server responds with a SETTINGS frame, with TLS and without. It opens a few connections, and closes
them.
"""

import socket
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from collector.doctor.network.place import Place, Speech

PATIENCE: Final = 2.0
"""Seconds for one connection to be established, and again for the response."""

Reach = Literal["answers", "silent", "unknown_name", "refused", "timed_out", "unreachable"]

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_FRAMES: Final = (4, 7)  # SETTINGS, GOAWAY: the first frame of an HTTP/2 server
CLOSED: Final = "closed after the handshake"
"""What several servers of TLS 1.3 do if a client certificate is missing or unknown, without an alert."""
_TLS_ALERT: Final = b"\x15\x03"


@dataclass(frozen=True, slots=True)
class Seen:
    """What listens there.

    `speech` is None if it is not known; `tls_problem` is OpenSSL's error about its certificate or ours; `offset` is how
    many seconds its clock is ahead of ours, with the precision `within`, if its response had a date.
    """

    reach: Reach
    reason: str = ""
    tls: bool = False
    speech: Speech | None = None
    tls_problem: str = ""
    offset: float | None = None
    within: float = 0.0


def look(place: Place, patience: float = PATIENCE) -> Seen:
    """Examine an address. Never raises; takes a few times `patience` at most, except if the name server is slow."""
    began = time.time()
    try:
        with _connect(place, patience) as connection:
            answer = _ask(connection, _get(place))
    except (OSError, UnicodeError) as error:
        return _unreached(error)
    ended = time.time()
    if answer is None:  # a server of HTTP, gRPC or TLS responds to a GET, or closes the connection
        return Seen("silent")
    if answer.startswith(b"HTTP/"):
        offset, within = _clock(answer, began, ended)
        plain = Seen("answers", speech="http", offset=offset, within=within)
        # A TLS port may respond to plain text in plain text: Go's and nginx's servers do.
        through = _look_through_tls(place, patience) if b" 400 " in answer[:16] else plain
        return through if through.tls else plain
    if _is_frame(answer) or (not answer.startswith(_TLS_ALERT) and _speaks_http2(place, patience)):
        return Seen("answers", speech="grpc")
    return _look_through_tls(place, patience)


def _unreached(error: Exception) -> Seen:
    reaches: tuple[tuple[type[Exception], Reach], ...] = (
        (socket.gaierror, "unknown_name"),
        (UnicodeError, "unknown_name"),  # not a valid host name
        (ConnectionRefusedError, "refused"),
        (TimeoutError, "timed_out"),
        (Exception, "unreachable"),
    )
    reach = next(reach for kind, reach in reaches if isinstance(error, kind))
    return Seen(reach, getattr(error, "strerror", None) or str(error))


def _connect(place: Place, patience: float) -> socket.socket:
    connection = socket.create_connection((place.host, place.port), patience)
    connection.settimeout(patience)
    return connection


def _get(place: Place) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: {place.address}\r\nConnection: close\r\n\r\n".encode()


def _ask(connection: socket.socket, question: bytes) -> bytes | None:
    """Return the start of the response: empty if the connection is closed, None if there is no response."""
    answer = b""
    try:
        connection.sendall(question)
        while len(answer) < 4096 and (part := connection.recv(4096)):
            answer += part
            if b"\r\n\r\n" in answer or _is_frame(answer):
                break
    except TimeoutError:
        return answer or None
    except OSError:
        pass
    return answer


def _is_frame(answer: bytes) -> bool:
    """Whether these bytes start an HTTP/2 connection: length (3), type, flags, stream 0 (4)."""
    return len(answer) >= 9 and answer[3] in _FRAMES and answer[5:9] == bytes(4)


def _speaks_http2(place: Place, patience: float) -> bool:
    try:
        with _connect(place, patience) as connection:
            return _is_frame(_ask(connection, _PREFACE) or b"")
    except OSError:
        return False


def _look_through_tls(place: Place, patience: float) -> Seen:
    """What listens there, if it does not respond to plain text: TLS, or something unknown."""
    anyone = ssl.create_default_context()
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    anyone.set_alpn_protocols(["http/1.1"])  # gRPC's servers refuse this
    began = time.time()
    answer, first = _ask_through(anyone, place, patience, _get(place))
    ended = time.time()
    if answer.startswith(b"HTTP/"):
        ahead, within = _clock(answer, began, ended)
        return Seen("answers", "", True, "http", _certificate_problem(place, patience), ahead, within)
    anyone.set_alpn_protocols(["h2"])
    frame, second = _ask_through(anyone, place, patience, _PREFACE)
    if _is_frame(frame):
        return Seen("answers", "", True, "grpc", _certificate_problem(place, patience))
    if not _is_tls(first) and not _is_tls(second):
        return Seen("answers")  # an unknown protocol
    return Seen("answers", "", True, None, _certificate_problem(place, patience) or second or CLOSED)


def _ask_through(context: ssl.SSLContext, place: Place, patience: float, question: bytes) -> tuple[bytes, str]:
    """Return the response over TLS, and OpenSSL's error."""
    try:
        if place.certificate and place.key:
            context.load_cert_chain(place.certificate, place.key)
        with _connect(place, patience) as plain, context.wrap_socket(plain, server_hostname=place.host) as secure:
            return _ask_secure(secure, question)
    except ssl.SSLError as error:
        return b"", str(error)
    except OSError as error:
        return b"", f"OS: {error}"


def _ask_secure(secure: ssl.SSLSocket, question: bytes) -> tuple[bytes, str]:
    """As `_ask`; a server of TLS 1.3 reports a bad client certificate only at the first read, if at all."""
    try:
        secure.sendall(question)
        return secure.recv(4096), ""
    except ssl.SSLError as error:
        return b"", str(error)
    except OSError:
        return b"", ""


def _is_tls(problem: str) -> bool:
    """Whether the other side speaks TLS: there was no error, or it sent a TLS alert."""
    return not problem or "ALERT" in problem.upper()


def _certificate_problem(place: Place, patience: float) -> str:
    """OpenSSL's error about the certificate, checked as the exporter does; "" if there is none."""
    try:
        context = ssl.create_default_context(cafile=place.authority)
        context.set_alpn_protocols(["h2", "http/1.1"])
        _, problem = _ask_through(context, place, patience, _get(place))
    except OSError as error:
        return str(error)
    return "" if problem.startswith("OS: ") else problem


def _clock(answer: bytes, began: float, ended: float) -> tuple[float | None, float]:
    """How far the `Date` of a response is ahead of our clock. It has whole seconds (RFC 9110, section 5.6.7)."""
    for line in answer.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"date":
            return offset(value.decode("latin-1").strip(), began, ended)
    return None, 0.0


def offset(date: str, began: float, ended: float) -> tuple[float | None, float]:
    """Return how many seconds a `Date` is ahead of our clock, None if it is invalid, and the precision.

    Arguments: the header's value; the times of request and response, in Unix time.
    """
    try:
        sent = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError):
        return None, 0.0
    return sent + 0.5 - (began + ended) / 2, 0.5 + (ended - began) / 2
