"""Statuses and partial successes of collectors, read without protobuf's message classes."""

import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo  # type: ignore[import-untyped]  # no types are published
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # as above
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from telemetry.otlp.signals import LOGS, METRICS, SPANS, SignalKind
from telemetry.otlp.status import message_of, retry_delay

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@settings(deadline=None)
@given(TEXTS, st.none() | st.integers(-(2**62), 2**62), st.integers(-999_999_999, 999_999_999))
def test_a_status_is_read_as_protobuf_reads_it(message: str, seconds: int | None, nanos: int) -> None:
    """Its message, and the delay that it asks for among other details."""
    status = Status(code=8, message=message)
    status.details.add().Pack(ErrorInfo(reason="full"))
    if seconds is not None:
        status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=seconds, nanos=nanos)))
    encoded = status.SerializeToString()
    assert message_of(encoded) == message
    assert retry_delay(encoded) == (None if seconds is None else max(0.0, seconds + nanos / 1e9))


@pytest.mark.parametrize(
    ("kind", "response", "field"),
    [
        (SPANS, ExportTraceServiceResponse, "rejected_spans"),
        (METRICS, ExportMetricsServiceResponse, "rejected_data_points"),
        (LOGS, ExportLogsServiceResponse, "rejected_log_records"),
    ],
)
def test_rejected_items_are_read_from_each_response(kind: SignalKind, response: type, field: str) -> None:
    """Their number and the collector's words; an empty response rejects nothing."""
    made = response()
    assert kind.rejected(made.SerializeToString()) == (0, "")
    setattr(made.partial_success, field, 300)
    made.partial_success.error_message = "too öld"
    assert kind.rejected(made.SerializeToString()) == (300, "too öld")


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_any_other_answer_rejects_nothing_or_is_refused(answer: bytes) -> None:
    """Nothing but ValueError and TypeError comes out of bytes that are not a message."""
    number, words = SPANS.rejected(answer)
    assert number >= 0
    assert isinstance(words, str)
    for read in (message_of, retry_delay):
        try:
            read(answer)
        except (ValueError, TypeError):
            continue
