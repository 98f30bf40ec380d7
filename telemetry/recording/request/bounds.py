"""Limits the number of distinct values of an attribute.

In: attribute values, from any thread. Out: the value, or `_other` above the attribute's limit; the number of such
values. State: the values seen and the values declared, owned by one `Bounds` for the process; they stay within the
limits of `telemetry.conventions`, whatever callers send.

There are three kinds of values: code declares them (`@endpoint("/search")`, `configure(operations=…)`), code sets them
at run time (`request("/search")`), or they arrive in the baggage of a request. A value never takes the place of one of
an earlier kind.

An attribute with a closed list (`client.platform`, `client.region`) has no other value than those of the list, in the
list's spelling, and `_other`.
"""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from telemetry import conventions as c
from telemetry.recording.fork import Rank, in_child

_MAX_LENGTH = 128  # characters; longer values would make series unreadable
_MAX_DECLARED = 1000  # values of an attribute: code may decorate in a loop
_DECLARED, _GIVEN, _FROM_OUTSIDE = range(3)
_ARRIVING: Final = frozenset(attribute.name for attribute in c.BAGGAGE)

Value = str | bool | int


class Bounds:
    """Keeps the first `Attribute.limit` distinct values of each attribute; further ones become `_other`.

    For a value, only values of the same and of earlier kinds count against the limit.
    """

    def __init__(self) -> None:
        self._declared: dict[str, set[Value]] = {}
        self._closed: dict[str, tuple[str, ...]] = {c.CLIENT_PLATFORM.name: c.PLATFORMS, c.CLIENT_REGION.name: ()}
        self.forget()

    def forget(self) -> None:
        """Reset all, also the lock: in a forked child, its owner may be a thread of the parent."""
        self._values: dict[str, dict[Value, int]] = {  # by attribute: each value seen, and its kind
            name: dict.fromkeys((*values, c.OTHER), _DECLARED) for name, values in self._closed.items()
        }
        self._overflow: Counter[str] = Counter()
        self._has_refused = False
        self.generation = object()  # another one whenever a value may be bounded in another way than before
        # Guards the growth of all above. Re-entrant: a signal's handler may record in the middle.
        self._lock = threading.RLock()

    def close(self, attribute: c.Attribute, values: Sequence[str]) -> None:
        """Let `attribute` have these values, written in lower case, and no others."""
        with self._lock:
            self.generation = object()
            self._closed[attribute.name] = tuple(values)
            self._values[attribute.name] = dict.fromkeys((*values, c.OTHER), _DECLARED)

    def declare(self, attribute: c.Attribute, value: object) -> None:
        """Reserve a place for `value` of `attribute`, which the code declares."""
        with self._lock:
            declared = self._declared.setdefault(attribute.name, set())
            if len(declared) < _MAX_DECLARED:
                declared.add(_plain(value))
                self._changed()

    def add(self, attribute: c.Attribute, value: object) -> None:
        """Take a place for `value`, set by code of this process, before values from baggage do."""
        plain = _plain(value)
        if self._values.get(attribute.name, {}).get(plain, _FROM_OUTSIDE) == _FROM_OUTSIDE:
            self._admit(attribute, plain, _GIVEN, count=False)

    def bounded(self, attribute: c.Attribute, value: object, *, count: bool = True) -> Value:
        """Return `value`, or `_other` above the limit of `attribute`; `count` counts that as an overflow."""
        plain = _plain(value)
        known = self._values.get(attribute.name)
        if known is not None and plain in known:
            return plain
        return self._admit(attribute, plain, _FROM_OUTSIDE if attribute.name in _ARRIVING else _GIVEN, count=count)

    def _admit(self, attribute: c.Attribute, value: Value, kind: int, *, count: bool) -> Value:
        with self._lock:
            known = self._values.setdefault(attribute.name, {})
            if attribute.name in self._closed:
                return self._listed(attribute, value, count=count)
            if value in self._declared.get(attribute.name, ()):
                kind = _DECLARED
            taken = sum(other <= kind for other in tuple(known.values()))
            if taken < (attribute.limit or 1):
                known[value] = kind
                self._changed()
                return value
            if value in known:
                return value
            self._has_refused = True
            if count:
                self._overflow[attribute.name] += 1
            return c.OTHER

    def _changed(self) -> None:
        """Begin a new generation if a value that was `_other` may now be admitted. The lock is held."""
        if self._has_refused:
            self.generation = object()

    def _listed(self, attribute: c.Attribute, value: Value, *, count: bool) -> Value:
        """Return the value of a closed list that is written like `value`, else `_other`. The lock is held."""
        listed = str(value).lower()
        if listed in self._closed[attribute.name]:
            return listed
        if count:
            self._overflow[attribute.name] += 1
        return c.OTHER

    def overflow(self) -> Mapping[str, int]:
        """Return the number of values that became `_other`, by attribute."""
        with self._lock:
            return dict(self._overflow)


def _plain(value: object) -> Value:
    try:
        plain = value if isinstance(value, str | bool | int) else str(value)
    except Exception:  # noqa: BLE001  user code: anything can be raised here
        return c.OTHER
    return plain[:_MAX_LENGTH] if isinstance(plain, str) and len(plain) > _MAX_LENGTH else plain


bounds = Bounds()
in_child(Rank.BOUNDS, bounds.forget)
