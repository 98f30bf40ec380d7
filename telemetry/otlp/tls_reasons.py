"""What a message of OpenSSL about a failed TLS handshake means, in one table for all who report one."""

from typing import Final, Literal, NamedTuple

Reason = Literal[
    "expired",
    "not_yet_valid",
    "wrong_name",
    "untrusted",
    "plain_text",
    "certificate_required",
    "certificate_missing",
    "unknown_authority",
    "reported_expired",
    "refused",
    "handshake_refused",
    "unverified",
]


class Match(NamedTuple):
    """A reason, and the part of the message that names it."""

    reason: Reason
    part: str


_MATCHES: Final = (
    Match("expired", "certificate has expired"),
    Match("not_yet_valid", "not yet valid"),
    Match("wrong_name", "not valid for"),
    Match("wrong_name", "doesn't match"),
    Match("untrusted", "self-signed certificate"),
    Match("untrusted", "self signed certificate"),
    Match("untrusted", "unable to get"),
    Match("plain_text", "WRONG_VERSION_NUMBER"),
    Match("plain_text", "RECORD_LAYER_FAILURE"),
    Match("plain_text", "HTTP_REQUEST"),
    # Alerts, which the other side has sent.
    Match("certificate_required", "CERTIFICATE_REQUIRED"),
    Match("unknown_authority", "UNKNOWN_CA"),
    Match("reported_expired", "CERTIFICATE_EXPIRED"),
    Match("refused", "BAD_CERTIFICATE"),
    Match("refused", "CERTIFICATE_UNKNOWN"),
    Match("handshake_refused", "HANDSHAKE_FAILURE"),
    # What a server finds, in general terms.
    Match("certificate_missing", "PEER_DID_NOT_RETURN_A_CERTIFICATE"),
    Match("unverified", "CERTIFICATE_VERIFY_FAILED"),
)
"""The first match counts."""

SERVER_PROBLEMS: Final[dict[Reason, str]] = {
    "expired": "its certificate has expired",
    "not_yet_valid": "its certificate is not valid yet",
    "wrong_name": "its certificate is for another name",
    "untrusted": "its certificate is not trusted",
    "plain_text": "that port speaks plain text",
    "certificate_required": "it asks for a client certificate",
    "unknown_authority": "it does not know the authority of our certificate",
    "reported_expired": "it reports that our certificate has expired",
    "refused": "it refuses our certificate",
    "handshake_refused": "it refuses the handshake, as it does without a client certificate",
}
"""What a client reports of the server."""

CLIENT_PROBLEMS: Final[dict[Reason, str]] = {
    "plain_text": "it spoke plain text; callers must use https://",
    "unknown_authority": "it does not trust the certificate",
    "reported_expired": "it reports that the certificate has expired",
    "refused": "it refuses the certificate",
    "certificate_missing": "it sent no certificate, which --tls-client-ca asks for",
    "expired": "its certificate has expired",
    "untrusted": "its certificate is not of --tls-client-ca",
    "unverified": "its certificate is not of --tls-client-ca",
}
"""What a server reports of the client."""


def match(message: str) -> Match | None:
    """Find the reason that a message of OpenSSL names."""
    return next((found for found in _MATCHES if found.part in message), None)


def client_problem(message: str) -> str:
    """Return what a server reports of a client, followed by OpenSSL's own word."""
    found = match(message)
    problem = CLIENT_PROBLEMS.get(found.reason) if found else None
    return f"{problem} ({found.part})" if found and problem else message
