"""Parses an export; if that fails, parses as much of it as possible: a bad record does not affect the others.

Repairs and rejections are recorded in `Decoded`. Text that is not Unicode is repaired with U+FFFD. A record that still
cannot be parsed is rejected alone. Unreadable parts of a resource, a scope or a metric, which records share, are left
out; a metric in protobuf whose points cannot be separated is rejected with its points. A valid export is parsed as a
whole; only if that fails, it is read field by field.
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
    """Parse the message in a body.

    Raises:
        MalformedError: it is not an export, or its records cannot be separated.
    """
    try:
        return parse(body, content_type, signal.request)
    except MalformedError as error:
        refused = MalformedError(error.message, error.hint)  # without its traceback, which holds what was parsed so far
    message = (repair_json if content_type == JSON else repair_protobuf)(body, signal, decoded)
    if message is None:
        raise refused
    return message
