"""TLS, in memory: what it says is for somebody else to send.

In: what came from the socket, what is to be sent. Out: the same without and with encryption. State: OpenSSL's, owned by
one `Tls` for each connection.

OpenSSL itself touches no socket: its write would end a host that lets SIGPIPE end it, and a child of a fork would have
to be kept from saying goodbye on its parent's connection.
"""

import ssl

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.outcome import CallError

_PIECE = 65536  # bytes taken at once


class Tls:
    """The client's side, which expects the certificate of `host`, and says that it `speaks` h2 or http/1.1."""

    def __init__(self, settings: ExporterSettings, host: str, speaks: str) -> None:
        self.agreed = False
        self.ended = False  # the other side has said goodbye
        self._from_socket, self._to_socket = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = _context(settings, speaks).wrap_bio(self._from_socket, self._to_socket, server_hostname=host)

    def shake_hands(self, came: bytes) -> bytes:
        """Go on with the handshake; return what to send. Raises `ssl.SSLError`."""
        self._from_socket.write(came)
        try:
            self._object.do_handshake()
            self.agreed = True
        except ssl.SSLWantReadError:
            pass
        return self._to_socket.read()

    def encrypt(self, data: bytes) -> bytes:
        """Return what to send for `data`."""
        if data:
            self._object.write(data)
        return self._to_socket.read()

    def decrypt(self, came: bytes) -> bytes:
        """Return what was meant by what came, as far as it is whole. Raises `ssl.SSLError`."""
        self._from_socket.write(came)
        plain = bytearray()
        try:
            while piece := self._object.read(_PIECE):
                plain += piece
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return bytes(plain)


def _context(settings: ExporterSettings, speaks: str) -> ssl.SSLContext:
    """Read the certificates, anew for each connection: they may have been renewed."""
    path = settings.certificate
    try:
        is_folder = path is not None and path.is_dir()
        context = ssl.create_default_context(cafile=None if is_folder else path, capath=path if is_folder else None)
        path = settings.client_certificate
        if path is not None:
            context.load_cert_chain(path, settings.client_key, password="")  # never asked for on a terminal
    except OSError as error:
        raise CallError(f"the PEM file {path or 'of the system'} cannot be used: {error}") from None
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13 refuses many a private authority for its form
    context.set_alpn_protocols([speaks])
    return context
