"""Spells OpenTelemetry's names as Prometheus has them.

In: names, units and values of OpenTelemetry. Out: names and values of Prometheus, the same that the Collector's
`prometheus` exporter gives (0.158, with its default `translation_strategy`, by `prometheus/otlptranslator` 1.0.0), so
that no dashboard cares how metrics came. State: none.
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
    """Return the name of a metric, "" where nothing of it can be spelled.

    Runs of other characters become one `_`; the unit follows, unless the name has it as a word; a counter ends in
    `_total`, a gauge whose unit is `1` in `_ratio`.
    """
    words = [word for word in re.split(r"[^a-zA-Z0-9:]+", name) if word]
    words += [suffix for suffix in _suffixes(unit, words) if suffix]
    ending = "total" if kind == "counter" else "ratio" if kind == "gauge" and unit == "1" else ""
    if ending:
        words = [*(word for word in words if word != ending), ending]
    spelled = "_".join(words)
    if not spelled.strip("_"):
        return ""
    return f"_{spelled}" if spelled[0].isdigit() else spelled


def _suffixes(unit: str, words: list[str]) -> tuple[str, str]:
    """Return what follows for a unit, `By/s` giving `bytes` and `per_second`; what the name says already does not."""
    whole, _, part = unit.partition("/")
    main = _clean(_known(whole, _UNITS))
    per = _clean(f"per_{named}" if (named := _known(part, _PER_UNITS)) else "")
    main = "" if main in words else main
    per = "" if per == "per_" else per.removesuffix("_")
    per = "" if per in words else per
    return (main.removesuffix("_") if per else main), per


def _known(unit: str, spelled: Mapping[str, str]) -> str:
    """Return a unit's word; nothing of an annotation in braces, which says what is counted."""
    plain = unit.strip()
    return "" if "{" in plain or "}" in plain else spelled.get(plain, plain)


def _clean(unit: str) -> str:
    return re.sub(r"_+", "_", re.sub(r"[^a-zA-Z0-9:]", "_", unit)).removeprefix("_")


def base_unit(spelled: str, unit: str, kind: Kind) -> str:
    """Return the unit that OpenMetrics declares for a metric: the one that its name ends in, else ""."""
    said = ["ratio"] if kind == "gauge" and unit == "1" else [suffix for suffix in _suffixes(unit, []) if suffix]
    suffix = "_".join(said)
    return suffix if suffix and spelled.endswith(f"_{suffix}") else ""


def label_name(name: str) -> str:
    """Return the name of a label: each other character is `_`; a digit in front gets `key_`.

    Names that begin with `__` are Prometheus's own: one `_` is left of it.
    """
    spelled = re.sub(r"^__+", "_", re.sub(r"[^a-zA-Z0-9_]", "_", name))
    return f"key_{spelled}" if spelled[:1].isdigit() else spelled


def label_value(value: object) -> str:
    """Return the value of a label as text that can be sent."""
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
    """Return the bound of a bucket, the label `le`, as Go writes it: `0.5`, `5.0`, `1.0485765e+06`."""
    spelled = repr(float(value))
    if "e" in spelled or not 1e6 <= abs(value) < math.inf:
        return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(spelled, spelled)
    sign, digits = ("-", spelled[1:]) if value < 0 else ("", spelled)
    whole, _, fraction = digits.partition(".")
    mantissa = f"{whole[0]}.{whole[1:]}{fraction}".rstrip("0").rstrip(".")
    return f"{sign}{mantissa}e+{len(whole) - 1:02}"


def labels(attributes: Mapping[str, object]) -> dict[str, str]:
    """Return the labels of attributes; of two attributes with one name, both values, in the order of their names."""
    spelled: dict[str, str] = {}
    for name in sorted(attributes):
        key, value = label_name(name), label_value(attributes[name])
        if key.strip("_"):
            spelled[key] = f"{spelled[key]};{value}" if key in spelled else value
    return spelled
