"""Stages on the critical path, clocks that differ, and what is counted of a trace."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.analysis.counting import Counting, Path, path_of
from collector.analysis.skew import MOST_NS, align
from collector.analysis.stages import stages_of
from collector.analysis.transit import transit_ns
from collector.analysis.tree import build
from collector.analysis.waiting import Decided, LostReason, Reason
from telemetry import conventions as c
from tests.unit.traces_by_hand import ANY_ROWS, SEARCH, Row, spans

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def path(*rows: Row, **others: object) -> Path:
    """What is counted of a trace that counts."""
    found = path_of(spans(*rows, **others))  # type: ignore[arg-type]
    assert isinstance(found, Path)
    return found


def test_every_moment_of_a_search_is_held_by_one_stage() -> None:
    """The ways, the servers around their endpoints, the endpoint, and the stages inside."""
    found = path(*SEARCH)
    assert found.times == {
        c.STAGE_TRANSIT: 5 + 5 + 5 + 5,  # to the gateway and back, to the encoder and back
        c.STAGE_SERVER: 5 + 5 + 2 + 2,
        c.STAGE_ENDPOINT: 5 + 5 + 10,
        "encode": 26,
        "qdrant_search": 20,
    }
    assert (found.operation, found.transit, found.skewed) == ("search", 10, 0)


STAGES: dict[str, tuple[tuple[Row, ...], Mapping[str, str]]] = {
    "a span of another library belongs to the stage around it": (
        (("a", None, "i", 0, 9), ("x", "a", "i", 1, 2), ("xc", "x", "c", 1, 2)),
        {"x": "a", "xc": "a"},
    ),
    "a call whose server is not seen, outside of a stage": (
        (("/a", None, "i", 0, 9), ("c", "/a", "c", 1, 2)),
        {"/a": "endpoint", "c": "client"},
    ),
    "a call whose server is not seen, in a stage": ((("a", None, "i", 0, 9), ("c", "a", "c", 1, 2)), {"c": "a"}),
    "the root of another library": ((("x", None, "i", 0, 9), ("x2", "x", "i", 1, 2)), {"x": "_other", "x2": "_other"}),
    "a client and a server of another library": (
        (("x", None, "c", 0, 9), ("xs", "x", "s", 1, 2), ("x2", "xs", "i", 1, 2)),
        {"x": "transit", "xs": "server", "x2": "server"},
    ),
}


@pytest.mark.parametrize("case", STAGES)
def test_the_stage_of_a_span(case: str) -> None:
    """As the case says."""
    rows, expected = STAGES[case]
    seen = spans(*rows)
    found = dict(zip((row[0] for row in rows), stages_of(seen, build(seen)), strict=True))
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("off", [-1_000_000, -30, 0, 30, 1_000_000])
def test_a_server_on_another_clock_is_moved_into_its_client(off: int) -> None:
    """The shares are those of one clock, and the spans below move with it; to 30 either way."""
    rows = [
        (name, parent, kind, start + off * (name in {"encoder", "encode"}), end + off * (name in {"encoder", "encode"}))
        for name, parent, kind, start, end in SEARCH
    ]
    found = path(*rows)
    assert found.times == path(*SEARCH).times
    assert found.skewed == (off != 0)


def test_clocks_that_differ_by_more_than_an_hour_are_not_corrected() -> None:
    """A trace with one does not count: a time in it is wrong."""
    rows = (("c", None, "c", 0, 10), ("s", "c", "s", MOST_NS + 100, MOST_NS + 105))
    assert path_of(spans(*rows)) is Reason.CLOCK_SKEW


def test_a_server_that_outlives_its_client_ends_with_it() -> None:
    """The client gave up: it is not moved back, and counts up to the client's end."""
    found = path(("c", None, "c", 10, 20), ("s", "c", "s", 12, 40))
    assert (found.times, found.transit, found.skewed) == ({"transit": 2, "server": 8}, 0, 0)


NOT_COUNTED: dict[str, tuple[tuple[Row, ...], Mapping[str, object], Reason]] = {
    "a batch": ((("batch", None, "i", 0, 9),), {}, Reason.BATCH),
    "no operation": (SEARCH, {"operation": None}, Reason.NO_OPERATION),
    "a cycle": ((("a", "b", "i", 0, 9), ("b", "a", "i", 1, 2)), {}, Reason.CYCLE),
    "a cycle beside the root": (
        (("r", None, "i", 0, 9), ("a", "b", "i", 0, 9), ("b", "a", "i", 1, 2)),
        {},
        Reason.CYCLE,
    ),
}


@pytest.mark.parametrize("case", NOT_COUNTED)
def test_what_does_not_count(case: str) -> None:
    """With its reason."""
    rows, others, reason = NOT_COUNTED[case]
    assert path_of(spans(*rows, **others)) is reason  # type: ignore[arg-type]


def test_the_operation_is_the_first_below_the_root() -> None:
    """A client that sets none does not take the trace out."""
    client, *rest = spans(*SEARCH)
    found = path_of([*rest, client._replace(operation=None)])
    assert isinstance(found, Path)
    assert found.operation == "search"


def test_of_repeated_calls_the_one_that_ended_last_was_awaited() -> None:
    """The first one failed; the client waited for the second."""
    seen = spans(("c", None, "c", 0, 100), ("s1", "c", "s", 5, 20), ("s2", "c", "s", 40, 90))
    assert transit_ns(build(seen), [span.kind for span in seen]) == 50


@given(ANY_ROWS)
def test_shares_sum_to_the_roots_duration_and_savings_stay_below(rows: list[Row]) -> None:
    """To the nanosecond, for traces of any shape that count."""
    seen = spans(*rows)
    found = path_of(seen)
    if not isinstance(found, Path):
        return
    tree = build(seen)
    assert sum(found.times.values()) == tree.ends[tree.root] - tree.starts[tree.root]
    assert found.savings.keys() == found.times.keys()
    assert all(0 <= found.savings[stage] <= time for stage, time in found.times.items())


@given(ANY_ROWS)
def test_after_the_move_a_server_is_inside_of_its_client(rows: list[Row]) -> None:
    """Unless it takes longer, and then it does not begin before it. No duration changes."""
    seen = spans(*rows)
    tree = build(seen)
    kinds = [span.kind for span in seen]
    after = align(tree, kinds).tree
    for index, parent in enumerate(after.parents):
        assert after.ends[index] - after.starts[index] == tree.ends[index] - tree.starts[index]
        if parent is not None and (kinds[parent], kinds[index]) == ("client", "server"):
            assert after.starts[index] >= after.starts[parent]
            is_longer = after.ends[index] - after.starts[index] > after.ends[parent] - after.starts[parent]
            assert is_longer or after.ends[index] <= after.ends[parent]


class Sums:
    """What was recorded: the sum of each series, and of which spans there are exemplars."""

    def __init__(self) -> None:
        self.of: dict[tuple[str, ...], float] = {}

    def record(self, metric: c.Metric, value: float, attributes: Mapping[str, str], context: object) -> None:
        """Add up one value."""
        key = (metric.name, *map(str, attributes.values()))
        self.of[key] = self.of.get(key, 0) + value
        assert set(attributes) <= {attribute.name for attribute in metric.attributes}
        assert context is None or metric.instrument in {c.Instrument.COUNTER, c.Instrument.HISTOGRAM}


def test_a_trace_becomes_values_of_declared_metrics() -> None:
    """Seconds by operation and stage, the way by the client's platform, and every reason from 0 on."""
    sums = Sums()
    counting = Counting(sums.record)
    seen = spans(*((*row[:3], row[3] * 10**6, row[4] * 10**6) for row in SEARCH), platform="web")
    seen = [span._replace(span_id=f"{i:016x}") if i == 0 else span for i, span in enumerate(seen, 1)]
    root = {span.span_id: f"{number:016x}" for number, span in enumerate(seen, 1)}
    seen = [
        span._replace(span_id=root[span.span_id], parent_span_id=root.get(span.parent_span_id or "")) for span in seen
    ]
    counting.count(Decided(TRACE, seen))
    counting.count(Decided(TRACE, (), Reason.NO_ROOT))
    counting.flush()
    counting.lose(LostReason.LATE, 3)
    assert sums.of["search.critical_path.time", "search", "encode"] == pytest.approx(0.026)
    assert sums.of["search.critical_path.saving", "search", "qdrant_search"] == pytest.approx(0.02)
    assert sums.of["search.transit.duration", "search", "web"] == pytest.approx(0.01)
    skipped = {key[1]: value for key, value in sums.of.items() if key[0] == "search.critical_path.skipped"}
    assert skipped == {reason: float(reason is Reason.NO_ROOT) for reason in Reason}
    assert sums.of["search.critical_path.lost", "late"] == 3


def test_a_fault_of_the_analysis_costs_one_trace() -> None:
    """It is counted, and nothing is raised."""
    sums = Sums()
    Counting(sums.record).count(Decided(TRACE, ()))
    assert sums.of["search.critical_path.skipped", "failed"] == 1


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_transit_is_never_negative(client: int, server: int) -> None:
    """Whatever took longer."""
    seen = spans(("c", None, "c", 0, client), ("s", "c", "s", 0, server))
    found = transit_ns(build(seen), [span.kind for span in seen])
    assert found == max(0, client - server)
