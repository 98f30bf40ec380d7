"""Makes attribute values what OpenTelemetry takes.

In: attributes as users give them. Out: those that OpenTelemetry can carry; NumPy scalars become Python's. State: the
names already warned of, owned by this module and bounded.

The SDK would log a warning for each bad value on each span; here each is warned of once.
"""

import logging
from collections.abc import Mapping

from opentelemetry.util.types import AttributeValue

from telemetry.repairs import repairs

_log = logging.getLogger("search_telemetry")
_warned: set[str] = set()
_MOST_WARNINGS = 100

_PLAIN = (str, bool, int, float, bytes)


def clean(attributes: Mapping[str, object]) -> dict[str, AttributeValue]:
    """Return what of `attributes` a span can carry; None means absent. No value is ever turned into text."""
    kept: dict[str, AttributeValue] = {}
    for name, value in attributes.items():
        if type(value) in _PLAIN and type(name) is str:
            kept[name] = value  # type: ignore[assignment]  # just tested
        elif value is not None:
            try:
                _keep(kept, name, value)
            except Exception:  # noqa: BLE001  an object of the user's, which may raise at any look
                _leave_out(name, value)
    return kept


def _keep(kept: dict[str, AttributeValue], name: object, value: object) -> None:
    plain = _plain(value)
    if plain is not None:
        kept[name if isinstance(name, str) else str(name)] = plain
    else:
        _leave_out(name, value)


def _leave_out(name: object, value: object) -> None:
    repairs.count += 1
    named = str(name) if issubclass(type(name), str) else f"of the type {type(name).__name__}"
    if named not in _warned and len(_warned) < _MOST_WARNINGS:
        _warned.add(named)
        _log.warning(
            "attribute %s is left out: %s is not a text, boolean, number, bytes or list of these (logged once)",
            named,
            type(value).__name__,
        )


def _plain(value: object) -> AttributeValue:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, list | tuple):
        return [item for item in map(_plain, value) if item is not None]
    if getattr(value, "ndim", None) == 0:  # a NumPy scalar, or a tensor of one number
        item = value.item()  # type: ignore[attr-defined]
        return item if isinstance(item, _PLAIN) else None
    return None
