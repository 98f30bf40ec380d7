"""How much a span keeps: the SDK's `SpanLimits`, ready for the hot path, and attributes as they are kept.

In: attributes as the user gave them. Out: a dictionary of their own, each value as the SDK would keep it, and how many
had no room or were not valid. State: none.

Nearly all values are strings and numbers, which are kept as they are. Others can change later, or are no attributes:
those go through the SDK's own `BoundedAttributes`.
"""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.attributes import BoundedAttributes

from telemetry.recording.attributes import FEW, SHORT

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanLimits

PLAIN: Final = frozenset({str, int, bool, float, bytes})
"""Types of values that are kept as they are."""
Kept = tuple[dict[str, Any] | None, int]
"""Attributes (None: none) and how many were lost."""


class Limits:
    """Numbers of a `SpanLimits`; `sys.maxsize` where it has none.

    Attributes: `attributes`, `event_attributes` and `link_attributes`, the most of a span, an event and a link;
    `events` and `links`, the most of a span; `length` and `other_length`, characters of a text in the attributes of a
    span, and of an event or a link; `are_wide`, whether few and short attributes fit (see `clean_and_judge`).
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

    def of_span(self, attributes: Mapping[str, Any]) -> Kept:
        """Return the attributes that a span starts with."""
        return kept(attributes, self.attributes, self.length)


def kept(attributes: Mapping[str, Any] | None, most: int, length: int) -> Kept:
    """Return a copy of `attributes` with at most `most` of them, and texts of at most `length` characters."""
    if not attributes:
        return None, 0
    given = dict(attributes)
    if len(given) <= most:
        for key, value in given.items():
            kind = type(value)
            if kind not in PLAIN or type(key) is not str or not key or (kind is str and len(value) > length):
                break
        else:
            return given, 0
    return _as_the_sdk(given, most, length)


def _as_the_sdk(given: Mapping[Any, Any], most: int, length: int) -> Kept:
    bounded = BoundedAttributes(_limit(most), given, max_value_len=_limit(length))
    return dict(bounded), bounded.dropped


def put(given: dict[str, Any], key: Any, value: Any, most: int, length: int) -> int:
    """Set an attribute as the SDK does; return how many were lost: it, if it is not valid, or the oldest one.

    Other threads may do the same: one of them may have taken away what this one finds.
    """
    if most == 0 or not isinstance(key, str) or not key:
        return 1
    kind = type(value)
    if kind not in PLAIN:
        cleaned = BoundedAttributes(None, {key: value}, max_value_len=_limit(length))
        if key not in cleaned:  # of older releases: this is no value of an attribute
            return 1
        value = cleaned[key]
    elif kind is str and len(value) > length:
        value = value[:length]
    lost = 0
    if key in given:
        given.pop(key, None)  # the one set last is the newest
    elif len(given) >= most:
        for oldest in list(given)[:1]:
            given.pop(oldest, None)
        lost = 1
    given[key] = value
    return lost


def put_all(given: dict[str, Any], attributes: Mapping[Any, Any], most: int, length: int) -> int:
    """Set several attributes; return how many were lost. A key that is not a text becomes one, as in the SDK."""
    own, lost = kept(attributes, sys.maxsize, length)
    return lost + sum(put(given, key, value, most, length) for key, value in (own or {}).items())


def _limit(number: int) -> int | None:
    return None if number == sys.maxsize else number


def _number(limit: int | None) -> int:
    return sys.maxsize if limit is None else limit
