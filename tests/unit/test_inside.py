"""Decorators above an object that does more than to be called: what is inside is traced, and the object handed on.

`FunctionMapper` and `DynamicBatching` do what Jina 3.34's `requests` and `dynamic_batching` do
(jina/serve/executors/decorators.py): they act when the class is made. Celery's tasks are the real ones.
"""

import copy
import functools
import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from celery import Celery

import telemetry
from telemetry.testing.spans import Spans


class DynamicBatching:
    """Remembers on the class how a method is batched, and puts the method in its own place."""

    def __init__(self, fn: Any) -> None:
        self._requests_decorator = fn if isinstance(fn, FunctionMapper) else None
        self.fn: Any = fn.fn if isinstance(fn, FunctionMapper) else fn

    def __set_name__(self, owner: Any, name: str) -> None:
        if self._requests_decorator is not None:
            self._requests_decorator._inject_owner_attrs(owner, name)
        owner.dynamic_batching = {**getattr(owner, "dynamic_batching", {}), name: 8}
        setattr(owner, name, self.fn)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)


class FunctionMapper:
    """Enters a method into the table by which a runtime finds its endpoints, and puts it in its own place."""

    def __init__(self, fn: Any, on: str) -> None:
        self._batching_decorator = None
        if isinstance(fn, DynamicBatching):
            self._batching_decorator, fn = fn, fn.fn
        self.on = on

        @functools.wraps(fn)
        def arg_wrapper(executor: Any, *args: Any, **kwargs: Any) -> Any:
            return fn(executor, *args, **kwargs)

        self.fn = arg_wrapper

    def _inject_owner_attrs(self, owner: Any, name: str) -> None:
        table = owner.requests_by_class.setdefault(owner.__name__, {})
        table[self.on] = self.fn
        setattr(owner, name, self.fn)

    def __set_name__(self, owner: Any, name: str) -> None:
        if self._batching_decorator is not None:
            self._batching_decorator.__set_name__(owner, name)
        self._inject_owner_attrs(owner, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)


def requests(on: str) -> Callable[[Any], Any]:
    """Jina's decorator."""
    return lambda fn: FunctionMapper(fn, on)


class Executor:
    requests_by_class: ClassVar[dict[str, dict[str, Any]]] = {}

    def serve(self, endpoint: str, docs: list[str]) -> Any:
        """What a runtime does."""
        return self.requests_by_class[type(self).__name__][endpoint](self, docs=docs)


class TestJina:
    @pytest.mark.parametrize("above", ["endpoint", "stage", "endpoint without a name"])
    @pytest.mark.parametrize("batched", [False, True])
    def test_an_endpoint_below_us_stays_one_and_is_traced(self, spans: Spans, above: str, batched: bool) -> None:
        """By the table and by its name; with dynamic batching below as well."""
        ours: Any = {
            "endpoint": telemetry.endpoint("/search"), "stage": telemetry.stage("/search"),
            "endpoint without a name": telemetry.endpoint,
        }[above]  # fmt: skip

        class Encoder(Executor):
            @ours  # type: ignore[untyped-decorator]
            @requests(on="/search")
            @(DynamicBatching if batched else lambda fn: fn)  # type: ignore[untyped-decorator]
            def search(self, docs: list[str]) -> int:
                return len(docs)

        assert Encoder().serve("/search", ["a", "b"]) == 2
        assert Encoder().search(docs=["a"]) == 1
        assert [span.name for span in spans] == ["/search", "/search"]
        assert getattr(Encoder, "dynamic_batching", {}) == ({"search": 8} if batched else {})

    def test_dynamic_batching_alone_below_us(self, spans: Spans) -> None:
        """It acts by `__set_name__`, too; whoever stands above both loses neither."""

        class Encoder(Executor):
            @telemetry.stage("encode")
            @DynamicBatching
            @requests(on="/search")
            def search(self, docs: list[str]) -> int:
                return len(docs)

        assert (Encoder().search(["a"]), Encoder.dynamic_batching) == (1, {"search": 8})  # type: ignore[attr-defined]
        assert [span.name for span in spans] == ["encode"]


class TestCelery:
    @pytest.mark.parametrize("bind", [False, True])
    @pytest.mark.parametrize("lazy", [False, True])
    def test_a_task_stays_one_and_is_traced(self, spans: Spans, bind: bool, lazy: bool) -> None:
        """`@telemetry.endpoint` above `@app.task`: called, sent away, and run by the worker's own tracer."""
        app = Celery("tasks", broker="memory://", backend="cache+memory://", set_as_current=False)
        app.conf.task_always_eager = True

        def work(*args: Any) -> int:
            return len(args[-1])

        work.__name__ = f"work_{bind}_{lazy}"  # a name twice is a warning of Celery's
        task: Any = telemetry.endpoint("/task")(app.task(work, bind=bind, lazy=lazy))
        assert task.delay([1, 2]).get() == 2
        assert task([1]) == 1
        assert (task.name, task.app is app) == (f"{__name__}.{work.__name__}", True)
        assert spans.tree(attributes=["len_docs"]) == "/task len_docs=2\n/task len_docs=1"


class TestOthers:
    def test_an_object_that_hides_its_function_is_refused(self) -> None:
        """One that acts when its class is made, and keeps its function where nobody looks."""

        class Hidden:
            def __init__(self, fn: Any) -> None:
                self.somewhere = fn

            def __set_name__(self, owner: Any, name: str) -> None:
                setattr(owner, name, self.somewhere)

            def __call__(self) -> None: ...

        with pytest.raises(telemetry.TelemetryError, match=r"cannot find the function inside a Hidden.*\n.*below"):
            telemetry.stage("x")(Hidden(len))

    def test_an_object_whose_function_cannot_be_replaced_is_refused(self) -> None:
        """Nothing is traced in silence only."""

        class Sealed:
            __slots__ = ("fn",)

            def __init__(self, fn: Any) -> None:
                object.__setattr__(self, "fn", fn)

            def __set_name__(self, owner: Any, name: str) -> None: ...

            def __setattr__(self, name: str, value: Any) -> None:
                raise AttributeError("sealed")

            def __call__(self) -> None: ...

        with pytest.raises(telemetry.TelemetryError, match="cannot find the function inside a Sealed"):
            telemetry.stage("x")(Sealed(lambda: None))

    async def test_an_actor_is_handed_on(self, spans: Spans) -> None:
        """As dramatiq's or Prefect's: an object with a function under a usual name, sync or async."""

        class Actor:
            def __init__(self, fn: Any) -> None:
                self.fn = fn

            def send(self, *args: Any) -> Any:
                return self.fn(*args)

            __call__ = send

        def add(number: int) -> int:
            return number + 1

        async def add_later(number: int) -> int:
            return number + 1

        actor = Actor(add)
        assert telemetry.stage("add")(actor) is actor
        assert (actor(1), actor.send(2)) == (2, 3)
        assert await telemetry.stage("later")(Actor(add_later)).send(3) == 4
        assert [span.name for span in spans] == ["add", "add", "later"]

    def test_an_object_that_is_only_called_is_a_function_from_then_on(self, spans: Spans) -> None:
        """It is not changed: whoever else calls it is not traced."""

        class Model:
            def __init__(self) -> None:
                self.callback = print

            def __call__(self, docs: list[str]) -> int:
                return len(docs)

        model = Model()
        traced = telemetry.stage("encode")(model)
        assert (inspect.isfunction(traced), traced(["a"]), model(["a", "b"])) == (True, 1, 2)
        assert copy.deepcopy(model)(["a"]) == 1
        assert [span.name for span in spans] == ["encode"]
