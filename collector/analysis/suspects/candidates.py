"""What may distinguish some traces from others: attributes with a value, and numbers above or below a threshold.

In: which traces have which value of an attribute, as bits of an integer (bit i is trace i). Out: candidates, each with
the traces that it holds for. What identifies a single request is left out, and so is what all traces have.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from collector.analysis.suspects.simplest import simplest

Value = str | int | float
Observed = Mapping[tuple[str, str], Mapping[Value, int]]
"""By stage and key: the traces that have each value, as bits."""

STAGE: Final = " › "
"""Separates the service and the operation of a stage."""
PRESENT: Final = "span"
"""The key that stands for a span itself: its value is how many of it a trace has."""
MOST_UNIQUE: Final = 0.9
"""A key with more values than this share of its traces identifies requests."""
UNIQUE_FROM: Final = 10
"""The fewest traces that show whether values are unique: with fewer, all may differ by chance."""
MOST_VALUES: Final = 100
"""Values of one key that are compared, the most frequent ones."""
THRESHOLDS: Final = 16
"""Thresholds of one key that are compared, in each direction."""
NUMBERED: Final = frozenset({"id", "pid", "port", "address", "code", "version", "hash", "seed"})
"""The last word of a key whose numbers are names: 8080 is not more than 80."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that traces may have."""

    stage: str
    """`service › span`, or a service, if its process has it."""
    key: str
    sign: str
    """`=`, `≥` or `<`."""
    value: Value
    traces: int
    """As bits."""
    repeats: float = 1.0
    """Traces for each value of a measured number: those with the same one to the last digit are one observation."""


def candidates(observed: Observed) -> Iterator[Candidate]:
    """What is compared, in the order of `observed`; several may hold for the same traces."""
    for (stage, key), values in observed.items():
        numbers: dict[int | float, int] = {value: mask for value, mask in values.items() if not isinstance(value, str)}
        if key == PRESENT or (len(numbers) == len(values) > 1 and not _names(key)):
            yield from _thresholds(stage, key, numbers)
        if key != PRESENT and (len(numbers) < len(values) or _names(key) or len(values) <= THRESHOLDS):
            yield from _equals(stage, key, values)


def identifies(values: Mapping[Value, int]) -> bool:
    """Whether the values of a key identify requests: nearly every trace has its own."""
    traces = _union(values).bit_count()
    return traces >= UNIQUE_FROM and len(values) > MOST_UNIQUE * traces


def _equals(stage: str, key: str, values: Mapping[Value, int]) -> Iterator[Candidate]:
    if identifies(values):
        return
    frequent = sorted(values.items(), key=lambda item: -item[1].bit_count())[:MOST_VALUES]
    for value, mask in frequent:
        yield Candidate(stage, key, "=", value, mask)


def _thresholds(stage: str, key: str, values: Mapping[int | float, int]) -> Iterator[Candidate]:
    """`≥` and `<` for thresholds that divide the traces evenly. A trace with several values counts by any of them."""
    ordered = sorted(((float(value), mask) for value, mask in values.items()), key=lambda item: item[0])
    repeats = _repeats(values)
    if key == PRESENT:
        yield Candidate(stage, key, "≥", 1, _union(values))
    cuts = _cuts([mask.bit_count() for _, mask in ordered])
    above = [0] * (len(ordered) + 1)
    for at in range(len(ordered) - 1, -1, -1):
        above[at] = above[at + 1] | ordered[at][1]
    below = 0
    for at, (value, mask) in enumerate(ordered):
        if at in cuts:
            threshold = simplest(ordered[at - 1][0], value)
            shown = int(threshold) if threshold == int(threshold) else threshold
            yield Candidate(stage, key, "≥", shown, above[at], repeats)
            if key != PRESENT:
                yield Candidate(stage, key, "<", shown, below, repeats)
        below |= mask


def _repeats(values: Mapping[int | float, int]) -> float:
    """How many traces have the same fraction, on average: a score that many have is that of one query, asked often."""
    if all(value == int(value) for value in values):
        return 1.0
    return max(1.0, sum(mask.bit_count() for mask in values.values()) / len(values))


def _cuts(counts: list[int]) -> set[int]:
    """The positions of values to cut before, so that about as many traces lie between two cuts."""
    if len(counts) - 1 <= THRESHOLDS:
        return set(range(1, len(counts)))
    total, passed, found = sum(counts), 0, set()
    for at, count in enumerate(counts):
        if at and passed * (THRESHOLDS + 1) // total != (passed + count) * (THRESHOLDS + 1) // total:
            found.add(at)
        passed += count
    return found


def _union(values: Mapping[Any, int]) -> int:
    union = 0
    for mask in values.values():
        union |= mask
    return union


def _names(key: str) -> bool:
    """Whether the numbers of a key are names."""
    return last_word(key) in NUMBERED


def last_word(key: str) -> str:
    """The last word of a key."""
    return key.replace("_", ".").rpartition(".")[2]
