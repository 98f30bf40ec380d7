"""Why a record was rejected, and what was repaired: the words by which `/api/stats` counts them.

In: nothing. Out: two enumerations. No state.
"""

from __future__ import annotations

from enum import StrEnum


class Rejected(StrEnum):
    """Why a record is not stored; the others of its export are."""

    TRACE_ID = "trace_id"
    """A span's trace id is not 16 bytes, is all zeros, or is not hexadecimal in JSON."""
    SPAN_ID = "span_id"
    """A span's id is not 8 bytes, is all zeros, or is not hexadecimal in JSON."""
    PARENT_SPAN_ID = "parent_span_id"
    """A span's parent id is not 8 bytes, or is not hexadecimal in JSON."""
    TIME = "time"
    """A time is beyond the year 2262."""
    BUCKETS = "buckets"
    """The buckets of a histogram do not fit its bounds, or the bounds do not rise."""
    VALUE = "value"
    """In JSON, a field has a value of another type, or out of its range."""
    UNREADABLE = "unreadable"
    """In protobuf, the record's bytes are not such a message."""
    MAX_ELEMENTS = "max_elements"
    """The limit of this name."""
    MAX_DEPTH = "max_depth"
    """The limit of this name."""
    MAX_RECORD_BYTES = "max_record_bytes"
    """The limit of this name."""


class Repaired(StrEnum):
    """What was changed in a record, a resource or a scope so that it could be stored."""

    TEXT = "text"
    """Text that was not Unicode: U+FFFD stands for what could not be read."""
    ID = "id"
    """An id of a log record or an exemplar that is not one: stored without it, as OTLP asks."""
    FIELD = "field"
    """A field of a resource, a scope or a metric that could not be read: it is left out."""
    TRAILING = "trailing"
    """Text after the export's JSON object: it is left out."""
