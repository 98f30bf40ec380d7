"""Where OTLP by gRPC goes: the collector, and the proxy before it.

In: a signal's settings, the environment. Out: a `Target`, a `Proxy`. State: none.

Proxies are gRPC's: `grpc_proxy`, `https_proxy` or `http_proxy`, the first that is set, in small letters, whatever the
collector speaks; `no_grpc_proxy` or `no_proxy` make exceptions. See gRPC's `doc/environment_variables.md`.
"""

import base64
import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

from telemetry.pipeline.sending import is_here
from telemetry.settings import ExporterSettings

_PORT = 443  # gRPC's, where none is written


@dataclass(frozen=True, slots=True)
class Target:
    """A collector: by `host` and `port`, or by the path of a socket `file`; `authority` is its name in requests."""

    host: str = ""
    port: int = 0
    tls: bool = False
    file: str = ""
    authority: str = "localhost"

    @property
    def name(self) -> str:
        """For a reader: `host:port`, or the file."""
        return self.file or address(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy that opens tunnels; `credentials` is the value of `proxy-authorization`, or empty."""

    host: str
    port: int
    credentials: str = ""


def target_of(settings: ExporterSettings) -> Target:
    """Return where an endpoint leads: `http://`, `https://`, `unix:/path`, `unix-abstract:name` or `host:port`."""
    if settings.endpoint.startswith("unix-abstract:"):
        return Target(file=f"\0{settings.endpoint.removeprefix('unix-abstract:')}")
    if settings.endpoint.startswith("unix:"):
        return Target(file=settings.endpoint.removeprefix("unix:").removeprefix("//"))
    scheme, separator, rest = settings.endpoint.partition("://")
    if not separator:
        scheme, rest = "https" if settings.insecure is False else "http", settings.endpoint
    parts = urlsplit(f"//{rest}")
    return Target(
        parts.hostname or "", parts.port or _PORT, scheme == "https", authority=parts.netloc.rpartition("@")[2]
    )


def proxy_before(target: Target) -> Proxy | None:
    """Return the proxy that the environment puts before a collector; none before one on this machine."""
    if target.file or is_here(target.name) or _is_exception(target.host):
        return None
    named = next((value for name in ("grpc", "https", "http") if (value := os.environ.get(f"{name}_proxy"))), "")
    parts = urlsplit(named if "://" in named else f"http://{named}")
    if parts.scheme != "http" or not parts.hostname:
        return None
    user = parts.netloc.rpartition("@")[0]
    credentials = f"Basic {base64.b64encode(unquote_to_bytes(user)).decode()}" if user else ""
    return Proxy(parts.hostname, parts.port or _PORT, credentials)


def address(host: str, port: int) -> str:
    """Return `host:port`, with brackets around IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_exception(host: str) -> bool:
    """Say whether `no_proxy` names the host, a domain above it, or its network."""
    given = os.environ.get("no_grpc_proxy") or os.environ.get("no_proxy", "")  # noqa: SIM112  gRPC's are small
    names = [name.strip().lower().removeprefix("*").removeprefix(".") for name in given.split(",") if name.strip()]
    return any(not name or host == name or host.endswith(f".{name}") or _is_within(host, name) for name in names)


def _is_within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
