"""Bodies of exports: compression within bounds, protobuf, OTLP's JSON; and the errors for those that are not."""

from __future__ import annotations

import gzip
import json
import random
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from collector.local.decode.signals import BY_PATH
from collector.local.errors import MalformedError, TooLargeError, UnsupportedError
from collector.local.intake.payload import JSON, PROTOBUF, content_type_of, decompress, encoding_of, parse
from tests import otlp_samples as otlp

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TRACES = BY_PATH["/v1/traces"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1]", "it is not an object"),
        (b'"text"', "it is not an object"),
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
def test_json_that_is_not_an_export_is_refused_with_the_place(body: bytes, problem: str) -> None:
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


def test_bytes_that_are_not_protobuf_are_refused() -> None:
    """The message names what was expected."""
    with pytest.raises(MalformedError, match="not ExportTraceServiceRequest in protobuf"):
        parse(b"\xff\xff", PROTOBUF, TRACES.request)


def test_content_types_and_encodings_are_read_without_case_or_parameters() -> None:
    """Senders write them in many ways."""
    assert content_type_of("Application/JSON; charset=utf-8") == JSON
    assert content_type_of("application/x-protobuf") == PROTOBUF
    assert (encoding_of(""), encoding_of(" GZIP ")) == ("identity", "gzip")
    with pytest.raises(UnsupportedError, match="application/x-protobuf, application/json"):
        content_type_of("text/plain")
    with pytest.raises(UnsupportedError, match="gzip, deflate, zlib, zstd, identity"):
        encoding_of("br")


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zlib": zlib.compress,
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_compression_bomb_stops_at_the_limit(encoding: str) -> None:
    """A hundred kilobytes that unfold to a hundred megabytes are refused once the limit is passed."""
    bomb = COMPRESS[encoding](bytes(100 << 20))
    tracemalloc.start()
    with pytest.raises(TooLargeError, match="max_request_bytes, 1048576"):
        decompress(bomb, encoding, 1 << 20)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("encoding", COMPRESS)
def test_compressed_bodies_are_read_whole(encoding: str) -> None:
    """In several members or frames, up to the limit exactly; and larger than what is inflated at once."""
    compress = COMPRESS[encoding]
    assert decompress(compress(b"ab") + compress(b"cd"), encoding, 4) == b"abcd"
    assert decompress(compress(b""), encoding, 4) == b""
    large = random.Random(5).randbytes(3 << 20)
    assert decompress(compress(large), encoding, len(large)) == large


def test_a_zstd_frame_that_asks_for_much_memory_is_refused() -> None:
    """Its window is bounded as its content is: a hundred bytes do not reserve a gigabyte."""
    large: dict[int, int] = {zstd.CompressionParameter.window_log: 30}
    compressor = zstd.ZstdCompressor(options=large)
    body = compressor.compress(b"a" * 100) + compressor.flush()
    with pytest.raises(MalformedError, match="requires too much memory"):
        decompress(body, "zstd", 16 << 20)


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize("cut", [False, True])
def test_a_body_that_is_not_compressed_as_declared_is_refused(encoding: str, cut: bool) -> None:
    """Cut off, or not compressed at all."""
    body = COMPRESS[encoding](bytes(100))[:-1] if cut else b"plain text"
    with pytest.raises(MalformedError, match=f"{encoding} stream ends early" if cut else f"the body is not {encoding}"):
        decompress(body, encoding, 100)
