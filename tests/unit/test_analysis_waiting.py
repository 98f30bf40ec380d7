"""When a trace is decided, and within which limits it waits; the clock is a number."""

from collections.abc import Sequence

import pytest

from collector.analysis.seen import Seen
from collector.analysis.waiting import (
    GIVEN_UP_S,
    OLDEST_S,
    QUIET_S,
    SETTLED_S,
    UNANSWERED_QUIET_S,
    Decided,
    Limits,
    Reason,
    Waiting,
)
from tests.unit.traces_by_hand import SEARCH, Row, spans

WHOLE = spans(*SEARCH)


def decided_after(waiting: Waiting, now: float) -> list[tuple[str, Reason | None]]:
    """What is decided at a time."""
    return [(decided.trace_id, decided.skipped) for decided in waiting.due(now)]


def add(waiting: Waiting, trace_id: str, some: Sequence[Seen], now: float = 0.0) -> list[Decided]:
    """Add spans of one trace."""
    return list(waiting.add({trace_id: some}, now))


def test_a_complete_trace_is_finished_once_it_is_quiet() -> None:
    """With all its spans, whatever their order; a new span begins the wait anew."""
    waiting = Waiting()
    add(waiting, "t", WHOLE[3:])
    assert decided_after(waiting, QUIET_S) == []
    add(waiting, "t", WHOLE[:3], 0.4)
    assert decided_after(waiting, 0.4 + QUIET_S - 0.01) == []
    (decided,) = waiting.due(0.4 + QUIET_S)
    assert (decided.skipped, set(decided.spans)) == (None, set(WHOLE))
    assert waiting.next_due is None


CASES: dict[str, tuple[tuple[Row, ...], float, Reason | None]] = {
    "complete": (SEARCH, QUIET_S, None),
    "a call of the root whose server is not instrumented": (SEARCH[:1], SETTLED_S, None),
    "without its caller, which is not instrumented": (SEARCH[1:], SETTLED_S, None),
    "without a parent in the middle": (SEARCH[:2] + SEARCH[3:], GIVEN_UP_S, Reason.MISSING_PARENT),
    "without a root": (SEARCH[2:], GIVEN_UP_S, Reason.NO_ROOT),
    "only a client without its parent": (SEARCH[3:6], GIVEN_UP_S, Reason.NO_ROOT),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_when_a_trace_is_decided(case: str) -> None:
    """Not a moment earlier."""
    rows, after, reason = CASES[case]
    waiting = Waiting()
    add(waiting, "t", spans(*rows))
    now = 0.0
    while not (found := decided_after(waiting, now)):
        assert waiting.next_due is not None
        assert waiting.next_due > now
        now = waiting.next_due
    assert (found, now) == ([("t", reason)], after)


def test_after_an_unanswered_call_the_other_process_may_still_send() -> None:
    """Longer than its export takes."""
    waiting = Waiting()
    add(waiting, "t", spans(("c", None, "c", 0, 9), is_unanswered=True))
    assert decided_after(waiting, QUIET_S) == []
    assert decided_after(waiting, UNANSWERED_QUIET_S) == [("t", None)]


def test_late_spans_are_counted_and_change_nothing() -> None:
    """A trace is decided once."""
    waiting = Waiting()
    add(waiting, "t", WHOLE)
    assert decided_after(waiting, 1) == [("t", None)]
    add(waiting, "t", WHOLE[:2], 2)
    assert (waiting.late, waiting.next_due) == (2, None)


def test_only_so_many_decided_traces_are_remembered() -> None:
    """The oldest is forgotten, and its late span waits as a trace of its own."""
    waiting = Waiting(Limits(decided=1))
    for trace_id in "ab":
        add(waiting, trace_id, WHOLE)
    assert len(decided_after(waiting, 1)) == 2
    add(waiting, "a", WHOLE[-1:], 2)
    assert (waiting.late, decided_after(waiting, 2 + GIVEN_UP_S)) == (0, [("a", Reason.NO_ROOT)])


def test_a_trace_with_too_many_spans_is_skipped_at_once() -> None:
    """Its memory is free again, and the rest of it is late."""
    waiting = Waiting(Limits(spans_of_trace=5))
    assert add(waiting, "t", WHOLE[:5]) == []
    assert add(waiting, "t", WHOLE[5:]) == [Decided("t", [], Reason.TOO_MANY_SPANS)]
    add(waiting, "t", WHOLE)
    assert (waiting.late, decided_after(waiting, OLDEST_S)) == (len(WHOLE), [])


@pytest.mark.parametrize("limits", [Limits(traces=2), Limits(spans=2 * len(WHOLE))])
def test_the_oldest_trace_makes_room(limits: Limits) -> None:
    """By the number of traces, and by that of spans."""
    waiting = Waiting(limits)
    assert add(waiting, "a", WHOLE[:-1] + WHOLE[-1:]) == add(waiting, "b", WHOLE) == []
    assert add(waiting, "c", WHOLE) == [Decided("a", [], Reason.TOO_MANY_TRACES)]
    assert decided_after(waiting, 1) == [("b", None), ("c", None)]


def test_a_trace_that_never_gets_quiet_is_decided_by_its_age() -> None:
    """Memory is bounded by time, too."""
    waiting = Waiting()
    now = 0.0
    while not (found := decided_after(waiting, now)):
        add(waiting, "t", WHOLE[2:3], now)
        now += QUIET_S / 2
        assert now < OLDEST_S + 1
    assert found == [("t", Reason.NO_ROOT)]
