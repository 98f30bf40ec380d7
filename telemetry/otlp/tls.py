"""The client's side of TLS.

TLS works in memory buffers, because OpenSSL must not write to the socket itself: its write could raise SIGPIPE, and a
forked child would close TLS on its parent's connection.

In: what comes from the socket, and what is to be sent. Out: the other of each. State: one session, owned by its
`Connection`.
"""

import ssl

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.outcome import CallError

_CHUNK = 65536  # bytes read at once


class Tls:
    """The client's side of TLS. The certificate must be for `host`; `alpn` is the protocol offered: h2 or http/1.1."""

    Error = ssl.SSLError

    def __init__(self, settings: ExporterSettings, host: str, alpn: str) -> None:
        self.established = False
        self.closed = False  # by the other side
        self._from_socket, self._to_socket = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = _context(settings, alpn).wrap_bio(self._from_socket, self._to_socket, server_hostname=host)

    def handshake(self, received: bytes) -> bytes:
        """Continue the handshake; return the bytes to send. Raises `ssl.SSLError`."""
        self._from_socket.write(received)
        try:
            self._object.do_handshake()
            self.established = True
        except ssl.SSLWantReadError:
            pass
        return self._to_socket.read()

    def encrypt(self, data: bytes) -> bytes:
        """Return `data` as TLS records, to be sent."""
        if data:
            self._object.write(data)
        return self._to_socket.read()

    def decrypt(self, received: bytes) -> bytes:
        """Return the data of all complete TLS records. Raises `ssl.SSLError`."""
        self._from_socket.write(received)
        plain = bytearray()
        try:
            while chunk := self._object.read(_CHUNK):
                plain += chunk
            self.closed = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.closed = True
        return bytes(plain)


def _context(settings: ExporterSettings, alpn: str) -> ssl.SSLContext:
    """Read the certificate files, for each connection again: they may have been renewed."""
    path = settings.certificate
    try:
        is_folder = path is not None and path.is_dir()
        context = ssl.create_default_context(cafile=None if is_folder else path, capath=path if is_folder else None)
        path = settings.client_certificate
        if path is not None:
            context.load_cert_chain(path, settings.client_key, password="")  # never ask on the terminal
    except OSError as error:
        raise CallError(f"the PEM file {path or 'of the system'} cannot be used: {error}") from None
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # since Python 3.13 it rejects many private authorities
    context.set_alpn_protocols([alpn])
    return context
