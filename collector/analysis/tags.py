"""Tags: the values of each attribute, with the share, the durations and the failures of the requests that have them.

In: which requests have which values, as bits; the durations and the failures. Out: the keys, those first whose values
tell most about the duration. Keys that identify requests, and keys that all requests have with one value, are left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log
from statistics import fmean, pvariance
from typing import Final

from collector.analysis.candidates import Value, identifies, last_word
from collector.analysis.simplest import simplest

MOST_KEYS: Final = 40
MOST_VALUES: Final = 10
RANGES: Final = 5
"""Numbers with more than `MOST_VALUES` values are divided into so many ranges."""


@dataclass(frozen=True, slots=True)
class TagValue:
    """One value, or a range of numbers: from `low` to below `high`."""

    value: Value | None
    low: float | None
    high: float | None
    count: int
    p95_ns: int | None
    failures: int


@dataclass(frozen=True, slots=True)
class Tag:
    """One key, its most frequent values first, ranges in their order."""

    key: str
    values: Sequence[TagValue]
    others: int
    """Values that are not listed."""
    tells: float
    """Which share of the variance of the logarithm of durations its values explain."""


def tags(observed: Mapping[str, Mapping[Value, int]], durations: Sequence[int | None], failed: int) -> list[Tag]:
    """The tags, those first that tell most about durations; those that divide the requests as an earlier one come last.

    Args:
        observed: by key and value the requests that have it; bit i stands for request i.
        durations: of each request, in nanoseconds.
        failed: the requests that failed.
    """
    logs = [None if duration is None else log(max(duration, 1)) for duration in durations]
    found = [_tag(key, values, durations, logs, failed) for key, values in observed.items() if not identifies(values)]
    told = [tag for tag in found if any(value.count < len(durations) for value in tag.values)]
    told.sort(key=lambda tag: (-tag.tells, tag.key))
    first: dict[frozenset[int], str] = {}
    for tag in told:
        first.setdefault(frozenset(observed[tag.key].values()), tag.key)
    distinct = set(first.values())
    return sorted(told, key=lambda tag: tag.key not in distinct)[:MOST_KEYS]


def _tag(
    key: str,
    values: Mapping[Value, int],
    durations: Sequence[int | None],
    logs: Sequence[float | None],
    failed: int,
) -> Tag:
    numbers = {value: mask for value, mask in values.items() if not isinstance(value, str)}
    if len(numbers) == len(values) > MOST_VALUES and last_word(key) not in {"id", "pid", "port"}:
        parts = list(_ranges(numbers))
    else:
        frequent = sorted(values.items(), key=lambda item: (-item[1].bit_count(), str(item[0])))
        parts = [(value, None, None, mask) for value, mask in frequent]
    tells = _tells([mask for *_, mask in parts], logs)
    shown = [
        TagValue(value, low, high, mask.bit_count(), _p95(mask, durations), (mask & failed).bit_count())
        for value, low, high, mask in parts[:MOST_VALUES]
    ]
    return Tag(key, shown, len(parts) - len(shown), tells)


Part = tuple[Value | None, float | None, float | None, int]


def _ranges(numbers: Mapping[int | float, int]) -> Iterator[Part]:
    """Ranges of about as many requests each."""
    ordered = sorted(numbers.items())
    total = sum(mask.bit_count() for mask in numbers.values())
    low: float | None = None
    passed, union = 0, 0
    for at, (value, mask) in enumerate(ordered):
        union |= mask
        before, passed = passed, passed + mask.bit_count()
        is_last = at == len(ordered) - 1
        if is_last or before * RANGES // total != passed * RANGES // total:
            high = None if is_last else simplest(value, ordered[at + 1][0])
            yield None, low, high, union
            low, union = high, 0


def _bits(mask: int) -> Iterator[int]:
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1


def _p95(mask: int, durations: Sequence[int | None]) -> int | None:
    known = sorted(duration for at in _bits(mask) if (duration := durations[at]) is not None)
    return known[ceil(0.95 * len(known)) - 1] if known else None


def _tells(masks: Sequence[int], logs: Sequence[float | None]) -> float:
    """Adjusted for the number of values, so that many values by chance tell nothing."""
    groups: list[list[float]] = []
    left = (1 << len(logs)) - 1
    for mask in masks:
        groups.append([known for at in _bits(mask & left) if (known := logs[at]) is not None])
        left &= ~mask
    groups.append([known for at in _bits(left) if (known := logs[at]) is not None])
    groups = [group for group in groups if group]
    every = [known for group in groups for known in group]
    free = len(every) - len(groups)
    if free <= 0 or not (whole := pvariance(every)):
        return 0.0
    within = sum(len(group) * pvariance(group, fmean(group)) for group in groups) / len(every)
    return max(0.0, 1 - within / whole * (len(every) - 1) / free)
