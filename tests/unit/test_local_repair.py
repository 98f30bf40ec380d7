"""One bad record costs no other: text is repaired, what cannot be is rejected alone, and each is counted by reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.local.cli.collect import _rejected_and_repaired
from collector.local.decode.decoded import Decoded
from collector.local.decode.reasons import Rejected, Repaired
from collector.local.decode.signals import ALL, Signal
from collector.local.errors import MalformedError
from collector.local.intake.payload import JSON, PROTOBUF, parse
from collector.local.intake.repair import read
from collector.local.server import LocalCollector
from collector.local.store.store import Store
from tests import otlp_samples as otlp
from tests.otlp_odd import METRICS, ODD, TRACES, Odd


def decoded_from(body: bytes, content_type: str, signal: Signal) -> Decoded:
    decoded = Decoded(signal.name)
    decoded.take(signal.decode(read(body, content_type, signal, decoded)))
    return decoded


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_one_odd_record_costs_no_other(odd: Odd) -> None:
    """The good ones are kept, what is wrong is counted, and rejections are reported to the sender."""
    decoded = decoded_from(odd.body, odd.content_type, odd.signal)
    assert decoded.records == odd.stored, decoded.problem
    assert (decoded.rejected_by, decoded.repaired_by) == (odd.rejected_by, odd.repaired_by)
    assert bool(decoded.problem) == bool(odd.rejected_by)
    assert len(decoded.problem) < 600


def test_whatever_is_kept_of_odd_exports_can_be_stored(store: Store) -> None:
    """All of them in one transaction: DuckDB refuses none of what was repaired."""
    kept = [decoded_from(odd.body, odd.content_type, odd.signal) for odd in ODD.values()]
    store.write(kept, [str(number) for number in range(len(kept))], 77)
    for signal, table in (("traces", "spans"), ("logs", "logs"), ("metrics", "metric_points")):
        with closing(store.reader()) as reader:
            counted = reader.execute(f"SELECT count(*) FROM {table} WHERE ingested_unix_ns = 77").fetchall()
        assert counted == [(sum(decoded.records for decoded in kept if decoded.signal == signal),)]


def test_what_is_not_text_is_shown_by_its_replacement_character() -> None:
    """And all around it is kept."""
    body = orjson.dumps(otlp.traces(otlp.small_span(1, name="MARK"))).replace(b"MARK", b"Jacke \\ud83d und H\xc3!")
    (row,) = decoded_from(body, JSON, TRACES).rows["spans"]
    assert row[3] == "Jacke \ufffd und H\ufffd!"
    body = parse(orjson.dumps(otlp.traces(otlp.small_span(1, name="Ma"))), JSON, TRACES.request).SerializeToString()
    (row,) = decoded_from(body.replace(b"Ma", b"M\xe9"), PROTOBUF, TRACES).rows["spans"]
    assert row[3] == "M\ufffd"


def test_a_whole_pair_of_surrogates_beside_a_half_one_stays_an_emoji() -> None:
    """JSON writes an emoji in two halves; a truncated text has one of them."""
    body = orjson.dumps(otlp.traces(otlp.small_span(1, name="MARK"))).replace(b"MARK", b"\\ud83e\\udde5 \\ud83e")
    (row,) = decoded_from(body, JSON, TRACES).rows["spans"]
    assert row[3] == "🧥 \ufffd"


def test_the_problem_names_the_record_and_its_field() -> None:
    """A person finds the sender's mistake by it."""
    document = otlp.traces(otlp.small_span(1), otlp.small_span(2, kind=[]))
    assert decoded_from(orjson.dumps(document), JSON, TRACES).problem.startswith("span 'span 2': Failed to parse kind")
    document = otlp.traces(otlp.small_span(1), otlp.small_span(2, spanId="XYZ"))
    assert (
        decoded_from(orjson.dumps(document), JSON, TRACES).problem == "span 'span 2': spanId 'XYZ' is not hexadecimal"
    )


@pytest.mark.parametrize(
    "body", [b"{", b"", b"[1]", b'"text"', b'{"resourceSpans": 5}', b"\xff\xfe", b"[" * 100_000, b'{"a": "\\x"}']
)
def test_what_is_not_an_export_is_still_refused(body: bytes) -> None:
    """Its records cannot be separated; neither can it in protobuf whose lengths are wrong."""
    with pytest.raises(MalformedError):
        decoded_from(body, JSON, TRACES)
    cut = parse(orjson.dumps(otlp.traces(otlp.small_span(1))), JSON, TRACES.request).SerializeToString()[:-1]
    with pytest.raises(MalformedError, match="not ExportTraceServiceRequest in protobuf"):
        decoded_from(cut, PROTOBUF, TRACES)


def test_a_good_export_is_never_walked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repair is the way of those that fail: the others are as fast as before."""
    monkeypatch.setattr("collector.local.intake.repair.repair_json", None)
    monkeypatch.setattr("collector.local.intake.repair.repair_protobuf", None)
    document = otlp.traces(otlp.full_span())
    body = parse(orjson.dumps(document), JSON, TRACES.request).SerializeToString()
    assert decoded_from(orjson.dumps(document), JSON, TRACES).records == 1
    assert decoded_from(body, PROTOBUF, TRACES).records == 1


TABLES = ("spans", "metric_points", "logs")


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    store = Store.open(None)
    yield store
    store.close()


def stored(store: Store) -> int:
    """How many records of any signal are in the store."""
    rows = store.reader().execute(" UNION ALL ".join(f"SELECT count(*) FROM {table}" for table in TABLES)).fetchall()
    return sum(count for (count,) in rows)


@settings(max_examples=60, deadline=None)
@given(signal=st.sampled_from(ALL), at=st.integers(0, 5_000), junk=st.binary(min_size=1, max_size=4))
def test_whatever_happens_to_the_bytes_an_export_is_read_or_refused(
    store: Store, signal: Signal, at: int, junk: bytes
) -> None:
    """Nothing else is raised, in protobuf or JSON; and what is read can be stored."""
    documents = {
        "traces": otlp.traces(otlp.full_span(), otlp.small_span(2)),
        "metrics": otlp.metrics(*otlp.every_metric()),
        "logs": otlp.logs({"body": {"stringValue": "x"}, "traceId": otlp.TRACE_ID}),
    }
    for content_type, body in (
        (JSON, orjson.dumps(documents[signal.name])),
        (PROTOBUF, parse(orjson.dumps(documents[signal.name]), JSON, signal.request).SerializeToString()),
    ):
        broken = bytearray(body)
        broken[at % len(broken) : at % len(broken) + len(junk)] = junk
        try:
            decoded = decoded_from(bytes(broken), content_type, signal)
        except MalformedError:
            continue
        before = stored(store)
        store.write([decoded], ["digest"], 5)
        assert stored(store) == before + decoded.records


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=80, deadline=None)
@given(signal=st.sampled_from([TRACES, METRICS]), at=st.integers(0, 200), value=JSON_VALUES)
def test_whatever_stands_at_one_place_costs_one_record_at_most(signal: Signal, at: int, value: object) -> None:
    """Any value of JSON for any value in a record: the record beside it is kept."""
    good: dict[str, Any]
    if signal is TRACES:
        good, odd = otlp.small_span(2), otlp.full_span()
        document = otlp.traces(good, odd)
    else:
        good, odd = {"name": "good", "gauge": {"dataPoints": [{"asInt": "1"}]}}, otlp.every_metric()[at % 5]
        document = otlp.metrics(good, odd)
    document = json.loads(json.dumps(document))
    container = next(iter(document.values()))[0]
    records = container["scopeSpans" if signal is TRACES else "scopeMetrics"][0][
        "spans" if signal is TRACES else "metrics"
    ]
    places = list(_places(records[1]))
    inner, key = places[at % len(places)]
    inner[key] = value
    decoded = decoded_from(json.dumps(document).encode(), JSON, signal)
    assert decoded.records >= 1


def _places(value: object) -> list[tuple[Any, Any]]:
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [(value, key) for key, _ in items] + [place for _, item in items for place in _places(item)]


def test_the_page_lists_every_reason() -> None:
    """A person who reads a word in `/api/stats` finds what it means; no word there is out of use."""
    page = (Path(__file__).parents[2] / "docs" / "receiving.md").read_text("utf-8")
    section = page.partition("## Invalid data")[2].partition("\n## ")[0]
    tables = section.partition("| `rejected_by` |")
    for table, reasons in ((tables[0], Repaired), (tables[2], Rejected)):
        words = " ".join(re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE))
        assert set(re.findall(r"`(\w+)`", words)) - {"repaired_by"} == set(reasons)


def test_the_summary_shows_what_was_rejected_and_repaired() -> None:
    """By reason, all signals together."""
    with LocalCollector(None, None, None, None) as collector:
        for name in ("a span with field 0", "bytes of a span_id", "logs: SURROGATE in a body"):
            odd = ODD[name]
            collector._counters.count(odd.signal.name, decoded_from(odd.body, odd.content_type, odd.signal))
        assert list(_rejected_and_repaired(collector.stats())) == [
            "2 records were rejected, and reported to their senders: unreadable 1, span_id 1.",
            "1 records were repaired: text 1.",
        ]
