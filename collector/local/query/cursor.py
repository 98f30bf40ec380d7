"""Cursors between two pages of a list: the sort key of the last row, encoded as text that is safe in a URL."""

import base64
import binascii
import json
from typing import Any

from collector.local.errors import QueryError


def encode(*parts: str | int) -> str:
    """The cursor after a row with this sort key."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode(cursor: str | None, *kinds: type, name: str = "before") -> tuple[Any, ...]:
    """The parts of a cursor, of these types; Nones if no cursor was given.

    Raises:
        QueryError: the text is not a cursor of this list.
    """
    if cursor is None:
        return (None,) * len(kinds)
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        parts = None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds) or not all(map(_fits, parts)):
        hint = "Use `next` of the previous page, or leave it out for the first page."
        if name == "after":
            hint = "Use `after` of the previous response, or `now` for the first one."
        raise QueryError("bad_request", f"{name}={cursor!r} is not a cursor of this list.", hint)
    return tuple(parts)


def _fits(part: str | int) -> bool:
    """Whether the database can compare it: its integers have 64 bits."""
    return isinstance(part, str) or -(2**63) <= part < 2**63
