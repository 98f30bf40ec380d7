"""Converts the rows of `query/model.py` to JSON that every parser accepts.

Non-finite numbers are the strings "NaN", "Infinity" and "-Infinity"; integers keep all 64 bits; characters that control
a terminal are escaped.
"""

import json
import math
import re
from dataclasses import fields, is_dataclass
from typing import Any


def plain(value: Any) -> Any:
    """The value as dictionaries, lists, text and numbers."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str | int | float | None):
        return value
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value]


# Characters that JSON does not escape: DEL and the C1 controls, of which U+009B starts a terminal command, line
# separators, and characters that change the direction of text or are invisible.
_CONTROLS = re.compile("[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON text of `plain` values."""
    separators = None if indent else (",", ":")
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)  # they occur only in strings
