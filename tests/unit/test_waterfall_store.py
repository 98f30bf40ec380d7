"""One trace asked of a store through the API: search, one span, its links both ways, OTLP JSON, the shapes kept."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from collector.local.api import answers
from collector.local.api.parameters import Parameters
from collector.local.decode.signals import BY_PATH
from collector.local.query import QueryError
from collector.local.query.waterfall import ShapeCache, cache
from collector.local.store.store import Store
from tests import otlp_samples as otlp

BATCH, REQUEST = f"{7:032x}", f"{8:032x}"
HOSTILE = '<img src=x onerror="alert(1)">'


class Asking:
    """A store in memory, what is added to it, and questions as of one server."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.shapes = ShapeCache()
        self._time = 0

    def add(self, path: str, document: Any) -> None:
        self._time += 1
        self.store.write([otlp.decode(BY_PATH[path], document)], [str(self._time)], self._time)

    def ask(self, path: str, **parameters: Any) -> Any:
        question, name = answers.find(path)
        asked = Parameters([(key, str(value)) for key, value in parameters.items()], question.parameters)
        asked.shapes = self.shapes
        with closing(self.store.reader()) as connection:
            return answers.ask(connection, question, name, asked)


@pytest.fixture
def asking() -> Iterator[Asking]:
    store = Store.open(None)
    yield Asking(store)
    store.close()


def span(trace: int, number: int, parent: int | None = None, **fields: Any) -> dict[str, Any]:
    ids = {"traceId": f"{trace:032x}"} | ({"parentSpanId": f"{parent:016x}"} if parent else {})
    return otlp.small_span(number, **ids, **fields)


def attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


@pytest.fixture
def two(asking: Asking) -> Asking:
    """A request whose stage links to a batch, which links back; with an event and a log record."""
    link = [{"traceId": BATCH, "spanId": f"{1:016x}", "attributes": [attribute("why", "batch")]}]
    event = {"name": "exception", "timeUnixNano": str(otlp.START_NS + 7)}
    event["attributes"] = [attribute("exception.message", 'no "coat" in Größe 7')]  # type: ignore[assignment]
    stage = span(8, 2, 1, links=link, attributes=[attribute("query", HOSTILE)], events=[event])
    back = [{"traceId": REQUEST, "spanId": f"{2:016x}"}, {"traceId": f"{99:032x}", "spanId": f"{2:016x}"}]
    asking.add("/v1/traces", otlp.traces(span(8, 1), stage, span(8, 3, 1, status={"code": 2, "message": "Ouch"})))
    asking.add("/v1/traces", otlp.traces(span(7, 1, links=back)))
    record = {"timeUnixNano": str(otlp.START_NS + 9), "severityNumber": 13, "body": {"stringValue": "Slow shelf"}}
    asking.add("/v1/logs", otlp.logs(record | {"traceId": REQUEST, "spanId": f"{2:016x}"}))
    return asking


def test_one_span_has_all_that_is_known_of_it(two: Asking) -> None:
    """Attributes, events and log records at their place; links both ways, with the names of the other ends."""
    found = two.ask(f"/api/traces/{REQUEST}/span", id=f"{2:016x}")
    assert (found["attributes"], found["above"], found["parent_span_id"]) == (
        {"query": HOSTILE},
        ["span 1"],
        f"{1:016x}",
    )
    assert [(event["name"], event["offset_ns"]) for event in found["events"]] == [("exception", 7)]
    assert [(log["body"], log["severity_number"], log["offset_ns"]) for log in found["logs"]] == [("Slow shelf", 13, 9)]
    other = {"trace_id": BATCH, "span_id": f"{1:016x}", "stored": True, "name": "span 1", "service": "gateway"}
    (to,), (back,) = found["links"], found["linked_from"]
    assert to == {**other, "attributes": {"why": "batch"}, "duration_ns": 1000}
    assert back == {**other, "attributes": {}, "duration_ns": 1000}
    batch = two.ask(f"/api/traces/{BATCH}/span", id=f"{1:016x}")
    assert [(link["trace_id"], link["stored"]) for link in batch["links"]] == [(REQUEST, True), (f"{99:032x}", False)]


def test_rows_show_events_and_log_records_at_their_place(two: Asking) -> None:
    (_, row, _) = two.ask(f"/api/traces/{REQUEST}/rows")["rows"]
    assert row["marks"] == [[7, "exception", "exception"], [9, "warn", '"Slow shelf"']]
    assert (row["mark_count"], row["link_count"]) == (2, 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("span", [0, 1, 2]),
        ("GATEWAY", [0, 1, 2]),
        (HOSTILE.upper(), [1]),
        ('no "coat"', [1]),
        ("größe", [1]),
        ("slow SHELF", [1]),
        ("ouch", [2]),
        ("0000000000000003", [2]),
        ("exception.message", [1]),
        ("nothing of this kind", []),
        ("%", []),
        ("' OR 1=1 --", []),
    ],
)
def test_a_text_is_found_wherever_it_is(two: Asking, text: str, found: list[int]) -> None:
    answer = two.ask(f"/api/traces/{REQUEST}/rows", search=text, level=0)
    assert (answer["matches"], [row["place"] for row in answer["rows"] if row["match"]]) == (
        {"count": len(found), "rows": found},
        found,
    )


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        ("rows", {"search": "x" * 201}, "at most 200 characters"),
        ("rows", {"search": "\ud800"}, "whole characters"),
        ("rows", {"offset": "-1"}, "offset must be"),
        ("rows", {"limit": "201"}, "limit must be 0 to 200"),
        ("rows", {"from_ns": "5", "to_ns": "4"}, "from_ns must be before"),
        ("rows", {"toggled": ",".join("a" * 1001)}, "toggled has 1001 ids"),
        ("rows", {"level": "²"}, "level must be"),
        ("span", {"id": "00000000000000ff"}, "There is no span"),
        ("span", {"id": "<script>"}, "is not a span id"),
        ("span", {}, "id is missing"),
        ("rows", {"toggled": "00000000000000ff,nonsense"}, "toggled='nonsense' is not a span id"),
        ("rows", {"reveal": "x" * 17}, "is not a span id"),
        ("otlp", {"limit": "10001"}, "limit must be"),
    ],
)
def test_a_bad_request_is_answered_with_what_is_wrong(
    two: Asking, path: str, parameters: dict[str, str], message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        two.ask(f"/api/traces/{REQUEST}/{path}", **parameters)


def parsed(document: Any) -> Any:
    """What a receiver makes of an export, without what it does not keep of it: the order of spans."""
    decoded = otlp.decode(BY_PATH["/v1/traces"], document)
    tables = {name: sorted(rows) for name, rows in decoded.rows.items()}
    return tables, decoded.resources, decoded.scopes, decoded.rejected


def test_otlp_json_is_what_was_sent(asking: Asking) -> None:
    """Every field; spans with one id keep their own events."""
    one = otlp.full_span()
    first = span(int(otlp.TRACE_ID, 16), 5, events=[{"name": "a", "timeUnixNano": "1"}])
    twin = span(int(otlp.TRACE_ID, 16), 5, name="twin", events=[{"name": "b", "timeUnixNano": "2"}])
    zero = span(int(otlp.TRACE_ID, 16), 6, startTimeUnixNano="0", endTimeUnixNano="0", kind=1)
    sent = otlp.traces(one, first, twin, zero)
    asking.add("/v1/traces", sent)
    document = asking.ask(f"/api/traces/{otlp.TRACE_ID}/otlp")
    assert set(document) == {"resourceSpans"}
    assert parsed(document) == parsed(sent)


def test_otlp_json_comes_in_pages_each_of_which_is_a_document(asking: Asking) -> None:
    sent = otlp.traces(*(span(8, number) for number in range(1, 6)))
    asking.add("/v1/traces", sent)
    pages = [asking.ask(f"/api/traces/{REQUEST}/otlp", limit=2, offset=at) for at in (0, 2, 4)]
    assert [page.get("next") for page in pages] == [2, 4, None]
    assert parsed({"resourceSpans": [part for page in pages for part in page["resourceSpans"]]}) == parsed(sent)


def test_a_shape_is_computed_once_until_something_of_its_trace_arrives(
    two: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another trace's spans change nothing; a log record of this one does."""
    computed = []
    read = cache.read_shape

    def counted(*args: Any, **kwargs: Any) -> Any:
        computed.append(args)
        return read(*args, **kwargs)

    monkeypatch.setattr(cache, "read_shape", counted)

    def look() -> int:
        two.ask(f"/api/traces/{REQUEST}/rows")
        return len(computed)

    assert (look(), look()) == (1, 1)
    two.add("/v1/traces", otlp.traces(span(9, 1)))
    assert look() == 1
    two.add("/v1/traces", otlp.traces(span(8, 4, 1)))
    assert (look(), look()) == (2, 2)
    two.add("/v1/logs", otlp.logs({"traceId": REQUEST, "spanId": f"{2:016x}"}))
    assert look() == 3


def test_few_shapes_are_kept(two: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those asked for last."""
    monkeypatch.setattr(cache, "MOST_SPANS", 3)
    for trace in (REQUEST, BATCH, REQUEST):
        two.ask(f"/api/traces/{trace}/rows")
    assert list(two.shapes._kept) == [(REQUEST, False)]


def test_the_overview_finds_the_error_and_the_time(two: Asking) -> None:
    overview = two.ask(f"/api/traces/{REQUEST}/overview")
    assert (overview["span_count"], overview["error_count"], overview["first_error"]) == (3, 1, f"{3:016x}")
    assert overview["minimap"] == [[0, 0, 1000, 0, False], [1, 0, 1000, 0, False], [2, 0, 1000, 0, True]]
    assert len(json.dumps(overview)) < 2000
