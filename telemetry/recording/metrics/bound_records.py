"""Caches the records of the metrics of a stage or an endpoint, by the labels that differ from run to run.

In: a key, and the metrics with their labels. Out: the records. State: a cache, owned by one `BoundRecords`,
empty again in a forked child and when other providers are used.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording.clock import metrics_generation
from telemetry.recording.metrics.instruments import Record, bound

_MOST_KEPT: Final = 10_000
Records = tuple[Record | None, ...]
Wanted = tuple[c.Metric, Mapping[str, AttributeValue]]


class BoundRecords:
    """Keeps records for one generation, by keys of strings, booleans and None."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: tuple[object, dict[object, Records]] = (None, {})

    def get(self, key: object) -> Records | None:
        """Return the records of `key`; None where they are not known."""
        kept = self._kept
        return kept[1].get(key) if kept[0] is metrics_generation.current else None

    def bind(self, key: object, wanted: Sequence[Wanted | None]) -> Records:
        """Return records of these metrics with these labels, and keep them under `key` if they last. May raise.

        None in `wanted`, and in the result, is a metric that this key does not measure.
        """
        if self._kept[0] is not metrics_generation.current:
            self._kept = (metrics_generation.current, {})
        kept = self._kept[1]
        found = [None if one is None else bound(*one) for one in wanted]
        records = tuple(None if one is None else one.record for one in found)
        if len(kept) < _MOST_KEPT and all(one is None or one.lasting for one in found):
            kept[key] = records
        return records
