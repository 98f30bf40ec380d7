"""What a call is named: its method, the address it goes to, the address it comes from.

In: gRPC's full method (`/package.Service/Method`), a channel's target, a server's view of its peer. Out: a span name,
attributes, and whether the method is left out by default. State: a bounded cache of methods described.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording.attributes import SHORT
from telemetry.recording.metrics.instruments import Record

Filter = Callable[[Any], bool]
"""Takes gRPC's call details, as those of `opentelemetry.instrumentation.grpc.filters` do; true: the call is traced."""

INFRASTRUCTURE: Final = (
    "/grpc.health.",
    "/grpc.reflection.",
    "/grpc.channelz.",
    "/opentelemetry.proto.collector.",  # an exporter's own calls: tracing them would make spans without end
)
"""Services whose calls are not requests of users: orchestrators and tools send them all the time."""


class Records:
    """What records durations of one method, by how its calls end; for one generation of metrics."""

    __slots__ = ("by_ending", "generation")

    def __init__(self, generation: object) -> None:
        self.generation = generation
        self.by_ending: dict[object, Record] = {}


class Method:
    """One rpc method: its span name, the attributes that all of its calls share, and what records their durations.

    `is_infrastructure`: it is one of `INFRASTRUCTURE`; `is_short`, its name fits wherever it becomes an attribute.
    """

    __slots__ = ("attributes", "is_infrastructure", "is_short", "name", "records")

    def __init__(self, name: str, attributes: dict[str, AttributeValue]) -> None:
        self.name = name
        self.is_short = len(name) <= SHORT
        self.attributes = attributes
        self.is_infrastructure = name.startswith(INFRASTRUCTURE)
        self.records = Records(None)


@lru_cache(maxsize=512)
def method_of(full: str | bytes) -> Method:
    """Describe the method that gRPC calls `full`; `grpc.aio` gives it as bytes."""
    name = full.decode(errors="replace") if isinstance(full, bytes) else full
    qualified = name.removeprefix("/")
    service, _, _ = qualified.rpartition("/")
    attributes: dict[str, AttributeValue] = {
        c.RPC_SYSTEM_NAME.name: "grpc",
        c.RPC_SYSTEM.name: "grpc",
        c.RPC_METHOD.name: qualified,
    }
    if service:
        attributes[c.RPC_SERVICE.name] = service
    return Method(name, attributes)


def is_selected(filter_: Filter, details: Any) -> bool:
    """Return whether the filter selects the call; if it raises, the call is traced."""
    try:
        return bool(filter_(details))
    except Exception:  # noqa: BLE001  user code: anything can be raised here
        return True


def target_attributes(target: str | None) -> dict[str, AttributeValue]:
    """Return `server.address` and `server.port` of a channel's target, such as `localhost:8090` or `dns:///host:80`."""
    if not target:
        return {}
    scheme, _, rest = target.partition(":")
    if scheme in {"unix", "unix-abstract"}:
        return {c.SERVER_ADDRESS.name: rest.removeprefix("//")}
    plain = target
    if rest.startswith("//"):  # scheme://authority/host:port; the authority is a DNS server's
        plain = rest.rpartition("/")[2]
    elif scheme in {"dns", "ipv4", "ipv6"} and not rest.isdecimal():
        plain = rest
    host, port = _split_port(plain.partition(",")[0])
    found: dict[str, AttributeValue] = {c.SERVER_ADDRESS.name: host}
    if port is not None:
        found[c.SERVER_PORT.name] = port
    return found


def peer_attributes(peer: str) -> dict[str, AttributeValue]:
    """Return `network.peer.address` of what gRPC calls a peer, such as `ipv4:127.0.0.1:57284` or `ipv6:%5B::1%5D:1`."""
    scheme, _, address = unquote(peer).partition(":")
    host = address if scheme.startswith("unix") else _split_port(address.partition(",")[0])[0]
    return {c.NETWORK_PEER_ADDRESS.name: host} if host else {}


def _split_port(address: str) -> tuple[str, int | None]:
    """Split `host:port`, `[v6]:port` or an address without a port."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and (":" not in host or host.endswith("]")):
        return host.strip("[]"), int(port)
    return address.strip("[]"), None
