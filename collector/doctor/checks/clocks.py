"""Compares clocks, by the `Date` of responses."""

from collections.abc import Mapping
from typing import Final

from collector.doctor.finding import Cause, Finding, failed, ok, skipped

LIMIT_S: Final = 2.0
"""Seconds, in addition to the precision of a `Date`: more than NTP's error, less than what backends refuse."""

Reading = tuple[float, float]
"""Seconds ahead of our clock, and the precision in seconds."""


def compare(readings: Mapping[str, Reading]) -> Finding:
    """Compare clocks, by the names of their owners."""
    if not readings:
        return skipped("clocks", Cause("not_known", "not checked: no response had a Date header"))
    wrong = {name: ahead for name, (ahead, within) in readings.items() if abs(ahead) - within > LIMIT_S}
    if not wrong:
        return ok("clocks", f"{', '.join(readings)} agree{'s' if len(readings) == 1 else ''} with this machine's")
    parts = [f"{name}'s is {_span(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}" for name, ahead in wrong.items()]
    hint = "set this machine's clock or theirs (NTP): traces are shown in the wrong place, and samples may be refused"
    return failed("clocks", Cause("clock_skew", f"against this machine's clock {', '.join(parts)}", hint))


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
