"""Bounds the distinct values that an attribute may take.

In: attribute values, any thread. Out: the value itself, or `_other` once the attribute's limit is reached; how often
that happened. State: the values seen, owned by one `Bounds` for the process. Nothing here grows beyond the limits of
`telemetry.conventions`, whatever callers send.
"""

import os
import threading
from collections import Counter
from collections.abc import Mapping

from telemetry import conventions as c

_LONGEST = 128  # characters; a longer value would make every series name unreadable


class Bounds:
    """Keeps the first `Attribute.limit` distinct values of each attribute; all further ones are `_other`."""

    def __init__(self) -> None:
        self._values: dict[str, set[str | bool | int]] = {}
        self._overflow: Counter[str] = Counter()
        self._lock = threading.Lock()  # guards _values' growth and _overflow

    def bounded(self, attribute: c.Attribute, value: object, *, count: bool = True) -> str | bool | int:
        """Return `value` as it may be recorded for `attribute`; `count` says whether an overflow is counted."""
        plain = value if isinstance(value, str | bool | int) else str(value)
        if isinstance(plain, str) and len(plain) > _LONGEST:
            plain = plain[:_LONGEST]
        known = self._values.get(attribute.name)
        if known is not None and plain in known:
            return plain
        return self._admit(attribute, plain, count=count)

    def _admit(self, attribute: c.Attribute, value: str | bool | int, *, count: bool) -> str | bool | int:
        with self._lock:
            known = self._values.setdefault(attribute.name, set())
            if value in known or len(known) < (attribute.limit or 1):
                known.add(value)
                return value
            if count:
                self._overflow[attribute.name] += 1
            return c.OTHER

    def overflow(self) -> Mapping[str, int]:
        """Return how many values became `_other`, by attribute."""
        with self._lock:
            return dict(self._overflow)

    def forget(self) -> None:
        """Begin anew, with the lock as well: in a forked child its owner may be a thread that is not there."""
        self.__init__()  # type: ignore[misc]


bounds = Bounds()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=bounds.forget)
