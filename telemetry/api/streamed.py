"""Keeps the run of an endpoint open until the end of a streamed response.

The endpoint may return a generator, an async iterator, or a response of Starlette (FastAPI), werkzeug (Flask) or Django
that streams its body. The run then continues in its steps. A generator stays a generator; a response stays the same
object, with a wrapped body; an async iterator of another class is replaced by a proxy. A stream that is dropped before
its end is cancelled when it is garbage-collected.
"""

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from types import AsyncGeneratorType, GeneratorType, TracebackType
from typing import Any, Final

from telemetry.recording.guard import guard
from telemetry.recording.runs.callables import RUNNERS, StartedRecorder, continue_in
from telemetry.recording.runs.recorder import Recorder, SpanRecorder

_VALUES: Final = frozenset({type(None), list, dict, str, tuple, int, float, bool, bytes, set})
_RESPONSES: Final = (
    ("starlette.responses", "StreamingResponse", "body_iterator"),
    ("sse_starlette.sse", "EventSourceResponse", "body_iterator"),
    ("werkzeug.wrappers", "Response", "response"),
    ("django.http", "StreamingHttpResponse", "streaming_content"),
)
"""Responses that stream their body: module, class, and the attribute of the body."""
_FILES: Final = (("django.http", "FileResponse"), ("werkzeug.wsgi", "FileWrapper"))
"""Bodies that servers send by the fast path of the system, unless they are wrapped."""
_VIEWS: Final = ("flask", "quart")
"""Frameworks whose views may return a tuple: body, status and headers."""


def follow(returned: Any, run: Recorder) -> Any:
    """Return what an endpoint returned; if it is a stream, wrapped so that the run ends with it. Never raises."""
    kind = type(returned)
    if (kind in _VALUES and kind is not tuple) or not isinstance(run, SpanRecorder | StartedRecorder):
        return returned
    answer = returned
    with guard:
        if kind is tuple:
            answer = _follow_first(returned, run)
        elif kind is GeneratorType or kind is AsyncGeneratorType:
            answer = _inside(returned, run)
        elif hasattr(kind, "__anext__"):
            answer = _Stream(returned, _inside(_relayed_async(returned), run))
        else:
            _follow_body(returned, run)
    return answer


def _follow_first(returned: tuple[Any, ...], run: "SpanRecorder | StartedRecorder") -> tuple[Any, ...]:
    """Return the tuple of a view with its body wrapped; any other tuple as it is."""
    if len(returned) not in {2, 3} or not _in_view():
        return returned
    body = returned[0]
    if type(body) is not GeneratorType and hasattr(type(body), "__next__") and not _is_file(type(body)):
        followed = _inside(_relayed(body), run)
    else:
        followed = follow(body, run)
    return returned if followed is body else (followed, *returned[1:])


def _in_view() -> bool:
    checks = (getattr(sys.modules.get(name), "has_request_context", None) for name in _VIEWS)
    return any(check() for check in checks if check is not None)


def _follow_body(response: Any, run: "SpanRecorder | StartedRecorder") -> None:
    kind = type(response)
    for module, name, attribute in _RESPONSES:
        if _is_one(kind, module, name) and not _is_file(kind):
            body = getattr(response, attribute)
            steps: Any
            if hasattr(type(body), "__aiter__"):
                steps = body if type(body) is AsyncGeneratorType else _relayed_async(body)
                setattr(response, attribute, _inside(steps, run))
            elif hasattr(type(body), "__next__") and not _is_file(type(body)):
                steps = body if type(body) is GeneratorType else _relayed(body)
                setattr(response, attribute, _inside(steps, run))
            return


def _inside(steps: Any, run: "SpanRecorder | StartedRecorder") -> Any:
    """Return a generator that takes the steps inside the run, with the name of the original."""
    generator = continue_in(steps, run, RUNNERS[type(steps)])()
    generator.__name__, generator.__qualname__ = steps.__name__, steps.__qualname__
    return generator


def _relayed(iterator: Any) -> Generator[Any, Any, Any]:
    return (yield from iterator)


async def _relayed_async(iterator: Any) -> AsyncGenerator[Any, None]:
    try:
        async for item in iterator:
            yield item
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()


class _Stream(AsyncIterator[Any]):
    """A proxy for an async iterator of the user's; `steps` yields its items inside the run."""

    def __init__(self, iterator: Any, steps: AsyncGenerator[Any, None]) -> None:
        self._iterator = iterator
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the iterator."""
        return getattr(self._iterator, name)

    async def __anext__(self) -> Any:
        return await self._steps.__anext__()

    async def aclose(self) -> None:
        """Close the iterator, and end the run."""
        await self._steps.aclose()

    async def __aenter__(self) -> Any:
        entered = await type(self._iterator).__aenter__(self._iterator)
        return self if entered is self._iterator else entered

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> Any:
        try:
            return await type(self._iterator).__aexit__(self._iterator, kind, exc, tb)
        finally:
            await self._steps.aclose()


def _is_one(kind: type, module: str, name: str) -> bool:
    known = getattr(sys.modules.get(module), name, None)
    return isinstance(known, type) and issubclass(kind, known)


def _is_file(kind: type) -> bool:
    return any(_is_one(kind, module, name) for module, name in _FILES)
