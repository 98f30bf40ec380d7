"""The parsed baggage of a request: its operation, its client, and whether an endpoint has been its entry.

In: the context of a request. Out: one `RequestBaggage`. State: a cache of these by their
values, in which the requests of a process differ little.
"""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry import baggage
from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording.current import get_current
from telemetry.recording.request.bounds import Value, bounds

_OPERATION: Final = c.SEARCH_OPERATION.name
_PLATFORM: Final = c.CLIENT_PLATFORM.name
_REGION: Final = c.CLIENT_REGION.name
_ENTRY: Final = c.SEARCH_ENTRY.name
_MOST_KNOWN: Final = 1024

BAGGAGE: Final[str] = getattr(baggage, "_BAGGAGE_KEY", "")
"""The context's key of the baggage. It is private: where it has another name, the API's functions are called."""


class RequestBaggage:
    """One parsed baggage.

    Attributes: `attributes`, its allow-listed entries as attributes of spans, bounded (not to be changed);
    `operation` as it was given, None without one; `is_inner`, whether an endpoint before this one was the entry.
    """

    __slots__ = ("_client", "_entries", "_unknown", "attributes", "generation", "is_inner", "operation")

    def __init__(self, entries: Mapping[str, object]) -> None:
        self.generation = bounds.generation
        self._entries = entries
        self._client: tuple[Value, Value] | None = None
        self._unknown: tuple[tuple[c.Attribute, object], ...] = ()
        self.attributes: dict[str, AttributeValue] = {
            one.name: bounds.bounded(one, entries[one.name], count=False)
            for one in c.BAGGAGE
            if one.name in entries and _is_printable(entries[one.name])
        }
        operation = entries.get(_OPERATION)
        self.operation: str | None = None
        if operation is not None and _is_printable(operation):
            self.operation = operation if isinstance(operation, str) else str(self.attributes[_OPERATION])
        entry = entries.get(_ENTRY)
        self.is_inner = isinstance(entry, str) and entry == c.INNER

    def extended(self, entries: Mapping[str, object]) -> "RequestBaggage":
        """Return the parsed baggage with these entries added."""
        return RequestBaggage({**self._entries, **entries})

    def client(self) -> tuple[Value, Value]:
        """Return platform and region; each is `_other` where the request has none, or one that is not known."""
        found = self._client
        if found is None:
            given = [
                (one, value if _is_printable(value := self._entries.get(one.name)) else None)
                for one in (c.CLIENT_PLATFORM, c.CLIENT_REGION)
            ]
            kept = [c.OTHER if value is None else bounds.bounded(one, value, count=False) for one, value in given]
            self._unknown = tuple(
                pair for pair, value in zip(given, kept, strict=True) if value == c.OTHER and pair[1] is not None
            )
            found = self._client = (kept[0], kept[1])
        return found

    @property
    def has_unknown(self) -> bool:
        """Whether platform or region are given and are not known."""
        return bool(self.client() and self._unknown)

    def count_unknown(self) -> None:
        """Count platform and region where they are not known: once for each request that is measured."""
        if self.has_unknown:
            for attribute, value in self._unknown:
                bounds.bounded(attribute, value)


_known: dict[tuple[object, ...], RequestBaggage] = {}


def request_baggage(context: Mapping[str, object] | None = None) -> RequestBaggage:
    """Return the parsed baggage of `context` (default: the current one), or of its values."""
    if BAGGAGE:
        entries: Any = (get_current() if context is None else context).get(BAGGAGE)
        if not entries or not isinstance(entries, dict):
            return NO_BAGGAGE
    else:
        entries = baggage.get_all(None if context is None else Context(context))
    key = (entries.get(_OPERATION), entries.get(_PLATFORM), entries.get(_REGION), entries.get(_ENTRY))
    try:
        found = _known.get(key)
    except Exception:  # noqa: BLE001  an object of the user's in place of a string
        return RequestBaggage(entries)
    if found is not None and found.generation is bounds.generation:
        return found
    return _find(entries, key)


def _find(entries: Mapping[str, object], key: tuple[object, ...]) -> RequestBaggage:
    found = RequestBaggage({name: value for name, value in entries.items() if name in _READ})
    if all(value is None or type(value) is str for value in key):  # 1 and True are the same key
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = found
    return found


_NO_ENTRIES: Final[dict[str, object]] = {}
NO_BAGGAGE: Final = RequestBaggage(_NO_ENTRIES)
_READ: Final = frozenset({_OPERATION, _PLATFORM, _REGION, _ENTRY})


def operation_of(context: Context | None = None) -> str | None:
    """Return the operation that the request asks for, from its baggage; None without one."""
    return request_baggage(context).operation


def with_entries(values: dict[str, object], entries: Mapping[str, object]) -> None:
    """Add entries to the baggage of a context that is being made, given by its `values`."""
    if BAGGAGE:
        before = values.get(BAGGAGE)
        values[BAGGAGE] = {**before, **entries} if isinstance(before, dict) else dict(entries)
        return
    context = Context(values)
    for name, value in entries.items():
        context = baggage.set_baggage(name, value, context)
    values.update(context)


def _is_printable(value: object) -> bool:
    """Return whether a value can be shown: it is not empty, and has no control characters."""
    return not isinstance(value, str) or (value.isprintable() and value.strip() != "")
