"""The HTTP client of the reading commands: scheme, certificates, and the meaning of a failed connection."""

from __future__ import annotations

import os
import re
import ssl

import httpx

from collector.local.errors import CollectorError, SettingsError
from telemetry.otlp.tls_reasons import SERVER_PROBLEMS, Reason, match

CERTIFICATE = "SEARCH_TELEMETRY_COLLECTOR_CERTIFICATE"
CLIENT_CERTIFICATE = "SEARCH_TELEMETRY_COLLECTOR_CLIENT_CERTIFICATE"
CLIENT_KEY = "SEARCH_TELEMETRY_COLLECTOR_CLIENT_KEY"
_CONNECT_S = 2.0


def base_url(address: str) -> str:
    """The URL of an address; without a scheme, https if the environment names a certificate, else http."""
    if "://" in address:
        return address.rstrip("/")
    return f"{'https' if _named(CERTIFICATE) else 'http'}://{address}"


def client(read_s: float) -> httpx.Client:
    """A client that trusts the authority of the environment's variable, or those of the system.

    Raises:
        SettingsError: a file that the environment names cannot be used.
    """
    # trust_env=False: ignore proxies, since the server is on this machine
    return httpx.Client(timeout=httpx.Timeout(read_s, connect=_CONNECT_S), trust_env=False, verify=_context())


def is_tls_trouble(error: BaseException) -> bool:
    """Whether a server listens there, but TLS failed, or one side does not use it."""
    return bool(_tls_error(error)) or isinstance(error, httpx.RemoteProtocolError)


def unreachable(base: str, error: Exception) -> CollectorError:
    """The error for a call that failed without a response of the API."""
    reason = _tls_error(error)
    if (found := match(reason)) and found.reason in _HINTS:
        return CollectorError(f"{base}: {SERVER_PROBLEMS[found.reason]}.", _HINTS[found.reason])
    if reason:
        return CollectorError(f"{base}: the TLS handshake failed: {reason}.", "Check the certificates of both sides.")
    if isinstance(error, httpx.RemoteProtocolError):
        return CollectorError(
            f"The server at {base} does not speak HTTP: {error}.",
            "If that port speaks TLS, write https:// before the address.",
        )
    return CollectorError(
        f"No collector responds at {base.removeprefix('http://')}: {_reason(error)}.",
        "Start one: telemetry collect. Or give its address: --api HOST:PORT.",
    )


def _reason(error: Exception) -> str:
    """The system's words for it, without their number."""
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error))


_HINTS: dict[Reason, str] = {
    "expired": "Renew it, and start the collector with the new one.",
    "not_yet_valid": "Compare the clocks of both machines.",
    "wrong_name": "Call it by a name that is in its certificate.",
    "untrusted": f"Set {CERTIFICATE} to the PEM file of its authority.",
    "plain_text": "Write http:// before the address.",
    "certificate_required": f"Set {CLIENT_CERTIFICATE} and {CLIENT_KEY} to PEM files.",
    "unknown_authority": f"Use another {CLIENT_CERTIFICATE}.",
}


def _tls_error(error: BaseException | None) -> str:
    """OpenSSL's message, from any cause of an error; empty if there is none."""
    while error is not None:
        if isinstance(error, ssl.SSLError) or "[SSL" in str(error):
            return str(error)
        error = error.__cause__ or error.__context__
    return ""


def _context() -> ssl.SSLContext:
    authority, certificate, key = _named(CERTIFICATE), _named(CLIENT_CERTIFICATE), _named(CLIENT_KEY)
    named = CERTIFICATE
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate:
            named = f"{CLIENT_CERTIFICATE} or {CLIENT_KEY}"
            context.load_cert_chain(certificate, key)
    except OSError as error:  # of which ssl.SSLError is one
        raise SettingsError(f"{named} cannot be used: {error.strerror or error}.", "Set it to a PEM file.") from error
    return context


def _named(variable: str) -> str | None:
    return os.environ.get(variable, "").strip() or None
