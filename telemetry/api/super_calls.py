"""Makes one endpoint span of a method and of what it calls by `super()`.

In: calls of the methods that `instrument` wrapped. Out: activities. State: none; the current context knows which method
of which executor serves the request.

A call is one by `super()` where the same method of the same executor is being served already, by a class further down.
A method that calls itself is a request again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context

from telemetry.api.endpoint import Endpoint
from telemetry.recording import providers
from telemetry.recording.callables import Begin
from telemetry.recording.guard import guard
from telemetry.recording.recorder import NO_ACTIVITY, Run

_KEY: Final = otel_context.create_key("search-telemetry-served")


@dataclass(frozen=True, slots=True)
class Method:
    """A method as an endpoint: its name, the class that defines it, whether it is called without an object."""

    name: str
    owner: type
    static: bool


@dataclass(frozen=True, slots=True)
class _Served:
    """A method in a call: `receiver` is the identity of its object, which the context must not keep alive."""

    method: Method
    receiver: int | None


def begin_once(fn: Any, method: Method, names: tuple[str, ...]) -> Begin:
    """Return how a call of `fn`, which is `method`, begins as a request at the endpoint `names`."""
    begin = Endpoint(names).begin_of(fn)
    bound = getattr(fn, "__self__", None)

    def begin_call(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Run:
        if providers.recording():
            with guard:
                receiver = _receiver(method, bound, args)
                context = _context(kwargs)
                above = otel_context.get_value(_KEY, context)
                served = _Served(method, None if receiver is None else id(receiver))
                if not (isinstance(above, _Served) and _calls_up(above, served, receiver)):
                    return begin(args, kwargs, otel_context.set_value(_KEY, served, context))
        return NO_ACTIVITY

    return begin_call


def _receiver(method: Method, bound: object, args: tuple[Any, ...]) -> object:
    """Return the object, or for a class method the class, that a method is called on."""
    if method.static or bound is not None:
        return bound
    return args[0] if args else None


def _calls_up(below: _Served, served: _Served, receiver: object) -> bool:
    """Say whether `served` is called by `below` as its own `super()`."""
    lower, upper = below.method, served.method
    same = lower.name == upper.name and below.receiver == served.receiver
    if not same or lower.owner is upper.owner or not issubclass(lower.owner, upper.owner):
        return False
    # An object of the class above may have taken the place in memory of one that is gone.
    return upper.static or isinstance(receiver, type | lower.owner)


def _context(kwargs: Mapping[str, Any]) -> Context:
    """Return the context of a call: the current one, or where that has no span what the runtime passes on.

    Jina runs methods that are no coroutines in a thread, which does not know the request's context, and passes it to
    them as `tracing_context` (`__acall_endpoint__` in jina/serve/executors/__init__.py).
    """
    current = otel_context.get_current()
    given = kwargs.get("tracing_context")
    if isinstance(given, Context) and not trace.get_current_span(current).get_span_context().is_valid:
        return given
    return current
