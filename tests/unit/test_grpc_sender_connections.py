"""The life of a connection to a collector: how it begins, breaks, is broken off, and what a fork leaves alone."""

import contextlib
import os
import select
import socket
import threading
import time
from typing import Any

import pytest
from h2.events import DataReceived, PingAckReceived, RequestReceived, SettingsAcknowledged
from h2.settings import SettingCodes
from hyperframe.frame import PingFrame, RstStreamFrame

from telemetry.otlp.grpc import GrpcSender
from telemetry.otlp.outcome import Outcome, explained
from tests.unit.grpc_stand_ins import PATIENCE, Peer, Taking, listening, sender, sent
from tests.unit.own_process import python

TAKEN = Outcome(b"")


def test_what_is_waiting_for_windows_goes_on_as_they_open() -> None:
    """A server that takes little at once gets everything all the same, and may change its mind on the way."""
    body = os.urandom(200_000)
    taking = Taking(2, INITIAL_WINDOW_SIZE=1000, MAX_FRAME_SIZE=20_000)
    with listening(taking) as where, sender(f"http://127.0.0.1:{where[1]}") as made:
        assert made.send(body, PATIENCE) == TAKEN
        assert made.send(b"x", PATIENCE) == TAKEN
    assert [request[5:] for _, request in taking.taken] == [body, b"x"]


def test_settings_may_change_between_requests() -> None:
    """Smaller windows, and no room for headers to be remembered."""
    bodies = []
    idle = threading.Event()

    def serve(connection: socket.socket) -> None:
        peer = Peer(connection)
        peer.take()
        idle.wait(PATIENCE)
        peer.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10, SettingCodes.HEADER_TABLE_SIZE: 0})
        peer.flush()
        stream, _, body = peer.request()
        bodies.append(body[5:])
        assert not any(isinstance(event, DataReceived) for event in peer.events)
        peer.answer(stream)

    with listening(serve) as where, sender(f"http://127.0.0.1:{where[1]}") as made:
        assert made.send(b"x", PATIENCE) == TAKEN
        idle.set()
        wait_readable(made)
        assert made.send(b"0123456789" * 10, PATIENCE) == TAKEN
    assert bodies == [b"0123456789" * 10]


def test_a_server_may_take_no_call_for_a_while() -> None:
    """It allows none at first; the request waits until it does."""

    def serve(connection: socket.socket) -> None:
        peer = Peer(connection, MAX_CONCURRENT_STREAMS=0)
        peer.until(SettingsAcknowledged)
        peer.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 10})
        peer.flush()
        peer.take()

    with listening(serve) as where:
        assert sent(where) == TAKEN


def test_pings_are_answered() -> None:
    """Those that came between two requests with the next one, those during a request at once."""

    def serve(connection: socket.socket) -> None:
        peer = Peer(connection)
        peer.take()
        peer.h2.ping(b"idle....")
        peer.flush()
        stream, _, _ = peer.request()
        peer.h2.ping(b"busy....")
        peer.flush()
        assert [peer.until(PingAckReceived).ping_data for _ in range(2)] == [b"idle....", b"busy...."]
        peer.answer(stream)

    with listening(serve) as where, sender(f"http://127.0.0.1:{where[1]}") as made:
        assert made.send(b"x", PATIENCE) == TAKEN
        assert made.send(b"x", PATIENCE) == TAKEN


class TestNewConnections:
    def test_one_that_was_closed_while_idle_is_noticed(self) -> None:
        """Before the next request, which goes by a new one: no export fails, no request is lost."""
        first, second = Taking(1), Taking(1)
        with listening(first, second) as where, sender(f"http://127.0.0.1:{where[1]}") as made:
            assert made.send(b"1", PATIENCE) == TAKEN
            wait_readable(made)  # its end is
            assert made.send(b"2", PATIENCE) == TAKEN
        assert [taken[0][1][5:] for taken in (first.taken, second.taken)] == [b"1", b"2"]

    @pytest.mark.parametrize("words", [b"", b"max_age"])
    def test_a_goodbye_while_idle_is_noticed(self, words: bytes) -> None:
        """As a Collector announces with `max_connection_age`; our side closes the old connection."""
        idle = threading.Event()

        def serve(connection: socket.socket) -> None:
            peer = Peer(connection)
            peer.take()
            idle.wait(PATIENCE)
            peer.go_away(2**31 - 1, words)
            peer.until_hung_up()

        with listening(serve, Taking(1)) as where, sender(f"http://127.0.0.1:{where[1]}") as made:
            assert made.send(b"1", PATIENCE) == TAKEN
            idle.set()
            wait_readable(made)
            assert made.send(b"2", PATIENCE) == TAKEN

    def test_a_goodbye_lets_what_was_begun_be_finished(self) -> None:
        """The server names the last request that it answers: ours is; the next one goes by a new connection."""

        def serve(connection: socket.socket) -> None:
            peer = Peer(connection)
            stream, _, _ = peer.request()
            peer.go_away(2**31 - 1)
            peer.go_away(stream)
            peer.answer(stream, b"answer")

        with listening(serve, Taking(1)) as where, sender(f"http://127.0.0.1:{where[1]}") as made:
            assert made.send(b"1", PATIENCE) == Outcome(b"answer")
            assert made.send(b"2", PATIENCE) == TAKEN

    @pytest.mark.parametrize("how", ["goodbye", "refused stream"])
    def test_what_nobody_looked_at_is_sent_again(self, how: str) -> None:
        """At once, by a new connection: the server reports that it has not begun with it."""

        def serve(connection: socket.socket) -> None:
            peer = Peer(connection)
            stream, _, _ = peer.request()
            if how == "goodbye":
                peer.go_away(stream - 1)
            else:
                peer.frame(RstStreamFrame(stream, error_code=7))

        again = Taking(1)
        with listening(serve, again) as where:
            assert sent(where, b"whole") == TAKEN
        assert again.taken[0][1][5:] == b"whole"

    def test_a_server_that_looks_at_nothing_is_not_asked_for_ever(self) -> None:
        """Twice; the queue may try again later."""

        def serve(connection: socket.socket) -> None:
            peer = Peer(connection)
            peer.request()
            peer.go_away(0, b"too many pings")

        with listening(serve, serve) as where:
            outcome = sent(where)
        assert outcome.problem == "UNAVAILABLE: it takes no more requests: GOAWAY too many pings"
        assert outcome.retry

    def test_a_call_whose_connection_breaks_may_be_tried_again(self) -> None:
        """But not by us: somebody may have seen it."""

        def serve(connection: socket.socket) -> None:
            Peer(connection).request()

        with listening(serve) as where:
            outcome = sent(where)
        assert outcome.problem == "UNAVAILABLE: connection lost before the response (EOF)"
        assert outcome.retry


def wait_readable(made: GrpcSender) -> None:
    """Wait until the server has sent something on an idle connection."""
    assert made._connection is not None
    assert select.select([made._connection._open_socket()], [], [], PATIENCE)[0]


HTML = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>"


@pytest.mark.parametrize(
    ("first", "problem", "hint"),
    [
        (HTML, "it speaks HTTP/1, not gRPC", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
        (b"<!DOCTYPE HTML>", "it speaks HTTP/1, not gRPC", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "it speaks TLS, not plain text", "write https://"),
        (b"220 mail.example.org ESMTP\r\n", "it does not speak HTTP/2, which gRPC needs", ""),
        (b"", "connection closed before the HTTP/2 handshake", "write https://"),
        (b"\x00\x00", "connection closed before the HTTP/2 handshake", "write https://"),
        (b"\xff\xff\xff\x04\x00\x00\x00\x00\x00", "HTTP/2 protocol error: a frame of 16777215 bytes", ""),
        (b"\x00\x00\x01\x04\x00\x00\x00\x00\x00\x00", "HTTP/2 protocol error", ""),
    ],
)
def test_servers_without_grpc_are_distinguished(first: bytes, problem: str, hint: str) -> None:
    """By the first bytes, with a hint. No part of the request is sent to them."""
    came = []

    def serve(connection: socket.socket) -> None:
        came.append(connection.recv(4096))
        connection.sendall(first)
        connection.shutdown(socket.SHUT_WR)
        came.append(connection.recv(4096))

    with listening(serve) as where:
        outcome = sent(where, headers=(("authorization", "secret"),))
    assert outcome.problem.startswith(f"UNAVAILABLE: {problem}")
    assert outcome.retry
    assert hint in explained(outcome.problem)
    assert b"request" not in b"".join(came)


def test_nobody_listens() -> None:
    """The address and the reason; a collector may be started later."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets this port
        where = held.getsockname()
        outcome = sent(where)
    assert outcome == Outcome(problem=f"UNAVAILABLE: 127.0.0.1:{where[1]}: Connection refused", retry=True)


def test_an_unknown_host_name() -> None:
    """It is named; a name may be known later."""
    outcome = sent(("collector.invalid", 4317))
    assert outcome.problem.startswith("UNAVAILABLE: cannot resolve the host name collector.invalid")
    assert outcome.retry


def test_impossible_names() -> None:
    """They fail as an unknown one does, without a stack trace."""
    for name in ("a" * 70, f"{'a' * 70}.example.org"):
        assert sent((name, 4317)).problem.startswith("UNAVAILABLE: cannot resolve the host name")


class TestDeadlines:
    """One for everything together: it is over in time, and reports what it waited for."""

    def timed(self, where: Any, request: bytes = b"x") -> Outcome:
        began = time.monotonic()
        outcome = sent(where, request, timeout=0.3)
        assert time.monotonic() - began < PATIENCE / 2
        assert outcome.retry
        return outcome

    def test_for_a_connection(self) -> None:
        """Behind a firewall that drops what comes: a full backlog does so on Linux."""
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            for _ in range(4):
                one = stack.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
            port = listener.getsockname()[1]
            outcome = self.timed(("127.0.0.1", port))
        # If it passes just as the last address was given up, the address is named.
        assert outcome.problem in {
            f"DEADLINE_EXCEEDED: no connection to 127.0.0.1:{port} in time",
            f"UNAVAILABLE: 127.0.0.1:{port}: connection timed out",
        }

    def test_for_http2(self) -> None:
        """Somebody takes connections and never sends a byte."""

        def serve(connection: socket.socket) -> None:
            while connection.recv(65536):
                pass

        with listening(serve) as where:
            outcome = self.timed(where)
        assert outcome.problem == f"DEADLINE_EXCEEDED: no HTTP/2 handshake with 127.0.0.1:{where[1]} in time"

    @pytest.mark.parametrize("size", [1, 10_000_000])
    def test_for_an_answer(self, size: int) -> None:
        """A small request is taken and never answered, a big one not even taken."""

        def serve(connection: socket.socket) -> None:
            peer = Peer(connection)
            peer.until(RequestReceived)
            peer.until_hung_up()

        with listening(serve) as where:
            outcome = self.timed(where, os.urandom(size))
        assert outcome.problem == f"DEADLINE_EXCEEDED: no response from 127.0.0.1:{where[1]} in time"

    def test_a_server_that_trickles_cannot_avoid_it(self) -> None:
        """Each frame of it comes in time; all together they do not."""

        def serve(connection: socket.socket) -> None:
            peer = Peer(connection)
            peer.until(RequestReceived)
            with contextlib.suppress(OSError):
                while True:
                    peer.frame(PingFrame(0, opaque_data=b"trickle."))

        with listening(serve) as where:
            assert self.timed(where).problem.startswith("DEADLINE_EXCEEDED")


class TestBreakingOff:
    def test_a_call_is_broken_off_by_another_thread(self) -> None:
        """At once; the connection is closed, and nothing is sent afterwards."""
        asked = threading.Event()

        def serve(connection: socket.socket) -> None:
            peer = Peer(connection)
            peer.until(RequestReceived)
            asked.set()
            peer.until_hung_up()

        outcomes = []
        with listening(serve) as where, sender(f"http://127.0.0.1:{where[1]}") as made:
            thread = threading.Thread(target=lambda: outcomes.append(made.send(b"x", 600.0)))
            thread.start()
            assert asked.wait(PATIENCE)
            made.close()
            thread.join(PATIENCE)
            assert made._connection is None
            assert made.send(b"y", PATIENCE) == Outcome(problem="the sender is closed")
        assert outcomes[0].response is None

    def test_an_idle_connection_is_closed(self) -> None:
        """The server sees its end, even where a child of ours still holds a copy."""
        with (
            listening(Taking(1, then=Peer.until_hung_up)) as where,
            sender(f"http://127.0.0.1:{where[1]}") as made,
        ):
            assert made.send(b"x", PATIENCE) == TAKEN
            copy = made._connection._open_socket().dup()  # type: ignore[union-attr]
            made.close()
            made.close()
        copy.close()


def test_a_forked_child_sends_nothing_on_its_parents_connection() -> None:
    """Not at the fork, not as it ends; it holds no copy of it, and the parent's goes on."""
    taking = Taking(2, then=Peer.until_hung_up)
    with listening(taking) as where:
        ended = python(
            """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
from telemetry.otlp.grpc import GrpcSender
from telemetry.config.settings import ExporterSettings
sender = GrpcSender(ExporterSettings(endpoint=sys.argv[1]), "/x/y")
assert sender.send(b"1", 10).response == b""
number = sender._connection._open_socket().fileno()
child = os.fork()
if not child:
    try:
        os.fstat(number)
    except OSError:
        sender.close()
        sys.exit(7)
    sys.exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert sender.send(b"2", 10).response == b""
sender.close()
            """,
            f"http://127.0.0.1:{where[1]}",
        )
        assert (ended.status, ended.err) == (0, "")
    assert [request[5:] for _, request in taking.taken] == [b"1", b"2"]


def test_a_host_that_lets_sigpipe_end_it_lives_on() -> None:
    """As a command in a pipe should; the export is broken off in the middle of a request."""
    with listening(Taking(1, then=Peer.until_hung_up)) as where:
        ended = python(
            """
import signal
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
from telemetry.otlp.grpc import GrpcSender
from telemetry.config.settings import ExporterSettings
sender = GrpcSender(ExporterSettings(endpoint=sys.argv[1]), "/x/y")
assert sender.send(b"x", 10).response == b""
sender._connection.put(b"the rest of a request")
sender._connection.cancel()
sender._connection.send()
sender.close()
show("alive")
            """,
            f"http://127.0.0.1:{where[1]}",
        )
    assert (ended.status, ended.shown) == (0, ["alive"]), ended.err
