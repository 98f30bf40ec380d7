"""Attributes decoded by their bytes are what they are as messages, the first time and when they are known.

So are what else is read without parsing it, and what is summed up of many spans at once.
"""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import Any

import numpy as np
import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.local.decode.attributes import MOST_OF_A_KEY, Attributes, KnownAttributes
from collector.local.decode.decoded import DEFAULT, plain_map
from collector.local.decode.traces import decode_bytes, decode_traces
from collector.local.store.spans.facts import Pairs
from collector.local.store.store import Store

VALUES: dict[str, list[Any]] = {
    "string_value": ["", "x", "à pois", 'a "quote" \\ and\n', "\x00", "y" * 125, "y" * 126, "z" * 500, "日本", "²"],
    "int_value": [0, 1, 127, 128, -1, 2**63 - 1, -(2**63)],
    "double_value": [0.0, -0.0, 1.5, 3.0, 1e300, 5e-324, float("inf"), float("-inf"), float("nan"), 0.1],
    "bool_value": [True, False],
    "bytes_value": [b"", b"\xff\x00"],
}  # fmt: skip
KEYS = ("k", "", "len_docs", "k" * 127, "k" * 128, 'a"b', "é", "k" * 300)


def values() -> list[AnyValue]:
    plain = [AnyValue(**{field: value}) for field, some in VALUES.items() for value in some]
    inner = KeyValueList(values=[KeyValue(key="a", value=AnyValue(int_value=1)), KeyValue(key="a")])
    return [*plain, AnyValue(), AnyValue(array_value=ArrayValue(values=plain[:3])), AnyValue(kvlist_value=inner)]


ALL = [KeyValue(key=key, value=value) for key, value in itertools.product(KEYS, values())]
ODD = [
    b"",
    KeyValue(key="k").SerializeToString(),
    b"\x12\x03\x0a\x01x\x0a\x01k",  # the value before the key
    b"\x0a\x01a\x0a\x01k\x12\x03\x0a\x01x",  # two keys
    b"\x0a\x01k\x12\x05\x0a\x01x\x0a\x00",  # two texts
    b"\x0a\x01k\x12\x05\x0a\x82\x00xy",  # a length in more bytes than it needs
]


@pytest.mark.parametrize("known", [KnownAttributes()])
def test_each_attribute_is_the_same_when_it_is_new_known_and_known_by_its_kind(known: KnownAttributes) -> None:
    for _ in range(3):
        for raw in (*(attribute.SerializeToString() for attribute in ALL), *ODD):
            attribute = KeyValue.FromString(raw)
            expected = plain_map([attribute], DEFAULT)
            pairs = Pairs()
            pairs.add(expected)
            attributes = Attributes(DEFAULT, known)
            key, member = attributes[raw]
            assert key == attribute.key
            assert f"{{{member}}}".encode() == orjson.dumps(expected)
            assert attributes.hashes >= set(np.frombuffer(pairs.hashes(), np.uint32).tolist())


def test_what_is_kept_is_limited() -> None:
    known = KnownAttributes()
    for number in range(30_000):
        attributes = [KeyValue(key="id", value=AnyValue(int_value=number)),
                      KeyValue(key=f"key {number}", value=AnyValue(string_value="x"))]  # fmt: skip
        for attribute in attributes:
            _ = Attributes(DEFAULT, known)[attribute.SerializeToString()]
    assert len(known.members) <= MOST_OF_A_KEY
    assert len(known.texts) <= 10_000


def request_of(*spans: Span) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(spans)
    return request


def span_of(*attributes: KeyValue, **fields: Any) -> Span:
    return Span(trace_id=b"t" * 16, span_id=b"s" * 8, attributes=attributes, **fields)


def test_the_last_value_of_a_repeated_key_counts() -> None:
    twice = [KeyValue(key=key, value=AnyValue(int_value=number)) for number, key in enumerate("aba")]
    row: Any
    (row,) = decode_traces(request_of(span_of(*twice))).rows["spans"]
    assert row.attributes == '{"a":2,"b":1}'


def test_events_and_links_of_any_span_are_found() -> None:
    request = request_of(span_of(), span_of(events=[Span.Event(name="one"), Span.Event(name="two")]), span_of())
    scope = request.resource_spans.add().scope_spans.add()
    scope.spans.extend([span_of(), span_of(links=[Span.Link(trace_id=b"l" * 16), Span.Link(trace_id=b"m" * 16)])])
    decoded = decode_bytes(request.SerializeToString())
    assert decoded is not None
    rows: Any = decoded.rows
    assert [event.name for event in rows["span_events"]] == ["one", "two"]
    assert [link.linked_trace_id for link in rows["span_links"]] == [(b"l" * 16).hex(), (b"m" * 16).hex()]


@pytest.mark.parametrize("versions", [3, 100])
def test_who_asked_and_all_versions_are_found_however_many_arrive_at_once(versions: int) -> None:
    """Of each trace the first texts by the alphabet, and every version, before it is folded and after."""
    request = ExportTraceServiceRequest()
    for number in range(versions):
        resource = request.resource_spans.add()
        for key, value in (("service.name", f"s{number}"), ("service.version", "1")):
            resource.resource.attributes.add(key=key, value=AnyValue(string_value=value))
        platform = KeyValue(key="client.platform", value=AnyValue(string_value=f"p{number}"))
        span_id = (number + 1).to_bytes(8, "big")
        of_all = Span(trace_id=b"t" * 16, span_id=span_id, attributes=[platform])
        alone = Span(trace_id=bytes(8) + span_id, span_id=span_id, start_time_unix_nano=number + 1)
        resource.scope_spans.add().spans.extend([of_all, alone])
    all_versions = ", ".join(sorted(f"s{number} 1" for number in range(versions)))
    expected: set[tuple[str, str | None, str]] = {((b"t" * 16).hex(), "p0", all_versions)}
    expected |= {((number + 1).to_bytes(16, "big").hex(), None, f"s{number} 1") for number in range(versions)}
    with closing(Store.open(None)) as store:
        store.write([decode_traces(request)], ["digest"], 1)
        for _ in range(2):
            found = store.reader().execute("SELECT trace_id, platform, versions FROM traces").fetchall()
            assert set(found) == expected
            store.fold(2, everything=True)


def test_text_that_is_not_unicode_has_to_be_repaired_also_where_its_like_is_known() -> None:
    good = span_of(KeyValue(key="name", value=AnyValue(string_value="abc"))).SerializeToString()
    for body in (good, good.replace(b"abc", b"a\xffc"), good):
        request = (
            b"\x0a" + bytes([len(body) + 4]) + b"\x12" + bytes([len(body) + 2]) + b"\x12" + bytes([len(body)]) + body
        )
        assert (decode_bytes(request) is None) == (body != good)
