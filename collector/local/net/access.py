"""Access control: tokens, TLS, and the rule that other machines have no access without either.

Tokens are read once, at the start. An error never quotes a token.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from collector.local.errors import SettingsError, UnauthorizedError
from collector.local.net.origins import Origins
from collector.local.net.tls import Tls
from telemetry.otlp.target import is_loopback

TOKEN = "SEARCH_TELEMETRY_COLLECTOR_TOKEN"  # noqa: S105 (the name of a variable)
TOKEN_FILE = "SEARCH_TELEMETRY_COLLECTOR_TOKEN_FILE"  # noqa: S105 (as above)
MIN_LENGTH = 16
MAKE_ONE = "create one: openssl rand -hex 32"

_SYNTAX = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1
_log = logging.getLogger("collector.local")


class Tokens:
    """The valid tokens; several, so that one can be replaced while senders still use the other.

    Raises:
        SettingsError: there is none, or one is not valid in a header or easy to guess.
    """

    def __init__(self, tokens: Iterable[str], where: str = "tokens") -> None:
        given = [token.strip() for token in tokens if token.strip()]
        if not given:
            raise SettingsError(f"{where} has no token", MAKE_ONE)
        if any(not _SYNTAX.fullmatch(token) for token in given):
            raise SettingsError(
                f"{where} has a token with a character that is not allowed (RFC 6750)",
                f"one token a line, of letters, digits and -._~+/; {MAKE_ONE}",
            )
        if any(len(token) < MIN_LENGTH for token in given):
            raise SettingsError(f"{where} has a token of fewer than {MIN_LENGTH} characters", MAKE_ONE)
        self._digests = [hashlib.sha256(token.encode()).digest() for token in given]

    def check(self, authorization: str | None) -> None:
        """Check the `Authorization` of a request.

        The time that this takes does not depend on the tokens: all digests are compared, each in full.

        Raises:
            UnauthorizedError: it has no token, or a wrong one.
        """
        scheme, _, token = (authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UnauthorizedError(
                "this collector requires a token, and none was sent",
                "send the header Authorization: Bearer TOKEN; OpenTelemetry's exporters do with "
                "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN, the telemetry commands with " + TOKEN,
            )
        digest = hashlib.sha256(token.strip().encode("utf-8", "surrogatepass")).digest()
        known = False
        for ours in self._digests:
            known |= hmac.compare_digest(digest, ours)
        if not known:
            raise UnauthorizedError("the token is wrong", "use the token that the collector was started with")

    def sign(self, token: str, message: str) -> str:
        """A signature of a message that only somebody with this token can make."""
        return _signature(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest(), message)

    def has_signed(self, message: str, signature: str) -> bool:
        """Whether a signature was made with one of the valid tokens; as in `check`, all are compared."""
        given = signature.encode("utf-8", "surrogatepass")
        signed = False
        for ours in self._digests:
            signed |= hmac.compare_digest(given, _signature(ours, message).encode())
        return signed


def _signature(digest: bytes, message: str) -> str:
    return hmac.new(digest, message.encode(), hashlib.sha256).hexdigest()


def tokens_from(path: Path | None, environ: Mapping[str, str] = os.environ) -> Tokens | None:
    """The tokens of a file (one a line), else of the environment; None if neither is set.

    Raises:
        SettingsError: the file cannot be read, or has no valid token.
    """
    if path is None and environ.get(TOKEN_FILE, "").strip():
        path = Path(environ[TOKEN_FILE].strip()).expanduser()
    if path is not None:
        return Tokens(_lines(path), f"the token file {path}")
    if environ.get(TOKEN, "").strip():
        return Tokens([environ[TOKEN]], TOKEN)
    return None


def token_to_send(environ: Mapping[str, str] = os.environ) -> str | None:
    """The token that the reading commands send: from the environment, or the first of the file that it names."""
    if environ.get(TOKEN, "").strip():
        return environ[TOKEN].strip()
    if environ.get(TOKEN_FILE, "").strip():
        path = Path(environ[TOKEN_FILE].strip()).expanduser()
        return next((line.strip() for line in _lines(path) if line.strip()), None)
    return None


def _lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(1 << 16)
    except OSError as error:
        raise SettingsError(
            f"the token file {path} cannot be read: {error.strerror}", "name a file with --token-file"
        ) from error
    except UnicodeDecodeError:
        raise SettingsError(f"the token file {path} is not text", MAKE_ONE) from None
    if mode & 0o077:
        _log.warning("the token file %s can be read by others (mode %o); fix: chmod 600 %s", path, mode, path)
    return text.splitlines()


@dataclass(frozen=True, slots=True)
class Access:
    """What the three ports require of their callers.

    Args:
        tokens: a request must have one of them; None: no token is required.
        tls: the ports speak TLS; None: plain text.
        allow_anonymous: allow other machines even if callers need neither token nor certificate.
        origins: the web pages that may send, to the OTLP port only.
    """

    tokens: Tokens | None = None
    tls: Tls | None = None
    allow_anonymous: bool = False
    origins: Origins = field(default_factory=Origins)

    @property
    def authenticates(self) -> bool:
        """Whether a caller needs a token or a certificate."""
        return self.tokens is not None or (self.tls is not None and self.tls.client_ca is not None)

    def check(self, authorization: str | None, origin: str | None = None) -> None:
        """Check a request.

        Only browsers send `Origin`: any page could write to a port that requires no token.

        Raises:
            UnauthorizedError: it has no valid token.
            ForbiddenError: no token is required, and it comes from a web page that may not send.
        """
        if self.tokens is not None:
            self.tokens.check(authorization)
        elif origin is not None:
            self.origins.check(origin)

    def allow(self, addresses: Iterable[tuple[str, str, str]]) -> None:
        """Check that addresses that other machines can reach are protected.

        Args:
            addresses: option, address as given, and its IP address.

        Raises:
            SettingsError: one is not: anyone could send to it or read from it.
        """
        if self.authenticates or self.allow_anonymous:
            return
        beyond = [(option, given, ip) for option, given, ip in addresses if not is_loopback(ip)]
        if not beyond:
            return
        named = ", ".join(f"--{option} {given}{'' if ip in given else f' ({ip})'}" for option, given, ip in beyond)
        raise SettingsError(
            f"{named} can be reached from other machines, and without a token anyone there could send and read",
            "give --token-file FILE (openssl rand -hex 32 > FILE), listen on 127.0.0.1, "
            "or give --allow-anonymous if that is intended",
        )


OPEN = Access()
"""Plain text and no token: for the loopback only."""
