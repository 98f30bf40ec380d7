"""The end of a run: each of its steps may fail alone, and the span ends all the same."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

import telemetry
from telemetry.recording.guard import guard
from telemetry.recording.runs import exceptions, recorder
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans


def fake(code: Callable[[], Any], details: Callable[[], Any] = lambda: "down") -> Exception:
    """A failed call written by hand, as tests and wrappers have it."""
    members: dict[str, Any] = dict.fromkeys(
        ("initial_metadata", "trailing_metadata", "is_active", "time_remaining", "cancel", "add_callback")
    )
    members |= {"code": lambda _: code(), "details": lambda _: details(), "__module__": __name__}
    made: Exception = type("Fake", (grpc.RpcError, grpc.Call), members)()
    return made


def fail(*_: object, **__: object) -> Any:
    raise RuntimeError("no")


class Named(type):
    """Says nothing of its classes."""

    @property
    def __module__(cls) -> str:  # type: ignore[override]
        raise RuntimeError("no")


class Nameless(Exception, metaclass=Named):
    """Whose name cannot be asked for."""


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (fake(lambda: "UNAVAILABLE"), "UNAVAILABLE", "down"),
        (fake(lambda: grpc.StatusCode.NOT_FOUND, lambda: 7), "NOT_FOUND", "7"),
        (fake(lambda: grpc.StatusCode.NOT_FOUND, fail), "NOT_FOUND", ""),
        (fake(fail), f"{__name__}.Fake", ""),
        (fake(lambda: 14), f"{__name__}.Fake", ""),
        (Nameless("x"), "_other", "x"),
    ],
    ids=["a text", "details of a number", "details that raise", "a code that raises", "a number", "no name"],
)
def test_an_error_of_any_make_ends_its_span_and_counts(
    spans: Spans, metrics: Metrics, error: Exception, kind: str, message: str
) -> None:
    """Only its type is recorded; the user gets it unchanged."""
    with pytest.raises(type(error)) as caught, telemetry.stage("encode"):
        raise error
    assert caught.value is error
    span = spans.one("encode")
    assert (span.attributes or {})["error.type"] == kind
    assert (span.status.description or "") == message
    assert metrics.series("search.stage.duration") == [{"search.stage": "encode", "error.type": kind}]


@pytest.fixture
def lenient() -> Iterator[None]:
    """As in a host: faults of ours are swallowed."""
    guard.strict = False
    yield
    guard.strict = True


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("step", ["_outcome", "_type_and_message", "message_of", "_add_event"])
def test_a_step_that_fails_costs_no_other(
    spans: Spans, metrics: Metrics, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The span ends as an error, and the metric is there, whichever step it was."""
    monkeypatch.setattr(exceptions, step, fail)
    with pytest.raises(ValueError, match="x"), telemetry.stage("encode"):
        raise ValueError("x")
    assert spans.open == []
    assert not spans.one("encode").status.is_ok
    assert metrics.series("search.stage.duration") == [{"search.stage": "encode", "error.type": "ValueError"}]


@pytest.mark.usefixtures("lenient")
def test_a_span_ends_though_neither_its_error_nor_its_metric_can_be_recorded(
    spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left is the span."""
    monkeypatch.setattr(recorder, "record_end", fail)
    monkeypatch.setattr(sys.modules["telemetry.api.stage"]._Prepared, "at_end", fail)
    with pytest.raises(ValueError, match="x"), telemetry.stage("encode"):
        raise ValueError("x")
    assert spans.tree() == "encode"
    assert spans.open == []


@pytest.mark.usefixtures("lenient")
def test_a_listener_that_fails_costs_no_span(spans: Spans) -> None:
    """Whoever else wants to know of an error."""
    exceptions.set_error_listener(fail)
    try:
        with pytest.raises(ValueError, match="x"), telemetry.stage("encode"):
            raise ValueError("x")
    finally:
        exceptions.set_error_listener(None)
    assert spans.tree(status=True) == "encode ! ValueError"
