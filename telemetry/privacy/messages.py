"""Scrubs messages of OTLP.

In: a message about to be sent, ours alone. Out: the same message, with every text in it scrubbed: names, statuses,
events, links, bodies, attributes of whatever carries some, and whatever OTLP may add. Names of attributes are left
alone. State: which fields of each kind of message lead to texts, found once.
"""

from functools import lru_cache
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from telemetry.privacy.scrubber import Scrubs

_PAIR: Final = KeyValue.DESCRIPTOR.full_name
_ANY: Final = AnyValue.DESCRIPTOR.full_name
_DEEPEST: Final = 64  # messages inside messages; beyond them nothing is left


def scrub_message(message: Message, scrubber: Scrubs, longest: int | None = None) -> None:
    """Scrub every text in `message`, and cut those of attributes to `longest` characters, if there is a limit."""
    _message(message, scrubber, longest, _DEEPEST)


def _message(message: Any, scrubber: Scrubs, longest: int | None, depth: int) -> None:
    kind = message.DESCRIPTOR.full_name
    if kind == _PAIR:
        _pair(message, scrubber, longest, depth)
    elif kind == _ANY:
        _any("", message, scrubber, longest, depth)
    else:
        for field, several, text in _fields(message.DESCRIPTOR):
            _field(message, field, several=several, text=text, inside=(scrubber, longest, depth))


def _field(message: Any, field: str, *, several: bool, text: bool, inside: tuple[Scrubs, int | None, int]) -> None:
    scrubber, longest, depth = inside
    value = getattr(message, field)
    if text and several:
        value[:] = [scrubber.text(item) for item in value]
    elif text:
        scrubbed = scrubber.text(value) if value else value
        if scrubbed != value:
            setattr(message, field, scrubbed)
    elif several:
        for item in value:
            _message(item, scrubber, longest, depth - 1)
    elif message.HasField(field):
        _message(value, scrubber, longest, depth - 1)


def _pair(pair: Any, scrubber: Scrubs, longest: int | None, depth: int) -> None:
    _any(pair.key, pair.value, scrubber, longest, depth)


def _any(name: str, value: Any, scrubber: Scrubs, longest: int | None, depth: int) -> None:
    """Scrub the value of an attribute, or of a body, which has no name."""
    kind = value.WhichOneof("value")
    if kind in {"array_value", "kvlist_value"}:
        hidden = scrubber.value(name, ["x"])  # a name that hides one text hides all there is
        if depth <= 0 or hidden != ["x"]:
            value.string_value = hidden if isinstance(hidden, str) else scrubber.value("password", "x")
            return
        for item in getattr(value, kind).values:
            if kind == "array_value":
                _any(name, item, scrubber, longest, depth - 1)
            else:
                _pair(item, scrubber, longest, depth - 1)
    elif kind in {"string_value", "bytes_value", "int_value"}:
        given = getattr(value, kind)
        scrubbed = scrubber.value(name, given)
        if isinstance(scrubbed, str):
            value.string_value = scrubbed if longest is None else scrubbed[:longest]
        elif scrubbed != given:
            setattr(value, kind, scrubbed)


@lru_cache(128)
def _fields(kind: Descriptor) -> tuple[tuple[str, bool, bool], ...]:
    """Return the fields of a kind of message that are or hold texts: name, whether repeated, whether a text itself."""
    return tuple(
        (field.name, field.is_repeated, field.type == FieldDescriptor.TYPE_STRING)
        for field in kind.fields
        if field.type in {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE}
    )
