"""One run of an endpoint or a stage, from start to end, in one piece or in steps.

In: a name, attributes, what to do at the end. Out: a span; a call of `at_end` with the duration. State: one
`SpanRecorder` for each run, owned by the wrapper or the `with` block that began it. Where telemetry is off,
`NO_RECORDER` stands in.

A run in one piece is `with recorder: …`. A generator runs in pieces between which its consumer must not see its
context: `with recorder.until_end(): …` around it all, `resume` before and `pause` after each step. One that continues
after its `with` block, in what the block returned, needs `recorder.keep()`.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import Token
from types import TracebackType
from typing import Any, Final, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.trace.propagation import _SPAN_KEY
from opentelemetry.util.types import AttributeValue

from telemetry.recording import providers
from telemetry.recording.clock import clock, generation
from telemetry.recording.current import attach, detach, get_current
from telemetry.recording.guard import guard
from telemetry.recording.request.baggage import BAGGAGE, RequestBaggage
from telemetry.recording.request.scope import SCOPE_KEY, Scope
from telemetry.recording.runs.exceptions import ENDED_OK, Ending, record_end
from telemetry.recording.runs.outcome import expected_in
from telemetry.recording.traces.starting import end_span, start_span

AtEnd = Callable[[float, Ending, "SpanRecorder"], None]
"""Records the metrics of a finished run. Arguments: its duration in seconds, how it ended, the run."""


_INTERNAL: Final = SpanKind.INTERNAL


class Recorder(Protocol):
    """What wrappers and `with` blocks use of a recorder."""

    def __enter__(self) -> Span: ...
    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None: ...
    def until_end(self) -> AbstractContextManager[None]:
        """End the run when the block ends, without making its context current."""
        ...

    def resume(self) -> Token[Context] | None:
        """Make the run's context current for one step."""
        ...

    def pause(self, token: Token[Context] | None) -> None:
        """Make the consumer's context current again."""
        ...


class SpanRecorder:
    """A run that is recorded. Its span has begun once the object is made.

    Arguments: `context` that it runs in (default: the current one), or its `values`, which it then owns; `baggage` of
    the request, if that is known; `answers`, whether its result is the response to the rpc around it; `are_short`,
    whether the attributes are (see `clean_and_check`).

    Attributes: `context`, which holds the `span`; `scope` and `baggage` of the request; `documents`, how many an
    endpoint was called with.
    """

    # What few runs need is an attribute of the class until it is set.
    _kept = False
    _steps = 0
    _first = 0
    _resumed: Context | None = None
    documents: int | None = None

    def __init__(
        self,
        name: str,
        attributes: Mapping[str, AttributeValue],
        at_end: AtEnd,
        links: Sequence[Link] = (),
        context: Context | None = None,
        *,
        values: dict[str, object] | None = None,
        baggage: RequestBaggage | None = None,
        answers: bool = False,
        are_short: bool = False,
    ) -> None:
        if values is None:
            values = (get_current() if context is None else context).copy()
        scope: Any = values.get(SCOPE_KEY)
        self._owns_scope = scope is None
        if scope is None:
            scope = values[SCOPE_KEY] = Scope()
        self.scope: Scope = scope
        self._answers = answers
        self._at_end = at_end
        self._generation = generation.current
        if baggage is not None:
            scope.parsed = (values.get(BAGGAGE), baggage)
        else:
            entries, baggage = scope.parsed
            if not BAGGAGE or entries is not values.get(BAGGAGE):  # mostly it is, which takes no call
                baggage = scope.parse(values)
        self.baggage = baggage
        start = providers.current.start_prepared
        span = None
        if start is not None and are_short and not links:
            span = start(name, values, _INTERNAL, attributes, baggage.attributes, None, True)
        if span is None:
            if baggage.attributes:
                attributes = {**baggage.attributes, **attributes}
            span = start_span(name, _INTERNAL, attributes, links, Context(values))
        self.span = values[_SPAN_KEY] = span
        self.context = Context(values)
        self._begun = clock.steady()

    def __enter__(self) -> Span:
        self._before = attach(self.context)
        return self.span

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        try:
            self._before.var.reset(self._before)
        except (ValueError, RuntimeError):
            with guard:
                detach(self._before, self.context)
        if exc is not None or not self._kept:
            self._end(exc)

    def keep(self) -> ExitStack:
        """Let the run outlast its `with` block; return what ends it, when that is closed or garbage-collected."""
        kept = ExitStack()
        kept.enter_context(self.until_end())
        self._kept = True
        return kept

    @contextmanager
    def until_end(self) -> Iterator[None]:
        """End the run when this block ends, without making its context current."""
        try:
            yield
        except BaseException as exc:
            self._end(exc)
            raise
        self._end(None)

    def resume(self) -> Token[Context] | None:
        """Make the context current that the step before left.

        That is the run's own, unless a `with stage(…)` inside the generator is open across a `yield`.
        """
        return attach(self.context if self._resumed is None else self._resumed)

    def pause(self, token: Token[Context] | None) -> None:
        """Make the consumer's context current again."""
        self._steps += 1
        if self._steps == 1 and self._answers:
            self._first = clock.steady()
        self._resumed = get_current()
        if token is not None:
            detach(token, self._resumed)

    def _end(self, exc: BaseException | None) -> None:
        if self._generation is not generation.current or sys.is_finalizing():
            return  # it belongs to the parent of this fork; or the interpreter ends, and a lock may never be free
        lasted = max(0, clock.steady() - self._begun)
        ending = ENDED_OK
        if exc is not None or (self._answers and (self._steps > 1 or self._is_answered())):
            ending = self._record_end(exc)
        try:
            self._at_end(lasted / 1e9, ending, self)
        except Exception as error:  # noqa: BLE001  whatever it is, it is ours
            guard.caught(error)
        try:
            end_after = getattr(self.span, "end_after", None)  # of a span of our own
            if end_after is not None:
                end_after(lasted)
            else:
                end_span(self.span, lasted)
        except Exception as error:  # noqa: BLE001  whatever it is, it is ours
            guard.caught(error)
        if self._owns_scope:
            self.scope.forget()

    def _is_answered(self) -> bool:
        """Return whether the rpc around it is answered with more than what the run returned."""
        try:
            return self.scope.answered is not None and self.scope.answered(None) is not None
        except Exception:  # noqa: BLE001  `record_end` meets and counts it again
            return True

    def _record_end(self, exc: BaseException | None) -> Ending:
        ending = ENDED_OK
        with guard:
            ending = record_end(self.span, exc, self.scope, expected_in(self.context), answers=self._answers)
            if self._answers and self._steps > 1:  # with more than one step, the first gave an item
                ending = ending._replace(first_item=max(0, self._first - self._begun) / 1e9)
        return ending


class NoRecorder:
    """A run that is not recorded: telemetry is off, or failed at the begin."""

    def __enter__(self) -> Span:
        return trace.get_current_span()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None: ...

    def until_end(self) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()

    def resume(self) -> None:
        """Do nothing."""

    def pause(self, token: Token[Context] | None) -> None:
        """Do nothing."""


NO_RECORDER = NoRecorder()
