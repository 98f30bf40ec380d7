"""Removes secrets and personal data from spans, metrics, log records and baggage before they leave the process.

Each secret that a rule finds is replaced by `[redacted:KIND]`. `Scrub` holds the options (`configure(scrub=Scrub(…))`).
`scrub` applies the rules to a value of your own; `ScrubbingSpanProcessor` is for a tracer provider of your own.
"""

from typing import TYPE_CHECKING, Any

from telemetry.privacy.options import Scrub

if TYPE_CHECKING:
    from telemetry.privacy.processor import ScrubbingSpanProcessor
    from telemetry.privacy.scrubber import scrub

__all__ = ["Scrub", "ScrubbingSpanProcessor", "scrub"]


def __getattr__(name: str) -> Any:
    """Import the rest on first use: it compiles the rules, and the processor needs the SDK."""
    if name == "scrub":
        from telemetry.privacy.scrubber import scrub

        return scrub
    if name == "ScrubbingSpanProcessor":
        from telemetry.privacy.processor import ScrubbingSpanProcessor

        return ScrubbingSpanProcessor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
