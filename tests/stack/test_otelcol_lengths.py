"""What is too long for a backend, by the real Collector into the real Jaeger: it arrives cut and holds up nobody."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from collector.stack.stack import Stack
from tests.stack import jaeger
from tests.stack.asking import eventually
from tests.stack.otelcol_raw import send, trace

PROMISED = 20.0
"""Seconds after which a trace is in Jaeger."""

TEXT = "lorem ipsüm "
"""13 bytes, one character of two."""

POISON: list[dict[str, Any]] = [
    {"attributes": {"note": TEXT * 5500}},
    {"status": TEXT * 8000},
    {"attributes": {"many": [TEXT] * 6000, "deep": {"map": {"in": TEXT * 6000}}}},
    {"events": [(TEXT * 6000, {"note": TEXT * 6000, "many": [TEXT] * 6000})]},
    {"name": TEXT * 6000, "state": "vendor=" + "x" * 70_000},
    {"attributes": {"n" * 70_000: "name"}},
    {"attributes": {f"n{n}": TEXT * 100 for n in range(1000)}},
    {"events": [("event", {"note": TEXT * 50}) for _ in range(5000)]},
]
"""Spans with something that Jaeger cannot index or no batch has room for, in each place that takes a text."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One for all tests here: what poisons it poisons all."""
    with Stack("minimal", data_dir=tmp_path_factory.mktemp("lengths") / "stack") as running:
        yield running


def sent(stack: Stack, spans: list[dict[str, Any]], service: str = "shop") -> str:
    """Send spans as one trace; return its id."""
    request, trace_id = trace(spans, service=service), secrets.token_bytes(16)
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.trace_id = trace_id
        span.status.code = 2 if span.status.message else 0
    send(stack.address("collector.otlp_grpc"), request)
    return trace_id.hex()


def stored(stack: Stack, trace_id: str, count: int) -> list[dict[str, Any]]:
    """Wait for as many spans as promised; return them in the order in which they were sent."""

    def whole() -> list[dict[str, Any]]:
        found = jaeger.trace(stack, trace_id)
        spans = found.data["spans"] if found else []
        return sorted(spans, key=lambda span: str(span["span_id"])) if len(spans) == count else []

    return list(eventually(whole, PROMISED))


@pytest.fixture(scope="module")
def poisonous(stack: Stack) -> list[str]:
    """The traces of POISON, a span each, sent and taken before anything else is."""
    return [sent(stack, [span], "poison") for span in POISON]


def test_spans_that_cannot_be_indexed_hold_up_nobody(stack: Stack, poisonous: list[str]) -> None:
    """More of them than Jaeger's queue has senders, and then what is ordinary: all of it is there in time."""
    ordinary = [sent(stack, [{}, {"parent": 1}]) for _ in range(5)]
    assert [len(stored(stack, trace_id, 2)) for trace_id in ordinary] == [2] * 5
    assert [len(stored(stack, trace_id, 1)) for trace_id in poisonous] == [1] * len(POISON)


def test_a_giant_arrives_cut_beside_its_neighbours(stack: Stack) -> None:
    """A value larger than a whole batch: it keeps its beginning, whole characters; those beside it stay as they are."""
    near = {"attributes": {"note": TEXT, "n": 1}}
    first, giant, last = stored(stack, sent(stack, [near, {"attributes": {"note": TEXT * 270_000, "n": 1}}, near]), 3)
    assert first["attributes"] == last["attributes"] == near["attributes"]
    note = giant["attributes"]["note"]
    assert (TEXT * 2000).startswith(note)
    assert 16_380 < len(note.encode()) <= 16_384
    assert giant["attributes"]["n"] == 1


def test_what_is_long_in_many_places_is_cut_in_each(stack: Stack, poisonous: list[str]) -> None:
    """Names, messages, lists, the number of attributes and of events; trace states go."""
    found = [stored(stack, trace_id, 1)[0] for trace_id in poisonous]
    assert [max(length(span)) <= 16_384 for span in found] == [True] * len(POISON)
    assert len(found[1]["status_message"].encode()) in range(8189, 8193)
    assert len(found[4]["name"].encode()) in range(1021, 1025)
    assert [sum(name.startswith("n") for name in found[n]["attributes"]) for n in (5, 6)] == [1, 128]
    assert [len(found[n]["events"]) for n in (3, 7)] == [1, 0]


def length(span: dict[str, Any]) -> Iterator[int]:
    """Of everything in a span, in bytes."""
    yield len(span["name"].encode())
    yield len(span["status_message"].encode())
    for holder in (span, *span["events"]):
        yield len(holder["name"].encode())
        yield from (len(text.encode()) for pair in holder["attributes"].items() for text in map(str, pair))
