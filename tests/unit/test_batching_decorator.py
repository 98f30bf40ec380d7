"""`batched`: on every shape of function; and the mistakes that are reported at decoration."""

import asyncio
import functools
import gc
import inspect
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, cast

import pytest

import telemetry
from telemetry.batching import AsyncBatcher, Batcher, BatcherClosed, batched, batcher_of
from telemetry.batching.errors import duplicate
from telemetry.errors import TelemetryError
from tests.unit.batching_actors import started


class Encoder:
    """Every kind of method."""

    def __init__(self, factor: int) -> None:
        self.factor = factor
        self.batches: list[list[int]] = []

    @batched(max_size=2, max_wait=60)
    def method(self, items: Sequence[int]) -> list[int]:
        """Multiply."""
        self.batches.append(list(items))
        return [item * self.factor for item in items]

    @batched(max_size=2, max_wait=60)
    async def async_method(self, items: Sequence[int]) -> list[int]:
        return [item * self.factor for item in items]

    @telemetry.endpoint("/encode")
    @telemetry.stage("encode")
    @batched
    @telemetry.stage("inference")
    def stacked(self, items: Sequence[int]) -> list[int]:
        return [item * self.factor for item in items]

    @telemetry.endpoint("/encode")
    @batched
    @telemetry.stage("inference")
    async def async_stacked(self, items: Sequence[int]) -> list[int]:
        return [item * self.factor for item in items]

    @staticmethod
    @batched
    def static(items: Sequence[int]) -> list[int]:
        return [item * 2 for item in items]

    @batched
    @staticmethod
    def static_below(items: Sequence[int]) -> list[int]:
        return [item * 2 for item in items]

    @classmethod
    @batched
    def class_method(cls, items: Sequence[int]) -> list[str]:
        return [f"{cls.__name__} {item}" for item in items]

    @batched
    @classmethod
    def class_below(cls, items: Sequence[int]) -> list[str]:
        return [f"{cls.__name__} {item}" for item in items]


class Special(Encoder):
    """Inherits all of them."""


def test_methods_are_batched_for_each_instance_by_itself() -> None:
    """Two encoders never share a batch; two calls of one do."""
    one, other = Encoder(10), Encoder(100)
    calls = [started(encoder.method, [number]) for encoder in (one, other) for number in (1, 2)]
    assert [f.result(10) for f in calls] == [[10], [20], [100], [200]]
    assert [sorted(encoder.batches[0]) for encoder in (one, other)] == [[1, 2]] * 2


async def test_async_methods_are_batched_for_each_instance_by_itself() -> None:
    """The same in tasks."""
    one, other = Encoder(10), Encoder(100)
    calls = [encoder.async_method([number]) for encoder in (one, other) for number in (1, 2)]
    assert await asyncio.gather(*calls) == [[10], [20], [100], [200]]


def test_methods_of_every_kind_work() -> None:
    """Static and class methods with the decorator above or below; under and above telemetry's own."""
    encoder = Special(3)
    assert Encoder.static([1]) == encoder.static([1]) == encoder.static_below([1]) == [2]
    assert (Encoder.class_method([1]), encoder.class_method([1])) == (["Encoder 1"], ["Special 1"])
    assert (Encoder.class_below([1]), encoder.class_below([1])) == (["Encoder 1"], ["Special 1"])
    assert encoder.stacked([1, 2]) == Encoder.stacked(encoder, [1, 2]) == [3, 6]
    assert asyncio.run(encoder.async_stacked([1])) == [3]


def test_a_batched_function_looks_as_it_did() -> None:
    """Name, words, signature, and whether it is awaited."""
    assert (Encoder.method.__name__, Encoder.method.__doc__) == ("method", "Multiply.")
    assert list(inspect.signature(Encoder.method).parameters) == ["self", "items"]
    assert inspect.iscoroutinefunction(Encoder.async_method)
    assert not inspect.iscoroutinefunction(Encoder.method)


def test_items_can_be_named() -> None:
    """A keyword is taken as ever."""
    assert Encoder.static(items=[4]) == [8]
    assert Encoder(5).stacked(items=[4]) == [20]


def test_an_instance_is_not_kept_alive_by_its_batcher() -> None:
    """What was encoded with may go; its batcher goes along."""
    encoder = Encoder(1)
    encoder.stacked([1])
    asyncio.run(encoder.async_stacked([1]))
    batcher = weakref.ref(batcher_of(encoder.stacked))
    gone = weakref.ref(encoder)
    del encoder
    gc.collect()
    assert (gone(), batcher()) == (None, None)


def test_what_cannot_be_weakly_referenced_is_reported() -> None:
    """Nothing would show when its batcher is to end."""

    class Slotted:
        __slots__ = ()

        @batched
        def encode(self, items: Sequence[int]) -> list[int]:
            return list(items)

    with pytest.raises(TelemetryError, match=r"Slotted cannot be weakly referenced.*\n.*__weakref__"):
        Slotted().encode([1])


def test_the_batcher_of_a_function_closes_it() -> None:
    """Of an instance's method it closes that one alone."""
    one, other = Encoder(2), Encoder(2)
    assert isinstance(batcher_of(Encoder.static), Batcher)
    assert isinstance(batcher_of(one.async_method), AsyncBatcher)
    assert batcher_of(one.stacked) is batcher_of(one.stacked)
    closing: Any = batcher_of(one.stacked)
    assert closing.close()
    with pytest.raises(BatcherClosed):
        one.stacked([1])
    assert other.stacked([1]) == [2]
    with pytest.raises(TelemetryError, match="is not batched"):
        batcher_of(print)


def test_further_arguments_are_refused() -> None:
    """A batch has one set of them; a call with one of its own cannot share it."""

    @batched
    def encode(items: Sequence[int], normalise: bool = True) -> list[int]:
        return [item if normalise else -item for item in items]

    assert encode([1]) == [1]
    with pytest.raises(TypeError, match=r"encode\(\) is batched and takes only items"):
        encode([1], normalise=False)
    with pytest.raises(TypeError):
        encode()  # type: ignore[call-arg]  # what is tested


@pytest.mark.parametrize("items", ["hat", b"hat", {"text": "hat"}, 3, None])
def test_one_item_is_not_a_list_of_items(items: Any) -> None:
    """A text would be taken for a list of letters, each encoded by itself."""
    words = f"static takes a list of items, not one {type(items).__name__}"
    with pytest.raises(TypeError, match=words):
        Encoder.static(items)
    with pytest.raises(TypeError, match=words.replace("static", "async_method")):
        asyncio.run(Encoder(1).async_method(items))


def test_a_name_is_made_of_the_functions() -> None:
    """Without underscores around it; a partial has its function's, an object its class's."""

    def _encode_texts(items: Sequence[int]) -> list[int]:
        return list(items)

    class Model:
        def __call__(self, items: Sequence[int]) -> list[int]:
            return list(items)

    assert [Batcher(fn).name for fn in (_encode_texts, functools.partial(_encode_texts), Model())] == [
        "encode_texts", "encode_texts", "Model",
    ]  # fmt: skip
    assert Batcher(_encode_texts, name="texts").name == "texts"


async def _coroutine(items: Sequence[int]) -> list[int]:
    return list(items)


async def _async_generator(items: Sequence[int]) -> AsyncIterator[int]:
    yield 1


def _nothing() -> list[int]:
    return []


def _plain(items: Sequence[int]) -> list[int]:
    return list(items)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: batched(max_size=0), "max_size=0 is not a whole number from 1 up; write max_size=32"),
        (lambda: batched(max_size=True), "max_size=True is not a whole number"),
        (lambda: batched(max_size=cast("Any", 2.5)), "max_size=2.5 is not a whole number"),
        (lambda: batched(max_wait=-1), "max_wait=-1 is not a number of seconds from 0 up; write max_wait=0.005"),
        (lambda: batched(max_wait=float("nan")), "max_wait=nan is not a number"),
        (lambda: batched(max_wait=cast("Any", "1")), "max_wait='1' is not a number"),
        (lambda: batched(max_queue=0, max_size=0), "max_size=0 .*; max_queue=0 is not a whole number"),
        (lambda: batched(max_queue=8), "max_queue=8 is less than max_size=32"),
        (lambda: batched(name="")(_plain), "name='' is not a non-empty string"),
        (lambda: batched(3), "3 is not callable"),
        (lambda: batched(_async_generator), "async_generator is an async generator"),
        (lambda: batched(_nothing), "has no parameter for items"),
        (lambda: Batcher(cast("Any", _coroutine)), "coroutine is a coroutine function"),
        (lambda: AsyncBatcher(cast("Any", _plain)), "plain is not a coroutine function"),
    ],
)
def test_mistakes_are_reported_where_it_is_applied(make: Callable[[], Any], words: str) -> None:
    """What is wrong, and how to write it; not at the first call, which may be in production."""
    with pytest.raises(TelemetryError, match=words):
        make()


def test_a_method_is_one_whatever_its_first_parameter_is_called() -> None:
    """The instance goes to the run, and the items to the batch; a static method takes its items alone."""

    class Encoder:
        @batched(max_size=4)
        def encode(this, items: Sequence[int]) -> list[int]:  # noqa: N805  that is the point
            return [item + this.more for item in items]

        @staticmethod
        @batched(max_size=4)
        def double(items: Sequence[int]) -> list[int]:
            return [2 * item for item in items]

        more = 1

    assert (Encoder().encode([1]), Encoder.double([2])) == ([2], [4])


class OddError(Exception):
    """As those of HTTP libraries: made from something that its `args` do not hold."""

    def __init__(self, *, response: str) -> None:
        super().__init__(f"answered {response}")
        self.response = response


def test_an_exception_that_cannot_be_copied_is_each_callers_own() -> None:
    """What one caller adds to it does not show up at another."""
    first = OddError(response="503")
    second = duplicate(first)
    assert second is not first
    assert (str(second), vars(second), second.args) == (str(first), vars(first), first.args)
    second.add_note("mine")
    assert not hasattr(first, "__notes__")
