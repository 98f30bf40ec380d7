"""Converts attribute values to types that OpenTelemetry accepts; NumPy scalars become Python numbers.

Each invalid attribute is logged once; the SDK would log it on each span.
"""

import logging
from collections.abc import Mapping
from typing import Final

from opentelemetry.util.types import AttributeValue

from telemetry.repairs import repairs

_log = logging.getLogger("search_telemetry")
_warned: set[str] = set()
_MAX_WARNINGS = 100

_PLAIN_TYPES = (str, bool, int, float, bytes)
PLAIN: Final = frozenset(_PLAIN_TYPES)
"""Types of values that are recorded as they are."""
FEW: Final = 32
"""The most attributes that fit any limits of spans."""
SHORT: Final = 128
"""The most characters of a value that fit any limits; a value from the baggage has no more."""


def clean(attributes: Mapping[str, object]) -> dict[str, AttributeValue]:
    """Return the valid attributes, without those that are None. No value is converted to a string."""
    return clean_and_check(attributes)[0]


def clean_and_check(attributes: Mapping[str, object]) -> tuple[dict[str, AttributeValue], bool]:
    """Return the valid attributes as `clean` does, and whether they are few, plain and short.

    Such attributes cannot change later, and fit any limits of spans that are not unusually narrow (`Limits.are_wide`).
    """
    cleaned: dict[str, AttributeValue] = {}
    are_short = len(attributes) <= FEW
    for name, value in attributes.items():
        kind = type(value)
        if kind in PLAIN and type(name) is str:
            cleaned[name] = value  # type: ignore[assignment]  # just tested
            if (kind is str and len(value) > SHORT) or not name:  # type: ignore[arg-type]  # as above
                are_short = False
        elif value is not None:
            are_short = False
            try:
                _add(cleaned, name, value)
            except Exception:  # noqa: BLE001  any access to an object of the user's may raise
                _leave_out(name, value)
    return cleaned, are_short


def _add(cleaned: dict[str, AttributeValue], name: object, value: object) -> None:
    plain = _plain(value)
    if plain is not None:
        cleaned[name if isinstance(name, str) else str(name)] = plain
    else:
        _leave_out(name, value)


def _leave_out(name: object, value: object) -> None:
    repairs.count += 1
    shown = str(name) if issubclass(type(name), str) else f"of the type {type(name).__name__}"
    if shown not in _warned and len(_warned) < _MAX_WARNINGS:
        _warned.add(shown)
        _log.warning(
            "attribute %s is left out: %s is not a string, boolean, number, bytes or a list of these (logged once)",
            shown,
            type(value).__name__,
        )


def _plain(value: object) -> AttributeValue:
    if isinstance(value, _PLAIN_TYPES):
        return value
    if isinstance(value, list | tuple):
        return [item for item in map(_plain, value) if item is not None]
    if getattr(value, "ndim", None) == 0:  # a NumPy scalar, or a tensor of one number
        item = value.item()  # type: ignore[attr-defined]
        return item if isinstance(item, _PLAIN_TYPES) else None
    return None
