"""Parses and formats ages and sizes: `7d`, `12h`, `2GB`, `500MiB`, `off`."""

from __future__ import annotations

import re
from decimal import Decimal

from collector.local.errors import SettingsError

OFF = "off"
_AGES = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_SIZES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_FORM = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([a-z]+)")


def parse_age(text: str, option: str) -> float | None:
    """Seconds; None for `off`.

    Args:
        text: a number and one of s, m, h, d, w.
        option: named in the error.

    Raises:
        SettingsError: it is neither, or is zero.
    """
    amount = _parse(text.strip(), _AGES)
    if amount is False or (amount is not None and not 1 <= amount < 100 * 365 * 86_400):
        raise SettingsError(f"--{option} {text!r} is not an age", f"write 12h, 7d or 4w (up to 100 years), or {OFF}")
    return None if amount is None else float(amount)


def parse_size(text: str, option: str) -> int | None:
    """Bytes; None for `off`.

    Args:
        text: a number and one of KB, MB, GB, TB (powers of 1000), KiB, MiB, GiB (of 1024), in any case.
        option: named in the error.

    Raises:
        SettingsError: it is neither, or is zero.
    """
    amount = _parse(text.strip().lower(), _SIZES)
    if amount is False or (amount is not None and not 1 <= amount < 1 << 60):
        raise SettingsError(
            f"--{option} {text!r} is not a size", f"write 500MB or 2GB (or GiB, for powers of 1024), or {OFF}"
        )
    return None if amount is None else int(amount)


def age_text(seconds: float | None) -> str:
    """Such as `7d`."""
    if seconds is None:
        return OFF
    unit = next((name for name in ("d", "h", "m") if seconds >= _AGES[name] and seconds % _AGES[name] == 0), "s")
    return f"{seconds / _AGES[unit]:g}{unit}"


def size_text(size: float | None) -> str:
    """Such as `1.9 GB`."""
    if size is None:
        return OFF
    unit = next((name for name in ("gb", "mb", "kb") if size >= _SIZES[name]), None)
    return f"{size / _SIZES[unit]:.3g} {unit.upper()}" if unit else f"{size:.0f} bytes"


def _parse(text: str, units: dict[str, int]) -> Decimal | bool | None:
    """The amount in the smallest unit; None for off; False if it cannot be parsed."""
    if text.lower() == OFF:
        return None
    match = _FORM.fullmatch(text)
    if not match or match[2] not in units:
        return False
    return Decimal(match[1]) * units[match[2]]
