"""`instrument` on classes, executors and subclasses, and its errors for mistakes."""

import copy
import functools
import gc
import pickle
import weakref
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

import telemetry
from telemetry.testing.spans import Spans


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

    def test_the_base_method_of_another_object_is_a_request_of_its_own(self, spans: Spans) -> None:
        """The method of the base, called on another object of the same class, is not this one's `super()`."""

        class Outer(Base):
            def search(self, docs: list[int], depth: int = 0) -> str:
                return Base.search(Outer(), docs)

        telemetry.instrument(Base, ["search"])
        telemetry.instrument(Outer, ["search"])
        Outer().search([1])
        assert spans.tree() == "/search\n└ /search\n  └ base"

    def test_an_object_in_the_place_of_another_is_not_mistaken_for_it(self, spans: Spans) -> None:
        """An object of the base with the identity of one that is served is not in its `super()`.

        Identities are used again once an object is gone; here one object becomes one of its base.
        """

        class Becoming(Base):
            def search(self, docs: list[int], depth: int = 0) -> str:
                self.__class__ = Base  # type: ignore[assignment]
                return self.search(docs)

        telemetry.instrument(Base, ["search"])
        telemetry.instrument(Becoming, ["search"])
        Becoming().search([1])
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
            ("search", "endpoints='search' is a string, not a list of names\nwrite endpoints=['search']"),
            ({"/search": len}, "but both must be strings"),
            (["__doc__"], "Base.__doc__ is not a method"),
            (None, "Base has no table `requests` with its endpoints"),
        ],
    )
    def test_a_mistake_is_reported_and_nothing_changed(self, endpoints: Any, words: str) -> None:
        """An unknown name is reported with the existing ones; the right names beside it are not instrumented either."""
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
    def test_what_cannot_be_instrumented_reports_it(self, target: Any, words: str) -> None:
        """A function, a built-in class and an object without attributes get different errors."""
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
