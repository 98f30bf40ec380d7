"""Hands a function over to another process, with the context of whoever hands it over.

In: functions that can be pickled. Out: the same, which in the other process run below the caller's span, with its
baggage. State: that of the standard pool.

The caller and the worker are one program, but need not be configured alike: a worker that was spawned knows of no
`configure(propagators=…)`. So W3C's headers always go along, beside those of the configured propagator.
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

from telemetry.config.propagators import leaving
from telemetry.context.carrying import carry_in
from telemetry.context.messages import inject, received
from telemetry.errors import TelemetryError
from telemetry.recording.guard import guard
from telemetry.recording.request import request_name, with_request

P = ParamSpec("P")
R = TypeVar("R")

_W3C = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])


class _Carried(Generic[P, R]):
    """A function and the context that it runs in, both as what can be pickled."""

    __slots__ = ("_fn", "_headers", "_request")

    def __init__(self, fn: Callable[P, R]) -> None:
        self._fn = fn
        self._request = request_name()
        self._headers: dict[str, str] = {}
        with guard:
            _W3C.inject(self._headers, leaving())
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
    """Return `fn` so that it runs in the context of this moment in another process, however often.

    `multiprocessing.Process(target=telemetry.context.carry_to_process(work))`. `fn` must be one that can be pickled, as
    ever where processes are spawned. The worker exports its own spans: it needs its own `telemetry.configure()`, unless
    it was forked from a process that had it.
    """
    if not callable(fn):
        raise TelemetryError(f"{fn!r:.80} cannot be called, so it cannot be carried", "write carry_to_process(work)")
    return _Carried(fn)


class ProcessPoolExecutor(concurrent.futures.ProcessPoolExecutor):
    """`concurrent.futures.ProcessPoolExecutor`, with the same arguments, that keeps the context of the request.

    Spawned workers are configured by `ProcessPoolExecutor(initializer=telemetry.configure, initargs=("encoder",))`.
    """

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Run `fn` in a process of the pool, in the context of this moment."""
        return super().submit(carry_to_process(fn), *args, **kwargs)

    def map(self, fn: Callable[..., R], *iterables: Iterable[Any], **options: Any) -> Iterator[R]:
        """Run `fn` on each item, in the context of this moment, also those items that are submitted later."""
        return super().map(carry_to_process(fn), *iterables, **options)
