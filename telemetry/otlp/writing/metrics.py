"""Encodes metrics for OTLP.

In: the SDK's `MetricsData`, repaired; its classes are not imported here, but distinguished by their fields. Out: an
encoded `ExportMetricsServiceRequest`. State: as for spans.

Data points that differ only in a secret have equal attributes once these are scrubbed, and are merged.
"""

import struct
from functools import lru_cache
from typing import Any, Final

from telemetry.otlp.writing.frames import ITEM, Frames, Groups
from telemetry.otlp.writing.values import Values
from telemetry.otlp.writing.wire import (
    DOUBLE,
    FIXED64,
    field,
    fixed64_tag,
    packed,
    sized,
    tag,
    varint,
    varint_tag,
    zigzag,
)
from telemetry.privacy.metrics import is_gauge, merged
from telemetry.privacy.scrubber import Scrubs, current

# By number, in opentelemetry/proto/metrics/v1/metrics.proto.
_NAME, _DESCRIPTION, _UNIT = tag(1), tag(2), tag(3)
_GAUGE, _SUM, _HISTOGRAM, _EXPONENTIAL = 5, 7, 9, 10  # of `Metric`
_POINT, _TEMPORALITY, _IS_MONOTONIC = tag(1), varint_tag(2), varint_tag(3)
_TIMES: Final = struct.Struct("<BQBQ").pack
_START, _AT = fixed64_tag(2)[0], fixed64_tag(3)[0]
_COUNT, _ZEROS, _SCALE, _FLAGS = fixed64_tag(4), fixed64_tag(7), varint_tag(6), varint_tag(10)
_DOUBLE_3, _DOUBLE_4, _INT_6 = fixed64_tag(3), fixed64_tag(4), fixed64_tag(6)
_SUM_5, _MIN_11, _MAX_12, _MIN_12, _MAX_13 = map(fixed64_tag, (5, 11, 12, 12, 13))
_OFFSET, _COUNTS = varint_tag(1), tag(2)  # of buckets
_INT64: Final = struct.Struct("<q").pack
_OF_NUMBER, _OF_HISTOGRAM, _OF_EXPONENTIAL = tag(7), tag(9), tag(1)  # attributes
_EXEMPLAR_OF_NUMBER, _EXEMPLAR_OF_HISTOGRAM, _EXEMPLAR_OF_EXPONENTIAL = tag(5), tag(8), tag(11)
_TIME: Final = struct.Struct("<BQ").pack
_AT_EXEMPLAR, _SPAN_ID, _TRACE_ID, _OF_EXEMPLAR = fixed64_tag(2)[0], tag(4) + b"\x08", tag(5) + b"\x10", tag(7)


def encode_metrics_data(data: Any) -> bytes:
    """Return the request that exports `data`, scrubbed."""
    return _writer(current()).request(data)


class _MetricWriter:
    """Encodes metrics with one scrubber."""

    def __init__(self, scrubber: Scrubs) -> None:
        values = Values(scrubber)
        self._frames = Frames(values)
        self._attributes = values.attributes

    def request(self, data: Any) -> bytes:
        """Return a request."""
        groups = Groups(self._frames)
        for of_resource in data.resource_metrics:
            for of_scope in of_resource.scope_metrics:
                items = groups.of(of_resource.resource, of_scope.scope)
                for metric in of_scope.metrics:
                    items += ITEM, sized(self._metric(metric))
        return groups.request()

    def _metric(self, metric: Any) -> bytes:
        parts = [
            _NAME, sized(metric.name.encode()),
            _DESCRIPTION, sized((metric.description or "").encode()), _UNIT, sized((metric.unit or "").encode()),
        ]  # fmt: skip
        if metric.data.data_points:
            parts.append(self._data(metric.data))
        return b"".join(parts)

    def _data(self, data: Any) -> bytes:
        """Encode data points as the field of their kind."""
        first = data.data_points[0]
        if hasattr(first, "value"):
            number, attribute, encode = _SUM, _OF_NUMBER, self._number
        elif hasattr(first, "explicit_bounds"):
            number, attribute, encode = _HISTOGRAM, _OF_HISTOGRAM, self._histogram
        else:
            number, attribute, encode = _EXPONENTIAL, _OF_EXPONENTIAL, self._exponential
        latest = is_gauge(data)
        if latest:
            number, encode = _GAUGE, self._gauge
        own: dict[tuple[bytes, ...], list[bytes]] = {}  # encoded attributes, by themselves in any order
        keyed = []
        for point in data.data_points:
            encoded: list[bytes] = []
            self._attributes(point.attributes or {}, attribute, encoded)
            key = tuple(sorted(encoded))
            own.setdefault(key, encoded)
            keyed.append((key, point))
        parts: list[bytes] = []
        for key, point in merged(keyed, latest=latest):
            parts += _POINT, sized(b"".join((*own[key], encode(point))))
        if latest:
            return field(number, b"".join(parts))
        parts += _TEMPORALITY, varint(data.aggregation_temporality)
        if number == _SUM and data.is_monotonic:
            parts += _IS_MONOTONIC, b"\x01"
        return field(number, b"".join(parts))

    def _gauge(self, point: Any) -> bytes:
        number = point.value
        value = _INT_6 + _INT64(number) if isinstance(number, int) else _DOUBLE_4 + DOUBLE(number)
        return _TIME(_AT, point.time_unix_nano or 0) + value + self._exemplars(point, _EXEMPLAR_OF_NUMBER)

    def _number(self, point: Any) -> bytes:
        return _TIME(_START, point.start_time_unix_nano or 0) + self._gauge(point)

    def _histogram(self, point: Any) -> bytes:
        return b"".join((
            _times(point), _COUNT, FIXED64(point.count), _double(_SUM_5, point.sum),
            packed(6, "Q", point.bucket_counts), packed(7, "d", point.explicit_bounds),
            self._exemplars(point, _EXEMPLAR_OF_HISTOGRAM), _double(_MIN_11, point.min), _double(_MAX_12, point.max),
        ))  # fmt: skip

    def _exponential(self, point: Any) -> bytes:
        return b"".join((
            _times(point), _COUNT, FIXED64(point.count), _double(_SUM_5, point.sum), _SCALE, zigzag(point.scale),
            _ZEROS, FIXED64(point.zero_count), _buckets(8, point.positive), _buckets(9, point.negative),
            _FLAGS, varint(point.flags), self._exemplars(point, _EXEMPLAR_OF_EXPONENTIAL),
            _double(_MIN_12, point.min), _double(_MAX_13, point.max),
        ))  # fmt: skip

    def _exemplars(self, point: Any, tag_of_one: bytes) -> bytes:
        parts: list[bytes] = []
        for exemplar in point.exemplars:
            number = exemplar.value
            encoded = [
                _TIME(_AT_EXEMPLAR, exemplar.time_unix_nano or 0),
                _DOUBLE_3 + DOUBLE(number) if isinstance(number, float) else _INT_6 + _INT64(number),
            ]
            if exemplar.span_id is not None and exemplar.trace_id is not None:
                encoded += (
                    _SPAN_ID,
                    exemplar.span_id.to_bytes(8, "big"),
                    _TRACE_ID,
                    exemplar.trace_id.to_bytes(16, "big"),
                )
            self._attributes(exemplar.filtered_attributes or {}, _OF_EXEMPLAR, encoded)
            parts += tag_of_one, sized(b"".join(encoded))
        return b"".join(parts)


def _times(point: Any) -> bytes:
    return _TIMES(_START, point.start_time_unix_nano or 0, _AT, point.time_unix_nano or 0)


def _double(before: bytes, value: float | None) -> bytes:
    return b"" if value is None else before + DOUBLE(value)


def _buckets(number: int, buckets: Any) -> bytes:
    if not buckets.bucket_counts:
        return b""
    counts = b"".join(map(varint, buckets.bucket_counts))
    return field(number, _OFFSET + zigzag(buckets.offset) + _COUNTS + sized(counts))


_writer = lru_cache(4)(_MetricWriter)
