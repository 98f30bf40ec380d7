"""Splits a large export in protobuf into small ones, without parsing it.

Each piece has about `PIECE_BYTES`, since a message of tiny parts takes 90 times its size once it is parsed. An export
above a limit is refused before anything is parsed.

The three signals have the same shape (https://github.com/open-telemetry/opentelemetry-proto): an export has resources
(field 1); a resource has itself (1), scopes (2) and a schema URL (3); a scope has itself (1), records (2) and a schema
URL (3). Encoding: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from collector.local.decode.reasons import Rejected
from collector.local.errors import MalformedError, TooLargeError
from collector.local.settings import MIB, CollectorSettings

PIECE_BYTES = MIB
SMALL_BYTES = 256 << 10
"""Smaller bodies are not split: they need little memory."""
LENGTH = 2
"""The wire type of text, bytes and messages: a length, then that many bytes."""
GROUP = 3
"""The wire type of a group: fields up to an end tag."""
_VARINT, _FIXED64, _END_OF_GROUP, _FIXED32 = 0, 1, 4, 5
_FIRST, _SECOND = 1 << 3 | LENGTH, 2 << 3 | LENGTH
"""Tags of fields 1 and 2."""
Field = tuple[int, int, int, int]
"""The tag of a field, where the field begins, where its value begins, and where it ends."""
Reject = Callable[[Rejected, str], None]


def pieces(body: bytes, settings: CollectorSettings, reject: Reject) -> Iterator[bytes]:
    """The pieces of an export's body, in order.

    Args:
        body: of the export.
        settings: limits.
        reject: called for a record that is too large; it is left out.

    Raises:
        MalformedError: it is not protobuf.
        TooLargeError: it has too many records, or too large a resource or scope.
    """
    if len(body) <= SMALL_BYTES:
        yield body
        return
    cutter = _Cutter(body, settings, reject)
    for tag, _, start, end in cutter.fields(0, len(body)):
        if tag == _FIRST:
            yield from cutter.resource(start, end)


class _Cutter:
    """Splits one body, and counts its records."""

    def __init__(self, body: bytes, settings: CollectorSettings, reject: Reject) -> None:
        self._body = body
        self._settings = settings
        self._reject = reject
        self._found = 0

    def resource(self, start: int, end: int) -> Iterator[bytes]:
        """Each scope of a resource, in a copy of the resource."""
        around, scopes = self._split(start, end)
        for _, scope_start, scope_end in scopes:
            for piece in self._scope(scope_start, scope_end):
                yield encode(_FIRST, around + encode(_SECOND, piece))

    def _scope(self, start: int, end: int) -> Iterator[bytes]:
        """The records of a scope, some at a time, in a copy of the scope."""
        around, records = self._split(start, end)
        some: list[bytes] = []
        size = 0
        limit = self._settings.max_record_bytes
        for whole, _, record_end in records:
            if record_end - whole > limit:
                self._reject(
                    Rejected.MAX_RECORD_BYTES,
                    f"a record is larger than max_record_bytes, {limit}; send less in it, or raise the limit",
                )
                continue
            some.append(self._body[whole:record_end])
            size += len(some[-1])
            if size >= PIECE_BYTES:
                yield around + b"".join(some)
                some, size = [], 0
        if some:
            yield around + b"".join(some)

    def _split(self, start: int, end: int) -> tuple[bytes, list[tuple[int, int, int]]]:
        """The occurrences of the second field (start with tag, start without, end), and everything else unchanged."""
        around: list[bytes] = []
        inner: list[tuple[int, int, int]] = []
        limit = self._settings.max_record_bytes
        size = 0
        for tag, whole, value, value_end in self.fields(start, end):
            if tag == _SECOND:
                inner.append((whole, value, value_end))
            elif tag & 7 != GROUP:
                around.append(self._body[whole:value_end])
                size += len(around[-1])
        if size > limit:
            raise TooLargeError(f"a resource or scope is larger than max_record_bytes, {limit}", "send less of it")
        return b"".join(around), inner

    def fields(self, at: int, end: int) -> Iterator[Field]:
        """The fields of a message, counted."""
        limit = self._settings.max_records
        for field in fields(self._body, at, end):
            self._found += 1
            if self._found > limit:
                raise TooLargeError(
                    f"the export holds more than max_records, {limit}, records, scopes and resources",
                    "send smaller batches, or raise the limit",
                )
            yield field


def fields(body: bytes, at: int, end: int) -> Iterator[Field]:
    """The fields of a message, in order. OTLP has no groups: one without an end tag ends with the message.

    Raises:
        MalformedError: it is not protobuf.
    """
    while at < end:
        begin = at
        tag, at = _varint(body, at, end)
        value, at = _value(body, tag & 7, at, end)
        if at > end:
            raise MalformedError(f"the body is not protobuf: the field at byte {begin} ends beyond its message")
        yield tag, begin, value, at


def encode(tag: int, value: bytes) -> bytes:
    """A field of the wire type `LENGTH`."""
    return _number(tag) + _number(len(value)) + value


def _value(body: bytes, kind: int, at: int, end: int) -> tuple[int, int]:
    """Start and end of a value."""
    if kind == LENGTH:
        length, at = _varint(body, at, end)
        return at, at + length
    if kind == _VARINT:
        return at, _varint(body, at, end)[1]
    if kind in {_FIXED64, _FIXED32}:
        return at, at + (8 if kind == _FIXED64 else 4)
    if kind == GROUP:
        return at, _end_of_group(body, at, end)
    raise MalformedError(f"the body is not protobuf: wire type {kind} at byte {at}")


def _end_of_group(body: bytes, at: int, end: int) -> int:
    """The end of a group and of groups inside it; without an end tag, the end of the message."""
    depth = 1
    while depth and at < end:
        tag, at = _varint(body, at, end)
        if tag & 7 == GROUP:
            depth += 1
        elif tag & 7 == _END_OF_GROUP:
            depth -= 1
        else:
            _, at = _value(body, tag & 7, at, end)
    return at


def _varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    number = shift = 0
    while at < end and shift < 64:
        byte = body[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
    raise MalformedError(f"the body is not protobuf: a number at byte {at} has no end")


def _number(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
