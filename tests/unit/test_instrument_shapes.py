"""`instrument` on methods of every shape, there and back."""

import functools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import telemetry
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans


class Shapes:
    """Methods of every shape, as somebody wrote them who knows nothing of telemetry."""

    def plain(self, docs: list[int]) -> list[int]:
        """Double."""
        return [doc * 2 for doc in docs]

    async def coroutine(self, docs: list[int]) -> list[int]:
        return [doc * 2 for doc in docs]

    def generator(self, docs: list[int]) -> Iterator[int]:
        yield from (doc * 2 for doc in docs)

    async def async_generator(self, docs: list[int]) -> AsyncIterator[int]:
        for doc in docs:
            yield doc * 2

    @staticmethod
    def static(docs: list[int]) -> list[int]:
        return [doc * 2 for doc in docs]

    @classmethod
    def of_class(cls, docs: list[int]) -> list[int]:
        assert issubclass(cls, Shapes)
        return [doc * 2 for doc in docs]

    def by(self, factor: int, docs: list[int]) -> list[int]:
        return [doc * factor for doc in docs]

    doubled = functools.partialmethod(by, 2)
    partial = functools.partial(lambda factor, docs: [doc * factor for doc in docs], 2)


SYNC = ["plain", "static", "of_class", "doubled"]
ALL = [*SYNC, "coroutine", "generator", "async_generator"]


async def called(executor: Any, name: str) -> list[int]:
    """What the method gives for two documents."""
    answer = getattr(executor, name)([1, 2])
    if hasattr(answer, "__aiter__"):
        return [item async for item in answer]
    return list(await answer if hasattr(answer, "__await__") else answer)


@pytest.fixture
def kind() -> type[Shapes]:
    """A class of the test's own, with the methods in its own dictionary."""
    return type("Mine", (Shapes,), {name: vars(Shapes)[name] for name in [*ALL, "by"]})


class TestShapes:
    @pytest.mark.parametrize("name", ALL)
    @pytest.mark.parametrize("given", ["class", "executor"])
    async def test_every_shape_is_traced_and_gives_what_it_gave(
        self, spans: Spans, metrics: Metrics, kind: type[Shapes], name: str, given: str
    ) -> None:
        """A method of any shape is an endpoint with its documents, and is again as it was in the end."""
        executor = kind()
        target: Any = kind if given == "class" else executor
        before = dict(vars(target))
        assert telemetry.instrument(target, [name]) is target
        assert await called(executor, name) == [2, 4]
        assert spans.tree(attributes=["len_docs"]) == f"/{name} len_docs=2"
        assert metrics.value("search.documents", {"search.operation": name, "search.outcome": "ok"}) == 2
        assert telemetry.uninstrument(target) is target
        assert dict(vars(target)) == before
        assert await called(executor, name) == [2, 4]
        assert len(spans) == 1

    @pytest.mark.parametrize("name", ["static", "of_class"])
    async def test_methods_without_an_executor_are_called_on_the_class(
        self, spans: Spans, kind: type[Shapes], name: str
    ) -> None:
        """A static or class method stays one."""
        telemetry.instrument(kind, [name])
        assert await called(kind, name) == [2, 4]
        assert spans.tree() == f"/{name}"

    def test_an_object_that_can_be_called_is_not_bound(self, spans: Spans) -> None:
        """A callable object among the attributes of a class gets no `self`, before and after."""

        class Double:
            def __call__(self, docs: list[int]) -> int:
                return len(docs) * 2

        class Executor:
            search = Double()

        before = dict(vars(Executor))
        telemetry.instrument(Executor, ["search"])
        assert Executor().search([1]) == 2
        assert spans.tree(attributes=["len_docs"]) == "/search len_docs=1"
        telemetry.uninstrument(Executor)
        assert dict(vars(Executor)) == before

    def test_a_method_looks_as_it_did(self, kind: type[Shapes]) -> None:
        """Name, documentation and signature are the method's own: runtimes read them."""
        import inspect

        before = inspect.signature(kind.plain)
        telemetry.instrument(kind, ["plain", "async_generator"])
        assert (kind.plain.__name__, kind.plain.__doc__, inspect.signature(kind.plain)) == ("plain", "Double.", before)
        assert inspect.isasyncgenfunction(kind.async_generator)

    def test_exceptions_arrive_unchanged(self, spans: Spans) -> None:
        """The very exception leaves the method, and the span names it."""
        problem = ValueError("no index")

        class Executor:
            def search(self) -> None:
                raise problem

        with pytest.raises(ValueError, match="no index") as caught:
            telemetry.instrument(Executor, ["search"])().search()
        assert caught.value is problem
        assert spans.tree(status=True) == "/search ! ValueError"
