"""Reads Sentry's address of a project.

In: a DSN, `https://PUBLIC_KEY@HOST[/PATH]/PROJECT`. Out: its parts, or a `ValueError` that says what to write. State:
none. The form is https://develop.sentry.dev/sdk/foundations/transport/authentication/; the OTLP endpoint below it is
https://docs.sentry.io/concepts/otlp/.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

_HINT = "write https://PUBLIC_KEY@o0.ingest.sentry.io/PROJECT, as Sentry shows it under Client Keys"


@dataclass(frozen=True, slots=True)
class Dsn:
    """One project's address: `base` is scheme, host and path, `public_key` may be known to all."""

    base: str
    project: str
    public_key: str

    @property
    def otlp_endpoint(self) -> str:
        """Where traces and logs go; an OTLP exporter adds `/v1/traces` or `/v1/logs`."""
        return f"{self.base}/api/{self.project}/integration/otlp"


def parse(raw: object) -> Dsn:
    """Take a DSN apart."""
    parts = urlsplit(raw.strip()) if isinstance(raw, str) else urlsplit("")
    path, _, project = parts.path.rstrip("/").rpartition("/")
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"is no http or https address; {_HINT}")
    if not parts.username:
        raise ValueError(f"names no public key; {_HINT}")
    if not project.isascii() or not project.isdigit():
        raise ValueError(f"does not end in the number of a project; {_HINT}")
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise ValueError(f"has a port that is not a number up to 65535; {_HINT}") from None
    if not parts.hostname:
        raise ValueError(f"names no host; {_HINT}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Dsn(f"{parts.scheme}://{host}{port}{path}", project, parts.username)


def check(raw: object) -> str:
    """Take a DSN, or nothing, for a setting."""
    if raw == "":
        return ""
    parse(raw)
    return str(raw).strip()
