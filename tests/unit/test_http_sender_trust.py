"""The HTTP sender: whom it trusts, what it authenticates with, and through which proxy it goes."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from telemetry.otlp.outcome import CallError, Outcome
from telemetry.otlp.target import Proxy, http_proxy_for, http_target
from tests import certificates
from tests.certificates import Pems
from tests.unit.grpc_stand_ins import PATIENCE, listening
from tests.unit.http_stand_ins import OK, answer, answering, request, sender, without_proxies

KNOWN = "Basic bWU6cEBzcw=="


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Pems:
    """Certificates that are right and wrong."""
    return certificates.make(tmp_path_factory.mktemp("pems"))


class TestWhomWeTrust:
    @contextmanager
    def guarded(self, pems: Pems) -> Iterator[str]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pems.certificate, pems.key)

        def serve(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as inside:
                answering(OK)(inside)

        with listening(serve) as where:
            yield f"https://127.0.0.1:{where[1]}/v1/traces"

    @pytest.mark.parametrize(
        ("certificate", "bundle", "good"),
        [("authority", "other_authority", True), ("other_authority", "authority", False), ("", "authority", True),
         ("", "other_authority", False), ("", "", False)],
    )  # fmt: skip
    def test_a_certificate_that_is_set_goes_before_the_bundle_of_other_clients(
        self, pems: Pems, monkeypatch: pytest.MonkeyPatch, certificate: str, bundle: str, good: bool
    ) -> None:
        """`OTEL_EXPORTER_OTLP_CERTIFICATE`, then `REQUESTS_CA_BUNDLE`, then the system's."""
        if bundle:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(getattr(pems, bundle)))
        trusted = getattr(pems, certificate) if certificate else None
        with self.guarded(pems) as endpoint, sender(endpoint, certificate=trusted) as made:
            outcome = made.send(b"x", PATIENCE)
        assert (outcome.response == b"") is good
        if not good:
            assert outcome.problem.startswith("TLS: [SSL: CERTIFICATE_VERIFY_FAILED]")
            assert outcome.retry

    def test_a_bundle_that_is_not_there_is_named(self, pems: Pems, monkeypatch: pytest.MonkeyPatch) -> None:
        """It may come, so that the request is kept."""
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
        with self.guarded(pems) as endpoint, sender(endpoint) as made:
            outcome = made.send(b"x", PATIENCE)
        assert outcome.problem.startswith("the PEM file /no/such/file cannot be used")
        assert outcome.retry


class TestCredentials:
    @pytest.fixture(autouse=True)
    def by_name(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """The name `collector` is this machine, and there is a `.netrc` for it."""
        found = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: found(host and "127.0.0.1", *a, **k))
        netrc = tmp_path / ".netrc"
        netrc.write_text("machine collector login them password theirs\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.setenv("HOME", str(tmp_path))

    @pytest.mark.parametrize(
        ("user", "headers", "sent_value"),
        [("", (("authorization", "Bearer x"),), "Bearer x"), ("", (), None), ("me:p%40ss@", (), KNOWN),
         ("me:p%40ss@", (("authorization", "Bearer x"),), "Bearer x")],
    )  # fmt: skip
    def test_they_are_those_that_were_set(
        self, user: str, headers: tuple[tuple[str, str], ...], sent_value: str | None
    ) -> None:
        """By a header, else in the address; a `.netrc` replaces none and adds none."""
        got: list[tuple[str, dict[str, str], bytes]] = []
        with (
            listening(answering(OK, got=got)) as where,
            sender(f"http://{user}collector:{where[1]}/v1/traces", headers=headers) as made,
        ):
            assert made.send(b"x", PATIENCE) == Outcome(b"")
        assert got[0][1].get("authorization") == sent_value
        assert got[0][1]["host"] == f"collector:{where[1]}"


class TestProxies:
    @pytest.mark.parametrize(
        ("endpoint", "variables", "proxy"),
        [
            ("http://collector:4318", {"http_proxy": "http://one:1"}, Proxy("one", 1, tunnels=False)),
            ("http://collector:4318", {"HTTP_PROXY": "one:1"}, Proxy("one", 1, tunnels=False)),
            ("https://collector", {"http_proxy": "http://one:1", "HTTPS_PROXY": "http://two:2"}, Proxy("two", 2)),
            ("https://collector", {"all_proxy": "https://me:p%40ss@one"}, Proxy("one", 443, KNOWN, tls=True)),
            ("https://collector", {"http_proxy": "http://one:1"}, None),
            ("http://localhost:4318", {"http_proxy": "http://one:1"}, None),
            ("http://collector:4318", {"http_proxy": "http://one:1", "NO_PROXY": "collector"}, None),
            ("http://a.example.org", {"http_proxy": "http://one:1", "no_proxy": ".example.org"}, None),
            ("http://10.1.2.3", {"http_proxy": "http://one:1", "no_proxy": "10.0.0.0/8"}, None),
            ("http://collector:4318", {"http_proxy": "http://one:1", "no_proxy": "*"}, None),
        ],
    )  # fmt: skip
    def test_the_environment_names_them(
        self, monkeypatch: pytest.MonkeyPatch, endpoint: str, variables: dict[str, str], proxy: Proxy | None
    ) -> None:
        """The variable of the scheme, then `all_proxy`, in small or in capital letters."""
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert http_proxy_for(http_target(endpoint)) == proxy

    def test_one_that_we_cannot_speak_to_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is not passed over in silence."""
        monkeypatch.setenv("all_proxy", "socks5://me:secret@one:1080")
        with pytest.raises(CallError, match="the proxy socks5://one:1080 is not supported: set one with http://"):
            http_proxy_for(http_target("http://collector"))

    def test_plain_http_is_forwarded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The proxy gets the whole address, and the credentials that are its own."""
        got: list[tuple[str, dict[str, str], bytes]] = []
        with listening(answering(OK, OK, got=got)) as where:
            monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{where[1]}")
            with sender("http://collector.example.org:4318/v1/traces") as made:
                assert [made.send(b"x", PATIENCE) for _ in range(2)] == [Outcome(b"")] * 2
        for line, request_headers, _ in got:
            assert line == "POST http://collector.example.org:4318/v1/traces HTTP/1.1"
            assert (request_headers["host"], request_headers["proxy-authorization"]) == (
                "collector.example.org:4318",
                "Basic bWU6c2VjcmV0",
            )

    @pytest.mark.parametrize("tls", [False, True])
    def test_https_goes_through_a_tunnel(self, monkeypatch: pytest.MonkeyPatch, pems: Pems, tls: bool) -> None:
        """The proxy sees none of it, whether it speaks TLS itself or not."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pems.certificate, pems.key)
        heads = []

        def proxy(connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) if tls else connection as outside:
                heads.append(request(outside)[0])
                outside.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                inside = _InTls(context, outside)
                got = request(inside)  # type: ignore[arg-type]
                inside.sendall(answer("200 OK", body=got[2]))
                outside.recv(1)

        with listening(proxy) as where:
            scheme = "https" if tls else "http"
            monkeypatch.setenv("https_proxy", f"{scheme}://localhost:{where[1]}")
            found = socket.getaddrinfo
            monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: found("127.0.0.1", *a, **k))
            monkeypatch.setattr("telemetry.otlp.target.is_loopback", lambda _: False)
            monkeypatch.setenv("no_proxy", "nobody")
            with sender("https://localhost:4318/v1/traces", certificate=pems.authority) as made:
                assert made.send(b"x" * 200_000, PATIENCE) == Outcome(b"x" * 200_000)
        assert heads == ["CONNECT localhost:4318 HTTP/1.1"]


class _InTls:
    """TLS inside of a connection that may speak TLS itself."""

    def __init__(self, context: ssl.SSLContext, outside: socket.socket) -> None:
        self._outside = outside
        self._from, self._to = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._from, self._to, server_side=True)
        self._until(self._object.do_handshake)

    def recv(self, size: int) -> bytes:
        return bytes(self._until(lambda: self._object.read(size)))

    def sendall(self, data: bytes) -> None:
        self._until(lambda: self._object.write(data))

    def _until(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._outside.sendall(self._to.read())
                self._from.write(self._outside.recv(65536))
            else:
                self._outside.sendall(self._to.read())
                return done
