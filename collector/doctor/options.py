"""What a run is asked to do.

In: options of the command, over variables of the environment. Out: a frozen `Options`, or a `TelemetryError` for a
mistake. State: none.
"""

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
"""Who may keep a signal, beside Sentry."""
SENTRY_VARIABLES: Final = ("SENTRY_AUTH_TOKEN", "SENTRY_ORG", "SENTRY_PROJECT")
TIMEOUT: Final = 20.0
"""Seconds until everything that was sent should have arrived, through a queue, a tail decision and a scrape."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a backend is: `url`, and whether somebody asked for it (`named` says how) or it is a guess."""

    url: str
    asked: bool
    named: str


@dataclass(frozen=True, slots=True)
class Options:
    """What to do.

    Arguments: `targets` by backend, without those switched off; `headers` for each; `ca`, a PEM file that certificates
    of backends are checked by; `timeout` in seconds; `environ`, a service's variables; `data`, the folder of a stack
    that runs here, None for the usual one.
    """

    targets: Mapping[str, Target]
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ca: Path | None = None
    timeout: float = TIMEOUT
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    data: Path | None = None


def variable(backend: str) -> str:
    """Return the variable that names a backend's URL."""
    return f"SEARCH_TELEMETRY_{backend.upper()}_URL"


def targets(given: Mapping[str, str | None], environ: Mapping[str, str]) -> dict[str, Target]:
    """Return where the backends are: an option goes before its variable, that before the default; `none` leaves out.

    Raises `TelemetryError` where one is no address.
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
    """Take a PEM file of authorities. Raises `TelemetryError` where it is none."""
    if path is None:
        return None
    try:
        ssl.create_default_context(cafile=path.expanduser())
    except OSError as error:  # of which ssl.SSLError is one
        raise TelemetryError(f"--ca {path} cannot be used: {error.strerror or error}.", "Name a PEM file.") from error
    return path.expanduser()


def headers(given: list[str]) -> dict[str, dict[str, str]]:
    """Take `BACKEND:NAME=VALUE` apart. Raises `TelemetryError`; the value, perhaps a secret, is not quoted."""
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
    parts = urlsplit(whole if "://" in whole else f"//{whole}")
    try:
        right = parts.scheme in {"", "http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise TelemetryError(f"{named}: {url!r} is no address.", f"Write {DEFAULTS[backend]}, or none.")
    return whole.rstrip("/")
