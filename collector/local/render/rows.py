"""The rows of a trace: its spans in tree order, with its log records between them, by time."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One row: a span, by its index, or a log record."""

    depth: int
    span: int | None = None
    log: Json | None = None


def rows(spans: Sequence[Json], logs: Sequence[Json]) -> list[Row]:
    """Spans, with the records of each among its children, by time; records of other spans come last.

    Args:
        spans: in tree order, as from the API.
        logs: in the order of time.
    """
    mine: dict[str, list[Json]] = defaultdict(list)
    known = {span["span_id"] for span in spans}
    others: list[Json] = []
    for record in logs:
        (mine[record["span_id"]] if record["span_id"] in known else others).append(record)
    found: list[Row] = []
    around: list[tuple[int, list[Json]]] = []  # the spans above the row: depth, and records that are not drawn yet

    def draw(depth: int, records: list[Json], until: float) -> None:
        while records and records[-1]["offset_ns"] <= until:
            found.append(Row(depth + 1, log=records.pop()))

    for place, span in enumerate(spans):
        while around and around[-1][0] >= span["depth"]:
            draw(*around.pop(), math.inf)
        if around:
            draw(*around[-1], span["offset_ns"])
        found.append(Row(span["depth"], span=place))
        around.append((span["depth"], mine.pop(span["span_id"], [])[::-1]))
    while around:
        draw(*around.pop(), math.inf)
    return [*found, *(Row(0, log=record) for record in others)]


def faults(trace: Json) -> Iterator[str]:
    """What is wrong or missing in the shape of a trace, as sentences."""
    spans: Sequence[Json] = trace["spans"]
    if trace.get("complete") is False:
        yield "Not complete yet: some spans have not arrived."
    holders: dict[str, Json] = {}
    for span in sorted(spans, key=lambda span: (span["offset_ns"], span["span_id"])):
        holders.setdefault(span["span_id"], span)
    heads = [span for span in spans if span["depth"] == 0 and span["parent_span_id"]]
    orphans = sum(span["parent_span_id"] not in holders for span in heads)
    if orphans:
        yield (
            "1 span has a parent that is missing."
            if orphans == 1
            else f"{orphans} spans have parents that are missing."
        )
    for span in heads:
        if span["parent_span_id"] in holders:
            size = _cycle(span, holders)
            yield ("1 span is its own parent." if size == 1 else f"The parents of {size} spans form a cycle.")
    if still_open := sum(not span["end_unix_ns"] for span in spans):
        yield f"{still_open} span{'s have' if still_open > 1 else ' has'} not ended."


def _cycle(span: Json, holders: Mapping[str, Json]) -> int:
    """The length of a cycle of parents."""
    seen = {span["span_id"]}
    above = span["parent_span_id"]
    while above in holders and above not in seen:
        seen.add(above)
        above = holders[above]["parent_span_id"]
    return len(seen)
