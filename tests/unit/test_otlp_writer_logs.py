"""Log records in OTLP: what is parsed again is what OpenTelemetry's own encoder makes of the same records."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs as encode_by_the_library
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from telemetry.otlp.writing import logs as writing
from telemetry.otlp.writing.logs import encode_log_records
from telemetry.privacy.scrubber import NoScrubber
from telemetry.repairs import repairs
from tests.otlp_stand_in import attributes as read_back
from tests.otlp_values import ATTRIBUTES, NANOSECONDS, TEXTS, VALUES, canonical

RESOURCES = [Resource({"service.name": "gateway"}), Resource({"a": (1, 2)}, "https://schema")]
SCOPES = [InstrumentationScope("a"), InstrumentationScope("b", "1.2", "https://schema", {"x": 1}), None]
CONTEXTS = st.builds(
    lambda trace_id, span_id, flags: trace.set_span_in_context(
        NonRecordingSpan(SpanContext(trace_id, span_id, False, TraceFlags(flags))), Context()
    ),
    st.integers(0, 2**128 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 3),
)
RECORDS = st.builds(
    lambda resource, scope, most, attributes, **fields: ReadableLogRecord(
        LogRecord(attributes=BoundedAttributes(most, attributes, immutable=False), **fields), resource, scope
    ),
    st.sampled_from(RESOURCES),
    st.sampled_from(SCOPES),
    st.sampled_from([None, 1]),
    ATTRIBUTES,
    timestamp=st.none() | NANOSECONDS,
    observed_timestamp=NANOSECONDS,
    context=CONTEXTS,
    severity_text=st.none() | TEXTS,
    severity_number=st.none() | st.sampled_from(list(SeverityNumber)),
    body=VALUES,
    event_name=st.none() | TEXTS,
)


def test_any_records_come_out_as_the_library_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times, ids, flags, severities, bodies of any shape, attributes, names of events, resources, scopes."""
    nothing = NoScrubber()
    monkeypatch.setattr(writing, "current", lambda: nothing)

    @settings(max_examples=50, deadline=None)
    @given(st.lists(RECORDS, max_size=4))
    def check(records: list[ReadableLogRecord]) -> None:
        assert canonical(ExportLogsServiceRequest, encode_log_records(records)) == canonical(
            ExportLogsServiceRequest, encode_by_the_library(records).SerializeToString()
        )

    check()


@pytest.mark.parametrize(
    ("body", "sent"),
    [("a\ud800", "a?"), (2**70, str(2**70)), (object(), "<object>"), ({1, 2}, "<set>")],
    ids=["half a character", "too large", "an object", "a set"],
)
def test_odd_records_cost_no_other(body: Any, sent: str) -> None:
    """What cannot be represented becomes the nearest, and is counted."""
    odd = LogRecord(timestamp=-1, observed_timestamp=5, body=body, severity_text="a\ud800", event_name="\ud800",
                    attributes={"x": body, "y": [1, body]})  # fmt: skip
    fine = LogRecord(timestamp=7, body="fine")
    before = repairs.count
    request = ExportLogsServiceRequest.FromString(
        encode_log_records([ReadableLogRecord(one, RESOURCES[0], SCOPES[0]) for one in (odd, fine)])
    )
    first, second = request.resource_logs[0].scope_logs[0].log_records
    assert (first.body.string_value, second.body.string_value) == (sent, "fine")
    assert (first.time_unix_nano, first.observed_time_unix_nano, first.severity_text) == (0, 5, "a?")
    assert "x" not in read_back(first.attributes) or read_back(first.attributes)["x"] == sent
    assert repairs.count - before >= 5
