"""Where OTLP is sent: the collector, and the proxy before it.

For gRPC the proxy is found as gRPC does: the first of `grpc_proxy`, `https_proxy` and `http_proxy` that is set, in
lower case, with or without TLS; `no_grpc_proxy` or `no_proxy` hold exceptions (gRPC's `doc/environment_variables.md`).
For HTTP it is found as `urllib` does: the variable of the scheme, then `all_proxy`.
"""

import base64
import contextlib
import ipaddress
import os
import sys
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.outcome import CallError
from telemetry.recording.fork import importing

_PORT = 443  # gRPC's default
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """A collector, at `host` and `port`, or at the Unix socket `file`.

    `authority` is its name in requests, `alpn` the protocol offered in the TLS handshake.
    """

    host: str = ""
    port: int = 0
    tls: bool = False
    file: str = ""
    authority: str = "localhost"
    alpn: str = "h2"

    @property
    def name(self) -> str:
        """The name in messages: `host:port`, or the file."""
        return self.file or address(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `credentials` is the value of `proxy-authorization`, or empty.

    `tls` is whether the connection to the proxy uses TLS. A proxy that `tunnels` gets a CONNECT request; others forward
    each request.
    """

    host: str
    port: int
    credentials: str = ""
    tls: bool = False
    tunnels: bool = True


def grpc_target(settings: ExporterSettings) -> Target:
    """Return the target of a gRPC endpoint: `http://`, `https://`, `unix:/path`, `unix-abstract:name`, `host:port`."""
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


def grpc_proxy_for(target: Target) -> Proxy | None:
    """Return the proxy that the environment sets for a collector; None for one on the loopback."""
    exceptions = os.environ.get("no_grpc_proxy") or os.environ.get("no_proxy", "")  # noqa: SIM112  lower case, as in gRPC
    if target.file or is_loopback(target.name) or _is_exempt(target, exceptions):
        return None
    url = next((value for name in ("grpc", "https", "http") if (value := os.environ.get(f"{name}_proxy"))), "")
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        return None
    return Proxy(parts.hostname, parts.port or _PORT, authorization_of(parts))


def http_target(endpoint: str) -> Target:
    """Return the target of an HTTP endpoint: `http://…` or `https://…`."""
    parts = urlsplit(endpoint)
    authority = parts.netloc.rpartition("@")[2]
    with contextlib.suppress(UnicodeError):  # an impossible name: resolving it will fail with a clear error
        authority = authority.encode("idna").decode()
    tls = parts.scheme == "https"
    port = parts.port or _PORTS["https" if tls else "http"]
    return Target(parts.hostname or "", port, tls, authority=authority, alpn="http/1.1")


def http_proxy_for(target: Target) -> Proxy | None:
    """Return the proxy that the environment sets for an HTTP target. Raises `CallError` if we do not support it."""
    if not _may_have_proxies():
        return None
    with importing:
        from urllib.request import getproxies, proxy_bypass
    proxies = getproxies()
    exempt = is_loopback(target.name) or proxy_bypass(target.host) or _is_exempt(target, proxies.get("no", ""))
    url = proxies.get("https" if target.tls else "http") or proxies.get("all")
    if exempt or not url:
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        default = _PORTS[parts.scheme]
        port = parts.port or default
    except (KeyError, ValueError):
        shown = parts.netloc.rpartition("@")[2]
        raise CallError(f"the proxy {parts.scheme}://{shown} is not supported: set one with http://") from None
    return Proxy(parts.hostname or "", port, authorization_of(parts), parts.scheme == "https", target.tls)


def is_loopback(endpoint: str) -> bool:
    """Return whether a URL, `HOST:PORT` or host is on this machine's loopback: names by RFC 6761, or an address."""
    bare = endpoint.count(":") > 1 and "/" not in endpoint and "[" not in endpoint  # an IPv6 address alone
    try:
        host = endpoint if bare else urlsplit(endpoint if "//" in endpoint else f"//{endpoint}").hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return True
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback


def authorization_of(parts: SplitResult) -> str:
    """Return the `authorization` header for the user and password in a URL; empty if there are none."""
    user = parts.netloc.rpartition("@")[0]
    return f"Basic {base64.b64encode(unquote_to_bytes(user)).decode()}" if user else ""


def address(host: str, port: int) -> str:
    """Return `host:port`, with brackets around IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_exempt(target: Target, no_proxy: str) -> bool:
    """Return whether `no_proxy` names the host, a domain above it, its network, or the host with its port."""
    host = target.host
    names = [name.strip().lower().removeprefix("*").removeprefix(".") for name in no_proxy.split(",") if name.strip()]
    return any(
        not name or name in {host, target.name} or host.endswith(f".{name}") or _is_within(host, name) for name in names
    )


def _is_within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _may_have_proxies() -> bool:
    """Return whether it is worth to load `urllib.request`: a variable is set, or the system has settings of its own."""
    return sys.platform in {"darwin", "win32"} or any(name.lower().endswith("_proxy") for name in os.environ)
