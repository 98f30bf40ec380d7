"""Looks at what listens at an address: whether anything does, with TLS or without, gRPC or HTTP.

In: a place. Out: a frozen `Seen`. State: none; each look opens a few connections, and closes them.

It is asked where something failed, or for the clock of whoever answers. It sends a harmless `GET` and HTTP/2's
preface (RFC 9113, section 3.4), which a gRPC server answers with a SETTINGS frame, as it does by TLS.
"""

import socket
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from collector.doctor.place import Place, Speech

PATIENCE: Final = 2.0
"""Seconds for one connection: to be made, and again to be answered."""

Reach = Literal["answers", "silent", "unknown_name", "refused", "timed_out", "unreachable"]

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_FRAMES: Final = (4, 7)  # SETTINGS, GOAWAY: what an HTTP/2 server says first
HUNG_UP: Final = "hung up after the handshake"
"""What several servers of TLS 1.3 do to a caller whose certificate they miss or do not know, without a word."""
_TLS_ALERT: Final = b"\x15\x03"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is there.

    `speech` is None where it could not be told; `tls_problem` what OpenSSL says against its certificate or ours;
    `offset` how many seconds its clock is ahead of ours, known to within `within`, where it told the time.
    """

    reach: Reach
    reason: str = ""
    tls: bool = False
    speech: Speech | None = None
    tls_problem: str = ""
    offset: float | None = None
    within: float = 0.0


def look(place: Place, patience: float = PATIENCE) -> Seen:
    """Look. Never raises; takes a few times `patience` at most, but for a name server that does not answer."""
    began = time.time()
    try:
        with _connect(place, patience) as connection:
            answer = _ask(connection, _get(place))
    except (OSError, UnicodeError) as error:
        return _unreached(error)
    ended = time.time()
    if answer is None:  # whoever speaks HTTP, gRPC or TLS answers a GET, or hangs up
        return Seen("silent")
    if answer.startswith(b"HTTP/"):
        offset, within = _clock(answer, began, ended)
        plain = Seen("answers", speech="http", offset=offset, within=within)
        # A port of TLS may complain of plain text in plain text: Go's and nginx's servers do.
        through = _look_through_tls(place, patience) if b" 400 " in answer[:16] else plain
        return through if through.tls else plain
    if _is_frame(answer) or (not answer.startswith(_TLS_ALERT) and _speaks_http2(place, patience)):
        return Seen("answers", speech="grpc")
    return _look_through_tls(place, patience)


def _unreached(error: Exception) -> Seen:
    reaches: tuple[tuple[type[Exception], Reach], ...] = (
        (socket.gaierror, "unknown_name"),
        (UnicodeError, "unknown_name"),  # no host can be called so
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
    """Return the beginning of what is answered: nothing where the other side hangs up, None where it is silent."""
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
    """Whether these bytes begin an HTTP/2 connection: length (3), type, flags, stream 0 (4)."""
    return len(answer) >= 9 and answer[3] in _FRAMES and answer[5:9] == bytes(4)


def _speaks_http2(place: Place, patience: float) -> bool:
    try:
        with _connect(place, patience) as connection:
            return _is_frame(_ask(connection, _PREFACE) or b"")
    except OSError:
        return False


def _look_through_tls(place: Place, patience: float) -> Seen:
    """What is there, given that it answers no plain text: TLS, or something unknown."""
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
        return Seen("answers")  # someone who says nothing that we know
    return Seen("answers", "", True, None, _certificate_problem(place, patience) or second or HUNG_UP)


def _ask_through(context: ssl.SSLContext, place: Place, patience: float, question: bytes) -> tuple[bytes, str]:
    """Return what is answered through TLS, and what OpenSSL complains of."""
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
    """As `_ask`; a server of TLS 1.3 complains of our certificate only when it is first read from, if at all."""
    try:
        secure.sendall(question)
        return secure.recv(4096), ""
    except ssl.SSLError as error:
        return b"", str(error)
    except OSError:
        return b"", ""


def _is_tls(problem: str) -> bool:
    """Whether the other end speaks TLS at all: it did without a word, or its complaint is an alert of TLS."""
    return not problem or "ALERT" in problem.upper()


def _certificate_problem(place: Place, patience: float) -> str:
    """What OpenSSL says against the certificate, checked as the exporter checks it; "" where all is well."""
    try:
        context = ssl.create_default_context(cafile=place.authority)
        context.set_alpn_protocols(["h2", "http/1.1"])
        _, problem = _ask_through(context, place, patience, _get(place))
    except OSError as error:
        return str(error)
    return "" if problem.startswith("OS: ") else problem


def _clock(answer: bytes, began: float, ended: float) -> tuple[float | None, float]:
    """How far the `Date` of an answer is ahead of our clock. It counts whole seconds (RFC 9110, section 5.6.7)."""
    for line in answer.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"date":
            return offset(value.decode("latin-1").strip(), began, ended)
    return None, 0.0


def offset(date: str, began: float, ended: float) -> tuple[float | None, float]:
    """Return how many seconds a `Date` is ahead of our clock, None where it is no date, and how exact that is.

    Arguments: the header's value; when the question was sent and its answer there, in Unix time.
    """
    try:
        told = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError):
        return None, 0.0
    return told + 0.5 - (began + ended) / 2, 0.5 + (ended - began) / 2
