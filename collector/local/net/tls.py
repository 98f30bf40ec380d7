"""TLS of the collector's ports: its own certificate, and which client certificates it requires.

The PEM files are read at the start, for HTTP and gRPC alike.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from collector.local.errors import SettingsError

PAIR = "give --tls-cert and --tls-key a certificate (with its chain) and its key, both as PEM"


@dataclass(frozen=True, slots=True)
class Tls:
    """The certificate of the ports, and the authorities of clients.

    Args:
        certificate: PEM file with the certificate, followed by the chain to its authority.
        key: PEM file with its private key, without a passphrase.
        client_ca: PEM file with the authorities of client certificates; None: clients need no certificate.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def context(self) -> ssl.SSLContext:
        """The context of the HTTP ports.

        Raises:
            SettingsError: a file is missing, is not PEM, does not match the other, or has expired.
        """
        self._readable()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key, password=self._no_passphrase)
        except ssl.SSLError as error:
            raise SettingsError(
                f"--tls-cert {self.certificate} and --tls-key {self.key} do not match: {error.reason or error}", PAIR
            ) from error
        if self.client_ca is not None:
            try:
                context.load_verify_locations(self.client_ca)
            except ssl.SSLError as error:
                raise SettingsError(
                    f"--tls-client-ca {self.client_ca} is not a certificate: {error.reason or error}",
                    "give the certificates of the clients' authorities, as PEM",
                ) from error
            context.verify_mode = ssl.CERT_REQUIRED
        self._in_date()
        return context

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """The same for the gRPC port."""
        authorities = None if self.client_ca is None else self.client_ca.read_bytes()
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        return grpc.ssl_server_credentials([pair], authorities, require_client_auth=authorities is not None)

    def _readable(self) -> None:
        named = (("--tls-cert", self.certificate), ("--tls-key", self.key), ("--tls-client-ca", self.client_ca))
        for option, path in named:
            try:
                if path is not None:
                    path.open("rb").close()
            except OSError as error:
                raise SettingsError(f"{option} {path} cannot be read: {error.strerror}", PAIR) from error

    def _no_passphrase(self) -> str:
        raise SettingsError(
            f"--tls-key {self.key} has a passphrase", "give a key without one: openssl pkey -in KEY -out PLAIN"
        )

    def _in_date(self) -> None:
        """Check that the certificate is valid now, as a client does: by a handshake in memory."""
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(self.certificate, self.key)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname = False
        client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # trust the certificate itself: only its dates are checked
        client.load_verify_locations(self.certificate)
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = (client.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True))
        for _ in range(4):
            for end in ends:
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    continue
                except ssl.SSLCertVerificationError as error:
                    raise SettingsError(
                        f"--tls-cert {self.certificate} is not valid: {error.verify_message}",
                        "renew it: no client would accept it",
                    ) from error
