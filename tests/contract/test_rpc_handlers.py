"""What happens inside handlers while their call ends, or goes on."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import telemetry
from tests.contract.rpc_clients import CLIENTS, Refused, outgoing, threaded
from tests.contract.rpc_echo import Tasks, Threads, aio_server, threaded_server
from tests.contract.rpc_watch import CANCELLED, PATIENCE, Watch, watching


@pytest.fixture(autouse=True)
def watch(caplog: pytest.LogCaptureFixture) -> Iterator[Watch]:
    """The SDK logs a warning for each span that is ended twice."""
    with watching() as found:
        yield found
    assert not [record for record in caplog.records if "ended span" in record.getMessage()]


def test_clean_up_in_a_cancelled_handler_is_inside_its_span(watch: Watch) -> None:
    """What an async generator does in `finally` belongs to the call, and the SERVER span ends after it."""

    class Tidy(Tasks):
        async def unary_stream(self, request: bytes, servicer: Any) -> AsyncIterator[bytes]:
            try:
                yield b"one"
                self.reached.set()
                await asyncio.Event().wait()
            finally:
                with telemetry.stage("tidy"):
                    pass

    echo = Tidy()
    with aio_server(echo) as target, threaded(target) as channel:
        call = outgoing(channel, "unary_stream")(b"")
        assert next(call) == b"one"
        assert echo.reached.wait(PATIENCE)
        call.cancel()
        assert watch.tree(3) == CANCELLED.format("unary_stream") + "\n    tidy"
    assert [span.name for span in watch.ended if span.name != "/test.Echo/unary_stream"] == ["tidy"]
    ends = {span.kind.name: span.end_time or 0 for span in watch.ended}
    assert ends["INTERNAL"] <= ends["SERVER"]


@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_clean_up_of_a_handler_left_between_two_messages(watch: Watch, kind: str) -> None:
    """The caller goes away while a message waits to be sent: the generator is closed inside the span, at once."""
    large = b"x" * 4_000_000  # gRPC buffers a few: then one waits for a reader who does not come

    class Tidy(Threads):
        def unary_stream(self, request: bytes, servicer: Any) -> Iterator[bytes]:
            try:
                yield large
                self.reached.set()
                while True:
                    yield large
            finally:
                with telemetry.stage("tidy"):
                    pass

    class AioTidy(Tasks):
        async def unary_stream(self, request: bytes, servicer: Any) -> AsyncIterator[bytes]:
            try:
                yield large
                self.reached.set()
                while True:
                    yield large
            finally:
                with telemetry.stage("tidy"):
                    pass

    serve, echo = {"threads": (threaded_server, Tidy()), "tasks": (aio_server, AioTidy())}[kind]
    with serve(echo) as target, threaded(target) as channel:
        call = outgoing(channel, "unary_stream")(b"")
        assert next(call) == large
        assert echo.reached.wait(PATIENCE)
        call.cancel()
        assert watch.tree(3) == CANCELLED.format("unary_stream") + "\n    tidy"
    ends = {span.kind.name: span.end_time or 0 for span in watch.ended}
    assert ends["INTERNAL"] <= ends["SERVER"]


def test_a_stage_across_a_yield_keeps_its_children(watch: Watch) -> None:
    """A `with stage(…)` in a streaming handler is the parent of what happens in it after a message was sent, too."""

    class Staged(Threads):
        def unary_stream(self, request: bytes, servicer: Any) -> Iterator[bytes]:
            with telemetry.stage("outer"):
                yield b"one"
                with telemetry.stage("inner"):
                    yield b"two"

    class AioStaged(Tasks):
        async def unary_stream(self, request: bytes, servicer: Any) -> AsyncIterator[bytes]:
            with telemetry.stage("outer"):
                yield b"one"
                with telemetry.stage("inner"):
                    yield b"two"

    expected = "unary_stream CLIENT OK\n  unary_stream SERVER OK\n    outer\n      inner"
    for serve, echo in ((threaded_server, Staged()), (aio_server, AioStaged())):
        watch.ended.clear()
        with serve(echo) as target, CLIENTS["threads"](target) as call:
            assert call("unary_stream", "") == [b"one", b"two"]
            assert watch.tree(4) == expected


def test_the_log_of_the_server_is_quiet_about_us(caplog: pytest.LogCaptureFixture, watch: Watch) -> None:
    """Nothing of ours is logged, whatever the calls do."""
    with caplog.at_level(logging.DEBUG, "search_telemetry"), aio_server(Tasks()) as target:
        with CLIENTS["aio"](target) as call:
            for words in ("ok", "raise", "abort:NOT_FOUND"):
                with contextlib.suppress(Refused):
                    call("unary_unary", words)
        watch.settled(6)
    assert not [record for record in caplog.records if record.name.startswith("search_telemetry")]
