"""`stage` and `endpoint` on every kind of callable besides functions, and what must be distinguished."""

import abc
import copy
import dataclasses
import functools
import pickle
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, assert_type

import pytest
from opentelemetry import trace

import telemetry
from telemetry.testing.spans import Spans


def name() -> str:
    """The name of the current span, "" outside of any."""
    return getattr(trace.get_current_span(), "name", "")


class Shop:
    """Accessors and methods, with the decorator on either side."""

    def __init__(self) -> None:
        self._price = 1

    @telemetry.stage("outside")  # type: ignore[prop-decorator]
    @property
    def outside(self) -> str:
        """Outside."""
        return name()

    @property
    @telemetry.stage("inside")
    def inside(self) -> str:
        return name()

    @telemetry.stage("price")  # type: ignore[prop-decorator]
    @property
    def price(self) -> int:
        return self._price

    @price.setter
    def price(self, value: int) -> None:
        self._price = value

    @telemetry.stage("cached")  # type: ignore[prop-decorator]
    @functools.cached_property
    def cached(self) -> str:
        return name()

    def by(self, factor: int, docs: list[int]) -> str:
        return f"{factor} in {name()}"

    doubled = telemetry.stage("doubled")(functools.partialmethod(by, 2))
    endpoint = telemetry.endpoint()(functools.partialmethod(by, 3))

    @telemetry.stage("call")
    def __call__(self) -> str:
        return name()


class TestDescriptors:
    def test_properties(self, spans: Spans) -> None:
        """A property stays one, in either order, and its setter too."""
        shop = Shop()
        assert (shop.outside, shop.inside, shop.price) == ("outside", "inside", 1)
        shop.price = 2
        assert (shop.price, Shop.outside.__doc__) == (2, "Outside.")
        assert (shop.cached, shop.cached) == ("cached", "cached")
        assert spans.tree() == "outside\ninside\nprice\nprice\ncached"

    def test_partial_methods(self, spans: Spans) -> None:
        """A partial method stays one; as an endpoint it has its method's name and documents."""
        assert (Shop().doubled([1]), Shop().endpoint([1, 2])) == ("2 in doubled", "3 in /by")
        assert spans.tree(attributes=["len_docs"]) == "doubled\n/by len_docs=2"

    def test_an_endpoint_without_a_name_on_any_method(self, spans: Spans) -> None:
        """`@telemetry.endpoint` alone takes class methods and static methods too."""

        class Executor:
            @telemetry.endpoint
            @classmethod
            def search(cls) -> None:
                """Search."""

            @telemetry.endpoint
            @staticmethod
            def index() -> None:
                """Index."""

        Executor.search()
        Executor().index()
        assert spans.tree() == "/search\n/index"

    def test_objects_that_can_be_called(self, spans: Spans) -> None:
        """A decorated `__call__` is a method like another."""
        assert Shop()() == "call"
        assert spans.tree() == "call"


class Model:
    async def __call__(self, docs: list[int]) -> str:
        return name()

    def reset(self) -> str:
        return "reset"


class TestCallables:
    async def test_a_partial_of_an_object_with_an_async_call(self, spans: Spans) -> None:
        """What decides the shape is found below a partial."""
        assert await telemetry.stage("work")(functools.partial(Model(), [1]))() == "work"
        assert await telemetry.stage("work")(functools.partial(functools.partial(Model()), docs=[1]))() == "work"

    def test_methods_of_an_object_stay_at_hand(self, spans: Spans) -> None:
        """What an object can do besides being called, the function around it can."""
        cached: Any = telemetry.stage("work")(functools.lru_cache(name))
        assert (cached(), cached(), cached.cache_info().hits) == ("work", "work", 1)
        cached.cache_clear()
        assert cached.cache_info().hits == 0
        model: Any = telemetry.stage("work")(Model())
        assert model.reset() == "reset"

    @pytest.mark.parametrize("stage_outside", [True, False])
    def test_singledispatch(self, spans: Spans, stage_outside: bool) -> None:
        """A generic function can be given implementations as before."""

        def encode(doc: object) -> str:
            return f"any in {name()}"

        work = telemetry.stage("work")
        generic: Any = (
            work(functools.singledispatch(encode)) if stage_outside else functools.singledispatch(work(encode))
        )

        @generic.register  # type: ignore[untyped-decorator]
        def _(doc: int) -> str:
            return f"number in {name()}"

        assert (generic("a"), generic(1)) == ("any in work", "number in work" if stage_outside else "number in ")

    async def test_mocks(self, spans: Spans) -> None:
        """Tests of users put mocks where functions were."""
        from unittest.mock import AsyncMock, Mock

        assert telemetry.stage("work")(Mock(return_value=1))() == 1
        assert await telemetry.stage("work")(AsyncMock(return_value=2))() == 2
        assert spans.tree() == "work\nwork"


class Base(abc.ABC):
    @telemetry.stage("outside")
    @abc.abstractmethod
    def outside(self) -> None: ...

    @abc.abstractmethod
    @telemetry.stage("inside")
    def inside(self) -> None: ...


@dataclasses.dataclass(slots=True)
class Query:
    text: str

    @telemetry.stage("tokens")
    def tokens(self) -> list[str]:
        return self.text.split()


@telemetry.stage("module")
def of_the_module(number: int) -> str:
    return str(number)


@telemetry.endpoint("/search")
async def of_the_module_async(docs: list[int]) -> int:
    return len(docs)


class TestClasses:
    def test_abstract_methods_stay_abstract(self) -> None:
        """A class that lacks them cannot be made, whatever the order of the decorators."""
        assert Base.__abstractmethods__ == {"outside", "inside"}

    def test_classes_with_slots(self, spans: Spans) -> None:
        """A dataclass with slots has nothing of ours in its instances."""
        assert Query("a b").tokens() == ["a", "b"]
        assert copy.copy(pickle.loads(pickle.dumps(Query("c")))).tokens() == ["c"]
        assert spans.tree() == "tokens\ntokens"

    def test_decorated_functions_are_pickled_by_name(self) -> None:
        """Process pools send functions by name: they find the decorated one."""
        assert pickle.loads(pickle.dumps(of_the_module)) is of_the_module
        assert pickle.loads(pickle.dumps(telemetry.stage("kept", size=1)))(len)("ab") == 2

    @pytest.mark.parametrize("decorator", [telemetry.stage("work"), telemetry.endpoint("/work"), telemetry.endpoint])
    def test_a_class_is_refused(self, decorator: Any) -> None:
        """A function in the place of a class has no instances: an error at decoration."""
        with pytest.raises(telemetry.TelemetryError, match="not the class Model") as caught:
            decorator(Model)
        assert caught.value.hint.startswith("decorate its methods")

    @pytest.mark.parametrize("wrong", [5, None, functools.singledispatchmethod(len)])
    def test_what_cannot_be_called_is_refused(self, wrong: Any) -> None:
        """A decorator around what is not callable is an error at once, not at the first request."""
        with pytest.raises(telemetry.TelemetryError, match="stage decorates functions and methods, not a "):
            telemetry.stage("work")(wrong)

    def test_types_are_kept(self) -> None:
        """For a type checker too a decorated function is what it was (checked by mypy, which reads this file)."""
        assert_type(of_the_module(1), str)
        works: Callable[[list[int]], Awaitable[int]] = of_the_module_async
        assert works is of_the_module_async


class TestRecursion:
    async def test_mutual_and_asynchronous(self, spans: Spans) -> None:
        """Each call of functions that call each other has a span below its caller's."""

        @telemetry.stage("even")
        async def even(number: int) -> bool:
            return number == 0 or await odd(number - 1)

        @telemetry.stage("odd")
        async def odd(number: int) -> bool:
            return number != 0 and await even(number - 1)

        assert await even(3) is False
        assert spans.tree() == "even\n└ odd\n  └ even\n    └ odd"

    def test_generators(self, spans: Spans) -> None:
        """A generator that walks a tree by itself has a span for each level."""

        @telemetry.stage("walk")
        def walk(tree: Any) -> Iterator[int]:
            for node in tree:
                if isinstance(node, list):
                    yield from walk(node)
                else:
                    yield node

        assert list(walk([1, [2, [3]], 4])) == [1, 2, 3, 4]
        assert spans.tree() == "walk\n└ walk\n  └ walk"
