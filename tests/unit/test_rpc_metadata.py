"""Metadata: what is added, what is kept, what is taken out."""

import sys
from collections import namedtuple
from typing import Any

import grpc.aio
import pytest
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from telemetry.rpc.calls.metadata import extract_from, inject_into, with_headers
from telemetry.rpc.calls.outcome import OK
from telemetry.rpc.calls.outgoing import Outgoing
from telemetry.testing.spans import Spans

SPAN = SpanContext(0x1F, 0x2F, is_remote=False, trace_flags=TraceFlags(1))
CONTEXT = trace.set_span_in_context(NonRecordingSpan(SPAN), Context())
TRACEPARENT = ("traceparent", f"00-{0x1F:032x}-{0x2F:016x}-01")

Details = namedtuple("Details", "method timeout metadata")  # noqa: PYI024  as gRPC makes its own


def test_details_of_a_named_tuple_are_replaced() -> None:
    """The new details are of the same kind; the given ones stay."""
    given = Details("/s/m", 1.5, (("a", "1"),))
    assert inject_into(given, CONTEXT) == Details("/s/m", 1.5, (("a", "1"), TRACEPARENT))
    assert given.metadata == (("a", "1"),)


def test_details_of_any_class_are_copied() -> None:
    """Another interceptor may hand on an object of its own."""

    class Own:
        method = "/s/m"

        def __init__(self) -> None:
            self.metadata: Any = None

    given = Own()
    made = inject_into(given, CONTEXT)
    assert (made.metadata, given.metadata, type(made)) == ((TRACEPARENT,), None, Own)


def test_details_of_aio_get_metadata_of_aio() -> None:
    """Interceptors below ours may use its methods."""
    given = grpc.aio.ClientCallDetails("/s/m", None, grpc.aio.Metadata(("a", "1"), ("a", "2")), None, None)
    made = inject_into(given, CONTEXT).metadata
    assert isinstance(made, grpc.aio.Metadata)
    assert tuple(made) == (("a", "1"), ("a", "2"), TRACEPARENT)


def test_headers_replace_pairs_of_their_own_name_only() -> None:
    """All other pairs stay, in their order."""
    given = (("b", "1"), ("traceparent", "old"), ("b", "2"), ("c-bin", b"\x00"))
    assert with_headers(given, {"traceparent": "new"}) == (
        ("b", "1"), ("b", "2"), ("c-bin", b"\x00"), ("traceparent", "new"),
    )  # fmt: skip


def test_the_state_of_another_trace_is_not_handed_on() -> None:
    """It belongs to the `traceparent` that is replaced; without one of ours, both stay."""
    given = (("tracestate", "a=1"), ("tenant", "a"))
    assert with_headers(given, {"traceparent": "new"}) == (("tenant", "a"), ("traceparent", "new"))
    assert with_headers(given, {"baggage": "b=1"}) == (*given, ("baggage", "b=1"))


def test_received_reads_text_and_leaves_bytes() -> None:
    """A propagator is never shown a binary value."""
    context = Context(extract_from((("a-bin", b"\xff"), TRACEPARENT)))
    assert trace.get_current_span(context).get_span_context().span_id == 0x2F


def test_received_without_metadata_is_a_root() -> None:
    """No parent."""
    for nothing in (None, (), (("a", "b"),)):
        assert not trace.get_current_span(Context(extract_from(nothing))).get_span_context().is_valid


def test_received_metadata_of_aio_is_read() -> None:
    """Servicer contexts that tests make may have it; a header that is there twice is left to the propagator."""
    for more in ((), (("a", "1"), ("a", "2"))):
        metadata: Any = grpc.aio.Metadata(*more, TRACEPARENT)
        context = Context(extract_from(metadata))
        assert trace.get_current_span(context).get_span_context().span_id == 0x2F


def test_a_call_while_the_interpreter_ends_is_not_recorded(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `__del__` may make one, and a lock may never be free; it carries the context all the same."""
    outgoing = Outgoing("localhost:1", None)
    token = attach(CONTEXT)
    call, _ = outgoing.begin(Details("/s/m", None, None), b"")
    assert call is not None
    call.end(OK)
    with monkeypatch.context() as ending:
        ending.setattr(sys, "is_finalizing", lambda: True)
        found = outgoing.begin(Details("/s/m", None, None), b"")
    detach(token)
    assert found == (None, Details("/s/m", None, (TRACEPARENT,)))
    assert spans.tree() == "/s/m"
