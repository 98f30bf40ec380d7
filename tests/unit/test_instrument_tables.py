"""`instrument` on executors whose endpoints stand in a table, as Jina's do, without Jina.

The classes here find their methods as Jina's runtime does (jina/serve/executors in github.com/jina-ai/jina): by the
table, with the executor as first argument; methods that are not coroutines in a thread.
"""

import asyncio
import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import pytest
from opentelemetry import propagate, trace

import telemetry
from telemetry.context import inject
from telemetry.testing.spans import Spans


class WithSchema(NamedTuple):
    """An entry of the later tables: the function, and what it takes and returns."""

    fn: Callable[..., Any]
    takes: type = list
    returns: type = list


class on_first:  # noqa: N801  Jina's `@requests(on=…)`
    """The decorator as it was first: functions in `requests` of the class."""

    def __init__(self, on: str | tuple[str, ...] = "/default") -> None:
        self._on = (on,) if isinstance(on, str) else on

    def __call__(self, fn: Callable[..., Any]) -> "on_first":
        self._fn = fn
        return self

    def __set_name__(self, owner: Any, name: str) -> None:
        fn = self._fn

        @functools.wraps(fn)
        def arg_wrapper(executor_instance: Any, *args: Any, **kwargs: Any) -> Any:
            return fn(executor_instance, *args, **kwargs)

        setattr(owner, name, arg_wrapper)
        self._enter(owner, fn if asyncio.iscoroutinefunction(fn) else arg_wrapper, name)

    def _enter(self, owner: Any, fn: Any, name: str) -> None:
        setattr(owner, name, fn)
        if not hasattr(owner, "requests"):
            owner.requests = {}
        owner.requests.update(dict.fromkeys(self._on, fn))


class on_later(on_first):  # noqa: N801
    """The decorator as it is now: named tuples, by the name of the class."""

    def _enter(self, owner: Any, fn: Any, name: str) -> None:
        setattr(owner, name, fn)
        owner.requests_by_class.setdefault(owner.__name__, {}).update(dict.fromkeys(self._on, WithSchema(fn)))


def first() -> Any:
    """An executor of the first kind."""

    class Executor:
        @on_first(("/index", "/search"))
        async def encode(self, docs: list[int], **kwargs: Any) -> list[int]:
            with telemetry.stage("encode"):
                return docs

        @on_first("/rank")
        def rank(self, docs: list[int], **kwargs: Any) -> list[int]:
            return docs[::-1]

        @on_first()
        def fallback(self, docs: list[int], **kwargs: Any) -> list[int]:
            return []

    table: dict[str, Any] = vars(Executor)["requests"]
    table["_jina_dry_run_"] = lambda self, **kwargs: "healthy"
    return Executor


def later() -> Any:
    """An executor of the later kind."""

    class Jinas:
        requests_by_class: ClassVar[dict[str, dict[str, Any]]] = {}

        @property
        def requests(self) -> dict[str, Any]:
            if "_requests" not in vars(self):
                self._requests = dict(self.requests_by_class[type(self).__name__])
            return self._requests

    class Executor(Jinas):
        @on_later(("/index", "/search"))
        async def encode(self, docs: list[int], **kwargs: Any) -> list[int]:
            with telemetry.stage("encode"):
                return docs

        @on_later("/rank")
        def rank(self, docs: list[int], **kwargs: Any) -> list[int]:
            return docs[::-1]

        @on_later()
        def fallback(self, docs: list[int], **kwargs: Any) -> list[int]:
            return []

    return Executor


async def dispatch(executor: Any, endpoint: str, docs: list[int], tracing_context: Any = None) -> Any:
    """Run an endpoint as Jina's runtime does: `__acall__`."""
    entry = executor.requests.get(endpoint) or executor.requests["/default"]
    fn = entry.fn if isinstance(entry, WithSchema) else entry
    if asyncio.iscoroutinefunction(fn):
        return await fn(executor, docs=docs, tracing_context=tracing_context)
    call = functools.partial(fn, executor, docs=docs, tracing_context=tracing_context)
    return await asyncio.get_running_loop().run_in_executor(None, call)


def state(kind: Any) -> Any:
    """All that `instrument` could have changed."""
    tables = {name: dict(table) for name, table in getattr(kind, "requests_by_class", {}).items()}
    table = vars(kind).get("requests")
    return dict(vars(kind)), tables, dict(table) if isinstance(table, dict) else table


class TestJina:
    @pytest.mark.parametrize("make", [first, later])
    @pytest.mark.parametrize("given", ["class", "executor"])
    async def test_the_endpoints_of_a_jina_executor_are_found(self, spans: Spans, make: Any, given: str) -> None:
        """Without a changed line every endpoint has its own span, whoever dispatches; and all can be undone."""
        kind = make()
        before = state(kind)
        executor = kind()
        if given == "class":
            telemetry.instrument(kind)
            executor = kind()
        else:
            telemetry.instrument(executor)
        assert await dispatch(executor, "/index", [1, 2]) == [1, 2]
        assert await dispatch(executor, "/search", [1]) == [1]
        assert await dispatch(executor, "/rank", [1, 2]) == [2, 1]
        assert await dispatch(executor, "/unknown", [1]) == []
        assert await executor.encode(docs=[1]) == [1]
        assert spans.tree(attributes=["len_docs"]) == (
            "/index len_docs=2\n└ encode\n/search len_docs=1\n└ encode\n/rank len_docs=2\n"
            "/default len_docs=1\n/index len_docs=1\n└ encode"
        )
        telemetry.uninstrument(kind if given == "class" else executor)
        assert state(kind) == before
        spans.clear()
        await dispatch(kind(), "/rank", [1])
        await dispatch(executor, "/rank", [1]) if given == "executor" else None
        assert spans.tree() == ""

    async def test_health_checks_are_not_requests(self, spans: Spans) -> None:
        """Jina's dry run is left out (defect 14: health, reflection and discovery calls traced as noise)."""
        executor = telemetry.instrument(first())()
        assert executor.requests["_jina_dry_run_"](executor) == "healthy"
        assert spans.tree() == ""

    @pytest.mark.parametrize("make", [first, later])
    async def test_the_endpoint_span_is_a_child_of_the_rpc(self, spans: Spans, make: Any) -> None:
        """In the runtime's thread, which does not know the request, its `tracing_context` is the parent (defect 1)."""
        executor = telemetry.instrument(make())()
        with telemetry.stage("rpc"):
            arrived = propagate.extract(inject())
            await dispatch(executor, "/rank", [1], arrived)
            await dispatch(executor, "/search", [1], arrived)
        assert spans.tree() == "rpc\n├ /rank\n└ /search\n  └ encode"

    async def test_a_current_span_is_the_parent_rather(self, spans: Spans) -> None:
        """Where the request is current, `tracing_context` changes nothing."""
        executor = telemetry.instrument(first())()
        with telemetry.stage("elsewhere"):
            elsewhere = propagate.extract(inject())
        with telemetry.stage("rpc"):
            await executor.encode(docs=[], tracing_context=elsewhere)
        assert spans.tree() == "elsewhere\nrpc\n└ /index\n  └ encode"

    async def test_a_subclass_keeps_its_own_table(self, spans: Spans) -> None:
        """A table that belongs to the base is not written: the base dispatches as before."""
        base: Any = first()
        before = state(base)

        class Sub(base):  # type: ignore[misc]
            async def encode(self, docs: list[int], **kwargs: Any) -> Any:
                return await super().encode(docs, **kwargs)

        telemetry.instrument(Sub)
        assert state(base) == before
        await dispatch(Sub(), "/rank", [1])
        await Sub().encode(docs=[1])
        await dispatch(base(), "/rank", [1])
        assert spans.tree() == "/rank\n/index\n└ encode"
        telemetry.uninstrument(Sub)
        assert "requests" not in vars(Sub)

    async def test_a_generator_endpoint_is_timed_to_its_end(self, spans: Spans) -> None:
        """Defect 5: the span of a generator endpoint ended when the generator was created."""

        class Executor:
            requests: ClassVar[dict[str, Any]] = {}

            def stream(self, docs: list[int]) -> Any:
                yield from docs

            requests["/stream"] = stream

        executor = telemetry.instrument(Executor)()
        stream = executor.requests["/stream"](executor, [1, 2])
        assert next(stream) == 1
        assert spans.open == ["/stream"]
        assert not trace.get_current_span().get_span_context().is_valid
        assert list(stream) == [2]
        assert spans.open == []


class TestOtherTables:
    def test_an_executors_own_table_may_hold_bound_methods(self, spans: Spans) -> None:
        """A table of `self.search` is wrapped where it stands, and put back."""

        class Executor:
            def __init__(self) -> None:
                self.requests: dict[str, Any] = {"/search": self.search}

            def search(self, docs: list[int]) -> int:
                return len(docs)

        executor = Executor()
        table = executor.requests
        before = dict(table)
        telemetry.instrument(executor)
        assert table["/search"]([1, 2]) == executor.search([1, 2]) == 2
        assert spans.tree(attributes=["len_docs"]) == "/search len_docs=2\n/search len_docs=2"
        telemetry.uninstrument(executor)
        assert executor.requests is table
        assert table == before

    @pytest.mark.parametrize("make", [dict, MappingProxyType])
    def test_a_table_may_hold_names_or_be_read_only(self, spans: Spans, make: Any) -> None:
        """Names of methods lead to the methods; a table that cannot be written is replaced while it lasts."""

        def lone(self: Any) -> str:
            return "lone"

        class Executor:
            requests: ClassVar[Mapping[str, Any]] = make({"/search": "find", "/lone": lone})

            def find(self) -> str:
                return "found"

        table = Executor.requests
        telemetry.instrument(Executor)
        executor = Executor()
        assert executor.find() == "found"
        assert Executor.requests["/lone"](executor) == "lone"
        assert spans.tree() == "/search\n/lone"
        telemetry.uninstrument(Executor)
        assert Executor.requests is table
        assert Executor.requests["/lone"] is lone

    def test_names_given_choose_from_the_table(self, spans: Spans) -> None:
        """With `endpoints`, the others of the table stay as they are; a runtime reaches the chosen ones too."""
        kind = first()
        telemetry.instrument(kind, {"/order": "rank"})
        executor = kind()
        assert executor.requests["/rank"](executor, [1, 2]) == [2, 1]
        assert executor.requests["/default"](executor, [1]) == []
        assert spans.tree() == "/order"

    def test_two_executors_with_their_own_tables_do_not_mix(self, spans: Spans) -> None:
        """Instrumenting one executor gives it a table of its own; another keeps the class's."""
        kind = first()
        one, other = telemetry.instrument(kind()), kind()
        assert other.requests is kind.requests
        other.requests["/rank"](other, [1])
        assert spans.tree() == ""
        one.requests["/rank"](one, [1])
        assert spans.tree() == "/rank"

    def test_a_table_that_only_the_class_has_leads_to_the_class(self, spans: Spans) -> None:
        """An executor whose property hands out its class's table cannot be instrumented alone, and raises."""

        class Executor:
            def search(self) -> str:
                return "found"

            requests_by_class: ClassVar[dict[str, Any]] = {"Executor": {"/search": search}}

            @property
            def requests(self) -> Any:
                return MappingProxyType(self.requests_by_class["Executor"])

        executor = Executor()
        before = dict(vars(executor))
        with pytest.raises(
            telemetry.TelemetryError, match="its requests is a property\ninstrument its class: Executor"
        ):
            telemetry.instrument(executor)
        assert dict(vars(executor)) == before
        telemetry.instrument(Executor)
        assert executor.requests["/search"](executor) == "found"
        assert spans.tree() == "/search"
