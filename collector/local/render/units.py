"""Formats durations, counts, times and attribute values as short text with a unit."""

from datetime import UTC, datetime
from typing import Any


def duration(nanoseconds: float, micro: str = "µ") -> str:
    """Three digits and a unit: `812 µs`, `41.2 ms`, `1.24 s`; above a minute, two units: `2m 05s`. At most 7 cells."""
    if nanoseconds >= 60e9:
        seconds = round(nanoseconds / 1e9)
        hours, minutes = seconds // 3600, seconds // 60 % 60
        if hours >= 100:
            return f"{hours // 24}d {hours % 24:02}h" if hours < 2400 else f"{hours // 24}d"
        return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {seconds % 60:02}s"
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, micro + "s")):
        if nanoseconds >= size * 0.9995:
            return f"{_three_digits(nanoseconds / size)} {unit}"
    return f"{nanoseconds:.0f} ns"


UNKNOWN = "?"
"""An unknown duration or time."""


def seconds(value: float, micro: str = "µ") -> str:
    """The same for seconds, the unit of metrics."""
    return duration(value * 1e9, micro)


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def count(value: float) -> str:
    """`512`, `12.3k`, `4.56M`."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{_three_digits(value / (size if size != 1e4 else 1e3))}{unit}"
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.3g}"


def age(nanoseconds: int) -> str:
    """How long ago, in one unit: `now`, `12 s ago`, `3 h ago`; a time in the future is `now`."""
    seconds = nanoseconds / 1e9
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return "now"


def clock(unix_ns: int, *, millis: bool = False) -> str:
    """The time of day in UTC: `22:13:20`, `22:13:20.123`."""
    seconds, rest = divmod(unix_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}" + (f".{rest // 10**6:03}" if millis else "")


def percent(ratio: float) -> str:
    """`0 %`, `0.3 %`, `12 %`."""
    value = ratio * 100
    return "0 %" if value == 0 else f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"


def attribute(value: Any) -> str:
    """An attribute's value: booleans as in JSON, doubles with four digits, lists in brackets."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return "[" + ", ".join(attribute(item) for item in value) + "]"
    return str(value)


def bytes_(value: float) -> str:
    """`512 B`, `1.50 KiB`, `3.25 MiB`."""
    for size, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if value >= size:
            return f"{_three_digits(value / size)} {unit}"
    return f"{value:.0f} B"
