"""Bounds the distinct values that an attribute may take.

In: attribute values, any thread. Out: the value itself, or `_other` once the attribute's limit is reached; how often
that happened. State: the values seen and the values declared, owned by one `Bounds` for the process. Nothing here grows
beyond the limits of `telemetry.conventions`, whatever callers send.

Values differ in where they come from: the code declares them (`@endpoint("/search")`, `configure(platforms=…)`), the
code gives them while it runs (`request(platform="web")`), or they arrive in the baggage of a request. A value never
takes a place that one of an earlier kind needs.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final

from telemetry import conventions as c
from telemetry.recording.fork import Rank, in_child

_LONGEST = 128  # characters; a longer value would make every series name unreadable
_MOST_DECLARED = 1000  # values of an attribute: code that decorates in a loop
_DECLARED, _GIVEN, _FROM_OUTSIDE = range(3)
_ARRIVES: Final = frozenset(attribute.name for attribute in c.BAGGAGE)

Value = str | bool | int


class Bounds:
    """Keeps the first `Attribute.limit` distinct values of each attribute; all further ones are `_other`.

    So it is for each kind of value by itself: only values of the same and of earlier kinds count against it.
    """

    def __init__(self) -> None:
        self._declared: dict[str, set[Value]] = {}
        self.forget()

    def forget(self) -> None:
        """Begin anew, with the lock as well: in a forked child its owner may be a thread that is not there."""
        self._values: dict[str, dict[Value, int]] = {}  # by attribute: each value seen, and its kind
        self._overflow: Counter[str] = Counter()
        self._lock = threading.Lock()  # guards all of the above where it grows

    def declare(self, attribute: c.Attribute, value: object) -> None:
        """Keep a place for `value` of `attribute`, which the code names once and for all."""
        with self._lock:
            declared = self._declared.setdefault(attribute.name, set())
            if len(declared) < _MOST_DECLARED:
                declared.add(_plain(value))

    def give(self, attribute: c.Attribute, value: object) -> None:
        """Take a place for `value`, given by code of this process, before values from outside take it."""
        plain = _plain(value)
        if self._values.get(attribute.name, {}).get(plain, _FROM_OUTSIDE) == _FROM_OUTSIDE:
            self._admit(attribute, plain, _GIVEN, count=False)

    def bounded(self, attribute: c.Attribute, value: object, *, count: bool = True) -> Value:
        """Return `value` as it may be recorded for `attribute`; `count` says whether an overflow is counted."""
        plain = _plain(value)
        known = self._values.get(attribute.name)
        if known is not None and plain in known:
            return plain
        return self._admit(attribute, plain, _FROM_OUTSIDE if attribute.name in _ARRIVES else _GIVEN, count=count)

    def _admit(self, attribute: c.Attribute, value: Value, kind: int, *, count: bool) -> Value:
        with self._lock:
            known = self._values.setdefault(attribute.name, {})
            if value in self._declared.get(attribute.name, ()):
                kind = _DECLARED
            taken = sum(other <= kind for other in known.values())
            if taken < (attribute.limit or 1):
                known[value] = kind
                return value
            if value in known:
                return value
            if count:
                self._overflow[attribute.name] += 1
            return c.OTHER

    def overflow(self) -> Mapping[str, int]:
        """Return how many values became `_other`, by attribute."""
        with self._lock:
            return dict(self._overflow)


def _plain(value: object) -> Value:
    try:
        plain = value if isinstance(value, str | bool | int) else str(value)
    except Exception:  # noqa: BLE001  user code: anything can be raised here
        return c.OTHER
    return plain[:_LONGEST] if isinstance(plain, str) and len(plain) > _LONGEST else plain


bounds = Bounds()
in_child(Rank.BOUNDS, bounds.forget)
