"""Rows as JSON.

In: the frozen rows of `query/model.py`. Out: JSON that every parser accepts: non-finite numbers are the strings "NaN",
"Infinity" and "-Infinity"; integers keep all their 64 bits. State: none.
"""

import json
import math
from dataclasses import fields, is_dataclass
from typing import Any


def plain(value: Any) -> Any:
    """The value in dictionaries, lists, text and numbers."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str | int | float | None):
        return value
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value]


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON text of `plain` values."""
    separators = None if indent else (",", ":")
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
