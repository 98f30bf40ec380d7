"""OTLP by HTTP: what counts as a delivery, how long a call may last, and which connections serve it."""

import contextlib
import gzip
import select
import socket
import threading
import time
from email.utils import formatdate

import pytest

from telemetry.otlp.http import _retry_delay
from telemetry.otlp.outcome import Outcome, explained
from tests.unit.grpc_stand_ins import PATIENCE, listening
from tests.unit.http_stand_ins import OK, answer, answering, request, sender, sent, without_proxies


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)


class TestWhatADeliveryIs:
    @pytest.mark.parametrize("status", ["200 OK", "202 Accepted"])
    def test_a_status_of_the_200s_is_one(self, status: str) -> None:
        """With whatever message."""
        assert sent(answering(answer(status, body=b"ok"))) == Outcome(b"ok")
        assert sent(answering(b"HTTP/1.1 204 No Content\r\n\r\n")) == Outcome(b"")

    @pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308, 399])
    def test_a_redirect_is_none_and_is_not_followed(self, status: int) -> None:
        """It is a failure that names where it leads, without secrets, and what to do; nobody is asked there."""
        location = "Location: https://user:secret@example.invalid/v1/traces?key=secret#secret"
        outcome = sent(answering(answer(f"{status} Elsewhere", location)), headers=(("authorization", "Bearer x"),))
        where = "https://example.invalid/v1/traces"
        assert outcome == Outcome(problem=f"HTTP {status} Elsewhere to {where}: a redirect is not followed")
        assert "to that URL, if it is the collector's" in explained(outcome.problem)

    @pytest.mark.parametrize(
        ("status", "again"), [("400 Bad", False), ("404 Gone", False), ("429 Slow", True), ("500 Oh", False),
                              ("502 Bad", True), ("503 Full", True), ("504 Late", True), ("600 What", False)],
    )  # fmt: skip
    def test_any_other_status_is_a_failure(self, status: str, again: bool) -> None:
        """OTLP defines which of them may be tried again."""
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

    def test_a_response_that_is_cut_off_is_a_failure(self) -> None:
        """Nobody knows what it would have answered."""

        def serve(connection: socket.socket) -> None:
            request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")

        outcome = sent(serve)
        assert (outcome.response, outcome.retry) == (None, True)

    def test_a_server_may_refuse_before_it_has_heard_everything(self) -> None:
        """What it sent is read, though it does not listen any more."""

        def serve(connection: socket.socket) -> None:
            connection.recv(1024)
            connection.sendall(answer("413 Too Large", "Content-Type: text/plain", body=b"too large"))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

        with listening(serve) as where, sender(where) as made:
            outcome = made.send(b"x" * 5_000_000, PATIENCE)
        assert outcome == Outcome(problem="HTTP 413 Too Large: too large")

    def test_a_response_that_is_too_long_is_a_failure(self) -> None:
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
        """Each with its headers; the user's among them, but not those that set how a request is sent."""
        got: list[tuple[str, dict[str, str], bytes]] = []
        headers = (("authorization", "Bearer x"), ("x-name", "ü"), ("content-length", "7"), ("connection", "close"))
        with listening(answering(OK, OK, got=got)) as where:
            endpoint = f"http://127.0.0.1:{where[1]}/a b/v1/traces?x=%20"
            with sender(endpoint, headers=headers, compression="gzip") as made:
                assert [made.send(body, PATIENCE) for body in (b"1", b"2")] == [Outcome(b"")] * 2
        assert [gzip.decompress(body) for _, _, body in got] == [b"1", b"2"]
        line, request_headers, _ = got[1]
        assert line == "POST /a%20b/v1/traces?x=%20 HTTP/1.1"
        assert (request_headers["authorization"], request_headers["x-name"], request_headers["content-encoding"]) == (
            "Bearer x",
            "ü",
            "gzip",
        )
        assert request_headers["host"] == f"127.0.0.1:{where[1]}"
        assert request_headers["content-type"] == "application/x-protobuf"
        assert "connection" not in request_headers

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
    """A number or a date; anything else means nothing."""
    assert _retry_delay(header) == wait
    assert _retry_delay(formatdate(time.time() + 100, usegmt=True)) == pytest.approx(100, abs=5)
