"""The state of one request in one process.

In: the outermost span of the request (an rpc SERVER span, or none). Out: the current `Scope`. State: one `Scope` for
each request, owned by its outermost span, carried in OpenTelemetry's context and so into tasks, and into threads that
keep the context.
"""

from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from telemetry.recording.request.baggage import BAGGAGE, NO_BAGGAGE, RequestBaggage, request_baggage

SCOPE_KEY: Final = otel_context.create_key("search-telemetry-scope")
"""The context's key of the scope."""
SENT: Final = otel_context.create_key("search-telemetry-sent")
"""The context's key of the client's request."""
_MAX_EXCEPTIONS = 32  # that propagate at once in one request; an older one gets a second event at worst


class Answer(NamedTuple):
    """The response to the caller of an rpc: gRPC's status and details.

    `replaces`: the exception itself has no information, like the one that gRPC's `abort` raises.
    """

    status: str
    details: str
    replaces: bool = False


class Scope:
    """One request in one process: what it uses, its operation, and the exceptions that have an event already.

    `described` are attributes that its SERVER span gets at its end, unless the handler has set others of these names
    (None: there is no such span); `are_long`, whether they may not fit the limits of spans. The outermost endpoint sets
    `operation` ("search") if the request arrived without one, for the rpc server around it, whose context does not
    contain the endpoint's baggage. `parsed` has the entries of the latest baggage, and what they were parsed into by
    the bounds of that time. It is read in one step: threads of a request may have a baggage each. The rpc server sets
    `answered`, a function that returns the response to the caller for an exception that leaves a span, or None if it is
    unknown.

    Exceptions are referenced: `ValueError` instances cannot be referenced weakly, and we do not change objects of the
    user's. `forget` releases them, since their tracebacks hold frames.
    """

    # What few scopes need is an attribute of the class until it is set.
    described: dict[str, AttributeValue] | None = None
    are_long = False
    operation: str | None = None
    parsed: tuple[object, RequestBaggage] = (None, NO_BAGGAGE)
    answered: Callable[[BaseException | None], Answer | None] | None = None
    _seen: Collection[tuple[BaseException, str]] = ()

    def parse(self, context: Mapping[str, object]) -> RequestBaggage:
        """Parse the baggage of `context`, or of its values, and keep it in `parsed`."""
        found = request_baggage(context)
        self.parsed = (context.get(BAGGAGE), found)
        return found

    def outcome_of(self, exc: BaseException) -> str | None:
        """Return the outcome of `exc` at an inner span, which has its event; None if no span has one."""
        return next((outcome for other, outcome in tuple(self._seen) if other is exc), None)

    def remember(self, exc: BaseException, outcome: str) -> None:
        """Store that `exc` has its event."""
        seen = self.__dict__.setdefault("_seen", deque(maxlen=_MAX_EXCEPTIONS))  # one step of the interpreter
        seen.append((exc, outcome))

    def describe(self, attributes: Mapping[str, AttributeValue], *, are_short: bool) -> None:
        """Add those of `attributes` to the SERVER span that were not added before."""
        described = self.described
        if described is None:
            return
        if not are_short:
            self.are_long = True  # before they are there: another thread may end the call
        for name, value in attributes.items():
            described.setdefault(name, value)  # one step of the interpreter: threads lose none

    def forget(self) -> None:
        """Release the exceptions and the rpc."""
        if self.answered is not None:
            self.answered = None
        if self._seen:
            self.__dict__.pop("_seen", None)


def current_scope(context: Context | None = None) -> Scope | None:
    """Return the scope of the request of `context` (default: the current one), None outside of a request."""
    scope = otel_context.get_value(SCOPE_KEY, context)
    return scope if isinstance(scope, Scope) else None


class Sent:
    """One request of a client: the generation and time of its start, and the context of the first call it makes.

    The rpc client sets that: its CLIENT span ends before the block does, and is the root of the request's trace.
    """

    __slots__ = ("begun", "context", "generation")

    def __init__(self, generation: object, begun: int) -> None:
        self.generation = generation
        self.begun = begun
        self.context: Context | None = None


def sent_in(context: Context | None = None) -> Sent | None:
    """Return the client's request of `context` (default: the current one), None outside of a `client_request`."""
    sent = otel_context.get_value(SENT, context)
    return sent if isinstance(sent, Sent) else None


def with_sent(sent: Sent, context: Context) -> Context:
    """Return a copy of `context` with `sent` in it."""
    return otel_context.set_value(SENT, sent, context)
