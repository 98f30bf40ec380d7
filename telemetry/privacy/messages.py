"""Scrubs OTLP messages in place, before they are sent.

All texts are scrubbed, in whatever message type they are: names, statuses, events, links, bodies, attribute values.
Names of attributes stay as they are.
"""

from functools import lru_cache
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from telemetry.privacy.rules import ERROR, marker
from telemetry.privacy.scrubber import Scrubs
from telemetry.privacy.urls import LOGGED

_PAIR: Final = KeyValue.DESCRIPTOR.full_name
_ANY: Final = AnyValue.DESCRIPTOR.full_name
_MAX_DEPTH: Final = 64  # levels of nested values; deeper ones are replaced by a marker


def scrub_message(message: Message, scrubber: Scrubs) -> None:
    """Scrub every text in `message`."""
    kind = message.DESCRIPTOR.full_name
    if kind == _PAIR:
        _any(message.key, message.value, scrubber, _MAX_DEPTH)  # type: ignore[attr-defined]
    elif kind == _ANY:
        _any(LOGGED, message, scrubber, _MAX_DEPTH)
    else:
        for field, several, text in _fields(message.DESCRIPTOR):
            _field(message, field, scrubber, several=several, text=text)


def cut_texts(pairs: Any, longest: int | None) -> None:
    """Cut the texts of attributes to `longest` characters; None: no limit."""
    for pair in pairs if longest is not None else ():
        _cut(pair.value, longest)


def _cut(value: Any, longest: int | None) -> None:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        if len(value.string_value) > (longest or 0):
            value.string_value = value.string_value[:longest]
    elif kind == "array_value":
        for item in value.array_value.values:
            _cut(item, longest)
    elif kind == "kvlist_value":
        cut_texts(value.kvlist_value.values, longest)


def _field(message: Any, field: str, scrubber: Scrubs, *, several: bool, text: bool) -> None:
    value = getattr(message, field)
    if text and several:
        value[:] = [scrubber.text(item) for item in value]
    elif text:
        scrubbed = scrubber.text(value) if value else value
        if scrubbed != value:
            setattr(message, field, scrubbed)
    elif several:
        for item in value:
            scrub_message(item, scrubber)
    elif message.HasField(field):
        scrub_message(value, scrubber)


def _any(name: str, value: Any, scrubber: Scrubs, depth: int) -> None:
    """Scrub the value of an attribute or of a log body; `name` is LOGGED for a body."""
    kind = value.WhichOneof("value")
    if kind in {"array_value", "kvlist_value"}:
        # a name that hides a text hides a container too
        hidden = scrubber.value(name, ["x"] if kind == "array_value" else {"x": "x"})
        if depth <= 0 or isinstance(hidden, str):
            value.string_value = hidden if isinstance(hidden, str) else marker(ERROR)
            return
        for item in getattr(value, kind).values:
            if kind == "array_value":
                _any(name, item, scrubber, depth - 1)
            else:
                _any(item.key, item.value, scrubber, depth - 1)
    elif kind in {"string_value", "bytes_value", "int_value"}:
        original = getattr(value, kind)
        scrubbed = scrubber.value(name, original)
        if isinstance(scrubbed, str):
            value.string_value = scrubbed
        elif scrubbed != original:
            setattr(value, kind, scrubbed)


@lru_cache(128)
def _fields(kind: Descriptor) -> tuple[tuple[str, bool, bool], ...]:
    """Return the fields of a message type that are or contain texts: name, whether repeated, whether a text itself."""
    return tuple(
        (field.name, _repeated(field), field.type == FieldDescriptor.TYPE_STRING)
        for field in kind.fields
        if field.type in {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE}
    )


def _repeated(field: Any) -> bool:
    """Return whether a field is repeated: a property since protobuf 6.31, a label before."""
    several = getattr(field, "is_repeated", None)
    return bool(field.label == FieldDescriptor.LABEL_REPEATED if several is None else several)
