"""OTLP by HTTP: what counts as a delivery, how long a call may last, whom we trust, and what is told to whom."""

import contextlib
import gzip
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.http import HttpSender, _retry_delay
from telemetry.otlp.outcome import CallError, Outcome, explained
from telemetry.otlp.target import Proxy, http_proxy_for, http_target
from tests import certificates
from tests.certificates import Pems
from tests.unit.grpc_stand_ins import PATIENCE, listening

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
KNOWN = "Basic bWU6cEBzcw=="
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@contextmanager
def sender(address: Any, **settings: Any) -> Iterator[HttpSender]:
    """A sender to an address, or to an endpoint, closed at the end."""
    endpoint = address if isinstance(address, str) else f"http://{address[0]}:{address[1]}/v1/traces"
    made = HttpSender(ExporterSettings(endpoint=endpoint, **settings))
    try:
        yield made
    finally:
        made.close()


def request(connection: socket.socket) -> tuple[str, dict[str, str], bytes]:
    """Read one request: its line, its headers in small letters, its body."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        came = connection.recv(1)
        assert came, "the client hung up"
        head += came
    line, *rest = head.decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in rest)}
    body = b""
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return line, headers, body


def answering(*answers: bytes, got: "list[tuple[str, dict[str, str], bytes]] | None" = None) -> Callable[..., None]:
    """Serve a connection: an answer for each request."""

    def serve(connection: socket.socket) -> None:
        for answer in answers:
            one = request(connection)
            if got is not None:
                got.append(one)
            connection.sendall(answer)
        with contextlib.suppress(OSError):
            connection.recv(1)

    return serve


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def sent(serve: Callable[[socket.socket], Any], timeout: float = PATIENCE, **settings: Any) -> Outcome:
    """Send one request to somebody who serves it so."""
    with listening(serve) as where, sender(where, **settings) as made:
        return made.send(b"a request", timeout)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Pems:
    """Certificates that are right and wrong."""
    return certificates.make(tmp_path_factory.mktemp("pems"))


class TestWhatADeliveryIs:
    @pytest.mark.parametrize("status", ["200 OK", "202 Accepted"])
    def test_a_status_of_the_200s_is_one(self, status: str) -> None:
        """With whatever it says."""
        assert sent(answering(answer(status, body=b"ok"))) == Outcome(b"ok")
        assert sent(answering(b"HTTP/1.1 204 No Content\r\n\r\n")) == Outcome(b"")

    @pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308, 399])
    def test_a_redirect_is_none_and_is_not_followed(self, status: int) -> None:
        """It is a failure that says where it leads, without secrets, and what to do; nobody is asked there."""
        location = "Location: https://user:secret@example.invalid/v1/traces?key=secret#secret"
        outcome = sent(answering(answer(f"{status} Elsewhere", location)), headers=(("authorization", "Bearer x"),))
        where = "https://example.invalid/v1/traces"
        assert outcome == Outcome(problem=f"HTTP {status} Elsewhere to {where}: a redirect is not followed")
        assert "to that URL, if it is the collector's" in explained(outcome.problem)

    @pytest.mark.parametrize(
        ("status", "again"), [("400 Bad", False), ("404 Gone", False), ("429 Slow", True), ("500 Oh", False),
                              ("502 Bad", True), ("503 Full", True), ("504 Late", True), ("600 What", False)],
    )  # fmt: skip
    def test_any_other_status_is_none(self, status: str, again: bool) -> None:
        """OTLP says which of them may be tried again."""
        assert sent(answering(answer(status))) == Outcome(problem=f"HTTP {status}", retry=again)

    def test_what_comes_before_an_answer_is_passed_over(self) -> None:
        """Interim answers, as proxies send them."""
        hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        assert sent(answering(hints + answer("200 OK", body=b"ok"))) == Outcome(b"ok")

    def test_an_answer_may_be_chunked_and_packed(self) -> None:
        """As servers and proxies like to do."""
        packed = gzip.compress(b"ok")
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert sent(answering(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed))) == Outcome(b"ok")

    def test_an_answer_that_is_cut_off_is_none(self) -> None:
        """Nobody knows what it would have said."""

        def serve(connection: socket.socket) -> None:
            request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")

        outcome = sent(serve)
        assert (outcome.response, outcome.retry) == (None, True)

    def test_a_server_may_refuse_before_it_has_heard_everything(self) -> None:
        """What it said is read, though it does not listen any more."""

        def serve(connection: socket.socket) -> None:
            connection.recv(1024)
            connection.sendall(answer("413 Too Large", "Content-Type: text/plain", body=b"too large"))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

        with listening(serve) as where, sender(where) as made:
            outcome = made.send(b"x" * 5_000_000, PATIENCE)
        assert outcome == Outcome(problem="HTTP 413 Too Large: too large")

    def test_an_endless_answer_is_none(self) -> None:
        """It takes no memory for ever."""

        def serve(connection: socket.socket) -> None:
            request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with contextlib.suppress(OSError):
                while True:
                    connection.sendall(b"x" * 65536)

        assert sent(serve) == Outcome(problem="its response is longer than 4 MiB", retry=True)


class TestTheEndOfACall:
    @pytest.mark.parametrize("drip", [b"", b"H", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
    def test_the_deadline_holds_for_the_whole_exchange(self, drip: bytes) -> None:
        """However slowly an answer drips, in its status, its headers or its body."""

        def serve(connection: socket.socket) -> None:
            request(connection)
            connection.sendall(drip)
            while drip and not select.select([connection], [], [], 0.02)[0]:
                connection.sendall(b"x")
            connection.recv(1)

        begun = time.monotonic()
        outcome = sent(serve, timeout=0.2)
        assert time.monotonic() - begun < 5
        assert outcome.problem.startswith("Timeout: no response from 127.0.0.1:")
        assert outcome.retry

    def test_closing_ends_a_call_under_way_and_its_connection(self) -> None:
        """At once, from any thread; nothing is sent afterwards."""
        asked = threading.Event()
        rest = []

        def serve(connection: socket.socket) -> None:
            request(connection)
            asked.set()
            rest.append(connection.recv(1))

        outcomes = []
        with listening(serve) as where, sender(where) as made:
            thread = threading.Thread(target=lambda: outcomes.append(made.send(b"x", 60)))
            thread.start()
            assert asked.wait(PATIENCE)
            made.close()
            thread.join(PATIENCE)
            assert made.send(b"x", PATIENCE) == Outcome(problem="the sender is closed")
        assert rest == [b""]
        assert [outcome.problem for outcome in outcomes] == ["cancelled by a shutdown"]

    def test_an_idle_connection_is_closed_with_the_sender(self) -> None:
        """The server sees it."""
        rest = []

        def serve(connection: socket.socket) -> None:
            request(connection)
            connection.sendall(OK)
            rest.append(connection.recv(1))

        with listening(serve) as where, sender(where) as made:
            assert made.send(b"x", PATIENCE) == Outcome(b"")
        assert rest == [b""]


class TestConnections:
    def test_one_serves_many_requests(self) -> None:
        """Each with its headers; the user's among them, but not those that say how a request is sent."""
        got: list[tuple[str, dict[str, str], bytes]] = []
        headers = (("authorization", "Bearer x"), ("x-name", "ü"), ("content-length", "7"), ("connection", "close"))
        with listening(answering(OK, OK, got=got)) as where:
            endpoint = f"http://127.0.0.1:{where[1]}/a b/v1/traces?x=%20"
            with sender(endpoint, headers=headers, compression="gzip") as made:
                assert [made.send(body, PATIENCE) for body in (b"1", b"2")] == [Outcome(b"")] * 2
        assert [gzip.decompress(body) for _, _, body in got] == [b"1", b"2"]
        line, told, _ = got[1]
        assert line == "POST /a%20b/v1/traces?x=%20 HTTP/1.1"
        assert (told["authorization"], told["x-name"], told["content-encoding"]) == ("Bearer x", "ü", "gzip")
        assert told["host"] == f"127.0.0.1:{where[1]}"
        assert told["content-type"] == "application/x-protobuf"
        assert "connection" not in told

    @pytest.mark.parametrize("how", ["closed while idle", "closed amid the request", "closed by its answer"])
    def test_one_that_was_closed_costs_no_export(self, how: str) -> None:
        """The next request goes by a new one, as to servers that have little patience with idle connections."""
        closed = threading.Event()

        def serve(connection: socket.socket) -> None:
            request(connection)
            connection.sendall(answer("200 OK", "Connection: close") if how == "closed by its answer" else OK)
            if how == "closed amid the request":
                connection.recv(1)

        def first(connection: socket.socket) -> None:
            serve(connection)
            connection.close()
            closed.set()

        with listening(first, answering(OK)) as where, sender(where) as made:
            assert made.send(b"1", PATIENCE) == Outcome(b"")
            assert how == "closed amid the request" or closed.wait(PATIENCE)
            assert made.send(b"2", PATIENCE) == Outcome(b"")

    def test_a_new_one_that_breaks_is_not_tried_again_by_us(self) -> None:
        """Somebody may have seen the request: the queue decides."""
        outcome = sent(request)
        assert outcome == Outcome(
            problem="it closed a plain HTTP connection (EOF)",
            retry=True,
        )


@pytest.mark.parametrize(
    ("header", "wait"),
    [("2", 2.0), ("0", 0.0), ("-3", 0.0), ("1.5", 1.5), ("1e999", float("inf")), ("nan", 0.0), ("", None),
     ("soon", None), ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0), ("Mon, 01 Jan 99999 00:00:00 GMT", None),
     ("Mon, 99 Jan 2030 00:00:00 GMT", None), (None, None)],
)  # fmt: skip
def test_any_time_to_wait_is_read(header: str | None, wait: float | None) -> None:
    """A number or a date; anything else says nothing."""
    assert _retry_delay(header) == wait
    assert _retry_delay(formatdate(time.time() + 100, usegmt=True)) == pytest.approx(100, abs=5)


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
        ("user", "headers", "told"),
        [("", (("authorization", "Bearer x"),), "Bearer x"), ("", (), None), ("me:p%40ss@", (), KNOWN),
         ("me:p%40ss@", (("authorization", "Bearer x"),), "Bearer x")],
    )  # fmt: skip
    def test_they_are_those_that_were_set(
        self, user: str, headers: tuple[tuple[str, str], ...], told: str | None
    ) -> None:
        """By a header, else in the address; a `.netrc` replaces none and adds none."""
        got: list[tuple[str, dict[str, str], bytes]] = []
        with (
            listening(answering(OK, got=got)) as where,
            sender(f"http://{user}collector:{where[1]}/v1/traces", headers=headers) as made,
        ):
            assert made.send(b"x", PATIENCE) == Outcome(b"")
        assert got[0][1].get("authorization") == told
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
        for line, told, _ in got:
            assert line == "POST http://collector.example.org:4318/v1/traces HTTP/1.1"
            assert (told["host"], told["proxy-authorization"]) == ("collector.example.org:4318", "Basic bWU6c2VjcmV0")

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
