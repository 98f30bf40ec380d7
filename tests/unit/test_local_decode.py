"""What OTLP sends is what the store is given: every field, every type, to the last bit."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from collector.local.decode.decoded import Decoded
from collector.local.decode.signals import BY_PATH
from collector.local.intake.payload import JSON, PROTOBUF, parse
from collector.local.store.spans.tables import TABLES
from collector.local.store.store import Store
from collector.local.store.views import VIEWS
from tests import otlp_samples as otlp
from tests.otlp_samples import decode, rows

TRACES, METRICS, LOGS = (BY_PATH[f"/v1/{name}"] for name in ("traces", "metrics", "logs"))


def stored(*exports: Decoded) -> dict[str, list[dict[str, Any]]]:
    """The exports as they stand in a store, by table."""
    store = Store.open(None)
    store.write(exports, [str(number) for number in range(len(exports))], 5)
    tables = {table.name: rows(store.reader(), f'SELECT * FROM "{table.name}"') for table in (*TABLES, *VIEWS)}
    store.close()
    return tables


def test_a_span_with_every_field_set_is_stored_with_every_field() -> None:
    """No field of a span in OTLP/JSON is lost, rounded or renamed."""
    tables = stored(decode(TRACES, otlp.traces(otlp.full_span())))
    (span,) = tables["spans"]
    (resource,) = tables["resources"]
    (scope,) = tables["scopes"]
    assert span == {
        "trace_id": otlp.TRACE_ID,
        "span_id": otlp.SPAN_ID,
        "parent_span_id": otlp.PARENT_ID,
        "name": "/search",
        "kind": "server",
        "service": "gateway",
        "start_unix_ns": otlp.START_NS,
        "end_unix_ns": otlp.START_NS + 5_000_000,
        "status": "error",
        "status_message": "no such collection",
        "attributes": otlp.EVERY_ATTRIBUTE_AS_JSON,
        "dropped_attributes": 3,
        "dropped_events": 5,
        "dropped_links": 7,
        "trace_state": "vendor=1",
        "flags": 257,
        "resource_id": resource["resource_id"],
        "scope_id": scope["scope_id"],
        "ingested_unix_ns": 5,
        "trace_no": 1,
        "segment_no": 0,
    }
    assert resource | {"resource_id": 0} == {
        "resource_id": 0,
        "service": "gateway",
        "attributes": '{"service.name":"gateway","process.pid":42}',
        "dropped_attributes": 1,
        "schema_url": "https://example.org/resource",
        "ingested_unix_ns": 5,
    }
    assert scope | {"scope_id": 0} == {
        "scope_id": 0,
        "name": "telemetry",
        "version": "0.1.0",
        "attributes": '{"kind":"library"}',
        "dropped_attributes": 2,
        "schema_url": "https://example.org/scope",
        "ingested_unix_ns": 5,
    }


def test_events_and_links_are_stored_in_their_order_with_every_field() -> None:
    """Events and links belong to their span and keep their place."""
    tables = stored(decode(TRACES, otlp.traces(otlp.full_span())))
    of_span = {"trace_id": otlp.TRACE_ID, "span_id": otlp.SPAN_ID, "ingested_unix_ns": 5, "trace_no": 1}
    assert tables["span_events"] == [
        of_span
        | {
            "position": 0,
            "name": "exception",
            "time_unix_ns": otlp.START_NS + 1,
            "attributes": '{"exception.type":"ValueError"}',
            "dropped_attributes": 4,
        },
        of_span
        | {
            "position": 1,
            "name": "retry",
            "time_unix_ns": otlp.START_NS + 2,
            "attributes": "{}",
            "dropped_attributes": 0,
        },
    ]
    assert tables["span_links"] == [
        of_span
        | {
            "position": 0,
            "linked_trace_id": "0af7651916cd43dd8448eb211c80319c",
            "linked_span_id": "b7ad6b7169203331",
            "trace_state": "other=2",
            "flags": 1,
            "attributes": '{"batch.position":9007199254740993}',
            "dropped_attributes": 6,
        }
    ]


@pytest.mark.parametrize(
    ("number", "name"),
    list(enumerate(("unspecified", "internal", "server", "client", "producer", "consumer", "unspecified"))),
)
def test_each_kind_has_its_name(number: int, name: str) -> None:
    """A kind that OTLP does not know (yet) is unspecified."""
    (span,) = stored(decode(TRACES, otlp.traces(otlp.small_span(1, kind=number))))["spans"]
    assert span["kind"] == name


def test_a_root_has_no_parent_whether_it_sends_none_or_zeros() -> None:
    """NULL is the root's parent, whatever the sender's way of saying so."""
    spans = [otlp.small_span(1), otlp.small_span(2, parentSpanId=""), otlp.small_span(3, parentSpanId="0" * 16)]
    assert [span["parent_span_id"] for span in stored(decode(TRACES, otlp.traces(*spans)))["spans"]] == [None] * 3


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"traceId": "5b8e"}, "trace_id must be 16 bytes and not all zeros, got 5b8e"),
        ({"traceId": ""}, "trace_id must be 16 bytes and not all zeros, got none"),
        ({"traceId": "0" * 32}, "trace_id must be 16 bytes"),
        ({"spanId": "ab"}, "span_id must be 8 bytes"),
        ({"spanId": "0" * 16}, "span_id must be 8 bytes"),
        ({"parentSpanId": "ab"}, "parent_span_id must be 8 bytes or absent, got ab"),
        ({"endTimeUnixNano": str(2**63)}, "a time is above 2^63 - 1 nanoseconds"),
        ({"startTimeUnixNano": str(2**64 - 1)}, "a time is above 2^63 - 1 nanoseconds"),
        ({"events": [{"timeUnixNano": str(2**64 - 1)}]}, "a time is above 2^63 - 1 nanoseconds"),
    ],
)
def test_a_span_that_cannot_be_stored_is_rejected_alone(fields: dict[str, Any], problem: str) -> None:
    """The others in the export are stored, and the response names the one that was not, and why."""
    decoded = decode(TRACES, otlp.traces(otlp.small_span(1), otlp.small_span(2, **fields), otlp.small_span(3)))
    assert (decoded.records, decoded.rejected) == (2, 1)
    assert decoded.problem.startswith("span 'span 2': ")
    assert problem in decoded.problem
    assert [span["name"] for span in stored(decoded)["spans"]] == ["span 1", "span 3"]


def test_the_latest_time_that_fits_is_kept() -> None:
    """2^63 - 1 is still a time."""
    (span,) = stored(decode(TRACES, otlp.traces(otlp.small_span(1, endTimeUnixNano=str(2**63 - 1)))))["spans"]
    assert span["end_unix_ns"] == 2**63 - 1


def test_points_of_every_type_are_stored_with_every_field() -> None:
    """Integers stay integers, NaN is not NULL, an unsigned count may have its 64th bit."""
    points = stored(decode(METRICS, otlp.metrics(*otlp.every_metric())))["metric_points"]
    lowest, infinite, none, total, histogram, exponential, summary = points
    shared = {"service": "gateway", "attributes": '{"route":"/search"}', "start_unix_ns": otlp.START_NS}
    for point in points:
        assert shared.items() <= point.items()
        assert point["time_unix_ns"] == otlp.START_NS + 1
    about = {"name": "queue.length", "type": "gauge", "unit": "{item}", "description": "waiting", "temporality": ""}
    assert (about | {"metadata": '{"owner":"us"}'}).items() <= lowest.items()
    assert (lowest["int_value"], lowest["double_value"]) == (otlp.MIN_INT, None)
    assert (infinite["int_value"], infinite["double_value"]) == (None, float("inf"))
    assert (none["int_value"], none["double_value"], none["flags"]) == (None, None, 1)
    assert (total["int_value"], total["temporality"], total["monotonic"]) == (otlp.MAX_INT, "cumulative", True)
    assert {
        "type": "histogram",
        "temporality": "delta",
        "monotonic": False,
        "count": 2**64 - 1,
        "sum": 1.5,
        "min": 0.1,
        "max": 1.0,
        "bounds": [0.1, 1.0],
        "bucket_counts": [1, 2, 0],
        "scale": None,
        "positive_counts": None,
    }.items() <= histogram.items()
    assert repr(exponential["sum"]) == "nan"
    assert {
        "type": "exponential_histogram",
        "count": 6,
        "min": None,
        "max": None,
        "scale": -2,
        "zero_count": 1,
        "zero_threshold": 1e-9,
        "positive_offset": -3,
        "positive_counts": [1, 2],
        "negative_offset": 4,
        "negative_counts": [2],
        "bounds": None,
    }.items() <= exponential.items()
    assert {
        "type": "summary",
        "count": 2,
        "sum": 3.5,
        "quantiles": [0.5, 0.99],
        "quantile_values": [1.5, 2.0],
        "int_value": None,
    }.items() <= summary.items()


def test_exemplars_point_to_their_own_point_and_trace_across_exports() -> None:
    """Points are numbered through the whole store, so that an exemplar of the second export is not one of the first."""
    tables = stored(*(decode(METRICS, otlp.metrics(*otlp.every_metric())) for _ in range(2)))
    points = {point["point_id"]: point["name"] for point in tables["metric_points"]}
    assert len(points) == 14
    exemplars = tables["exemplars"]
    assert [points[exemplar["point_id"]] for exemplar in exemplars] == ["requests", "duration", "duration.fine"] * 2
    assert len({exemplar["point_id"] for exemplar in exemplars}) == 6
    first, second, third = exemplars[:3]
    assert first | {"point_id": 0} == {
        "point_id": 0,
        "time_unix_ns": otlp.START_NS,
        "int_value": 3,
        "double_value": None,
        "trace_id": otlp.TRACE_ID,
        "span_id": otlp.SPAN_ID,
        "attributes": '{"query.kind":"text"}',
        "ingested_unix_ns": 5,
    }
    assert second["double_value"] == 0.25
    assert (third["trace_id"], third["span_id"]) == (None, None)


def test_a_log_record_is_stored_with_every_field() -> None:
    """A body may be any value; text is a JSON string."""
    record = {
        "timeUnixNano": str(otlp.START_NS),
        "observedTimeUnixNano": str(otlp.START_NS + 1),
        "severityNumber": 17,
        "severityText": "ERROR",
        "body": {"kvlistValue": {"values": otlp.EVERY_ATTRIBUTE}},
        "attributes": otlp.EVERY_ATTRIBUTE,
        "droppedAttributesCount": 2,
        "flags": 1,
        "traceId": otlp.TRACE_ID,
        "spanId": otlp.SPAN_ID,
        "eventName": "search.failed",
    }
    (log,) = stored(decode(LOGS, otlp.logs(record)))["logs"]
    assert log | {"resource_id": 0, "scope_id": 0} == {
        "time_unix_ns": otlp.START_NS,
        "observed_unix_ns": otlp.START_NS + 1,
        "severity_number": 17,
        "severity_text": "ERROR",
        "body": otlp.EVERY_ATTRIBUTE_AS_JSON,
        "event_name": "search.failed",
        "service": "gateway",
        "trace_id": otlp.TRACE_ID,
        "span_id": otlp.SPAN_ID,
        "flags": 1,
        "attributes": otlp.EVERY_ATTRIBUTE_AS_JSON,
        "dropped_attributes": 2,
        "resource_id": 0,
        "scope_id": 0,
        "ingested_unix_ns": 5,
    }


def test_a_log_record_with_invalid_ids_is_kept_outside_any_trace() -> None:
    """OTLP asks for this: a log line is worth more than its link to a trace."""
    records: list[dict[str, Any]] = [
        {"body": {"stringValue": "a"}},
        {"traceId": "ab", "spanId": "00" * 8, "body": {"stringValue": "b"}},
    ]
    found = stored(decode(LOGS, otlp.logs(*records)))["logs"]
    assert [(log["body"], log["trace_id"], log["span_id"]) for log in found] == [
        ('"a"', None, None),
        ('"b"', None, None),
    ]


def test_a_log_or_point_beyond_2262_is_rejected_alone() -> None:
    """As with spans, the rest of the export is kept."""
    late = {"timeUnixNano": str(2**63)}
    decoded_logs = decode(LOGS, otlp.logs(late, {"body": {"stringValue": "kept"}}))
    gauge = {"name": "queue.length", "gauge": {"dataPoints": [late | {"asInt": "1"}, {"asInt": "2"}]}}
    decoded_metrics = decode(METRICS, otlp.metrics(gauge))
    for decoded in (decoded_logs, decoded_metrics):
        assert (decoded.records, decoded.rejected) == (1, 1)
        assert "2^63 - 1" in decoded.problem


def test_a_resource_without_a_name_is_an_unknown_service() -> None:
    """A service always has a name to ask for."""
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [otlp.small_span(1)]}]}]}
    (span,) = stored(decode(TRACES, document))["spans"]
    assert span["service"] == "unknown_service"


def test_the_same_resource_has_the_same_row_in_every_export_and_store() -> None:
    """Ids of resources and scopes come from what is in them."""
    first, second = decode(TRACES, otlp.traces(otlp.small_span(1))), decode(TRACES, otlp.traces(otlp.small_span(2)))
    tables = stored(first, second)
    assert len(tables["resources"]) == len(tables["scopes"]) == 1
    assert stored(second)["resources"] == tables["resources"]


def test_protobuf_and_json_of_the_same_export_are_the_same() -> None:
    """Hexadecimal ids in JSON are the bytes of protobuf."""
    message = parse(orjson.dumps(otlp.traces(otlp.full_span())), JSON, TRACES.request)
    again = TRACES.decode(parse(message.SerializeToString(), PROTOBUF, TRACES.request))
    assert again == decode(TRACES, otlp.traces(otlp.full_span()))


def test_attributes_are_json_that_any_reader_takes() -> None:
    """Strict JSON: no NaN, no Infinity as bare words."""

    def refuse(word: str) -> None:
        raise AssertionError(word)

    assert json.loads(otlp.EVERY_ATTRIBUTE_AS_JSON, parse_constant=refuse)["nan"] == "NaN"
