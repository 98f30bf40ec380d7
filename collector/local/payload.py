"""Reads the body of an export: decompression within a bound, protobuf, and OTLP's JSON.

In: bytes as they came, content type and encoding. Out: a protobuf message, or a `RefusedError` that says what is wrong.
No state.

OTLP's JSON is protobuf's JSON with one deviation: trace and span ids are hexadecimal, not base64
(https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). Unknown fields are ignored, as it asks.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from collector.local.errors import MalformedError, TooLargeError, UnsupportedError

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
CONTENT_TYPES = (PROTOBUF, JSON)
ENCODINGS = ("gzip", "deflate", "identity")

_ID_FIELDS = frozenset({"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"})
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_CHUNK = 1 << 20


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
    while body:
        inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        while body and not inflater.eof:
            try:
                part = inflater.decompress(body, min(_CHUNK, limit - size + 1))
            except zlib.error as error:
                raise MalformedError(f"the body is not {encoding}: {error}", "") from error
            body = inflater.unconsumed_tail
            size += len(part)
            parts.append(part)
            if size > limit:
                raise too_large(limit)
        if not inflater.eof:
            raise MalformedError(f"the body's {encoding} stream ends early", "send it whole")
        body = inflater.unused_data  # gzip allows several members
    return b"".join(parts)


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
    if content_type == JSON:
        return _parse_json(body, message)
    try:
        return message.FromString(body)
    except DecodeError as error:
        raise MalformedError(f"the body is no {message.DESCRIPTOR.name} in protobuf: {error}", "") from error


def _parse_json(body: bytes, message: type[Message]) -> Message:
    name = message.DESCRIPTOR.name
    try:
        document = orjson.loads(body)
        if not isinstance(document, dict):
            raise MalformedError(f"the body is no {name} in OTLP's JSON: it is no object", "")
        _ids_to_base64(document)
        return json_format.ParseDict(document, message(), ignore_unknown_fields=True, max_recursion_depth=100)
    except orjson.JSONDecodeError as error:
        raise MalformedError(f"the body is not JSON: {error}", "") from error
    except (
        json_format.ParseError,
        DecodeError,
        RecursionError,
        TypeError,
        ValueError,
        AttributeError,
        KeyError,
    ) as error:
        raise MalformedError(f"the body is no {name} in OTLP's JSON: {_short(error)}", "") from error


def _short(error: BaseException) -> str:
    text = str(error).partition("\n")[0]
    return text if len(text) <= 300 else f"{text[:100]} … {text[-200:]}"


def _ids_to_base64(document: Any) -> None:
    """Rewrite, in place, every id from OTLP's hexadecimal to the base64 of protobuf's JSON.

    Attributes are lists of `{"key", "value"}`, so that these field names stand for ids wherever they occur.
    """
    waiting = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            for key in _ID_FIELDS & item.keys():
                item[key] = _id_to_base64(key, item[key])
            waiting.extend(value for value in item.values() if isinstance(value, dict | list))


def _id_to_base64(field: str, identifier: Any) -> Any:
    if not isinstance(identifier, str):
        return identifier  # null is an absent id; of anything else the parser says what is wrong
    try:
        return b64encode(bytes.fromhex(identifier)).decode()
    except ValueError:
        raise MalformedError(
            f"{field} {identifier[:40]!r} is not hexadecimal", "OTLP's JSON wants ids in hexadecimal, not base64"
        ) from None
