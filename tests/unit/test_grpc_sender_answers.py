"""What servers and proxies may answer that gRPC's own servers do not."""

import base64
import contextlib
import socket
from collections.abc import Callable

import pytest
from h2.events import RequestReceived, StreamReset
from hyperframe.frame import RstStreamFrame

from telemetry.otlp.grpc import outcome_of
from telemetry.otlp.http2 import Response
from telemetry.otlp.outcome import Outcome
from tests.unit.grpc_stand_ins import PATIENCE, Peer, Taking, listening, sender, sent


def refusing(*headers: tuple[str, str], status: str = "200", body: bytes = b"") -> Callable[[socket.socket], None]:
    """Serve one request with an answer of headers alone, or with a page."""
    return lambda connection: Peer(connection).refuse(*headers, status=status, body=body)


def test_a_refusal_may_be_headers_alone() -> None:
    """No body, no trailers; the words are percent-encoded."""
    answer_headers = (("grpc-status", "3"), ("grpc-message", "gr%C3%B6%C3%9Fer als 100 %25"))
    with listening(refusing(*answer_headers)) as where:
        assert sent(where) == Outcome(problem="INVALID_ARGUMENT: größer als 100 %")


@pytest.mark.parametrize(
    ("status", "code", "retry"),
    [
        ("400", "INTERNAL", False),
        ("401", "UNAUTHENTICATED", False),
        ("403", "PERMISSION_DENIED", False),
        ("404", "UNIMPLEMENTED", False),
        ("429", "UNAVAILABLE", True),
        ("500", "UNKNOWN", False),
        ("502", "UNAVAILABLE", True),
        ("503", "UNAVAILABLE", True),
        ("504", "UNAVAILABLE", True),
        ("200", "UNKNOWN", False),
        ("302", "UNKNOWN", False),
    ],
)
def test_a_web_servers_status_is_reported_as_grpcs(status: str, code: str, retry: bool) -> None:
    """A proxy or a load balancer answers with a page: gRPC defines which of its codes that is."""
    with listening(refusing(("content-type", "text/html"), status=status, body=b"<html>")) as where:
        outcome = sent(where)
    problem = f"{code}: Received http2 header with status: {status} (text/html), not gRPC"
    assert outcome == Outcome(problem=problem, retry=retry)


@pytest.mark.parametrize(
    ("reset", "code", "retry"),
    [(0, "INTERNAL", False), (2, "INTERNAL", False), (8, "CANCELLED", True), (11, "RESOURCE_EXHAUSTED", False)],
)
def test_a_call_that_is_broken_off(reset: int, code: str, retry: bool) -> None:
    """HTTP/2 has codes of its own, and gRPC a meaning for each; the connection is as good as before."""

    def serve(connection: socket.socket) -> None:
        peer = Peer(connection)
        stream, _, _ = peer.request()
        peer.frame(RstStreamFrame(stream, error_code=reset))
        peer.take()

    with listening(serve) as where, sender(f"http://127.0.0.1:{where[1]}") as made:
        problem = f"{code}: it reset the stream with HTTP/2 error {reset}"
        assert made.send(b"x", PATIENCE) == Outcome(problem=problem, retry=retry)
        assert made.send(b"x", PATIENCE) == Outcome(b"")


def test_a_refusal_may_come_before_the_request_has() -> None:
    """The rest is kept back, the words are read, and the connection is used again."""

    def serve(connection: socket.socket) -> None:
        peer = Peer(connection)
        stream = peer.until(RequestReceived).stream_id
        answer_headers = [(":status", "200"), ("grpc-status", "16"), ("grpc-message", "no token")]
        peer.h2.send_headers(stream, answer_headers, end_stream=True)
        peer.flush()
        assert peer.until(StreamReset).stream_id == stream
        peer.h2.increment_flow_control_window(65535)
        peer.flush()
        peer.take()

    with listening(serve) as where, sender(f"http://127.0.0.1:{where[1]}") as made:
        assert made.send(bytes(1_000_000), PATIENCE) == Outcome(problem="UNAUTHENTICATED: no token")
        assert made.send(b"x", PATIENCE) == Outcome(b"")


def test_an_answer_without_end_is_left() -> None:
    """Nothing that somebody else sends may fill the host's memory."""

    def serve(connection: socket.socket) -> None:
        peer = Peer(connection)
        stream, _, _ = peer.request()
        peer.h2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        peer.h2.send_data(stream, b"\0\x7f\xff\xff\xff")
        peer.flush()
        with contextlib.suppress(OSError):
            came = b"x"
            while came:
                size = min(peer.h2.local_flow_control_window(stream), 16384)
                if size:
                    peer.h2.send_data(stream, bytes(size))
                    peer.flush()
                else:
                    came = peer.socket.recv(65536)
                    peer.h2.receive_data(came)

    with listening(serve) as where:
        assert sent(where) == Outcome(problem="RESOURCE_EXHAUSTED: its response is longer than 4 MiB")


def test_many_calls_leave_nothing_behind() -> None:
    """What is known of calls that are over does not grow with them."""
    with listening(Taking(100)) as where, sender(f"http://127.0.0.1:{where[1]}") as made:
        for _ in range(100):
            assert made.send(b"x", PATIENCE) == Outcome(b"")
        connection = made._http._h2  # type: ignore[union-attr]
        assert len(connection.streams) + len(connection._closed_streams) < 20


def answer(body: bytes = b"", **trailers: str) -> Response:
    answer_headers = {name.replace("_", "-"): value for name, value in trailers.items()}
    return Response({":status": "200", "content-type": "application/grpc"}, bytearray(body), answer_headers, ended=True)


@pytest.mark.parametrize(
    ("body", "response"),
    [(b"", b""), (b"\0\0\0\0\3abc", b"abc"), (b"\1\0\0\0\3abc", b""), (b"\0\0\0", b""), (b"\0\0\0\0\1aMORE", b"a")],
    ids=["none", "one", "packed by nobody", "half a head", "more than one"],
)
def test_a_server_that_answers_ok_accepted_the_request(body: bytes, response: bytes) -> None:
    """Whatever stands in the answer: it was taken, and is not sent again."""
    assert outcome_of(answer(body, grpc_status="0")) == Outcome(response)


def test_words_are_one_line_and_not_endless() -> None:
    """They come from somebody else, and go to the user's log."""
    outcome = outcome_of(answer(grpc_status="13", grpc_message="a%0Ab%1B[31m" + "x" * 100_000))
    assert outcome.problem.startswith("INTERNAL: a b [31mxxx")
    assert len(outcome.problem) < 1100


@pytest.mark.parametrize("status", ["17", "99999999999", "-1", "x", "²", ""])
def test_a_status_that_is_none_is_unknown(status: str) -> None:
    """Nobody's mistake becomes an exception of ours."""
    assert outcome_of(answer(grpc_status=status)).problem.startswith("UNKNOWN: ")


@pytest.mark.parametrize("details", ["", "!", "AAAA", base64.b64encode(b"\x1a\xff").decode()])
def test_details_that_are_none_ask_for_no_wait(details: str) -> None:
    """As above."""
    assert outcome_of(answer(grpc_status="14", grpc_status_details_bin=details)).wait is None
