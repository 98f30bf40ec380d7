"""Spans of which little is parsed, and the rest is left as bytes.

In: OTLP's own definition of an export of spans. Out: the same messages, in which some fields of a span are bytes:

- each of its attributes: most of them were seen before, and are known by their bytes;
- status, events and links, which most spans do not have: of several events or links, only the last is there, which
  tells that they have to be read from the export as it is defined.

To parse all of them, or only to ask whether there are any, took half of the time of decoding. State: none.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from opentelemetry.proto.trace.v1 import trace_pb2

_PACKAGE = "search_telemetry.raw"
_REQUEST = "ExportTraceServiceRequest"
_MANY, _ONE = frozenset({"attributes"}), frozenset({"events", "links", "status"})


def _define() -> Any:
    """The class of an export with such spans."""
    file = FileDescriptorProto()
    trace_pb2.DESCRIPTOR.CopyToProto(file)
    ours, theirs = f".{_PACKAGE}.", f".{file.package}."
    file.name, file.package = "search_telemetry/raw_spans.proto", _PACKAGE
    file.ClearField("options")
    (span,) = (message for message in file.message_type if message.name == "Span")
    for field in span.field:
        if field.name in _MANY | _ONE:
            field.type = FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
        if field.name in _ONE:
            field.label = FieldDescriptorProto.LABEL_OPTIONAL
    for message in (*file.message_type, *span.nested_type):
        for field in message.field:
            if field.type_name.startswith(theirs):
                field.type_name = ours + field.type_name.removeprefix(theirs)
    file.message_type.add(name=_REQUEST).field.add(
        name="resource_spans",
        number=1,
        label=FieldDescriptorProto.LABEL_REPEATED,
        type=FieldDescriptorProto.TYPE_MESSAGE,
        type_name=f"{ours}ResourceSpans",
    )
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{_REQUEST}"))


RawRequest = _define()
"""Like `ExportTraceServiceRequest`: the same bytes are one of both."""
