"""Parses durations: `50ms`, `1.5s`, `200us`, `2m`."""

import re
from decimal import Decimal

from collector.local.errors import QueryError

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_FORM = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ns|us|µs|μs|ms|s|m|h)")


def parse_duration(text: str, name: str) -> int:
    """Nanoseconds in `text`, exactly.

    Args:
        text: a number with a unit: ns, us, ms, s, m or h.
        name: of the parameter, for the error.

    Raises:
        QueryError: no number, no unit, or more than 292 years.
    """
    match = _FORM.fullmatch(text.strip())
    nanoseconds = int(Decimal(match[1]) * _UNITS[match[2]]) if match else -1
    if not 0 <= nanoseconds < 2**63:
        raise QueryError(
            "bad_request", f"{name}={text!r} is not a duration.", f"Write a number and a unit: {name}=50ms."
        )
    return nanoseconds
