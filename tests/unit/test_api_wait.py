"""Waiting for a trace, by a clock that only the test moves."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from collector.local.api.wait import await_trace
from collector.local.errors import CollectorError
from collector.local.query import QueryError
from collector.local.store.store import Store
from tests.unit.query_store import A, B, HandFilledStore

RPC = {"rpc.system.name": "grpc"}


class Scripted:
    """A store in which, at each wait, the next step of a script happens; the script moves the clock."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *script: tuple[float, Callable[[HandFilledStore], None] | None]
    ) -> None:
        self.now = 0.0
        self.held = HandFilledStore()
        self.changed: Any = self
        self.sequence = 0
        self.closed = False
        self._script = list(script)
        monkeypatch.setattr("collector.local.api.wait.monotonic", lambda: self.now)

    def reader(self) -> Any:
        return self.held.connection.cursor()

    def wait(self, after: int, timeout_s: float) -> int:
        """Sleep until the script's next event, or until the timeout where that comes first."""
        due, happens = self._script[0] if self._script else (float("inf"), None)
        if due <= self.now + timeout_s:
            self.now = due
            self._script.pop(0)
            if happens is None:
                self.closed = True
            else:
                happens(self.held)
        else:
            self.now += timeout_s
        return self.sequence


def span(trace_id: str, span_id: str, parent: str | None = None, **values: Any) -> Callable[[HandFilledStore], None]:
    return lambda store: store.span(trace_id, span_id, parent, **values)


def waited(store: Scripted, name: str, limit_s: float) -> tuple[list[str], bool, float]:
    """The spans found, whether they were complete, and when."""
    found, complete = await_trace(cast("Store", store), name, limit_s)
    return [row.span_id for row in found.spans], complete, round(store.now, 6)


def test_a_trace_is_complete_a_moment_after_its_last_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """300 ms without another span; a span within this time restarts it."""
    script = [(1.0, span(A, "1")), (1.2, span(A, "2", "1", start_ms=1)), (1.4, span(A, "3", "1", start_ms=2))]
    assert waited(Scripted(monkeypatch, *script), A, 5) == (["1", "2", "3"], True, 1.7)


def test_other_traces_do_not_disturb_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits wake it, but only spans of its own trace count."""
    script = [(1.0, span(A, "1")), (1.1, span(B, "1")), (1.2, span(B, "2"))]
    assert waited(Scripted(monkeypatch, *script), A, 5) == (["1"], True, 1.3)


def test_a_missing_server_span_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long nothing comes."""
    script = [(0.5, span(A, "1", kind="client", attributes=RPC)), (3.0, span(A, "2", "1", kind="server", start_ms=1))]
    assert waited(Scripted(monkeypatch, *script), A, 5) == (["1", "2"], True, 3.3)


def test_an_unanswered_call_is_given_the_time_of_an_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """UNAVAILABLE may come from a server whose spans arrive half a second later, or never: 800 ms it is."""
    call = span(A, "1", kind="client", attributes=RPC | {"rpc.response.status_code": "UNAVAILABLE"})
    served = span(A, "2", "1", kind="server", start_ms=1)
    assert waited(Scripted(monkeypatch, (1.0, call)), A, 5) == (["1"], True, 1.8)
    assert waited(Scripted(monkeypatch, (1.0, call), (1.5, served)), A, 5) == (["1", "2"], True, 1.8)


def test_the_limit_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the spans so far, and `complete` false; also if only the last pause is missing."""
    assert waited(Scripted(monkeypatch, (1.0, span(A, "2", "gone"))), A, 5) == (["2"], False, 5.0)
    assert waited(Scripted(monkeypatch, (4.9, span(A, "1"))), A, 5) == (["1"], False, 5.0)


def test_last_stays_the_trace_that_it_was_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under load there is always a later one."""
    root: dict[str, Any] = {"kind": "server", "attributes": RPC}
    script = [(1.0, span(A, "1", **root)), (1.1, span(B, "1", start_ms=5, **root))]
    store = Scripted(monkeypatch, *script)
    found, _ = await_trace(cast("Store", store), "last", 5)
    assert found.trace_id == A


def test_nothing_at_all_is_not_found_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace without spans does not exist."""
    store = Scripted(monkeypatch)
    with pytest.raises(QueryError, match="no span of trace"):
        await_trace(cast("Store", store), A, 2)
    assert store.now == 2.0


def test_a_name_that_cannot_become_one_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting fixes no spelling mistake."""
    store = Scripted(monkeypatch)
    with pytest.raises(QueryError, match="is not a trace id"):
        await_trace(cast("Store", store), "xyz", 2)
    assert store.now == 0.0


def test_a_closing_store_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more will come."""
    store = Scripted(monkeypatch, (1.0, None))
    with pytest.raises(CollectorError, match="is stopping"):
        await_trace(cast("Store", store), A, 60)
    assert store.now == 1.0
