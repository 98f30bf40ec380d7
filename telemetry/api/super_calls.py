"""Makes one endpoint span of a method and the methods that it calls by `super()`.

A call counts as one by `super()` if by the current context the same method of the same executor is running
already, defined by a subclass. A method that calls itself starts a new request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context

from telemetry.api.endpoint import Endpoint
from telemetry.recording import providers
from telemetry.recording.guard import guard
from telemetry.recording.runs.callables import Begin
from telemetry.recording.runs.recorder import NO_RECORDER, Recorder

_KEY: Final = otel_context.create_key("search-telemetry-served")


@dataclass(frozen=True, slots=True)
class Method:
    """A method that serves an endpoint: its name, the class that defines it, whether it is called without an object."""

    name: str
    owner: type
    static: bool


@dataclass(frozen=True, slots=True)
class _Served:
    """A method that is running; `receiver` is the `id` of its object, since the context must not keep it alive."""

    method: Method
    receiver: int | None


def begin_once(fn: Any, method: Method, names: tuple[str, ...]) -> Begin:
    """Return the function that begins a call of `fn`, which is `method`, as a request at the endpoints `names`."""
    begin = Endpoint(names).begin_of(fn)
    bound = getattr(fn, "__self__", None)

    def begin_call(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Recorder:
        if providers.recording():
            with guard:
                receiver = _receiver(method, bound, args)
                context = _context(kwargs)
                above = otel_context.get_value(_KEY, context)
                served = _Served(method, None if receiver is None else id(receiver))
                if not (isinstance(above, _Served) and _calls_up(above, served, receiver)):
                    return begin(args, kwargs, otel_context.set_value(_KEY, served, context))
        return NO_RECORDER

    return begin_call


def _receiver(method: Method, bound: object, args: tuple[Any, ...]) -> object:
    """Return the object, or the class of a class method, that a method is called on."""
    if method.static or bound is not None:
        return bound
    return args[0] if args else None


def _calls_up(below: _Served, served: _Served, receiver: object) -> bool:
    """Return whether `below` calls `served` by `super()`."""
    lower, upper = below.method, served.method
    same = lower.name == upper.name and below.receiver == served.receiver
    if not same or lower.owner is upper.owner or not issubclass(lower.owner, upper.owner):
        return False
    # Another object may have the same `id` by now, since the first one was deleted.
    return upper.static or isinstance(receiver, type | lower.owner)


def _context(kwargs: Mapping[str, Any]) -> Context:
    """Return the context of a call: the current one; if that has no span, the one that the runtime passes.

    Jina runs methods that are not coroutines in a thread without the request's context, and passes it as the argument
    `tracing_context` (`__acall_endpoint__` in jina/serve/executors/__init__.py).
    """
    current = otel_context.get_current()
    passed = kwargs.get("tracing_context")
    if isinstance(passed, Context) and not trace.get_current_span(current).get_span_context().is_valid:
        return passed
    return current
