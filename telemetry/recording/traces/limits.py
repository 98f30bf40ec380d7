"""The limits of spans: the SDK's `SpanLimits`, ready for the hot path, and attributes within them.

In: the user's attributes. Out: a copy, each value as the SDK keeps it, and how many were dropped: beyond the limit,
or not valid. State: none.

Nearly all values are strings and numbers, which are kept as they are. Others can change later, or are not valid: for
those, the SDK's own `BoundedAttributes` is used.
"""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.attributes import BoundedAttributes

from telemetry.recording.attributes import FEW, PLAIN, SHORT
from telemetry.repairs import repairs

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanLimits

Limited = tuple[dict[str, Any] | None, int]
"""Attributes (None: none), and how many were dropped."""
_GONE: Final = object()


class Limits:
    """Numbers of a `SpanLimits`; `sys.maxsize` where it has none.

    Attributes: `attributes`, `event_attributes` and `link_attributes`, the most of a span, an event and a link;
    `events` and `links`, the most of a span; `length` and `other_length`, characters of a text in the attributes of a
    span, and of an event or a link; `are_wide`, whether few and short attributes fit (see `clean_and_check`).
    """

    __slots__ = (
        "are_wide", "attributes", "event_attributes", "events", "length", "link_attributes", "links", "other_length",
    )  # fmt: skip

    def __init__(self, limits: "SpanLimits") -> None:
        self.attributes = _number(limits.max_span_attributes)
        self.event_attributes = _number(limits.max_event_attributes)
        self.link_attributes = _number(limits.max_link_attributes)
        self.events = _number(limits.max_events)
        self.links = _number(limits.max_links)
        self.length = _number(limits.max_span_attribute_length)
        self.other_length = _number(limits.max_attribute_length)
        self.are_wide = self.attributes >= 2 * FEW and self.length >= SHORT

    def of_span(self, attributes: Mapping[str, Any]) -> Limited:
        """Return the attributes that a span starts with."""
        return limited(attributes, self.attributes, self.length)


def limited(attributes: Mapping[str, Any] | None, most: int, length: int) -> Limited:
    """Return a copy of `attributes` with at most `most` of them, and texts of at most `length` characters."""
    if not attributes:
        return None, 0
    copied = dict(attributes)
    if len(copied) <= most:
        for key, value in copied.items():
            kind = type(value)
            if kind not in PLAIN or type(key) is not str or not key or (kind is str and len(value) > length):
                break
        else:
            return copied, 0
    return _as_the_sdk(copied, most, length)


def _as_the_sdk(attributes: Mapping[Any, Any], most: int, length: int) -> Limited:
    try:
        bounded = BoundedAttributes(_limit(most), attributes, max_value_len=_limit(length))
    except Exception:  # noqa: BLE001  an object of the user's may raise anything when it is read
        own: dict[str, Any] = {}
        dropped = sum(set_limited(own, key, value, most, length) for key, value in attributes.items())
        return own, dropped
    return dict(bounded), bounded.dropped


def set_limited(known: dict[str, Any], key: Any, value: Any, most: int, length: int) -> int:
    """Set an attribute as the SDK does; return how many were dropped: this one, if it is not valid, or the oldest.

    Other threads may set attributes of the same span meanwhile, and so remove a key that this one has found.
    """
    if most == 0 or not isinstance(key, str) or not key:
        return 1
    kind = type(value)
    if kind not in PLAIN:
        try:
            cleaned = BoundedAttributes(None, {key: value}, max_value_len=_limit(length))
        except Exception:  # noqa: BLE001  as above
            repairs.add("an attribute that cannot be read")
            return 1
        if key not in cleaned:  # not valid, for older releases of the SDK
            return 1
        value = cleaned[key]
    elif kind is str and len(value) > length:
        value = value[:length]
    dropped = 0
    if key in known:
        known.pop(key, None)  # the one set last is the newest
    elif len(known) >= most:
        for oldest in list(known)[: len(known) - most + 1]:  # more than one where several threads had found room
            dropped += known.pop(oldest, _GONE) is not _GONE
    known[key] = value
    return dropped


def set_all_limited(known: dict[str, Any], attributes: Mapping[Any, Any], most: int, length: int) -> int:
    """Set several attributes; return how many were dropped. A key that is not a string becomes one, as in the SDK."""
    own, dropped = limited(attributes, sys.maxsize, length)
    return dropped + sum(set_limited(known, key, value, most, length) for key, value in (own or {}).items())


def _limit(number: int) -> int | None:
    return None if number == sys.maxsize else number


def _number(limit: int | None) -> int:
    return sys.maxsize if limit is None else limit
