"""Calls to gRPC's own servers: what arrives, what comes back, over TCP, TLS, socket files and proxies."""

import gzip
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no types are published
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # as above

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.outcome import Outcome, explained
from telemetry.otlp.target import Proxy, Target, grpc_proxy_for, grpc_target
from tests import certificates
from tests.certificates import Pems
from tests.unit.grpc_stand_ins import METHOD, PATIENCE, listening, sender
from tests.unit.own_process import python

BIG = os.urandom(3 * 2**20)


class Echo(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic only in the stubs
    """Answers a request by itself; keeps what came with it; ends as configured."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {}
        self.left = 0.0
        self.status: tuple[grpc.StatusCode, str] | None = None
        self.trailers: Any = ()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        assert handler_call_details.method == METHOD

        def export(body: bytes, context: grpc.ServicerContext) -> bytes:
            self.metadata = {str(name): value for name, value in context.invocation_metadata()}
            self.left = context.time_remaining() or 0.0
            context.set_trailing_metadata(self.trailers)
            if self.status is not None:
                context.abort(*self.status)
            return body

        return grpc.unary_unary_rpc_method_handler(export)


@contextmanager
def serving(
    address: str, credentials: grpc.ServerCredentials | None = None, compression: grpc.Compression | None = None
) -> Iterator[tuple[Echo, int]]:
    """A server of gRPC's own; its handler and its port."""
    echo = Echo()
    options = [("grpc.max_receive_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(2), handlers=[echo], options=options, compression=compression)
    add = server.add_insecure_port if credentials is None else lambda to: server.add_secure_port(to, credentials)
    port = add(address)
    server.start()
    try:
        yield echo, port
    finally:
        server.stop(None).wait()


@pytest.fixture
def echo() -> Iterator[tuple[Echo, str]]:
    """A server in plain text, and its endpoint."""
    with serving("127.0.0.1:0") as (handler, port):
        yield handler, f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Pems:
    """Certificates that are right and wrong."""
    return certificates.make(tmp_path_factory.mktemp("pems"))


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("request_", [b"", b"x", BIG], ids=["empty", "small", "3 MiB"])
def test_a_request_arrives_as_it_is(echo: tuple[Echo, str], request_: bytes, compression: str) -> None:
    """Whole, whatever its size, packed or not, and so does the answer; twice on one connection."""
    with sender(echo[1], compression=compression) as made:
        assert made.send(request_, PATIENCE) == Outcome(request_)
        connection = made._connection
        assert made.send(request_, PATIENCE) == Outcome(request_)
        assert connection is made._connection is not None


def test_an_answer_may_be_packed() -> None:
    """By gzip, which we declare that we read."""
    with (
        serving("127.0.0.1:0", compression=grpc.Compression.Gzip) as (_, port),
        sender(f"http://127.0.0.1:{port}") as made,
    ):
        assert made.send(b"a" * 10_000, PATIENCE) == Outcome(b"a" * 10_000)


def test_a_request_has_its_sender_and_its_timeout(echo: tuple[Echo, str]) -> None:
    """The user's headers, bytes among them, our name and the time that is left; theirs do not replace ours."""
    headers = (("authorization", "Bearer x"), ("x-bin", "bytes ü"), ("user-agent", "theirs"), ("connection", "close"))
    with sender(echo[1], headers=headers) as made:
        made.send(b"", PATIENCE)
    metadata = echo[0].metadata
    assert (metadata["authorization"], metadata["x-bin"]) == ("Bearer x", "bytes ü".encode())
    assert metadata["user-agent"].startswith("search-telemetry/")
    assert "connection" not in metadata
    assert 0 < echo[0].left <= PATIENCE


def test_a_header_that_grpc_cannot_carry_is_refused(echo: tuple[Echo, str]) -> None:
    """Headers of gRPC are ASCII; the header is named, its value is not."""
    with sender(echo[1], headers=(("x-name", "secret ü"),)) as made:
        outcome = made.send(b"", PATIENCE)
    assert outcome == Outcome(problem="INTERNAL: gRPC headers must be ASCII, and x-name is not: use x-name-bin")


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_a_status_is_reported_by_its_name(echo: tuple[Echo, str], code: grpc.StatusCode) -> None:
    """With its words, in any language; OTLP defines which of them may be tried again."""
    again = {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}
    echo[0].status = code, "größer\nals 100 %"
    with sender(echo[1]) as made:
        outcome = made.send(b"x", PATIENCE)
    assert outcome == Outcome(problem=f"{code.name}: größer als 100 %", retry=code.name in again)


def test_an_overloaded_server_asks_for_a_delay(echo: tuple[Echo, str]) -> None:
    """By `RetryInfo`; without it, an exhausted resource is a request that is too big."""
    info = RetryInfo(retry_delay=Duration(seconds=2, nanos=500_000_000))
    status = Status(code=8)
    status.details.add().Pack(info)
    echo[0].status = grpc.StatusCode.RESOURCE_EXHAUSTED, "full"
    echo[0].trailers = (("grpc-status-details-bin", status.SerializeToString()),)
    with sender(echo[1]) as made:
        assert made.send(b"x", PATIENCE) == Outcome(problem="RESOURCE_EXHAUSTED: full", retry=True, wait=2.5)
        echo[0].trailers = (("grpc-status-details-bin", b"\xff\xffnonsense"),)
        assert made.send(b"x", PATIENCE) == Outcome(problem="RESOURCE_EXHAUSTED: full")


class TestWays:
    def test_a_socket_file(self, tmp_path: Path) -> None:
        """An endpoint without a network."""
        file = tmp_path / "otlp.sock"
        with serving(f"unix://{file}"), sender(f"unix://{file}") as made:
            assert made.send(b"x", PATIENCE) == Outcome(b"x")

    def test_ipv6(self) -> None:
        """In brackets, as in every URL."""
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6")
        with serving("[::1]:0") as (_, port), sender(f"http://[::1]:{port}") as made:
            assert made.send(b"x", PATIENCE) == Outcome(b"x")

    def test_a_name_with_several_addresses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first that answers is taken."""
        with serving("127.0.0.1:0") as (_, port), socket.socket() as held:
            held.bind(("127.0.0.1", 0))  # bound, not listening
            found = [(socket.AF_INET, 1, 6, "", held.getsockname()), (socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
            with sender("http://collector:4317") as made:
                assert made.send(b"x", PATIENCE) == Outcome(b"x")

    def test_where_endpoints_lead(self) -> None:
        """Without a scheme `insecure` decides; without a port gRPC has its own."""
        ways = {
            ("http://collector:4317/", None): Target("collector", 4317, authority="collector:4317"),
            ("https://[::1]:4317", None): Target("::1", 4317, tls=True, authority="[::1]:4317"),
            ("collector:4317", None): Target("collector", 4317, authority="collector:4317"),
            ("collector:4317", False): Target("collector", 4317, tls=True, authority="collector:4317"),
            ("https://collector", None): Target("collector", 443, tls=True, authority="collector"),
            ("unix:///run/otlp.sock", None): Target(file="/run/otlp.sock"),
        }
        for (endpoint, insecure), target in ways.items():
            assert grpc_target(ExporterSettings(endpoint=endpoint, insecure=insecure)) == target


class TestTls:
    @contextmanager
    def guarded(self, pems: Pems, which: str = "", host: str = "127.0.0.1", *, mutual: bool = False) -> Iterator[str]:
        pair = (pems.expired_key, pems.expired) if which == "expired" else (pems.key, pems.certificate)
        credentials = grpc.ssl_server_credentials(
            [(pair[0].read_bytes(), pair[1].read_bytes())], pems.authority.read_bytes() if mutual else None, mutual
        )
        with serving(f"{host}:0", credentials) as (_, port):
            yield f"{host}:{port}"

    def test_who_is_vouched_for_gets_the_request(self, pems: Pems) -> None:
        """By the authority that was set; a big one as well, twice."""
        with self.guarded(pems) as address, sender(f"https://{address}", certificate=pems.authority) as made:
            assert made.send(BIG, PATIENCE) == Outcome(BIG)
            assert made.send(b"x", PATIENCE) == Outcome(b"x")

    def test_both_sides_show_certificates(self, pems: Pems) -> None:
        """Mutual TLS; without ours, the message states what to set."""
        files = {"certificate": pems.authority}
        ours = {"client_certificate": pems.client, "client_key": pems.client}
        with self.guarded(pems, mutual=True) as address:
            with sender(f"https://{address}", **files, **ours) as made:
                assert made.send(b"x", PATIENCE) == Outcome(b"x")
            with sender(f"https://{address}", **files) as made:
                outcome = made.send(b"x", PATIENCE)
        assert outcome.retry
        assert "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE" in explained(outcome.problem), outcome

    @pytest.mark.parametrize(
        ("which", "host", "authority", "hint"),
        [
            ("expired", "127.0.0.1", "authority", "renew the collector's certificate"),
            ("right", "127.0.0.1", "other_authority", "of an authority that is not trusted here"),
            ("right", "127.0.0.1", "", "of an authority that is not trusted here"),
            ("right", "127.0.0.2", "authority", "for another name"),
        ],
    )
    def test_who_is_not_gets_nothing(self, pems: Pems, which: str, host: str, authority: str, hint: str) -> None:
        """Expired, of an unknown authority, not of the system's, for another name: each with its hint."""
        certificate = getattr(pems, authority) if authority else None
        if not is_here(host):
            pytest.skip("this machine's loopback is one address")
        with self.guarded(pems, which, host) as address, sender(f"https://{address}", certificate=certificate) as made:
            outcome = made.send(b"x", PATIENCE)
        assert outcome.retry
        assert hint in explained(outcome.problem), outcome

    def test_plain_text_and_tls_are_distinguished(self, pems: Pems) -> None:
        """In both directions the message names which scheme to write."""
        with self.guarded(pems) as address, sender(f"http://{address}") as made:
            assert "write https://" in explained(made.send(b"x", PATIENCE).problem)
        with serving("127.0.0.1:0") as (_, port), sender(f"https://127.0.0.1:{port}") as made:
            assert "write http://" in explained(made.send(b"x", PATIENCE).problem)

    def test_files_that_are_not_certificates_are_named(self, pems: Pems, tmp_path: Path) -> None:
        """What cannot be read is reported, and may be fixed while the process runs."""
        wrong = tmp_path / "wrong.pem"
        wrong.write_text("no PEM")
        for files in ({"certificate": wrong}, {"client_certificate": wrong, "client_key": pems.client}):
            with self.guarded(pems) as address, sender(f"https://{address}", **files) as made:
                outcome = made.send(b"x", PATIENCE)
            assert outcome.problem.startswith(f"UNAVAILABLE: the PEM file {wrong} cannot be used")
            assert outcome.retry


class TestProxies:
    VARIABLES = ("grpc_proxy", "https_proxy", "http_proxy", "no_grpc_proxy", "no_proxy")

    @pytest.fixture(autouse=True)
    def clean(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in self.VARIABLES:
            monkeypatch.delenv(name, raising=False)

    @pytest.mark.parametrize(
        ("host", "variables", "proxy"),
        [
            ("collector", {"http_proxy": "http://one:1"}, Proxy("one", 1)),
            ("collector", {"http_proxy": "http://one:1", "https_proxy": "two:2"}, Proxy("two", 2)),
            ("collector", {"https_proxy": "http://two:2", "grpc_proxy": "http://three:3"}, Proxy("three", 3)),
            ("collector", {"http_proxy": "http://me:p%40ss@one:1"}, Proxy("one", 1, "Basic bWU6cEBzcw==")),
            ("collector", {"http_proxy": "https://one:1"}, None),
            ("localhost", {"http_proxy": "http://one:1"}, None),
            ("127.0.0.9", {"http_proxy": "http://one:1"}, None),
            ("collector", {"http_proxy": "http://one:1", "no_proxy": "else, collector"}, None),
            ("a.example.org", {"http_proxy": "http://one:1", "no_proxy": ".example.org"}, None),
            ("notexample.org", {"http_proxy": "http://one:1", "no_proxy": "example.org"}, Proxy("one", 1)),
            ("10.1.2.3", {"http_proxy": "http://one:1", "no_proxy": "10.0.0.0/8"}, None),
            (
                "collector",
                {"http_proxy": "http://one:1", "no_proxy": "collector", "no_grpc_proxy": "x"},
                Proxy("one", 1),
            ),
        ],
    )
    def test_the_environment_names_them(
        self, monkeypatch: pytest.MonkeyPatch, host: str, variables: dict[str, str], proxy: Proxy | None
    ) -> None:
        """As for gRPC: the same variables, in the same order, with the same exceptions."""
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert grpc_proxy_for(Target(host, 4317)) == proxy

    @pytest.mark.parametrize("size", [1, len(BIG)])
    def test_a_request_goes_through_a_tunnel(self, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
        """The proxy gets the target and the credentials; the server's first bytes are not lost."""
        heads = []
        with serving("127.0.0.1:0") as (_, port):

            def proxy(client: socket.socket) -> None:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += client.recv(4096)
                heads.append(head.decode())
                with socket.create_connection(("127.0.0.1", port)) as server:
                    first = server.recv(4096)  # settings: a gRPC server speaks first
                    client.sendall(b"HTTP/1.1 200 Connection established\r\nvia: me\r\n\r\n" + first)
                    back = threading.Thread(target=pump, args=(server, client))
                    back.start()
                    pump(client, server)
                    back.join()

            with listening(proxy) as where:
                monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{where[1]}")
                with sender("http://collector.example.org:4317") as made:
                    assert made.send(BIG[:size], PATIENCE) == Outcome(BIG[:size])
        assert heads[0].splitlines()[:3] == [
            "CONNECT collector.example.org:4317 HTTP/1.1",
            "Host: collector.example.org:4317",
            "Proxy-Authorization: Basic bWU6c2VjcmV0",
        ]

    @pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"nonsense\r\n\r\n"])
    def test_a_proxy_that_refuses_is_named(self, monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
        """With its message, and without our password."""

        def proxy(client: socket.socket) -> None:
            client.recv(4096)
            client.sendall(answer)

        with listening(proxy) as where, sender("http://collector.example.org:4317") as made:
            monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{where[1]}")
            outcome = made.send(b"x", PATIENCE)
        output = answer.decode().strip()
        assert outcome.problem == (
            f"UNAVAILABLE: the proxy 127.0.0.1:{where[1]} refused a tunnel to collector.example.org:4317: {output}"
        )
        assert outcome.retry


def is_here(host: str) -> bool:
    """Say whether this machine has an address."""
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Carry bytes one way until they end."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other way has ended


def test_an_exporter_by_grpc_imports_no_grpc() -> None:
    """Its threads would be in every process of the user's, and at every fork."""
    ended = python(
        """
assert "grpc" not in sys.modules
handle = telemetry.configure("x", endpoint="http://127.0.0.1:9", exit_timeout=0, logs="otlp")
with telemetry.stage("work"):
    pass
handle.flush(1)
show(sorted(name for name in sys.modules if name.split(".")[0] in {"grpc", "grpcio", "_cython"}))
        """
    )
    assert (ended.status, ended.shown) == (0, [[]]), ended.err


def test_gzip_is_valid() -> None:
    """A packed request is one gzip file, marked as packed."""
    from telemetry.otlp.grpc import _body

    body = _body(b"abc", "gzip")
    assert (body[0], int.from_bytes(body[1:5], "big"), gzip.decompress(body[5:])) == (1, len(body) - 5, b"abc")
