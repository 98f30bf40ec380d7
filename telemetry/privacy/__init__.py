"""Keeps secrets and personal data in the process.

In: whatever is about to leave: spans, metrics, log records, baggage, JSON lines. Out: the same, with every secret that
the rules know replaced by `[redacted:KIND]`. State: the process's scrubber, see `telemetry.privacy.scrubber`.

`Scrub` says what is scrubbed (`configure(scrub=Scrub(…))`); `scrub` is what everything passes through, for use on
values that leave by other ways; `ScrubbingSpanProcessor` is for a tracer provider of your own.
"""

from typing import TYPE_CHECKING, Any

from telemetry.privacy.options import Scrub

if TYPE_CHECKING:
    from telemetry.privacy.processor import ScrubbingSpanProcessor
    from telemetry.privacy.scrubber import scrub

__all__ = ["Scrub", "ScrubbingSpanProcessor", "scrub"]


def __getattr__(name: str) -> Any:
    """Import the rest once it is asked for: it compiles the rules, and the processor needs the SDK."""
    if name == "scrub":
        from telemetry.privacy.scrubber import scrub

        return scrub
    if name == "ScrubbingSpanProcessor":
        from telemetry.privacy.processor import ScrubbingSpanProcessor

        return ScrubbingSpanProcessor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
