"""Converts OpenTelemetry's names, units and values to those of Prometheus.

The results are those of the Collector's `prometheus` exporter (0.158, default `translation_strategy`,
`prometheus/otlptranslator` 1.0.0), so a dashboard works for pushed and scraped metrics alike.
"""

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal

Kind = Literal["counter", "histogram", "gauge", "updowncounter"]

_UNITS: Final = {
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "TiBy": "tibibytes",
    "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes",
    "m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams",
    "Cel": "celsius", "Hz": "hertz", "1": "", "%": "percent",
}  # fmt: skip
_PER_UNITS: Final = {
    "s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
}  # fmt: skip


def metric_name(name: str, unit: str, kind: Kind) -> str:
    """Return the name of a metric; "" if it has no valid character.

    Runs of invalid characters become one `_`; the unit is appended, unless the name contains it as a word; a counter
    ends in `_total`, a gauge of unit `1` in `_ratio`.
    """
    words = [word for word in re.split(r"[^a-zA-Z0-9:]+", name) if word]
    words += [unit_word for unit_word in _suffixes(unit, words) if unit_word]
    suffix = "total" if kind == "counter" else "ratio" if kind == "gauge" and unit == "1" else ""
    if suffix:
        words = [*(word for word in words if word != suffix), suffix]
    joined = "_".join(words)
    if not joined.strip("_"):
        return ""
    return f"_{joined}" if joined[0].isdigit() else joined


def _suffixes(unit: str, words: list[str]) -> tuple[str, str]:
    """Return the suffixes for a unit (`By/s`: `bytes`, `per_second`), empty if the name contains them already."""
    numerator, _, denominator = unit.partition("/")
    main = _clean(_unit_word(numerator, _UNITS))
    per = _clean(f"per_{word}" if (word := _unit_word(denominator, _PER_UNITS)) else "")
    main = "" if main in words else main
    per = "" if per == "per_" else per.removesuffix("_")
    per = "" if per in words else per
    return (main.removesuffix("_") if per else main), per


def _unit_word(unit: str, words: Mapping[str, str]) -> str:
    """Return the word for a unit; empty for an annotation in braces, which names what is counted."""
    plain = unit.strip()
    return "" if "{" in plain or "}" in plain else words.get(plain, plain)


def _clean(unit: str) -> str:
    return re.sub(r"_+", "_", re.sub(r"[^a-zA-Z0-9:]", "_", unit)).removeprefix("_")


def base_unit(name: str, unit: str, kind: Kind) -> str:
    """Return the unit that OpenMetrics declares for a metric: the one that its name ends in, else ""."""
    words = ["ratio"] if kind == "gauge" and unit == "1" else [word for word in _suffixes(unit, []) if word]
    suffix = "_".join(words)
    return suffix if suffix and name.endswith(f"_{suffix}") else ""


def label_name(name: str) -> str:
    """Return the name of a label: invalid characters become `_`; before a digit at the start comes `key_`.

    The prefix `__` is reserved by Prometheus, and becomes `_`.
    """
    label = re.sub(r"^__+", "_", re.sub(r"[^a-zA-Z0-9_]", "_", name))
    return f"key_{label}" if label[:1].isdigit() else label


def label_value(value: object) -> str:
    """Return the value of a label as a string."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    return re.sub(r"e-0", "e-", repr(value))


def bound(value: float) -> str:
    """Return the bound of a bucket, the label `le`, formatted as in Go: `0.5`, `5.0`, `1.0485765e+06`."""
    text = repr(float(value))
    if "e" in text or not 1e6 <= abs(value) < math.inf:
        return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(text, text)
    sign, digits = ("-", text[1:]) if value < 0 else ("", text)
    whole, _, fraction = digits.partition(".")
    mantissa = f"{whole[0]}.{whole[1:]}{fraction}".rstrip("0").rstrip(".")
    return f"{sign}{mantissa}e+{len(whole) - 1:02}"


def labels(attributes: Mapping[str, object]) -> dict[str, str]:
    """Return the labels of attributes; values of attributes with the same label are joined, in the order of names."""
    found: dict[str, str] = {}
    for name in sorted(attributes):
        key, value = label_name(name), label_value(attributes[name])
        if key.strip("_"):
            found[key] = f"{found[key]};{value}" if key in found else value
    return found
