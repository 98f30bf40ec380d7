"""Headers written and read directly are those of OpenTelemetry's propagators; what is not plain is left to them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from telemetry.config import propagators
from telemetry.recording.traces.tracer_provider import TracerProvider
from telemetry.rpc.calls import w3c

W3C = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

ids = st.integers(1, 2**64 - 1)
texts = st.text(max_size=8) | st.text("abc=,; %\t", max_size=8)
entries = st.dictionaries(texts, texts | st.integers(), max_size=4)
hex_digits = st.text("0123456789abcdefABCDEF_ +-", max_size=3)


def within(span: Any, said: dict[str, Any]) -> Context:
    context = Context() if span is None else trace.set_span_in_context(span, Context())
    for name, value in said.items():
        context = baggage.set_baggage(name, value, context)
    return context


def injected(context: Context) -> dict[str, str]:
    carrier: dict[str, str] = {}
    W3C.inject(carrier, context)
    return carrier


@given(st.none() | st.tuples(ids, ids, st.integers(0, 255)), entries)
def test_what_is_written_is_what_the_propagators_write(of_span: tuple[int, int, int] | None, said: Any) -> None:
    """Of another's span, with baggage of all kinds."""
    span = None
    if of_span is not None:
        span = NonRecordingSpan(SpanContext(of_span[0], of_span[1], False, TraceFlags(of_span[2])))
    context = within(span, said)
    found = w3c.inject(W3C, context)
    plain = all(isinstance(value, str) and (name + value).isascii() for name, value in said.items())
    assert (found is not None) == plain
    if found is not None:
        assert dict(found) == injected(context)


@pytest.mark.parametrize("sampler", [ALWAYS_ON, ALWAYS_OFF])
def test_our_own_spans_are_written(sampler: Sampler) -> None:
    """Sampled or not, a root or the child of a peer's span."""
    tracer = TracerProvider(sampler, shutdown_on_exit=False).get_tracer("test")
    for parent in (Context(), W3C.extract({"traceparent": PARENT}, Context())):
        context = within(tracer.start_span("call", parent), {"tenant": "a b"})
        assert dict(w3c.inject(W3C, context) or ()) == injected(context)


def test_a_trace_state_is_left_to_the_propagators() -> None:
    """Of a span of ours, and of another's."""
    tracer = TracerProvider(ALWAYS_ON, shutdown_on_exit=False).get_tracer("test")
    parent = W3C.extract({"traceparent": PARENT, "tracestate": "vendor=1"}, Context())
    assert w3c.inject(W3C, parent) is None
    assert w3c.inject(W3C, within(tracer.start_span("call", parent), {})) is None
    assert w3c.extract(W3C, (("traceparent", PARENT), ("tracestate", "vendor=1"))) is None


def test_other_propagators_are_asked() -> None:
    """One more, one less, a subclass of the user's; ours, which scrubs, is known."""

    class Own(CompositePropagator):
        """Might do anything."""

    each = [TraceContextTextMapPropagator(), W3CBaggagePropagator()]
    for other in (Own(each), CompositePropagator(each[:1]), CompositePropagator([*each, *each[:1], Odd()]), Odd()):
        assert w3c.inject(other, Context()) is None
        assert w3c.extract(other, ()) is None
    before = propagate.get_global_textmap()
    propagators.use(("tracecontext", "baggage"))
    try:
        ours = propagate.get_global_textmap()
        found = dict(w3c.inject(ours, within(None, {"user": "mary@example.com"})) or ())
        carrier: dict[str, str] = {}
        ours.inject(carrier, within(None, {"user": "mary@example.com"}))
        assert found == carrier
        assert "mary" not in found["baggage"]
    finally:
        propagate.set_global_textmap(before)


class Odd(TraceContextTextMapPropagator):
    """A propagator of the user's."""


def read(context: Context) -> tuple[Any, ...]:
    span = trace.get_current_span(context).get_span_context()
    return (span.trace_id, span.span_id, span.is_remote, int(span.trace_flags), dict(baggage.get_all(context)))


@given(
    st.lists(
        st.tuples(st.just("traceparent"), st.builds(lambda at, text: PARENT[:at] + text + PARENT[at + len(text) :],
                                                    st.integers(0, 54), hex_digits) | st.just(PARENT) | texts)
        | st.tuples(st.just("baggage"), texts | st.builds("{}={}".format, texts, texts))
        | st.tuples(st.sampled_from(["tracestate", "tenant", "blob-bin"]), texts | st.binary(max_size=3)),
        max_size=4,
    )
)  # fmt: skip
def test_what_is_read_is_what_the_propagators_read(metadata: Any) -> None:
    """Hostile headers too: either they are left to the propagators, or the context is the same."""
    found = w3c.extract(W3C, metadata)
    if found is None:
        return
    headers: dict[str, list[str]] = {}
    for key, value in metadata:
        if isinstance(value, str):
            headers.setdefault(key, []).append(value)
    assert read(Context(found)) == read(W3C.extract(headers, Context()))


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("traceparent", PARENT),),
        (("traceparent", PARENT[:-1] + "0"), ("tenant", "a")),
        (("baggage", "a=1,b=2%20"), ("traceparent", PARENT), ("blob-bin", b"\xff")),
        (("baggage", "nonsense"),),
    ],
)
def test_what_is_plain_is_not_left_to_the_propagators(metadata: Any) -> None:
    """Else nothing is gained."""
    found = w3c.extract(W3C, metadata)
    assert found is not None
    assert read(Context(found)) == read(W3C.extract({key: [value] for key, value in metadata}, Context()))


@pytest.mark.parametrize(
    "header",
    [
        "",
        PARENT + "\n",
        PARENT + "-more",
        " " + PARENT,
        PARENT[:-2] + "04",
        PARENT[:-2] + "0٣",  # a digit, but not one of a header
        "01" + PARENT[2:],
        "ff" + PARENT[2:],
        PARENT.upper(),
        PARENT.replace("-", "_", 1),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        PARENT.encode(),
    ],
)
def test_a_parent_that_is_not_plain_is_left_to_the_propagators(header: str | bytes) -> None:
    """Another version, other flags, capitals, zeros; and what the propagators refuse, they refuse."""
    assert w3c.extract(W3C, (("traceparent", header),)) is None
    assert w3c.extract(W3C, (("baggage", header), ("traceparent", PARENT), ("baggage", "a=1"))) is None


@pytest.mark.parametrize("flags", range(4))
def test_a_parent_has_its_ids_and_flags(flags: int) -> None:
    """Also where ids begin with zeros; and the parent of a span of ours."""
    header = f"00-{1:032x}-{2:016x}-{flags:02x}"
    found = w3c.extract(W3C, (("traceparent", header),))
    context = Context(found or {})
    assert read(context)[:4] == (1, 2, True, flags)
    assert dict(w3c.inject(W3C, context) or ()) == {"traceparent": header}
