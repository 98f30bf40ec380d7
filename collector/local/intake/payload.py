"""Reads the body of an export: decompression within a limit, protobuf, and OTLP's JSON.

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
"""In HTTP, `deflate` means zlib's format; some senders name that `zlib`."""
MAX_DEPTH = 100
"""Nesting of messages, as in protobuf."""
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
"""Exponent of 8 MiB, the window that every decoder of zstd should support (RFC 8878)."""


def content_type_of(header: str) -> str:
    """The content type without its parameters.

    Raises:
        UnsupportedError: the receiver does not support it; the message lists what it supports.
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
        UnsupportedError: the receiver does not support it; the message lists what it supports.
    """
    encoding = header.strip().lower() or "identity"
    if encoding not in ENCODINGS:
        raise UnsupportedError(f"content encoding {encoding!r} is not supported", f"send one of {', '.join(ENCODINGS)}")
    return encoding


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """The decompressed body; more than `limit` bytes are never held.

    Raises:
        TooLargeError: it is larger than `limit`.
        MalformedError: it is not in that encoding.
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
    """Gzip (one or more members) or zlib, a chunk at a time."""
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
    """Zstd (one or more frames), a chunk at a time; a window larger than the limit fails."""
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
    return MalformedError(f"the body's {encoding} stream ends early", "send all of it")


def too_large(limit: int) -> TooLargeError:
    """The error for an export above the limit."""
    return TooLargeError(
        f"the export is larger than max_request_bytes, {limit}", "send smaller batches, or raise the limit"
    )


def check_json(body: bytes, limit: int) -> None:
    """Check, before it is parsed, that a body in JSON does not need too much memory: each `{}` takes 64 bytes.

    Raises:
        TooLargeError: it has too many values.
    """
    if sum(map(body.count, (b"{", b"[", b","))) > limit:
        raise TooLargeError(
            f"the export has more than max_json_values, {limit}, values",
            "send smaller batches, or protobuf, or raise the limit",
        )


def parse(body: bytes, content_type: str, message: type[Message]) -> Message:
    """Parse the message in a body.

    Raises:
        MalformedError: the body is not such a message.
    """
    name = message.DESCRIPTOR.name
    try:
        return _parse_json(body, message()) if content_type == JSON else message.FromString(body)
    except orjson.JSONDecodeError as error:
        raise MalformedError(f"the body is not JSON: {error}") from error
    except DecodeError as error:
        raise MalformedError(f"the body is not {name} in protobuf: {error}") from error
    except MalformedError:
        raise
    except Exception as error:  # the parser of protobuf's JSON raises many types
        raise MalformedError(f"the body is not {name} in OTLP's JSON: {short(error)}") from error


def _parse_json(body: bytes, message: Message) -> Message:
    document = orjson.loads(body)
    if not isinstance(document, dict):
        raise TypeError("it is not an object")
    if not ids_to_base64(document, _refuse_id):
        raise TypeError("another type is in place of an object")
    return json_format.ParseDict(document, message, ignore_unknown_fields=True, max_recursion_depth=MAX_DEPTH)


def short(error: BaseException) -> str:
    """The message of an error, on one line of limited length."""
    text = str(error).partition("\n")[0]
    return text if len(text) <= 300 else f"{text[:100]} … {text[-200:]}"


def ids_to_base64(document: Any, bad: BadId) -> bool:
    """Convert, in place, every id from OTLP's hexadecimal to the base64 of protobuf's JSON.

    Attributes are lists of `{"key", "value"}`, so that these field names are ids wherever they occur.

    Args:
        document: values of JSON.
        bad: called with the field of an id that is not hexadecimal, and the problem; returns a replacement.

    Returns:
        Whether all fields that OTLP defines as objects are objects: protobuf's JSON ignores text in their place.
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
        if isinstance(item[key], list):  # else the parser reports it
            objects += item[key]
    return all(value is None or isinstance(value, dict) for value in objects)


def _id_to_base64(field: str, identifier: Any, bad: BadId) -> Any:
    if not isinstance(identifier, str):
        return identifier  # null is an absent id; the parser reports anything else
    try:
        return b64encode(bytes.fromhex(identifier)).decode()
    except ValueError:
        return bad(field, f"{field} {identifier[:40]!r} is not hexadecimal")


def _refuse_id(_: str, problem: str) -> str:
    raise MalformedError(problem, "OTLP's JSON requires ids in hexadecimal, not base64")
