"""Where OTLP goes: the collector, and the proxy before it.

In: a signal's settings, the environment. Out: a `Target`, a `Proxy`. State: none.

By gRPC proxies are gRPC's: `grpc_proxy`, `https_proxy` or `http_proxy`, the first that is set, in small letters,
whatever the collector speaks; `no_grpc_proxy` or `no_proxy` make exceptions. See gRPC's `doc/environment_variables.md`.
By HTTP they are those of Python's own `urllib`: the variable of the scheme, then `all_proxy`.
"""

import base64
import contextlib
import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit
from urllib.request import getproxies, proxy_bypass

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.outcome import CallError

_PORT = 443  # gRPC's, where none is written
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """A collector: by `host` and `port`, or by the path of a socket `file`; `authority` is its name in requests.

    `speaks` is the protocol that TLS agrees on.
    """

    host: str = ""
    port: int = 0
    tls: bool = False
    file: str = ""
    authority: str = "localhost"
    speaks: str = "h2"

    @property
    def name(self) -> str:
        """For a reader: `host:port`, or the file."""
        return self.file or address(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `credentials` is the value of `proxy-authorization`, or empty.

    It speaks `tls` itself, or plain text; it `tunnels`, or forwards requests.
    """

    host: str
    port: int
    credentials: str = ""
    tls: bool = False
    tunnels: bool = True


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
    given = os.environ.get("no_grpc_proxy") or os.environ.get("no_proxy", "")  # noqa: SIM112  gRPC's are small
    if target.file or is_loopback(target.name) or _is_exception(target, given):
        return None
    named = next((value for name in ("grpc", "https", "http") if (value := os.environ.get(f"{name}_proxy"))), "")
    parts = urlsplit(named if "://" in named else f"http://{named}")
    if parts.scheme != "http" or not parts.hostname:
        return None
    return Proxy(parts.hostname, parts.port or _PORT, credentials_in(parts))


def http_target_of(endpoint: str) -> Target:
    """Return where an endpoint leads by HTTP: `http://` or `https://`."""
    parts = urlsplit(endpoint)
    authority = parts.netloc.rpartition("@")[2]
    with contextlib.suppress(UnicodeError):  # a name that there cannot be: the resolver will say so
        authority = authority.encode("idna").decode()
    tls = parts.scheme == "https"
    port = parts.port or _PORTS["https" if tls else "http"]
    return Target(parts.hostname or "", port, tls, authority=authority, speaks="http/1.1")


def http_proxy_before(target: Target) -> Proxy | None:
    """Return the proxy before a collector that speaks HTTP. Raises `CallError` for one that we cannot speak to."""
    proxies = getproxies()
    exempt = is_loopback(target.name) or proxy_bypass(target.host) or _is_exception(target, proxies.get("no", ""))
    named = proxies.get("https" if target.tls else "http") or proxies.get("all")
    if exempt or not named:
        return None
    parts = urlsplit(named if "://" in named else f"http://{named}")
    try:
        usual = _PORTS[parts.scheme]
        port = parts.port or usual
    except (KeyError, ValueError):
        shown = parts.netloc.rpartition("@")[2]
        raise CallError(f"no export goes through the proxy {parts.scheme}://{shown}: name one by http://") from None
    return Proxy(parts.hostname or "", port, credentials_in(parts), parts.scheme == "https", target.tls)


def is_loopback(endpoint: str) -> bool:
    """Say whether a URL, `HOST:PORT` or host is on this machine's loopback: names by RFC 6761, or an address."""
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


def credentials_in(parts: SplitResult) -> str:
    """Return the value of an `authorization` header for the user and the password in an address, or nothing."""
    user = parts.netloc.rpartition("@")[0]
    return f"Basic {base64.b64encode(unquote_to_bytes(user)).decode()}" if user else ""


def address(host: str, port: int) -> str:
    """Return `host:port`, with brackets around IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_exception(target: Target, given: str) -> bool:
    """Say whether `no_proxy` names the host, a domain above it, its network, or the host with its port."""
    host = target.host
    names = [name.strip().lower().removeprefix("*").removeprefix(".") for name in given.split(",") if name.strip()]
    return any(
        not name or name in {host, target.name} or host.endswith(f".{name}") or _is_within(host, name) for name in names
    )


def _is_within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
