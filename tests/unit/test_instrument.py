"""`instrument`: every shape of method, classes and executors, overriding, and the way back."""

import copy
import functools
import gc
import pickle
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

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


class Base:
    def search(self, docs: list[int], depth: int = 0) -> str:
        with telemetry.stage("base"):
            return "base"

    def index(self, docs: list[int]) -> str:
        return self.search(docs)


class Sub(Base):
    def search(self, docs: list[int], depth: int = 0) -> str:
        if depth:
            return self.search(docs, depth - 1)
        return f"sub of {super().search(docs)}"


@pytest.fixture(autouse=True)
def _as_they_were() -> Iterator[None]:
    yield
    for kind in (Base, Sub):
        telemetry.uninstrument(kind)


class TestSubclasses:
    @pytest.mark.parametrize("order", [(Base, Sub), (Sub, Base)])
    def test_a_method_and_its_super_are_one_request(self, spans: Spans, order: tuple[type[Base], ...]) -> None:
        """With both classes instrumented, in either order, `super()` begins no second endpoint span."""
        for kind in order:
            telemetry.instrument(kind, ["search"])
        assert Sub().search([1]) == "sub of base"
        assert spans.tree() == "/search\n└ base"
        spans.clear()
        assert Base().search([1]) == "base"
        assert spans.tree() == "/search\n└ base"

    def test_an_executor_and_its_super_are_one_request(self, spans: Spans) -> None:
        """The same holds where one executor is instrumented, and the class above its own."""
        telemetry.instrument(Base, ["search"])
        assert telemetry.instrument(Sub(), ["search"]).search([1]) == "sub of base"
        assert spans.tree() == "/search\n└ base"

    def test_the_base_alone_is_traced_where_the_subclass_calls_it(self, spans: Spans) -> None:
        """Where only the base is instrumented, its part of the work is the request."""
        telemetry.instrument(Base, ["search"])
        assert Sub().search([1]) == "sub of base"
        assert spans.tree() == "/search\n└ base"

    def test_an_inherited_method_is_traced_in_the_subclass_alone(self, spans: Spans) -> None:
        """Instrumenting a subclass leaves its base, and so its siblings, as they are."""

        class Sibling(Base):
            pass

        class Mine(Base):
            pass

        telemetry.instrument(Mine, ["search"])
        Sibling().search([1])
        Base().search([1])
        assert spans.tree() == "base\nbase"
        spans.clear()
        Mine().search([1])
        assert spans.tree() == "/search\n└ base"
        telemetry.uninstrument(Mine)
        assert "search" not in vars(Mine)
        assert vars(Base)["search"] is Mine.search

    def test_a_class_below_an_instrumented_one_is_not_wrapped_twice(self, spans: Spans) -> None:
        """A subclass that inherits a traced method has it traced once."""

        class Mine(Base):
            pass

        telemetry.instrument(Base, ["search"])
        telemetry.instrument(Mine, ["search"])
        telemetry.instrument(instance := Mine(), ["search"])
        instance.search([1])
        assert spans.tree() == "/search\n└ base"

    def test_recursion_is_a_request_again(self, spans: Spans) -> None:
        """A method that calls itself is not mistaken for one that calls its `super()`."""
        telemetry.instrument(Base, ["search"])
        telemetry.instrument(Sub, ["search"])
        Sub().search([1], depth=1)
        assert spans.tree() == "/search\n└ /search\n  └ base"

    def test_another_executor_of_the_base_is_a_request_of_its_own(self, spans: Spans) -> None:
        """Only the same object's `super()` is part of its request."""

        class Outer(Base):
            def search(self, docs: list[int], depth: int = 0) -> str:
                return Base().search(docs)

        telemetry.instrument(Base, ["search"])
        telemetry.instrument(Outer, ["search"]).search(Outer(), [1])
        assert spans.tree() == "/search\n└ /search\n  └ base"

    def test_one_endpoint_that_calls_another_shows_both(self, spans: Spans) -> None:
        """Two methods are two endpoints, as with the decorator."""
        telemetry.instrument(Base, ["search", "index"])
        Base().index([1])
        assert spans.tree() == "/index\n└ /search\n  └ base"


class TestOnce:
    def test_a_second_call_changes_nothing(self, spans: Spans) -> None:
        """Instrumented twice, traced once; and one call undoes it."""
        original = vars(Base)["search"]
        telemetry.instrument(Base, ["search"])
        telemetry.instrument(Base, ["search", "index"])
        Base().index([1])
        assert spans.tree() == "/index\n└ /search\n  └ base"
        telemetry.uninstrument(Base)
        telemetry.uninstrument(Base)
        assert vars(Base)["search"] is original

    def test_what_is_decorated_stays_as_it_is(self, spans: Spans) -> None:
        """An executor that has the decorator already, below another one or not, gets no second span."""

        def other(fn: Any) -> Any:
            @functools.wraps(fn)
            def around(*args: Any) -> Any:
                return fn(*args)

            return around

        class Executor:
            @telemetry.endpoint("/search")
            def search(self) -> None:
                """Search."""

            @other
            @telemetry.endpoint("/index")
            def index(self) -> None:
                """Index."""

        telemetry.instrument(Executor, ["search", "index"])
        Executor().search()
        Executor().index()
        assert spans.tree() == "/search\n/index"
        assert telemetry.instrument(Executor) is Executor

    def test_what_was_replaced_since_stays(self) -> None:
        """A method that somebody replaced after us is theirs."""

        class Executor:
            def search(self) -> str:
                return "ours"

        telemetry.instrument(Executor, ["search"])
        theirs = lambda self: "theirs"  # noqa: E731
        Executor.search = theirs  # type: ignore[method-assign]
        telemetry.uninstrument(Executor)
        assert vars(Executor)["search"] is theirs

    def test_one_executor_alone(self, spans: Spans) -> None:
        """Instrumenting one executor leaves its class and the others as they are."""
        before = dict(vars(Base))
        one = telemetry.instrument(Base(), ["search"])
        Base().search([1])
        assert spans.tree() == "base"
        assert dict(vars(Base)) == before
        spans.clear()
        one.search([1])
        assert spans.tree() == "/search\n└ base"

    def test_executors_of_an_instrumented_class_are_copied_as_ever(self, spans: Spans) -> None:
        """A copy, and one that went through pickle, run their own methods, and are traced as the original is."""
        telemetry.instrument(Base, ["search"])
        for copied in (copy.deepcopy(Base()), pickle.loads(pickle.dumps(Base()))):
            copied.search([1])
        assert spans.tree() == "/search\n└ base\n/search\n└ base"

    def test_an_executor_that_is_done_with_can_be_collected(self) -> None:
        """`instrument` keeps no executor alive."""
        gone = weakref.ref(telemetry.instrument(Base(), ["search"]))
        gc.collect()
        assert gone() is None

    def test_a_mistake_half_way_is_undone(self) -> None:
        """A class that refuses a change is left without any."""

        class Stubborn(type):
            def __setattr__(cls, name: str, value: object) -> None:
                if name == "index":
                    raise AttributeError("index is fixed")
                super().__setattr__(name, value)

        class Executor(metaclass=Stubborn):
            def search(self) -> None:
                """Search."""

            def index(self) -> None:
                """Index."""

        before = dict(vars(Executor))
        with pytest.raises(telemetry.TelemetryError, match="Executor cannot be changed: index is fixed"):
            telemetry.instrument(Executor, ["search", "index"])
        assert dict(vars(Executor)) == before

    def test_telemetry_that_is_off_changes_nothing(self) -> None:
        """Where nothing is configured, the methods give what they gave."""
        assert telemetry.instrument(Sub, ["search"])().search([1]) == "sub of base"


class TestNames:
    def test_a_mapping_names_the_endpoints(self, spans: Spans) -> None:
        """With two names the request being served decides."""
        telemetry.instrument(Base, {"/find": "search", "/suggest": "search"})
        Base().search([])
        with telemetry.request("/suggest"):
            Base().search([])
        assert [span.name for span in spans.named("/find") + spans.named("/suggest")] == ["/find", "/suggest"]

    @pytest.mark.parametrize(
        ("endpoints", "words"),
        [
            (["serach"], "Base has no method 'serach'\nits methods are index, search"),
            ({"/search": "find"}, "Base has no method 'find'\nits methods are index, search"),
            ("search", "endpoints='search' is one name\nwrite endpoints=['search']"),
            ({"/search": len}, "is not a name and a name"),
            (["__doc__"], "Base.__doc__ is not a method"),
            (None, "Base has no table `requests` that names its endpoints"),
        ],
    )
    def test_a_mistake_is_told_and_nothing_changed(self, endpoints: Any, words: str) -> None:
        """An unknown name is told with those that there are; the right names beside it are not instrumented either."""
        before = dict(vars(Base))
        if isinstance(endpoints, list):
            endpoints = ["index", *endpoints]
        with pytest.raises(telemetry.TelemetryError) as caught:
            telemetry.instrument(Base, endpoints)
        assert words in str(caught.value)
        assert dict(vars(Base)) == before

    @pytest.mark.parametrize(
        ("target", "words"),
        [
            (len, "not a function"),
            (lambda: None, "not a function"),
            (dict, "dict cannot be changed"),
            ({}, "instrument its class: dict"),
        ],
    )
    def test_what_cannot_be_instrumented_says_so(self, target: Any, words: str) -> None:
        """A function, a built-in class and an object without attributes are told apart."""
        with pytest.raises(telemetry.TelemetryError, match=words):
            telemetry.instrument(target, ["get"])

    def test_executors_without_a_dictionary_are_instrumented_by_their_class(self, spans: Spans) -> None:
        """An executor with `__slots__` cannot be instrumented alone; its class can."""

        class Slotted:
            __slots__: ClassVar[tuple[str, ...]] = ()

            def search(self) -> None:
                """Search."""

        with pytest.raises(telemetry.TelemetryError, match="instrument its class: Slotted"):
            telemetry.instrument(Slotted(), ["search"])
        telemetry.instrument(Slotted, ["search"])().search()
        assert spans.tree() == "/search"
