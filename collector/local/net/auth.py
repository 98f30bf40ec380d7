"""Bearer tokens: who may send and read.

In: a file or the environment, the `Authorization` of requests. Out: `Tokens`, and refusals without a word of what was
sent. The tokens are read once, at the start.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from collector.local.errors import SettingsError, UnauthorizedError

TOKEN = "SEARCH_TELEMETRY_COLLECTOR_TOKEN"  # noqa: S105 (the name of a variable)
TOKEN_FILE = "SEARCH_TELEMETRY_COLLECTOR_TOKEN_FILE"  # noqa: S105 (as above)
MIN_LENGTH = 16
MAKE_ONE = "write one to it: openssl rand -hex 32"
CHALLENGE = 'Bearer realm="search-telemetry"'
"""What a 401 says in `WWW-Authenticate` (RFC 6750, section 3)."""

_SYNTAX = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1
_log = logging.getLogger("collector.local")


class Tokens:
    """The tokens that are let in; several, so that one can be replaced while senders still use the other.

    Raises:
        SettingsError: there is none, or one that no header can carry or that is easily guessed; none is quoted.
    """

    def __init__(self, tokens: Iterable[str], where: str = "tokens") -> None:
        given = [token.strip() for token in tokens if token.strip()]
        if not given:
            raise SettingsError(f"{where} holds no token", MAKE_ONE)
        if any(not _SYNTAX.fullmatch(token) for token in given):
            raise SettingsError(
                f"{where} holds a token with a character that no bearer token may have (RFC 6750)",
                f"one token a line, of letters, digits and -._~+/; {MAKE_ONE}",
            )
        if any(len(token) < MIN_LENGTH for token in given):
            raise SettingsError(f"{where} holds a token of fewer than {MIN_LENGTH} characters", MAKE_ONE)
        self._digests = [hashlib.sha256(token.encode()).digest() for token in given]

    def check(self, authorization: str | None) -> None:
        """Let a request in by the value of its `Authorization`.

        The time it takes tells nothing of the tokens: digests are compared, each in full, and all of them.

        Raises:
            UnauthorizedError: it has no token, or a wrong one.
        """
        scheme, _, token = (authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UnauthorizedError(
                "this collector wants a token, and none was sent",
                "send the header Authorization: Bearer TOKEN; OpenTelemetry's exporters do with "
                "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN, the telemetry commands with " + TOKEN,
            )
        digest = hashlib.sha256(token.strip().encode("utf-8", "surrogatepass")).digest()
        known = False
        for ours in self._digests:
            known |= hmac.compare_digest(digest, ours)
        if not known:
            raise UnauthorizedError(
                "the token is not one of this collector's", "use the token that the collector was started with"
            )


def tokens_from(path: Path | None, environ: Mapping[str, str] = os.environ) -> Tokens | None:
    """The tokens of a file (one a line), else those that the environment names; None where nothing does.

    Raises:
        SettingsError: the file cannot be read, or holds no fit token.
    """
    if path is None and environ.get(TOKEN_FILE, "").strip():
        path = Path(environ[TOKEN_FILE].strip()).expanduser()
    if path is not None:
        return Tokens(_lines(path), f"the token file {path}")
    if environ.get(TOKEN, "").strip():
        return Tokens([environ[TOKEN]], TOKEN)
    return None


def token_to_send(environ: Mapping[str, str] = os.environ) -> str | None:
    """The token that the reading commands send: of the environment, or the first of the file that it names."""
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
        raise SettingsError(f"the token file {path} is no text", MAKE_ONE) from None
    if mode & 0o077:
        _log.warning("the token file %s can be read by others (mode %o); mend: chmod 600 %s", path, mode, path)
    return text.splitlines()
