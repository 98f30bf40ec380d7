"""The cursor between two pages of a list: the sort key of the last row, opaque to its reader.

In: the parts of the key. Out: text safe in a URL, and back. State: none, so a cursor outlives restarts.
"""

import base64
import binascii
import json
from typing import Any

from collector.local.errors import QueryError


def encode(*parts: str | int) -> str:
    """The cursor after a row with this sort key."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode(cursor: str | None, *kinds: type, name: str = "before") -> tuple[Any, ...]:
    """The parts of a cursor, which are of these kinds; Nones where no cursor was given.

    Raises:
        QueryError: the text is no cursor of such a list.
    """
    if cursor is None:
        return (None,) * len(kinds)
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        parts = None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds) or not all(map(_fits, parts)):
        hint = "Pass the `next` of the page before, or leave it out for the first page."
        if name == "after":
            hint = "Pass the `after` of the answer before, or `now` for the first one."
        raise QueryError("bad_request", f"{name}={cursor!r} is no cursor of this list.", hint)
    return tuple(parts)


def _fits(part: str | int) -> bool:
    """Whether the database has room for it: its integers have 64 bits."""
    return isinstance(part, str) or -(2**63) <= part < 2**63
