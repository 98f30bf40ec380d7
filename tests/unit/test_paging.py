"""Lists by a filter of spans, where the spans of a trace are in several segments of the store."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from duckdb import DuckDBPyConnection

from collector.local import query
from collector.local.decode.signals import BY_PATH
from collector.local.query import TraceFilter
from collector.local.query.language.parser import parse
from collector.local.query.lookup import paging
from collector.local.store.spans import store as span_store
from collector.local.store.store import Store
from tests.otlp_samples import decode
from tests.unit.flow_traces import HOUR, Request, export_of, requests

MADE = requests(120, seed=5)


@pytest.fixture(scope="module")
def connection() -> Iterator[DuckDBPyConnection]:
    """A store in which each process has segments of its own."""
    with pytest.MonkeyPatch.context() as patch, closing(Store.open(None)) as store:
        patch.setattr(span_store, "SEGMENT_SPANS", 50)
        for number, exported in enumerate(export_of(MADE)):
            store.write([decode(BY_PATH["/v1/traces"], exported)], [str(number)], HOUR)
        with closing(store.reader()) as reader:
            segments = reader.execute("SELECT count(DISTINCT segment_no) FROM span_facts").fetchone()
            assert segments is not None
            assert segments[0] >= 4
            yield reader


@pytest.mark.parametrize("few", [0, 100], ids=["windows", "segments"])
@pytest.mark.parametrize(
    ("text", "keep"),
    [
        ("error.type=ModelError", lambda r: r.outcome == "error"),
        ("error.type=ModelError service=gateway kind=server", lambda r: r.outcome == "error"),
        ("error.type=ModelError service=gateway status!=error", lambda _: False),
        ("error.type!=ModelError service=encoder", lambda r: r.outcome != "error"),
        ("len_docs=50 search.outcome=rejected", lambda r: r.len_docs == 50 and r.outcome == "rejected"),
        ("client.platform=ios service.version=2.0.0", lambda r: r.platform == "ios" and r.version == "2.0.0"),
        ("search.entry=true error.type=ModelError", lambda r: r.outcome == "error"),
        ("search.outcome=nothing", lambda _: False),
    ],
)
@pytest.mark.parametrize("order", ["start", "duration"])
def test_terms_may_hold_in_different_segments(
    connection: DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    keep: Callable[[Request], bool],
    few: int,
    order: str,
) -> None:
    """Page by page, in either order, by segments or by windows of ten traces."""
    monkeypatch.setattr(paging, "FEW_SEGMENTS", few)
    monkeypatch.setattr(paging, "FIRST_TRACES", 10)
    expected = sorted(filter(keep, MADE), key=_by(order), reverse=True)
    found: list[str] = []
    page = query.traces(connection, TraceFilter(where=parse(text)), 7, order=order)
    while page.rows:
        found += [row.trace_id for row in page.rows]
        if page.next is None:
            break
        page = query.traces(connection, TraceFilter(where=parse(text)), 7, page.next, order)
    assert found == [request.trace_id for request in expected]


def _by(order: str) -> Callable[[Request], float]:
    def key(request: Request) -> float:
        return request.start_ms if order == "start" else request.client_ms

    return key
