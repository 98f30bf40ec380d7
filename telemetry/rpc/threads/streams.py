"""Iterates messages for gRPC in the context of their call.

In: the user's iterator. Out: its messages, unchanged, one by one and only when asked for; the end of the iteration,
reported once. State: the iterator, owned by gRPC through `TracedIterator`.
"""

from collections.abc import Callable, Iterator
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from telemetry.recording.current import attach, detach


class TracedIterator(Iterator[Any]):
    """The user's iterator, each of whose steps runs with `context` current (None: whatever is current).

    `on_end` is given None at exhaustion, the exception that ended it, or `GeneratorExit` where it is closed or dropped
    early. The body of the consumer's loop never sees `context`. A step goes on in the context that the step before
    left: a `with stage(…)` in the user's generator may be open across a `yield`.
    """

    def __init__(
        self, messages: Any, context: Context | None, on_end: Callable[[BaseException | None], object] | None = None
    ) -> None:
        self._messages = messages
        self._context = context
        self._on_end = on_end

    def __iter__(self) -> "TracedIterator":
        return self

    def __next__(self) -> Any:
        return self._step(next, self._messages)

    def __getattr__(self, name: str) -> Any:
        """Offer what the wrapped object offers: the call object of a stream has `cancel`, `code` and more."""
        return getattr(self._messages, name)

    def close(self) -> None:
        """Close the user's iterator where it can be closed, so that its `finally` blocks run inside the span."""
        close = getattr(self._messages, "close", None)
        try:
            if close is not None:
                self._step(close)
        finally:
            self._end(GeneratorExit())

    def __del__(self) -> None:
        if self._on_end is not None:
            self.close()

    def _step(self, step: Callable[..., Any], *arguments: Any) -> Any:
        token = None if self._context is None else attach(self._context)
        try:
            return step(*arguments)
        except StopIteration:
            self._end(None)
            raise
        except BaseException as error:
            self._end(error)
            raise
        finally:
            if token is not None:
                self._context = otel_context.get_current()
                detach(token)

    def _end(self, error: BaseException | None) -> None:
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(error)
