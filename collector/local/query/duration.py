"""Parses durations: `50ms`, `1.5s`, `200us`, `2m`; and moments: `5m` ago, `2026-11-30T02:41:07`."""

import re
from datetime import UTC, datetime
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


def parse_moment(text: str, name: str, now_unix_ns: int) -> int:
    """Nanoseconds since 1970 of a moment.

    Args:
        text: how long ago it was, as a duration; or its time, in UTC if no zone is given.
        name: of the parameter, for the error.
        now_unix_ns: now.

    Raises:
        QueryError: neither a duration nor a time.
    """
    if _FORM.fullmatch(text.strip()):
        return max(now_unix_ns - parse_duration(text, name), 0)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        hint = f"Write how long ago, {name}=5m, or a time in UTC, {name}=2026-11-30T02:41:07."
        raise QueryError("bad_request", f"{name}={text!r} is not a time.", hint) from error
    since_1970 = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.fromtimestamp(0, UTC)
    return max((since_1970.days * 86_400 + since_1970.seconds) * 10**9 + since_1970.microseconds * 1000, 0)
