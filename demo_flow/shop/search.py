"""Serves the page's search: the gateway's own `/search`, without a hop between them.

In: `POST /api/search`, with the caller's trace and baggage in its headers. Out: goods, what each step took as this
process measured it, the id of the trace. State: none of its own.
"""

import asyncio
import time
from typing import Any, Final

from opentelemetry import baggage, trace
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from demo_flow.errors import CallerError, PamazonError
from demo_flow.flow import CLIP_ENCODER, QDRANT_INDEXER, REGIONS
from demo_flow.serving.dispatch import Dispatcher
from demo_flow.serving.timing import timed
from demo_flow.shop.answers import found, refusal
from demo_flow.shop.pictures import Pictures
from demo_flow.shop.queries import Query, read
from demo_flow.shop.way import Way
from telemetry import conventions as c
from telemetry.context import extract

PATH: Final = "/api/search"
TIMEOUT: Final = 20.0
"""Seconds that a search may take."""
CLOSED: Final = 499
"""The status, which nobody hears, where the caller has closed the connection."""

_STEPS: Final = {CLIP_ENCODER.name: "encode_ms", QDRANT_INDEXER.name: "search_ms"}


class TookTooLong(PamazonError, TimeoutError):
    """A search above the time limit."""


class Search:
    """Arguments: the gateway's dispatcher; the pictures of the goods."""

    def __init__(self, dispatcher: Dispatcher, pictures: Pictures) -> None:
        self._dispatcher = dispatcher
        self._pictures = pictures
        self._tracer = trace.get_tracer("pamazon.shop")

    async def __call__(self, request: Request) -> Response:
        """Answer one search; a failure is answered with its message and hint."""
        asked = await _or_error(read(request, self._pictures))
        with extract(request.headers):
            work = asyncio.ensure_future(self._on_the_way(asked, request.url.scheme))
        gone = asyncio.ensure_future(_has_left(request))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            work.cancel()  # of a caller that has left; one that is done stays so
        await asyncio.wait((work, gone))
        return Response(status_code=CLOSED) if work.cancelled() else work.result()

    async def _on_the_way(self, asked: Query | CallerError, scheme: str) -> Response:
        way = Way()
        await way.there()
        status, body = await self._serve(asked, scheme)
        await way.back()
        body["took"]["link_ms"] = _ms(way.seconds)
        return JSONResponse(body, status, headers={"Cache-Control": "no-store"})

    async def _serve(self, asked: Query | CallerError, scheme: str) -> tuple[int, dict[str, Any]]:
        """Search inside the SERVER span, and measure it."""
        begun = time.perf_counter()
        about = {c.HTTP_REQUEST_METHOD.name: "POST", c.HTTP_ROUTE.name: PATH, c.URL_SCHEME.name: scheme, **_who()}
        server = trace.SpanKind.SERVER
        with timed() as took, self._tracer.start_as_current_span(f"POST {PATH}", kind=server, attributes=about) as span:
            try:
                status, body = 200, await self._found(asked)
            except Exception as error:  # noqa: BLE001 (whatever it is, the page gets the part that it may know)
                status, body = refusal(error)
            body["trace_id"] = _describe(span, status)
        steps = {name: _ms(took[role]) if role in took else None for role, name in _STEPS.items()}
        body["took"] = {"total_ms": _ms(time.perf_counter() - begun), **steps}
        return status, body

    async def _found(self, asked: Query | CallerError) -> dict[str, Any]:
        if isinstance(asked, CallerError):
            raise asked
        try:
            async with asyncio.timeout(TIMEOUT):
                (document,) = await self._dispatcher.ask("/search", [asked.document], asked.parameters)
        except TimeoutError:
            raise TookTooLong(
                f"The search took longer than {TIMEOUT:.0f} s.", "Try again; the trace shows where the time went."
            ) from None
        return found(document)


async def _or_error(reading: Any) -> Query | CallerError:
    """Return what was read, or why that was impossible: the SERVER span begins later, and has it."""
    try:
        query: Query = await reading
    except CallerError as error:
        return error
    return query


async def _has_left(request: Request) -> None:
    """Return once the caller has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _who() -> dict[str, str]:
    """Return who asks for what: the attributes of every span of a request, which the library adds to its own."""
    allowed = ((c.CLIENT_PLATFORM, c.PLATFORMS), (c.CLIENT_REGION, REGIONS))
    given = {name: baggage.get_baggage(name.name) for name, _ in allowed}
    known = {
        name.name: str(given[name]) if given[name] in values else c.OTHER for name, values in allowed if given[name]
    }
    return {c.SEARCH_OPERATION.name: "search", **known}


def _describe(span: trace.Span, status: int) -> str | None:
    """Set how it ended; return the id of the trace, or None where it is not recorded: no page shows it then."""
    span.set_attribute(c.HTTP_RESPONSE_STATUS_CODE.name, status)
    if status >= 500:
        span.set_attribute(c.ERROR_TYPE.name, str(status))
        span.set_status(trace.StatusCode.ERROR)
    identity = span.get_span_context()
    return trace.format_trace_id(identity.trace_id) if span.is_recording() and identity.trace_flags.sampled else None


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
