"""Keeps answers small however long the texts in them are, which come from whoever sends telemetry.

In: an answer. Out: its JSON. What has at most `MOST_BYTES`, or `ROW_BYTES` for each of its rows, is as it is; in what
has more, texts are cut, and end with `…`. No state.
"""

import re
from typing import Any, Final

from collector.local.api.as_json import dumps

MOST_BYTES: Final = 100_000
ROW_BYTES: Final = 1_000
LENGTHS: Final = (200, 100, 50, 25)
"""Characters of a text: the first with which the answer is small enough, or the last."""
_EXACT: Final = frozenset({"next", "after"})
_ID: Final = re.compile("[0-9a-f]{16}|[0-9a-f]{32}")
_FILTER: Final = "filter"


def small(answer: dict[str, Any], rows: str = "") -> bytes:
    """The answer as JSON.

    Cursors and ids are never cut; a term of a filter that is too long is left out, since a part of it means another.

    Args:
        answer: plain values.
        rows: the name of its rows, if it is a list.
    """
    found = dumps(answer).encode()
    most = max(MOST_BYTES, ROW_BYTES * len(answer.get(rows, ())))
    for length in LENGTHS:
        if len(found) <= most:
            break
        answer = _cut(answer, length)
        found = dumps(answer).encode()
    return found


def cut(text: str, length: int) -> str:
    """At most so many characters; `…` is the last, if there were more."""
    return text if len(text) <= length or _ID.fullmatch(text) else text[: length - 1] + "…"


def _cut(value: Any, length: int) -> Any:
    if isinstance(value, str):
        return cut(value, length)
    if isinstance(value, list):
        return [_cut(item, length) for item in value]
    if isinstance(value, dict):
        return {cut(key, length): _field(key, item, length) for key, item in value.items()}
    return value


def _field(key: str, value: Any, length: int) -> Any:
    if key in _EXACT:
        return value
    if key == _FILTER and isinstance(value, str):
        return value if len(value) <= 2 * LENGTHS[0] else ""
    return _cut(value, length)
