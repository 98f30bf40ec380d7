"""Adds up the values of the analysis, with a bounded number of series."""

from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.trace import get_current_span

from telemetry import conventions as c
from telemetry.recording.metrics.own_metrics import OwnMetrics


class Recorder:
    """Adds values to metrics; of each attribute, values above its limit become `_other`.

    What arrives has been bounded by its senders, each for itself: here the first values of all of them are kept.

    Args:
        own: takes the values.
    """

    def __init__(self, own: OwnMetrics) -> None:
        self._own = own
        self._known: dict[str, set[str]] = {c.SEARCH_STAGE.name: set(c.STAGES_OF_CALLS)}

    def record(self, metric: c.Metric, value: float, attributes: Mapping[str, str], context: Context | None) -> None:
        """Add one value; used by one thread."""
        kept = {
            attribute.name: self._bounded(attribute, attributes[attribute.name])
            for attribute in metric.attributes
            if attribute.name in attributes
        }
        self._own.aggregation(metric, kept).record(value, None if context is None else get_current_span(context))

    def _bounded(self, attribute: c.Attribute, value: str) -> str:
        known = self._known.setdefault(attribute.name, set())
        if value in known or value == c.OTHER:
            return value
        if len(known) >= (attribute.limit or 1):
            return c.OTHER
        known.add(value)
        return value
