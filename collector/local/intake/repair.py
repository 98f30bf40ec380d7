"""Reads an export, and, where it cannot be read as it is, whatever of it can be: one bad record costs no other.

In: the body of an export. Out: its message; what was repaired or rejected on the way stands in `Decoded`. No state.

Text that is not Unicode is repaired, as U+FFFD, in every place. A record that cannot be read even so is rejected alone.
Of a resource, a scope or a metric, which records share, what cannot be read is left out; a metric in protobuf whose
points cannot be told from each other is rejected with them. Good exports never come here: they are parsed as a whole,
and only when that fails are they walked through, field by field.
"""

from __future__ import annotations

from google.protobuf.message import Message

from collector.local.decode.decoded import Decoded
from collector.local.decode.signals import Signal
from collector.local.errors import MalformedError
from collector.local.intake.payload import JSON, parse
from collector.local.intake.repair_json import repair_json
from collector.local.intake.repair_protobuf import repair_protobuf


def read(body: bytes, content_type: str, signal: Signal, decoded: Decoded) -> Message:
    """The message in a body.

    Raises:
        MalformedError: it is not an export, or its records cannot be told from each other.
    """
    try:
        return parse(body, content_type, signal.request)
    except MalformedError as error:
        refused = MalformedError(error.message, error.hint)  # without its traceback, which holds what was read so far
    message = (repair_json if content_type == JSON else repair_protobuf)(body, signal, decoded)
    if message is None:
        raise refused
    return message
