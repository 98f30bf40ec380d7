"""Tags: the values of each attribute, with the share, the durations and the failures of the requests that have them.

In: which requests have which values, as bits; the durations and the failures. Out: the keys. First come those in which
people think, such as platform, region and version, if they tell anything, then the others that do; in each group those
first whose values tell most about duration or failure. Those last whose values all or nearly all requests have. Keys
that identify requests or single processes are left out.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collector.analysis.suspects.candidates import NUMBERED, STAGE, Value, identifies, last_word
from collector.analysis.suspects.simplest import simplest

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
MOST_KEYS: Final = 40
MOST_VALUES: Final = 10
RANGES: Final = 5
"""Numbers with more than `MOST_VALUES` values are divided into so many ranges."""
LEAST_TELLS: Final = 0.01
"""The smallest `tells` that counts: less may come by chance."""
NEARLY_ALL: Final = 0.99
"""A key is nearly the same for all if so large a share of the requests has one value, or does not have the key."""
_PROCESS_WORDS: Final = frozenset({"pid", "uid"})
_UUID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIGITS: Final = re.compile("[0-9a-f]{12,64}", re.IGNORECASE)

Part = tuple[Value | None, float | None, float | None, int]
"""A value, or the ends of a range, and the requests that have it."""


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
    without: TagValue | None
    """The requests that do not have the key, if there are any."""
    tells: float
    """The share of the variance that its values explain: of the logarithm of durations or of failing, the larger."""


def tags(
    observed: Mapping[str, Mapping[Value, int]],
    durations: Sequence[int | None],
    failed: int,
    familiar: Collection[str] = (),
) -> list[Tag]:
    """The tags in their order; those that divide the requests as an earlier one come last.

    Args:
        observed: by key and value the requests that have it; bit i stands for request i.
        durations: of each request, in nanoseconds.
        failed: the requests that failed.
        familiar: keys, or the ends of keys after ` › `, in which people think.
    """
    known = np.array(durations, np.float64)  # None is not a number
    measures = [np.log(np.maximum(known, 1)), _bits(failed, len(durations)).astype(np.float64)]
    found = [
        _tag(key, values, known, measures, failed)
        for key, values in observed.items()
        if _is_measure(key, values) or not (identifies(values) or _is_of_process(key, values))
    ]
    requests = len(durations)
    found.sort(key=lambda tag: (_rank(tag, requests, familiar), -round(tag.tells, 6), _is_numbered(tag), tag.key))
    first: dict[frozenset[int], str] = {}
    for tag in found:
        first.setdefault(frozenset(observed[tag.key].values()), tag.key)
    distinct = set(first.values())
    return sorted(found, key=lambda tag: (_is_constant(tag, requests), tag.key not in distinct))[:MOST_KEYS]


def _rank(tag: Tag, requests: int, familiar: Collection[str]) -> int:
    """The group of a key: familiar ones that tell something, others that do, those that do not, nearly constant."""
    groups = [*(value.count for value in tag.values), tag.without.count if tag.without else 0]
    if max(groups) >= NEARLY_ALL * requests:
        return 4
    if tag.tells < LEAST_TELLS:
        return 3
    if tag.key.rpartition(STAGE)[2] in familiar:
        return 0
    return 2 if _is_numbered(tag) else 1


def _is_numbered(tag: Tag) -> bool:
    return last_word(tag.key) in NUMBERED


def _is_of_process(key: str, values: Mapping[Value, int]) -> bool:
    """Whether the values are the ids of processes or machines."""
    if last_word(key) in _PROCESS_WORDS:
        return True
    patterns = (_UUID, _DIGITS) if last_word(key) == "id" else (_UUID,)
    return all(isinstance(value, str) and any(one.fullmatch(value) for one in patterns) for value in values)


def _is_constant(tag: Tag, requests: int) -> bool:
    return all(value.count == requests for value in tag.values)


def _tag(
    key: str,
    values: Mapping[Value, int],
    durations: Numbers,
    measures: Sequence[Numbers],
    failed: int,
) -> Tag:
    numbers = {value: mask for value, mask in values.items() if not isinstance(value, str)}
    if _is_measure(key, values) and len(values) > MOST_VALUES:
        parts = list[Part](_ranges(numbers))
    else:
        frequent = sorted(values.items(), key=lambda item: (-item[1].bit_count(), str(item[0])))
        parts = [(value, None, None, mask) for value, mask in frequent]
    every = without = (1 << len(durations)) - 1
    for *_, mask in parts:
        without &= ~mask
    if without and _follows(every & ~without, failed):
        measures = measures[:1]
    tells = max(_tells([mask for *_, mask in parts], measure) for measure in measures)
    shown = [_counted(part, durations, failed) for part in parts[:MOST_VALUES]]
    rest = _counted((None, None, None, without), durations, failed) if without else None
    return Tag(key, shown, len(parts) - len(shown), rest, tells)


def _follows(having: int, failed: int) -> bool:
    """Whether requests have the key because they failed, or because they did not: it tells nothing about that."""
    return not having & failed or not having & ~failed


def _is_measure(key: str, values: Mapping[Value, int]) -> bool:
    """Whether all values are numbers that have an order."""
    return last_word(key) not in NUMBERED and not any(isinstance(value, str) for value in values)


def _counted(part: Part, durations: Numbers, failed: int) -> TagValue:
    value, low, high, mask = part
    return TagValue(value, low, high, mask.bit_count(), _p95(mask, durations), (mask & failed).bit_count())


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


def _bits(mask: int, requests: int) -> Flags:
    """The requests of a mask, as flags."""
    raw = np.frombuffer(mask.to_bytes(requests // 8 + 1, "little"), np.uint8)
    return np.unpackbits(raw, count=requests, bitorder="little").astype(np.bool_)


def _p95(mask: int, durations: Numbers) -> int | None:
    chosen = durations[_bits(mask, len(durations))]
    known = np.sort(chosen[~np.isnan(chosen)])
    return int(known[ceil(0.95 * len(known)) - 1]) if len(known) else None


def _tells(masks: Sequence[int], measure: Numbers) -> float:
    """Adjusted for the number of values, so that many values by chance tell nothing.

    A request with several of the values counts for the first.
    """
    group = np.full(len(measure), len(masks))
    left = (1 << len(measure)) - 1
    for number, mask in enumerate(masks):
        if mask & left:
            group[_bits(mask & left, len(measure))] = number
        left &= ~mask
    known = ~np.isnan(measure)
    every, group = measure[known], group[known]
    sizes = np.bincount(group, minlength=1)
    free = len(every) - np.count_nonzero(sizes)
    if free <= 0 or every.min() == every.max():
        return 0.0
    means = np.bincount(group, every) / np.maximum(sizes, 1)
    within, whole = np.square(every - means[group]).mean(), every.var()
    return float(max(0.0, 1 - within / whole * (len(every) - 1) / free))
