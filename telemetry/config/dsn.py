"""Parses the DSN of a Sentry project, `https://PUBLIC_KEY@HOST[/PATH]/PROJECT`.

See https://develop.sentry.dev/sdk/foundations/transport/authentication/, and for the OTLP endpoint
https://docs.sentry.io/concepts/otlp/.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

_HINT = "write https://PUBLIC_KEY@o0.ingest.sentry.io/PROJECT, as Sentry shows it under Client Keys"


@dataclass(frozen=True, slots=True)
class Dsn:
    """The parts of a DSN: `base` is scheme, host and path; `public_key` is not a secret."""

    base: str
    project: str
    public_key: str

    @property
    def otlp_endpoint(self) -> str:
        """The OTLP endpoint, to which an exporter adds `/v1/traces` or `/v1/logs`."""
        return f"{self.base}/api/{self.project}/integration/otlp"


def parse(raw: object) -> Dsn:
    """Parse a DSN. Raises ValueError."""
    parts = urlsplit(raw.strip()) if isinstance(raw, str) else urlsplit("")
    path, _, project = parts.path.rstrip("/").rpartition("/")
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"is not an http or https URL; {_HINT}")
    if not parts.username:
        raise ValueError(f"has no public key; {_HINT}")
    if not project.isascii() or not project.isdigit():
        raise ValueError(f"does not end in a project number; {_HINT}")
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise ValueError(f"has a port that is not a number up to 65535; {_HINT}") from None
    if not parts.hostname:
        raise ValueError(f"has no host; {_HINT}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Dsn(f"{parts.scheme}://{host}{port}{path}", project, parts.username)


def check(raw: object) -> str:
    """Check the setting: a DSN, or empty. Raises ValueError."""
    if raw == "":
        return ""
    parse(raw)
    return str(raw).strip()
