"""Finds the proxy of the environment between an exporter and its collector.

gRPC uses `grpc_proxy`, `https_proxy` and `http_proxy`, in lower case only, for any scheme; HTTP uses the variable of
the scheme, then `all_proxy`, in lower or upper case. `no_proxy` has exceptions for both.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from collector.doctor.network.place import Place
from telemetry.otlp.target import is_loopback


@dataclass(frozen=True, slots=True)
class Proxy:
    """The variable of a proxy, and its address without a password."""

    variable: str
    address: str


def between(place: Place, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy of an exporter; None if it has a direct connection, as to this machine."""
    if is_loopback(place.address) or _is_exception(place, environ):
        return None
    for variable in _variables(place):
        if value := environ.get(variable, "").strip():
            return Proxy(variable, re.sub(r"//[^/@]*@", "//***@", value))
    return None


def _variables(place: Place) -> tuple[str, ...]:
    if place.speech == "grpc":
        return ("grpc_proxy", "https_proxy", "http_proxy")
    scheme = "https_proxy" if place.tls else "http_proxy"
    return (scheme, scheme.upper(), "all_proxy", "ALL_PROXY")


def _is_exception(place: Place, environ: Mapping[str, str]) -> bool:
    """Whether `no_proxy` has the host, its domain, or its network."""
    variables = ("no_grpc_proxy", "no_proxy") if place.speech == "grpc" else ("no_proxy", "NO_PROXY")
    given = next((value for name in variables if (value := environ.get(name, ""))), "")
    host = place.host.lower()
    names = [name.strip().lower().removeprefix("*").removeprefix(".") for name in given.split(",") if name.strip()]
    return any(
        not name or host == name or host.endswith(f".{name}") or place.address == name or _is_within(host, name)
        for name in names
    )


def _is_within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
