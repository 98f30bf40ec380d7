"""Parses what is readable of an export in protobuf that cannot be parsed as a whole."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from collector.local.decode.decoded import Decoded, UnfitError
from collector.local.decode.metrics import points_of
from collector.local.decode.reasons import Rejected, Repaired
from collector.local.decode.signals import Signal
from collector.local.errors import MalformedError
from collector.local.intake.payload import MAX_DEPTH
from collector.local.intake.wire import GROUP, LENGTH, encode, fields

METRIC = 2
"""The step of the path to records that is a metric: its records, the points, are one level below."""
SHARED_DEPTH = 2
"""To which depth readable parts are kept: a resource's attributes, an attribute's key and value."""


def repair_protobuf(body: bytes, signal: Signal, decoded: Decoded) -> Message | None:
    """The readable parts of the export; None if its records cannot be separated."""
    request = signal.request()
    try:
        _Reader(signal, decoded).walk(request, body, 0)
    except MalformedError:
        return None
    return request


class _Reader:
    """Reads one export."""

    def __init__(self, signal: Signal, decoded: Decoded) -> None:
        self._path = signal.path_to_records
        self._decoded = decoded

    def walk(self, message: Message, body: bytes, step: int) -> None:
        """Read a message that leads to records; `step` is the next one of the path.

        Raises:
            MalformedError: its fields cannot be separated.
        """
        for tag, begin, value, end in fields(body, 0, len(body)):
            field = message.DESCRIPTOR.fields_by_number.get(tag >> 3)
            if tag & 7 == GROUP:
                self._decoded.repair(Repaired.FIELD)
                continue
            if field is None or tag & 7 != LENGTH or field.name not in self._path[step]:
                self._keep(message, body[begin:end])
                continue
            inner = getattr(message, field.name)
            if step == len(self._path) - 1:
                self._record(inner, body[value:end])
            elif step == METRIC:
                self._metric(inner, body[value:end])
            elif hasattr(inner, "add"):
                self.walk(inner.add(), body[value:end], step + 1)
            else:
                inner.SetInParent()
                self.walk(inner, body[value:end], step + 1)

    def _metric(self, metrics: Any, body: bytes) -> None:
        """Read a metric, or reject it with its points if they cannot be separated."""
        metric = metrics.add()
        try:
            self.walk(metric, body, METRIC + 1)
        except MalformedError as error:
            points = len(points_of(metric))
            del metrics[-1]
            problem = f"a Metric cannot be read as protobuf: {error}"
            self._decoded.reject(Rejected.UNREADABLE, problem, max(1, points))

    def _record(self, records: Any, body: bytes) -> None:
        record = records.add()
        try:
            for repaired in self._fill(record, body):
                self._decoded.repair(repaired)
        except UnfitError as error:
            del records[-1]
            self._decoded.reject(error.reason, str(error))

    @staticmethod
    def _fill(message: Message, body: bytes) -> set[Repaired]:
        """Read a whole message; return what was repaired in it.

        Raises:
            UnfitError: it cannot be read; nothing of it is in `message`.
        """
        kind = type(message)
        repaired: set[Repaired] = set()
        try:
            message.MergeFrom(kind.FromString(body))
        except DecodeError:
            try:
                message.MergeFrom(kind.FromString(readable(kind.DESCRIPTOR, body, repaired)))
            except (DecodeError, MalformedError) as error:
                name = kind.DESCRIPTOR.name
                raise UnfitError(Rejected.UNREADABLE, f"a {name} cannot be read as protobuf: {error}") from None
        return repaired

    def _keep(self, message: Message, field: bytes, depth: int = 0) -> None:
        """Keep the readable parts of a field that is not a record."""
        try:
            repairs = self._fill(message, field)
        except UnfitError:
            if depth == SHARED_DEPTH or not self._keep_parts(message, field, depth):
                self._decoded.repair(Repaired.FIELD)
        else:
            for repaired in repairs:
                self._decoded.repair(repaired)

    def _keep_parts(self, message: Message, body: bytes, depth: int) -> bool:
        """Keep the readable fields of a field that cannot be read as a whole; false if it has no fields."""
        ((tag, _, value, end),) = fields(body, 0, len(body))
        field = message.DESCRIPTOR.fields_by_number.get(tag >> 3)
        if field is None or field.message_type is None or tag & 7 != LENGTH:
            return False
        inner = getattr(message, field.name)
        if hasattr(inner, "add"):
            inner = inner.add()
        try:
            for _, begin, _, part_end in fields(body, value, end):
                self._keep(inner, body[begin:part_end], depth + 1)
        except MalformedError:
            return False
        return True


def readable(descriptor: Any, body: bytes, repaired: set[Repaired], depth: int = 0) -> bytes:
    """A message's bytes without groups, and with U+FFFD in place of invalid UTF-8.

    Args:
        descriptor: of the message.
        body: the message.
        repaired: what was repaired is added to it.
        depth: nesting of this message.

    Raises:
        UnfitError: it is nested too deep.
        MalformedError: it is not protobuf.
    """
    if depth > MAX_DEPTH:
        raise UnfitError(Rejected.MAX_DEPTH, f"a message is nested deeper than {MAX_DEPTH} messages")
    parts: list[bytes] = []
    for tag, begin, value, end in fields(body, 0, len(body)):
        field = descriptor.fields_by_number.get(tag >> 3)
        was = body[value:end]
        now = was
        if tag & 7 == GROUP:
            repaired.add(Repaired.FIELD)
            continue
        if field is not None and tag & 7 == LENGTH:
            if field.type == FieldDescriptor.TYPE_STRING:
                now = was.decode("utf-8", "replace").encode()
                if now != was:
                    repaired.add(Repaired.TEXT)
            elif field.message_type is not None:
                now = readable(field.message_type, was, repaired, depth + 1)
        parts.append(body[begin:end] if now == was else encode(tag, now))
    return b"".join(parts)
