"""What one request knows of itself in one process.

In: the outermost span of the request (an rpc SERVER span, or none). Out: the current `Scope`. State: one `Scope` for
each request, owned by whoever entered it, carried in OpenTelemetry's context and so into tasks, and into threads that
keep the context.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Span

_KEY: Final = otel_context.create_key("search-telemetry-scope")
_REMEMBERED = 32  # exceptions in flight at once in one request; older ones get a second event at worst


class Answer(NamedTuple):
    """What the caller of an rpc is answered: gRPC's status, its details.

    `replaces`: the exception that passes says nothing itself; gRPC's `abort` leaves a handler by such a one.
    """

    status: str
    details: str
    replaces: bool = False


class Scope:
    """One request in one process: its SERVER span, its operation, and the exceptions that had their event already.

    The outermost endpoint sets `operation` ("search") where the request arrived without one, for the rpc server around
    it, whose context does not see what the endpoint put into the baggage. The rpc server in turn leaves `answered`,
    which gives what the caller is answered, where that is known, for the exception that leaves a span, or None.

    Exceptions are held, not weakly referenced (`ValueError` instances cannot be) and not marked (they are the
    user's); `forget` lets go of them, since their tracebacks hold the frames they passed.
    """

    __slots__ = ("_seen", "answered", "entry", "operation")

    def __init__(self, entry: Span | None = None) -> None:
        self.entry = entry
        self.operation: str | None = None
        self.answered: Callable[[BaseException | None], Answer | None] | None = None
        self._seen: deque[tuple[BaseException, str]] = deque(maxlen=_REMEMBERED)

    def outcome_of(self, exc: BaseException) -> str | None:
        """Return the outcome that `exc` had at a span further in, with its event; None where it had none."""
        return next((outcome for other, outcome in tuple(self._seen) if other is exc), None)

    def remember(self, exc: BaseException, outcome: str) -> None:
        """Remember that `exc` had its event."""
        self._seen.append((exc, outcome))

    def forget(self) -> None:
        """Let go of the exceptions seen, and of the rpc."""
        self.answered = None
        self._seen.clear()


def current_scope(context: Context | None = None) -> Scope | None:
    """Return the scope of the request that `context` (default: the current one) belongs to, None outside of any."""
    scope = otel_context.get_value(_KEY, context)
    return scope if isinstance(scope, Scope) else None


def with_scope(scope: Scope, context: Context | None = None) -> Context:
    """Return `context` (default: the current one) with `scope` in it, without making it current."""
    return otel_context.set_value(_KEY, scope, context)
