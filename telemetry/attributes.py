"""Makes attribute values what OpenTelemetry takes.

In: attributes as users give them. Out: those that OpenTelemetry can carry; NumPy scalars become Python's. State: the
names already warned of, owned by this module and bounded.

The SDK would log a warning for each bad value on each span; here each is warned of once.
"""

import logging
from collections.abc import Mapping

from opentelemetry.util.types import AttributeValue

_log = logging.getLogger("search_telemetry")
_warned: set[str] = set()
_MOST_WARNINGS = 100

_PLAIN = (str, bool, int, float, bytes)


def clean(attributes: Mapping[str, object]) -> dict[str, AttributeValue]:
    """Return what of `attributes` a span can carry; None means absent. No value is ever turned into text."""
    kept: dict[str, AttributeValue] = {}
    for name, value in attributes.items():
        if type(value) in _PLAIN:
            kept[name] = value  # type: ignore[assignment]  # just tested
        elif value is not None:
            _keep(kept, name, value)
    return kept


def _keep(kept: dict[str, AttributeValue], name: str, value: object) -> None:
    plain = _plain(value)
    if plain is not None:
        kept[name] = plain
    elif name not in _warned and len(_warned) < _MOST_WARNINGS:
        _warned.add(name)
        _log.warning(
            "attribute %s is left out of spans: %s is no string, boolean, number, bytes or list of these (said once)",
            name,
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
