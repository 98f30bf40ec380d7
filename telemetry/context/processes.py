"""Runs functions in other processes, in the context of the caller.

A spawned worker does not have the caller's `configure(propagators=…)`. So W3C's headers are always passed, beside those
of the configured propagator.
"""

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, Generic, ParamSpec, TypeVar

from opentelemetry import context as otel_context
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from telemetry.config.propagators import scrubbed_context
from telemetry.context.carrying import carry_in
from telemetry.context.messages import inject, received
from telemetry.errors import TelemetryError
from telemetry.recording.guard import guard
from telemetry.recording.request.request import request_name, with_request

P = ParamSpec("P")
R = TypeVar("R")

_W3C = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])


class _Carried(Generic[P, R]):
    """A function and the headers of its context, which can be pickled."""

    __slots__ = ("_fn", "_headers", "_request")

    def __init__(self, fn: Callable[P, R]) -> None:
        self._fn = fn
        self._request = request_name()
        self._headers: dict[str, str] = {}
        with guard:
            _W3C.inject(self._headers, scrubbed_context())
        inject(self._headers)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return carry_in(self._context(), self._fn)(*args, **kwargs)

    def _context(self) -> Context:
        context = otel_context.Context()
        with guard:
            context = _W3C.extract(self._headers, context)
        return with_request(self._request, context=received(self._headers, context))

    def __repr__(self) -> str:
        return f"<{self._fn!r} carried to another process>"


def carry_to_process(fn: Callable[P, R]) -> Callable[P, R]:
    """Return a wrapper of `fn` that runs in the current context, in another process.

    `multiprocessing.Process(target=telemetry.context.carry_to_process(work))`. If processes are spawned, `fn` must be
    picklable. The worker exports its own spans: it must call `telemetry.configure()`, unless it was forked from a
    process that has.
    """
    if not callable(fn):
        raise TelemetryError(f"{fn!r:.80} is not callable, so it cannot be carried", "write carry_to_process(work)")
    return _Carried(fn)


class ProcessPoolExecutor(concurrent.futures.ProcessPoolExecutor):
    """`concurrent.futures.ProcessPoolExecutor`, with the same arguments, that propagates the context of the request.

    Configure spawned workers by `ProcessPoolExecutor(initializer=telemetry.configure, initargs=("encoder",))`.
    """

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Run `fn` in a process of the pool, in the current context."""
        return super().submit(carry_to_process(fn), *args, **kwargs)

    def map(self, fn: Callable[..., R], *iterables: Iterable[Any], **options: Any) -> Iterator[R]:
        """Run `fn` on each item, in the current context, also on items that are submitted later."""
        return super().map(carry_to_process(fn), *iterables, **options)
