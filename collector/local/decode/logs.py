"""Decodes log records from OTLP to rows."""

from __future__ import annotations

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from collector.local.decode.decoded import DEFAULT, TIME_TOO_LATE, Bounds, Decoded, UnfitError, plain
from collector.local.decode.reasons import Rejected
from collector.local.store.rows import Row
from collector.local.store.schema import LOGS


def decode_logs(request: ExportLogsServiceRequest, bounds: Bounds = DEFAULT) -> Decoded:
    """All log records of one export. One that cannot be stored is rejected, the others are kept."""
    decoded = Decoded("logs", bounds=bounds)
    rows: list[Row] = []
    for service, resource_id, scope_id, scope in decoded.scopes_of(
        request.resource_logs, "scope_logs", lambda scope: len(scope.log_records)
    ):
        for record in scope.log_records:
            if (record.time_unix_nano | record.observed_time_unix_nano) >> 63:
                decoded.reject(Rejected.TIME, f"a log record's {TIME_TOO_LATE}")
                continue
            try:
                rows.append(_row(decoded, record, service, resource_id, scope_id))
            except UnfitError as error:
                decoded.reject(error.reason, f"a log record: {error}")
    decoded.records = len(rows)
    if rows:
        decoded.rows[LOGS.name] = rows
    return decoded


def _row(decoded: Decoded, record: LogRecord, service: str, resource_id: int, scope_id: int) -> Row:
    return (
        record.time_unix_nano,
        record.observed_time_unix_nano,
        record.severity_number,
        record.severity_text,
        orjson.dumps(plain(record.body, decoded.bounds)).decode(),
        record.event_name,
        service,
        decoded.id_or_none(record.trace_id, 16),
        decoded.id_or_none(record.span_id, 8),
        record.flags,
        decoded.attributes(record.attributes),
        record.dropped_attributes_count,
        resource_id,
        scope_id,
    )
