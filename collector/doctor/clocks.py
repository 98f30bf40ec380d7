"""Compares clocks.

In: how far the clocks of everyone who answered are ahead of ours, by the `Date` of their answers. Out: one finding.
State: none.
"""

from collections.abc import Mapping
from typing import Final

from collector.doctor.finding import Cause, Finding, failed, ok, skipped

LIMIT_S: Final = 2.0
"""Seconds, beyond what a `Date` leaves open: more than machines with NTP differ, less than what backends refuse."""

Reading = tuple[float, float]
"""Seconds ahead of our clock; known to within so many seconds."""


def compare(readings: Mapping[str, Reading]) -> Finding:
    """Compare clocks, by the name of whose they are."""
    if not readings:
        return skipped("clocks", Cause("not_known", "nobody told the time"))
    wrong = {name: ahead for name, (ahead, within) in readings.items() if abs(ahead) - within > LIMIT_S}
    if not wrong:
        return ok("clocks", f"{', '.join(readings)} agree{'s' if len(readings) == 1 else ''} with this machine's")
    said = [f"{name}'s is {_span(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}" for name, ahead in wrong.items()]
    hint = "set this machine's clock or theirs (NTP): traces are shown in the wrong place, and samples may be refused"
    return failed("clocks", Cause("clock_skew", f"against this machine's clock {', '.join(said)}", hint))


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
