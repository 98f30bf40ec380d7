"""Cuts a large export, in protobuf, into small ones: a message of tiny parts takes 90 times its size once it is parsed.

In: the body of an export of any signal. Out: bodies of exports that hold the same records, one after another, each of
about `PIECE_BYTES`; or a refusal, before anything is parsed. No state.

The three signals have the same shape (https://github.com/open-telemetry/opentelemetry-proto): an export has resources
(field 1); a resource has itself (1), scopes (2) and a schema URL (3); a scope has itself (1), records (2) and a schema
URL (3). Encoding: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.local.errors import MalformedError, TooLargeError
from collector.local.settings import MIB, CollectorSettings

PIECE_BYTES = MIB
SMALL_BYTES = 256 << 10
"""Smaller bodies are left whole: what they grow to is no danger."""
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_FIRST, _SECOND = 1 << 3 | _LENGTH, 2 << 3 | _LENGTH
"""Tags of fields 1 and 2."""


def pieces(body: bytes, settings: CollectorSettings) -> Iterator[bytes]:
    """The parts of an export's body, in order.

    Raises:
        MalformedError: it is no protobuf.
        TooLargeError: it has too many records, or too large a one.
    """
    if len(body) <= SMALL_BYTES:
        yield body
        return
    cutter = _Cutter(body, settings)
    for tag, _, start, end in cutter.fields(0, len(body)):
        if tag == _FIRST:
            yield from cutter.resource(start, end)


class _Cutter:
    """Walks through one body, and counts what it finds."""

    def __init__(self, body: bytes, settings: CollectorSettings) -> None:
        self._body = body
        self._settings = settings
        self._found = 0

    def resource(self, start: int, end: int) -> Iterator[bytes]:
        """Each scope of a resource with the resource around it."""
        around, scopes = self._split(start, end)
        for _, scope_start, scope_end in scopes:
            for piece in self._scope(scope_start, scope_end):
                yield _field(_FIRST, around + _field(_SECOND, piece))

    def _scope(self, start: int, end: int) -> Iterator[bytes]:
        """The records of a scope, some at a time, with the scope around them."""
        around, records = self._split(start, end)
        some: list[bytes] = []
        size = 0
        limit = self._settings.max_record_bytes
        for whole, _, record_end in records:
            if record_end - whole > limit:
                raise TooLargeError(
                    f"a record is larger than max_record_bytes, {limit}", "send less in it, or raise the limit"
                )
            some.append(self._body[whole:record_end])
            size += len(some[-1])
            if size >= PIECE_BYTES:
                yield around + b"".join(some)
                some, size = [], 0
        if some:
            yield around + b"".join(some)

    def _split(self, start: int, end: int) -> tuple[bytes, list[tuple[int, int, int]]]:
        """The second field's occurrences (with their tag, without, end), and everything else as it stands."""
        around: list[bytes] = []
        inner: list[tuple[int, int, int]] = []
        limit = self._settings.max_record_bytes
        size = 0
        for tag, whole, value, value_end in self.fields(start, end):
            if tag == _SECOND:
                inner.append((whole, value, value_end))
            else:
                around.append(self._body[whole:value_end])
                size += len(around[-1])
        if size > limit:
            raise TooLargeError(f"a resource or scope is larger than max_record_bytes, {limit}", "send less of it")
        return b"".join(around), inner

    def fields(self, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Each field of a message: its tag, where it begins, where its value begins, and where it ends."""
        limit = self._settings.max_records
        while at < end:
            self._found += 1
            if self._found > limit:
                raise TooLargeError(
                    f"the export holds more than max_records, {limit}, records, scopes and resources",
                    "send smaller batches, or raise the limit",
                )
            begin = at
            tag, at = self._varint(at, end)
            kind = tag & 7
            if kind == _LENGTH:
                length, at = self._varint(at, end)
                value, at = at, at + length
            elif kind == _VARINT:
                value = at
                _, at = self._varint(at, end)
            elif kind in {_FIXED64, _FIXED32}:
                value, at = at, at + (8 if kind == _FIXED64 else 4)
            else:
                raise MalformedError(f"the body is no protobuf: wire type {kind} at byte {begin}", "")
            if at > end:
                raise MalformedError(f"the body is no protobuf: the field at byte {begin} ends beyond its message", "")
            yield tag, begin, value, at

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        number = shift = 0
        while at < end and shift < 64:
            byte = self._body[at]
            at += 1
            number |= (byte & 127) << shift
            if byte < 128:
                return number, at
            shift += 7
        raise MalformedError(f"the body is no protobuf: a number at byte {at} has no end", "")


def _field(tag: int, value: bytes) -> bytes:
    length, left = bytearray(), len(value)
    while left > 127:
        length.append(left & 127 | 128)
        left >>= 7
    length.append(left)
    return bytes((tag,)) + bytes(length) + value
