"""Names of calls: methods, addresses, what is left out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.rpc.calls.names import method_of, peer_attributes, target_attributes


@pytest.mark.parametrize("full", ["/pkg.Service/Method", b"/pkg.Service/Method"])
def test_a_method_is_named_as_called_and_described_in_both_conventions(full: str | bytes) -> None:
    """Today's `rpc.method` is fully qualified; the older `rpc.service` stands beside it."""
    method = method_of(full)
    assert method.name == "/pkg.Service/Method"
    assert method.attributes == {
        "rpc.system.name": "grpc",
        "rpc.system": "grpc",
        "rpc.method": "pkg.Service/Method",
        "rpc.service": "pkg.Service",
    }


@pytest.mark.parametrize("odd", ["", "/", "Method", "/Method", b"\xff/\xfe", "/a/b/c"])
def test_an_odd_method_is_described_all_the_same(odd: str | bytes) -> None:
    """GRPC lets callers send any name."""
    assert method_of(odd).attributes["rpc.system.name"] == "grpc"


@pytest.mark.parametrize(
    ("target", "address", "port"),
    [
        ("localhost:8090", "localhost", 8090),
        ("localhost", "localhost", None),
        ("10.0.0.1:80", "10.0.0.1", 80),
        ("[::1]:80", "::1", 80),
        ("::1", "::1", None),
        ("dns:encoder:8090", "encoder", 8090),
        ("dns:///encoder:8090", "encoder", 8090),
        ("dns://1.1.1.1/encoder:8090", "encoder", 8090),
        ("dns:8090", "dns", 8090),  # a host of that name
        ("ipv4:10.0.0.1:80,10.0.0.2:80", "10.0.0.1", 80),
        ("ipv6:[::1]:80", "::1", 80),
        ("unix:/run/encoder.sock", "/run/encoder.sock", None),
        ("unix:///run/encoder.sock", "/run/encoder.sock", None),
        ("unix-abstract:encoder", "encoder", None),
    ],
)
def test_the_address_of_a_target(target: str, address: str, port: int | None) -> None:
    """All forms of gRPC's name syntax that stand for one server."""
    expected: dict[str, Any] = {"server.address": address}
    assert target_attributes(target) == (expected if port is None else {**expected, "server.port": port})


def test_no_target_no_address() -> None:
    """Interceptors made without a target record nothing of the server."""
    assert target_attributes(None) == target_attributes("") == {}


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:127.0.0.1:57284", "127.0.0.1"),
        ("ipv6:%5B::1%5D:57284", "::1"),
        ("ipv4:10.2.1.1:57284,127.0.0.1:57284", "10.2.1.1"),
        ("unix:/run/caller.sock", "/run/caller.sock"),
    ],
)
def test_the_address_of_a_peer(peer: str, address: str) -> None:
    """As gRPC's server context writes it."""
    assert peer_attributes(peer) == {"network.peer.address": address}


@pytest.mark.parametrize("peer", ["unix:", "", "ipv4"])
def test_a_peer_without_an_address(peer: str) -> None:
    """An unnamed socket has none."""
    assert peer_attributes(peer) == {}


@given(st.text(max_size=40))
def test_no_address_makes_it_raise(text: str) -> None:
    """Whatever stands there, the call goes on."""
    assert target_attributes(text).keys() <= {"server.address", "server.port"}
    assert peer_attributes(text).keys() <= {"network.peer.address"}


@pytest.mark.parametrize(
    ("method", "traced"),
    [
        ("/pamazon.Gateway/Search", True),
        ("/grpc.health.v1.Health/Check", False),
        ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", False),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", False),
        ("/grpc.channelz.v1.Channelz/GetServers", False),
        ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", False),
        ("/my.grpc.health.Service/Check", True),
        (b"/grpc.health.v1.Health/Check", False),
    ],
)
def test_what_is_left_out_by_default(method: str | bytes, traced: bool) -> None:
    """Health, reflection, channelz and the exports of telemetry itself."""
    assert method_of(method).is_infrastructure is not traced
