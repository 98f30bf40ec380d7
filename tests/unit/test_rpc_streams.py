"""Iterating in the context of a call."""

import gc
from collections.abc import Iterator

import pytest
from opentelemetry import context as otel_context
from opentelemetry.context import Context

from telemetry.rpc.threads.streams import TracedIterator

INSIDE = Context({"where": "inside"})


def where() -> object:
    return otel_context.get_value("where")


def test_steps_run_inside_and_the_loop_runs_outside() -> None:
    """Each step of the user's generator sees the context; the body of the loop does not."""
    seen: list[object] = []

    def messages() -> Iterator[int]:
        seen.append(where())
        yield 1
        seen.append(where())

    body = [where() for _ in TracedIterator(messages(), INSIDE)]
    assert (seen, body) == (["inside", "inside"], [None])


def test_nothing_is_drawn_before_it_is_asked_for() -> None:
    """An iterator of the user's is never consumed ahead."""
    drawn: list[int] = []

    def messages() -> Iterator[int]:
        for number in range(3):
            drawn.append(number)
            yield number

    produced = TracedIterator(messages(), INSIDE)
    assert drawn == []
    assert next(produced) == 0
    assert drawn == [0]


def test_the_end_is_reported_once_at_exhaustion() -> None:
    """Asking on after the end returns nothing more."""
    ends: list[BaseException | None] = []
    produced = TracedIterator(iter([1]), INSIDE, ends.append)
    assert list(produced) == [1]
    assert list(produced) == []
    produced.close()
    assert ends == [None]


def test_an_exception_is_reported_and_goes_through_unchanged() -> None:
    """The very object that the user's generator raised."""
    error = ValueError("boom")
    ends: list[BaseException | None] = []

    def messages() -> Iterator[int]:
        yield 1
        raise error

    produced = TracedIterator(messages(), INSIDE, ends.append)
    assert next(produced) == 1
    with pytest.raises(ValueError, match="boom") as raised:
        next(produced)
    assert raised.value is error
    assert ends == [error]


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("dropped", [True, False])
def test_closing_or_dropping_it_closes_the_generator_inside(begun: bool, dropped: bool) -> None:
    """Its `finally` runs in the context, and then the end is reported."""
    seen: list[object] = []
    ends: list[BaseException | None] = []

    def messages() -> Iterator[int]:
        try:
            yield 1
        finally:
            seen.append(where())

    produced = TracedIterator(messages(), INSIDE, ends.append)
    if begun:
        next(produced)
    if dropped:
        del produced
        gc.collect()
    else:
        produced.close()
    assert seen == (["inside"] if begun else [])
    assert [type(end) for end in ends] == [GeneratorExit]


def test_a_context_left_by_a_step_is_there_at_the_next() -> None:
    """A `with` block of the user's may be open across a `yield`."""
    seen: list[object] = []

    def messages() -> Iterator[int]:
        token = otel_context.attach(otel_context.set_value("where", "deeper"))
        yield 1
        seen.append(where())
        otel_context.detach(token)
        yield 2
        seen.append(where())

    for _ in TracedIterator(messages(), INSIDE):
        assert where() is None
    assert seen == ["deeper", "inside"]


def test_what_the_iterator_offers_is_offered() -> None:
    """A stream's call object has methods of its own; a plain list is not an iterator, and fails like one."""

    class Responses:
        def __next__(self) -> int:
            return 1

        def code(self) -> str:
            return "OK"

    produced = TracedIterator(Responses(), None)
    assert (next(produced), produced.code()) == (1, "OK")
    with pytest.raises(TypeError, match="not an iterator"):
        next(TracedIterator([1], None))
