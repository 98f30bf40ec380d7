"""Reasons of rejections, and kinds of repairs, by which `/api/stats` counts them."""

from __future__ import annotations

from enum import StrEnum


class Rejected(StrEnum):
    """Why a record is not stored."""

    TRACE_ID = "trace_id"
    """A span's trace id is not 16 bytes, is all zeros, or is not hexadecimal in JSON."""
    SPAN_ID = "span_id"
    """A span's id is not 8 bytes, is all zeros, or is not hexadecimal in JSON."""
    PARENT_SPAN_ID = "parent_span_id"
    """A span's parent id is not 8 bytes, or is not hexadecimal in JSON."""
    TIME = "time"
    """A time is after the year 2262."""
    BUCKETS = "buckets"
    """The buckets of a histogram do not fit its bounds, or the bounds do not increase."""
    VALUE = "value"
    """In JSON, a field has a value of another type, or out of range."""
    UNREADABLE = "unreadable"
    """In protobuf, the record cannot be parsed."""
    MAX_ELEMENTS = "max_elements"
    """The limit of this name."""
    MAX_DEPTH = "max_depth"
    """The limit of this name."""
    MAX_RECORD_BYTES = "max_record_bytes"
    """The limit of this name."""


class Repaired(StrEnum):
    """What was changed in a record, a resource or a scope to store it."""

    TEXT = "text"
    """Text that is not Unicode: U+FFFD replaces the invalid part."""
    ID = "id"
    """An invalid id of a log record or an exemplar: stored without it, as OTLP requires."""
    FIELD = "field"
    """An unreadable field of a resource, a scope or a metric: it is left out."""
    TRAILING = "trailing"
    """Text after the export's JSON object: it is left out."""
