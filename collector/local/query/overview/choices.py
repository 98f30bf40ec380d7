"""Leaves out values that are too long for a choice on a page: whoever sends telemetry may send a megabyte as a region.

In: what was seen. Out: the same with fewer values, and their number.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any, Final, TypeVar

from collector.local.query.overview.who import Choice, OperationChoice, Who

LONGEST: Final = 200
"""Characters of a value."""
MOST_BYTES: Final = 16_000
"""Of all values of one list, as JSON."""

_One = TypeVar("_One", Choice, OperationChoice)


def choosable(seen: Who) -> Who:
    """The values that may be chosen, the most frequent ones; the rest is counted."""
    left_out = 0
    lists: dict[str, Any] = {}
    for name in ("platforms", "regions", "versions", "operations"):
        choices = getattr(seen, name)
        lists[name] = _short(choices)
        left_out += len(choices) - len(lists[name])
    return replace(seen, left_out=left_out, **lists)


def _short(choices: Sequence[_One]) -> list[_One]:
    kept = [one for one in choices if len(one.value) <= LONGEST]
    sizes = accumulate(len(json.dumps([one.value, getattr(one, "service", "")])) for one in kept)
    return [one for one, size in zip(kept, sizes, strict=True) if size <= MOST_BYTES]
