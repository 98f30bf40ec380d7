"""Bodies of exports: compression within bounds, protobuf, OTLP's JSON; and what is said of those that are none."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import orjson
import pytest

from collector.local.errors import MalformedError, TooLargeError, UnsupportedError
from collector.local.payload import JSON, PROTOBUF, content_type_of, decompress, encoding_of, parse
from collector.local.signals import BY_PATH
from tests import otlp_samples as otlp

TRACES = BY_PATH["/v1/traces"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1]", "it is no object"),
        (b'"text"', "it is no object"),
        (b'{"resourceSpans": 5}', "resourceSpans"),
        (b'{"resourceSpans": [null]}', "resourceSpans"),
        (orjson.dumps(otlp.traces(otlp.small_span(1, name=5))), "name"),
        (orjson.dumps(otlp.traces(otlp.small_span(1, startTimeUnixNano="-1"))), "startTimeUnixNano"),
        (orjson.dumps(otlp.traces(otlp.small_span(1, startTimeUnixNano=str(2**64)))), "startTimeUnixNano"),
        (orjson.dumps(otlp.traces(otlp.small_span(1, kind=[]))), "kind"),
        (orjson.dumps(otlp.traces(otlp.small_span(1, traceId="XYZ"))), "traceId 'XYZ' is not hexadecimal"),
        (orjson.dumps(otlp.traces(otlp.small_span(1, traceId=5))), "traceId"),
        (
            orjson.dumps(otlp.traces(otlp.small_span(1, attributes=[{"key": "a", "value": {"intValue": "1.5"}}]))),
            "intValue",
        ),
    ],
)
def test_json_that_is_no_export_is_refused_with_the_place(body: bytes, problem: str) -> None:
    """Whoever writes OTLP/JSON by hand sees what is wrong."""
    with pytest.raises(MalformedError, match=problem) as refused:
        parse(body, JSON, TRACES.request)
    assert len(str(refused.value)) < 500


def test_json_nested_without_end_is_refused() -> None:
    """Depth is bounded: neither the stack nor memory grows."""
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(120):
        value = {"arrayValue": {"values": [value]}}
    document = otlp.traces(otlp.small_span(1, attributes=[{"key": "deep", "value": value}]))
    with pytest.raises(MalformedError, match="too deep"):
        parse(json.dumps(document).encode(), JSON, TRACES.request)


def test_bytes_that_are_no_protobuf_are_refused() -> None:
    """The message says what was expected."""
    with pytest.raises(MalformedError, match="no ExportTraceServiceRequest in protobuf"):
        parse(b"\xff\xff", PROTOBUF, TRACES.request)


def test_content_types_and_encodings_are_read_without_case_or_parameters() -> None:
    """Senders write them in many ways."""
    assert content_type_of("Application/JSON; charset=utf-8") == JSON
    assert content_type_of("application/x-protobuf") == PROTOBUF
    assert (encoding_of(""), encoding_of(" GZIP ")) == ("identity", "gzip")
    with pytest.raises(UnsupportedError, match="application/x-protobuf, application/json"):
        content_type_of("text/plain")
    with pytest.raises(UnsupportedError, match="gzip, deflate, identity"):
        encoding_of("br")


def test_a_compression_bomb_stops_at_the_limit() -> None:
    """A hundred kilobytes that unfold to a hundred megabytes are refused once the limit is passed."""
    bomb = gzip.compress(bytes(100 << 20))
    tracemalloc.start()
    with pytest.raises(TooLargeError, match="max_request_bytes, 1048576"):
        decompress(bomb, "gzip", 1 << 20)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_compressed_bodies_are_read_whole() -> None:
    """Gzip in several members, and deflate, which in HTTP is zlib."""
    assert decompress(gzip.compress(b"ab") + gzip.compress(b"cd"), "gzip", 4) == b"abcd"
    assert decompress(zlib.compress(b"abcd"), "deflate", 4) == b"abcd"


@pytest.mark.parametrize("body", [b"plain", b"\x1f\x8b\x08"])
def test_a_body_that_is_not_compressed_as_it_says_is_refused(body: bytes) -> None:
    """Cut off, or not compressed at all."""
    with pytest.raises(MalformedError, match="gzip"):
        decompress(body, "gzip", 100)
