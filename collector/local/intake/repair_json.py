"""Parses what is readable of an export in OTLP's JSON that cannot be parsed as a whole.

As lenient as the OpenTelemetry Collector, which reads JSON in order: the last member of a oneof counts, null is an
empty message, text may contain control characters, and what follows the export is ignored.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from collector.local.decode.decoded import Decoded, UnfitError
from collector.local.decode.reasons import Rejected, Repaired
from collector.local.decode.signals import Signal
from collector.local.intake.payload import MAX_DEPTH, ids_to_base64, short

_NO_TEXT = re.compile("[\udc80-\udcff]+|[\ud800-\udfff]")
"""What cannot be encoded as UTF-8: bytes that were not UTF-8 (`surrogateescape`), and lone surrogates."""
_BAD_IDS = {
    "traceId": Rejected.TRACE_ID,
    "trace_id": Rejected.TRACE_ID,
    "spanId": Rejected.SPAN_ID,
    "span_id": Rejected.SPAN_ID,
    "parentSpanId": Rejected.PARENT_SPAN_ID,
    "parent_span_id": Rejected.PARENT_SPAN_ID,
}
_DIGITS = 30
"""Numbers with more digits stay text: they are out of range, and Python refuses very long ones."""


def repair_json(body: bytes, signal: Signal, decoded: Decoded) -> Message | None:
    """The readable parts of the export; None if it is not JSON, or not an object."""
    request = signal.request()
    try:
        document = _load(body, decoded)
        _Reader(signal, decoded).walk(request, {} if document is None else document, 0)
    except _NotAnExportError:
        return None
    return request


class _NotAnExportError(Exception):
    """The body is not JSON, or its resources are not a list of objects."""


def _load(body: bytes, decoded: Decoded) -> dict[str, Any] | None:
    """The object in the body, with lone surrogates in place of invalid text; or null."""
    document: Any
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _load_leniently(body, decoded)
    if not isinstance(document, dict | None):
        raise _NotAnExportError
    return document


def _load_leniently(body: bytes, decoded: Decoded) -> Any:
    text = body.decode("utf-8-sig", "surrogateescape").strip(" \t\r\n")
    reader = json.JSONDecoder(
        strict=False, parse_constant=str, parse_int=lambda digits: digits if len(digits) > _DIGITS else int(digits)
    )
    try:
        document, end = reader.raw_decode(text)
    except (ValueError, RecursionError):
        raise _NotAnExportError from None
    if end < len(text):
        decoded.repair(Repaired.TRAILING)
    return document


class _Reader:
    """Reads one export."""

    def __init__(self, signal: Signal, decoded: Decoded) -> None:
        self._signal = signal
        self._path = signal.path_to_records
        self._decoded = decoded

    def walk(self, message: Message, document: dict[str, Any], step: int) -> None:
        """Read a message that leads to records; `step` is the next one of the path."""
        for key, value in document.items():
            field = _field_of(message, key)
            if field is None or value is None:
                continue
            if field.name not in self._path[step]:
                self._keep(message, field, value)
                continue
            inner = getattr(message, field.name)
            if not hasattr(inner, "add"):
                inner.SetInParent()
                self._descend(inner, value, step)
            elif isinstance(value, list):
                for item in value:
                    self._item(inner, item, step)
            elif step == 0:
                raise _NotAnExportError
            else:
                self._reject(field.name, Rejected.VALUE, f"{key} must be a list")

    def _item(self, inner: Any, item: Any, step: int) -> None:
        if step == len(self._path) - 1:
            self._record(inner, item)
        else:
            self._descend(inner.add(), item, step)

    def _descend(self, message: Message, value: Any, step: int) -> None:
        value = {} if value is None else value
        if isinstance(value, dict):
            self.walk(message, value, step + 1)
        else:
            self._reject(message.DESCRIPTOR.name, Rejected.VALUE, "it must be an object")

    def _record(self, records: Any, value: Any) -> None:
        """A record: whole, or not at all."""
        record = records.add()
        try:
            value, repaired = _with_unicode({} if value is None else value)
            fits = ids_to_base64(value, self._bad_id)
            if not (fits and isinstance(value, dict) and _parsed(record, value)):
                _fill(record, value)
        except UnfitError as error:
            del records[-1]
            self._reject(_name_of(value) or record.DESCRIPTOR.name, error.reason, str(error))
        except RecursionError:
            del records[-1]
            self._reject(record.DESCRIPTOR.name, Rejected.MAX_DEPTH, "it is nested too deep")
        except Exception as error:  # noqa: BLE001 (an unexpected error must not affect other records)
            del records[-1]
            self._reject(_name_of(value) or record.DESCRIPTOR.name, Rejected.VALUE, short(error))
        else:
            if repaired:
                self._decoded.repair(Repaired.TEXT)

    def _keep(self, message: Message, field: FieldDescriptor, value: Any) -> None:
        """Keep the readable parts of what records share."""
        try:
            value, repaired = _with_unicode(value)
        except RecursionError:
            self._decoded.repair(Repaired.FIELD)
            return
        if repaired:
            self._decoded.repair(Repaired.TEXT)
        self._keep_part(message, field, value)

    def _keep_part(self, message: Message, field: FieldDescriptor, value: Any) -> None:
        scratch = type(message)()
        try:
            _fill(scratch, {field.name: value})
        except Exception:  # noqa: BLE001 (as above)
            self._keep_parts(message, field, value)
        else:
            message.MergeFrom(scratch)

    def _keep_parts(self, message: Message, field: FieldDescriptor, value: Any) -> None:
        """Keep the readable elements of a list, or fields of an object."""
        inner: Any = None if field.message_type is None else getattr(message, field.name)
        if isinstance(value, list) and hasattr(inner, "add"):
            for element in value:
                self._keep_element(inner.add(), element, inner)
        elif inner is None or hasattr(inner, "add") or not isinstance(value, dict):
            self._decoded.repair(Repaired.FIELD)
        else:
            for key, part in value.items():
                its_field = _field_of(inner, key)
                if its_field is not None and part is not None:
                    self._keep_part(inner, its_field, part)

    def _keep_element(self, element: Message, value: Any, elements: Any) -> None:
        try:
            _fill(element, value)
        except Exception:  # noqa: BLE001 (as above)
            del elements[-1]
            self._decoded.repair(Repaired.FIELD)

    def _bad_id(self, field: str, problem: str) -> str:
        """Handle an id that is not hexadecimal: a span requires its id."""
        if self._signal.name == "traces":
            raise UnfitError(_BAD_IDS[field], problem)
        self._decoded.repair(Repaired.ID)
        return ""

    def _reject(self, what: str, reason: Rejected, problem: str) -> None:
        self._decoded.reject(reason, f"{what}: {problem}")


def _fill(message: Message, document: Any, depth: int = 0) -> None:
    """Read an object into a message, field by field; the last member of a oneof counts.

    Raises:
        UnfitError: it is nested too deep.
        Exception: a value does not fit its field.
    """
    if depth > MAX_DEPTH:
        raise UnfitError(Rejected.MAX_DEPTH, f"it is nested deeper than {MAX_DEPTH} messages")
    if not isinstance(document, dict):
        raise TypeError(f"{message.DESCRIPTOR.name} must be an object")
    for key, value in document.items():
        field = _field_of(message, key)
        if field is None or value is None:
            continue
        inner = getattr(message, field.name)
        if field.message_type is None:
            is_not_a_number = field.type == FieldDescriptor.TYPE_DOUBLE and value == "nan"
            _parse_dict({key: "NaN" if is_not_a_number else value}, message)
        elif not hasattr(inner, "add"):
            inner.SetInParent()
            _fill(inner, value, depth + 1)
        elif isinstance(value, list):
            for element in value:
                _fill(inner.add(), {} if element is None else element, depth + 1)
        else:
            raise TypeError(f"{key} must be a list")


def _parsed(message: Message, document: dict[str, Any]) -> bool:
    """Whether protobuf's own parser reads an object into a message; it is faster than `_fill`."""
    try:
        message.MergeFrom(_parse_dict(document, type(message)()))
    except Exception:  # noqa: BLE001 (`_fill` reports it better, or succeeds)
        return False
    return True


def _parse_dict(document: dict[str, Any], message: Message) -> Message:
    return json_format.ParseDict(document, message, ignore_unknown_fields=True, max_recursion_depth=MAX_DEPTH)


def _field_of(message: Message, key: str) -> FieldDescriptor | None:
    """The field with a name of JSON; protobuf's own look-up fails on names with lone surrogates."""
    return _fields_of(message.DESCRIPTOR).get(key)


@cache
def _fields_of(descriptor: Any) -> dict[str, FieldDescriptor]:
    return {name: field for field in descriptor.fields for name in (field.name, field.camelcase_name)}


def _name_of(record: Any) -> str:
    name = record.get("name") if isinstance(record, dict) else None
    return f"span {name[:100]!r}" if isinstance(name, str) else ""


def _with_unicode(value: Any) -> tuple[Any, bool]:
    """A copy of a value of JSON with U+FFFD in place of invalid text; and whether there was any."""
    found = False

    def copy(part: Any) -> Any:
        nonlocal found
        if isinstance(part, str):
            text, number = _NO_TEXT.subn("\ufffd", part)
            found = found or number > 0
            return text
        if isinstance(part, dict):
            return {copy(key): copy(item) for key, item in part.items()}
        if isinstance(part, list):
            return [copy(item) for item in part]
        return part

    return copy(value), found
