"""Reads what a request of the page asks for.

In: a request over HTTP: JSON with a text or a good's id, or the bytes of a picture. Out: a `Query`, or a `CallerError`
with what can be searched for. No state.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request

from demo_flow.errors import CallerError
from demo_flow.proto.pamazon_pb2 import Document, Parameters
from demo_flow.shop.pictures import Pictures

LIMIT: Final = 24
"""Goods of a page that names no number."""
MAX_PICTURE: Final = 10 * 1024 * 1024
"""Bytes: larger than the picture of any phone's camera."""
MAX_TEXT: Final = 1_000
PICTURES: Final = ("image/jpeg", "image/png", "image/webp", "image/avif", "image/gif", "image/bmp")
"""Media types that may be uploaded."""

_MAX_JSON: Final = 64 * 1024
_PATIENCE: Final = 60.0  # seconds for a body to arrive


class TooLarge(CallerError):
    """A body above its limit."""


class WrongKind(CallerError):
    """A body of a media type that cannot be searched for."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for, and how."""

    document: Document
    parameters: Parameters


async def read(request: Request, pictures: Pictures) -> Query:
    """Read a request to its end. Raises CallerError."""
    parameters = _parameters(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in PICTURES:
        return Query(Document(image=await _body(request, MAX_PICTURE)), parameters)
    if kind != "application/json":
        named = kind or "an unknown type"
        raise WrongKind(f"The file is of {named}.", "Choose a picture: JPEG, PNG, WebP, AVIF, GIF or BMP.")
    return Query(await _document(await _body(request, _MAX_JSON), pictures), parameters)


async def _body(request: Request, limit: int) -> bytes:
    """Collect the body, and stop at the limit."""
    size = f"{limit // 1024 // 1024} MB" if limit >= 1024 * 1024 else f"{limit // 1024} kB"
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    raise TooLarge(f"That is larger than {size}.", "Choose a smaller picture.")
    except TimeoutError:
        raise CallerError(f"The request did not arrive within {_PATIENCE:.0f} s.", "Try again.") from None
    return bytes(body)


async def _document(body: bytes, pictures: Pictures) -> Document:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise CallerError("The request is not JSON.", 'Send {"text": "black jacket"} or {"like": "coat-black"}.')
    text, like = asked.get("text"), asked.get("like")
    if isinstance(like, str) and text is None:
        picture = await pictures.get(like)
        if picture is None:
            raise CallerError("The shop has no picture of that.", "Search for it by a word.")
        return Document(image=picture.data)
    if not isinstance(text, str) or not text.strip():
        raise CallerError("The query is empty.", "Give a text or a picture.")
    if len(text) > MAX_TEXT:
        raise CallerError(f"The text has {len(text):,} characters.", f"At most {MAX_TEXT:,} are read.")
    return Document(text=text.encode("utf-8", "replace").decode())


def _parameters(request: Request) -> Parameters:
    """Read the numbers of the address; the gateway checks their range."""
    limit = _number(request, "limit", int, LIMIT)
    threshold = _number(request, "threshold", float, None)
    return Parameters(limit=limit, threshold=threshold)


def _number(request: Request, name: str, kind: type[int] | type[float], otherwise: Any) -> Any:
    given = request.query_params.get(name)
    if given is None:
        return otherwise
    try:
        value = kind(given)
    except ValueError:
        value = None
    if value is None or not abs(value) < 1e6:
        raise CallerError(f"The {name} is not a usable number.", "Leave it out.")
    return value
