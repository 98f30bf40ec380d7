"""Reads the body of an export: decompression within a bound, protobuf, and OTLP's JSON.

In: bytes as they came, content type and encoding. Out: a protobuf message, or a `RefusedError` that says what is wrong.
No state.

OTLP's JSON is protobuf's JSON with one deviation: trace and span ids are hexadecimal, not base64
(https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). Unknown fields are ignored, as it asks.
"""

from __future__ import annotations

import sys
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from collector.local.errors import MalformedError, TooLargeError, UnsupportedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
CONTENT_TYPES = (PROTOBUF, JSON)
ENCODINGS = ("gzip", "deflate", "zlib", "zstd", "identity")
"""`deflate` is zlib's format in HTTP; some senders call it by its own name."""
MAX_DEPTH = 100
"""Messages within each other, as protobuf bounds them."""
BadId = Callable[[str, str], str]

_ID_FIELDS = frozenset({"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"})
_OBJECTS = frozenset({
    "resource", "scope", "status", "body", "arrayValue", "array_value", "kvlistValue", "kvlist_value", "gauge",
    "histogram", "exponentialHistogram", "exponential_histogram", "summary", "positive", "negative",
})  # fmt: skip
"""Fields with an object, whatever message they are in."""
_LISTS = frozenset({
    "resourceSpans", "resource_spans", "scopeSpans", "scope_spans", "spans", "events", "links", "attributes", "values",
    "resourceMetrics", "resource_metrics", "scopeMetrics", "scope_metrics", "metrics", "dataPoints", "data_points",
    "exemplars", "filteredAttributes", "filtered_attributes", "quantileValues", "quantile_values", "metadata",
    "resourceLogs", "resource_logs", "scopeLogs", "scope_logs", "logRecords", "log_records",
})  # fmt: skip
"""Fields with a list of objects."""
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_CHUNK = 1 << 20
_ZSTD_WINDOW = 23
"""8 MiB, the window that every decoder of zstd should have (RFC 8878), as its exponent."""


def content_type_of(header: str) -> str:
    """The content type without its parameters.

    Raises:
        UnsupportedError: it is none that the receiver reads; the message lists those.
    """
    kind = header.partition(";")[0].strip().lower()
    if kind not in CONTENT_TYPES:
        raise UnsupportedError(
            f"content type {kind or 'missing'!r} is not supported", f"send one of {', '.join(CONTENT_TYPES)}"
        )
    return kind


def encoding_of(header: str) -> str:
    """The content encoding.

    Raises:
        UnsupportedError: it is none that the receiver reads; the message lists those.
    """
    encoding = header.strip().lower() or "identity"
    if encoding not in ENCODINGS:
        raise UnsupportedError(f"content encoding {encoding!r} is not supported", f"send one of {', '.join(ENCODINGS)}")
    return encoding


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """The body as it was before compression, never holding more than `limit` bytes of it.

    Raises:
        TooLargeError: it is larger than `limit`.
        MalformedError: it is not compressed as it says.
    """
    if encoding == "identity":
        return body
    parts: list[bytes] = []
    size = 0
    for part in _unzstd(body, limit) if encoding == "zstd" else _inflate(body, encoding):
        size += len(part)
        if size > limit:
            raise too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _inflate(body: bytes, encoding: str) -> Iterator[bytes]:
    """Gzip or zlib, whichever it is, a chunk at a time; gzip allows several members."""
    while body:
        inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        while body and not inflater.eof:
            try:
                yield inflater.decompress(body, _CHUNK)
            except zlib.error as error:
                raise MalformedError(f"the body is not {encoding}: {error}") from error
            body = inflater.unconsumed_tail
        if not inflater.eof:
            raise _ends_early(encoding)
        body = inflater.unused_data


def _unzstd(body: bytes, limit: int) -> Iterator[bytes]:
    """zstd, a chunk at a time, perhaps of several frames. One that asks for more memory than a body may have fails."""
    window: dict[int, int] = {zstd.DecompressionParameter.window_log_max: max(_ZSTD_WINDOW, (limit - 1).bit_length())}
    while body:
        inflater = zstd.ZstdDecompressor(options=window)
        try:
            yield inflater.decompress(body, _CHUNK)
            while not inflater.eof and not inflater.needs_input:
                yield inflater.decompress(b"", _CHUNK)
        except zstd.ZstdError as error:
            raise MalformedError(f"the body is not zstd: {error}") from error
        if not inflater.eof:
            raise _ends_early("zstd")
        body = inflater.unused_data


def _ends_early(encoding: str) -> MalformedError:
    return MalformedError(f"the body's {encoding} stream ends early", "send it whole")


def too_large(limit: int) -> TooLargeError:
    """The refusal of an export above the limit."""
    return TooLargeError(
        f"the export is larger than max_request_bytes, {limit}", "send smaller batches, or raise the limit"
    )


def check_json(body: bytes, limit: int) -> None:
    """See, before it is parsed, that a body in JSON does not grow out of bounds: each `{}` takes 64 bytes.

    Raises:
        TooLargeError: it has too many values.
    """
    if sum(map(body.count, (b"{", b"[", b","))) > limit:
        raise TooLargeError(
            f"the export has more than max_json_values, {limit}, values",
            "send smaller batches, or protobuf, or raise the limit",
        )


def parse(body: bytes, content_type: str, message: type[Message]) -> Message:
    """The message in a body.

    Raises:
        MalformedError: the body is not such a message; says where, when that can be known.
    """
    name = message.DESCRIPTOR.name
    try:
        return _parse_json(body, message()) if content_type == JSON else message.FromString(body)
    except orjson.JSONDecodeError as error:
        raise MalformedError(f"the body is not JSON: {error}") from error
    except DecodeError as error:
        raise MalformedError(f"the body is no {name} in protobuf: {error}") from error
    except MalformedError:
        raise
    except Exception as error:  # the parsers of protobuf's JSON raise whatever comes; all of it is the payload's fault
        raise MalformedError(f"the body is no {name} in OTLP's JSON: {short(error)}") from error


def _parse_json(body: bytes, message: Message) -> Message:
    document = orjson.loads(body)
    if not isinstance(document, dict):
        raise TypeError("it is no object")
    if not ids_to_base64(document, _refuse_id):
        raise TypeError("something else stands where an object should be")
    return json_format.ParseDict(document, message, ignore_unknown_fields=True, max_recursion_depth=MAX_DEPTH)


def short(error: BaseException) -> str:
    """What an error says, on one line that is not too long."""
    text = str(error).partition("\n")[0]
    return text if len(text) <= 300 else f"{text[:100]} … {text[-200:]}"


def ids_to_base64(document: Any, bad: BadId) -> bool:
    """Rewrite, in place, every id from OTLP's hexadecimal to the base64 of protobuf's JSON.

    Attributes are lists of `{"key", "value"}`, so that these field names stand for ids wherever they occur.

    Args:
        document: JSON's values.
        bad: is told the field of an id that is not hexadecimal, and what is wrong; gives what stands in its place.

    Returns:
        Whether objects stand where OTLP has objects: protobuf's JSON ignores text that stands there instead.
    """
    waiting = [document]
    fits = True
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            for key in _ID_FIELDS & item.keys():
                item[key] = _id_to_base64(key, item[key], bad)
            fits = fits and _fits(item)
            waiting.extend(value for value in item.values() if isinstance(value, dict | list))
        elif isinstance(item, list):
            waiting.extend(item)
    return fits


def _fits(item: dict[str, Any]) -> bool:
    objects = [item[key] for key in _OBJECTS & item.keys()]
    for key in _LISTS & item.keys():
        if isinstance(item[key], list):  # else the parser says that it is none
            objects += item[key]
    return all(value is None or isinstance(value, dict) for value in objects)


def _id_to_base64(field: str, identifier: Any, bad: BadId) -> Any:
    if not isinstance(identifier, str):
        return identifier  # null is an absent id; of anything else the parser says what is wrong
    try:
        return b64encode(bytes.fromhex(identifier)).decode()
    except ValueError:
        return bad(field, f"{field} {identifier[:40]!r} is not hexadecimal")


def _refuse_id(_: str, problem: str) -> str:
    raise MalformedError(problem, "OTLP's JSON wants ids in hexadecimal, not base64")
