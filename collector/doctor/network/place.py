"""An address with its protocol, from an exporter's settings or a backend's URL."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from telemetry.config.settings import ExporterSettings

Speech = Literal["grpc", "http"]


@dataclass(frozen=True, slots=True)
class Place:
    """An address with its protocol, and the settings that it comes from, for hints.

    `authority` is the PEM file of the trusted authority, None for the system's; `certificate` and `key` are ours, for
    mutual TLS. `named`, `authority_named`: the variable or option of the address and of the authority.
    """

    host: str
    port: int
    tls: bool
    speech: Speech
    named: str
    authority_named: str
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @property
    def address(self) -> str:
        """`HOST:PORT`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def of_exporter(settings: ExporterSettings, named: str) -> Place | None:
    """Return where an exporter sends; None for a `unix:` socket."""
    scheme, separator, _ = settings.endpoint.partition("://")
    if scheme.startswith("unix"):
        return None
    if not separator:
        scheme = "https" if settings.insecure is False else "http"
    parts = urlsplit(settings.endpoint if separator else f"//{settings.endpoint}")
    speech: Speech = "grpc" if settings.protocol == "grpc" else "http"
    return Place(
        parts.hostname or "",
        parts.port or (80 if scheme == "http" and speech == "http" else 443),  # gRPC uses 443 in plain text, too
        scheme == "https",
        speech,
        named,
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        settings.certificate,
        settings.client_certificate,
        settings.client_key,
    )


def of_url(url: str, named: str, authority_named: str, authority: Path | None) -> Place:
    """Return where a backend's API is."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    return Place(
        parts.hostname or "", parts.port or (443 if tls else 80), tls, "http", named, authority_named, authority
    )
