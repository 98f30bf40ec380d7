"""The options of a run: those of the command, then variables of the environment."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from telemetry.conventions import Signal
from telemetry.errors import TelemetryError

BACKENDS: Final = ("api", "jaeger", "prometheus", "victorialogs", "loki", "otelcol")
DEFAULTS: Final[Mapping[str, str]] = {
    "api": "127.0.0.1:4319",
    "jaeger": "http://127.0.0.1:16686",
    "prometheus": "http://127.0.0.1:9090",
    "victorialogs": "http://127.0.0.1:9428",
    "loki": "http://127.0.0.1:3100",
    "otelcol": "http://127.0.0.1:8888",
}
KEEPERS: Final[Mapping[Signal, tuple[str, ...]]] = {
    "traces": ("api", "jaeger"),
    "metrics": ("api", "prometheus"),
    "logs": ("api", "victorialogs", "loki"),
}
"""The backends that may store a signal, besides Sentry."""
SENTRY_VARIABLES: Final = ("SENTRY_AUTH_TOKEN", "SENTRY_ORG", "SENTRY_PROJECT")
TIMEOUT: Final = 20.0
"""Seconds until everything should have arrived, through a queue, tail sampling and a scrape."""


@dataclass(frozen=True, slots=True)
class Target:
    """A backend's `url`, and whether it is configured, by the option or variable `named`, or is the default."""

    url: str
    asked: bool
    named: str


@dataclass(frozen=True, slots=True)
class Options:
    """The options.

    Arguments: `targets` by backend, without those that are skipped; `headers` for each; `ca`, a PEM file of the
    backends' authority; `timeout` in seconds; `environ`, a service's variables; `data`, the folder of a running stack,
    None for the default one.
    """

    targets: Mapping[str, Target]
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ca: Path | None = None
    timeout: float = TIMEOUT
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    data: Path | None = None


def variable(backend: str) -> str:
    """Return the variable of a backend's URL."""
    return f"SEARCH_TELEMETRY_{backend.upper()}_URL"


def targets(given: Mapping[str, str | None], environ: Mapping[str, str]) -> dict[str, Target]:
    """Return the backends: by the option, else the variable, else the default; `none` skips one.

    Raises `TelemetryError` if one is not an address.
    """
    found: dict[str, Target] = {}
    for backend in BACKENDS:
        named = f"--{backend}" if given.get(backend) else variable(backend)
        url = given.get(backend) or environ.get(variable(backend), "").strip()
        if url.lower() == "none":
            continue
        found[backend] = Target(_checked(url or DEFAULTS[backend], named, backend), bool(url), named)
        if not url:
            found[backend] = Target(found[backend].url, asked=False, named=f"--{backend}")
    return found


def authority(path: Path | None) -> Path | None:
    """Check a PEM file of authorities. Raises `TelemetryError` if it is invalid."""
    if path is None:
        return None
    try:
        ssl.create_default_context(cafile=path.expanduser())
    except OSError as error:  # of which ssl.SSLError is one
        raise TelemetryError(f"--ca {path} cannot be used: {error.strerror or error}.", "Use a PEM file.") from error
    return path.expanduser()


def headers(given: list[str]) -> dict[str, dict[str, str]]:
    """Parse `BACKEND:NAME=VALUE`. Raises `TelemetryError`, which does not quote the value: it may be a secret."""
    found: dict[str, dict[str, str]] = {}
    for item in given:
        backend, colon, pair = item.partition(":")
        name, equals, value = pair.partition("=")
        if backend not in BACKENDS or not colon or not equals or not name.strip() or not value.isprintable():
            raise TelemetryError(
                "--header is not BACKEND:NAME=VALUE.",
                f"Write loki:X-Scope-OrgID=TENANT; backends are {', '.join(BACKENDS)}.",
            )
        found.setdefault(backend, {})[name.strip()] = value.strip()
    return found


def _checked(url: str, named: str, backend: str) -> str:
    whole = url if "://" in url or backend == "api" else f"http://{url}"
    try:
        parts = urlsplit(whole if "://" in whole else f"//{whole}")
        right = parts.scheme in {"", "http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise TelemetryError(f"{named}: {url!r} is not an address.", f"Write {DEFAULTS[backend]}, or none.")
    return whole.rstrip("/")
