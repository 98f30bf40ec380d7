"""What expressions evaluate to: series with values at the steps that are asked for, and samples in windows before them.

In: labels, times, numbers. Out: plain values. State: none. Times are milliseconds since 1970, as in Prometheus.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from collector.local.errors import QueryError

Labels: TypeAlias = dict[str, str]
Key: TypeAlias = tuple[tuple[str, str], ...]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Times: TypeAlias = NDArray[np.int64]

NAME: Final = "__name__"
MOST_SERIES: Final = 10_000
"""The most series of one part of an expression."""
MOST_VALUES: Final = 4_000_000
"""The most values of one part of an expression, over all its series and steps."""


@dataclass(frozen=True, slots=True)
class Vector:
    """Series at all steps: row i of both arrays belongs to `labels[i]`.

    A series may be absent at a step; a value that is not a number is present.
    """

    labels: list[Labels]
    values: Floats
    present: Bools

    def where(self, kept: Bools) -> "Vector":
        """The same at those steps only; series that are absent at all steps are left out."""
        present = self.present & kept
        rows = np.flatnonzero(present.any(axis=1))
        return Vector([self.labels[row] for row in rows], self.values[rows], present[rows])

    def with_values(self, values: Floats) -> "Vector":
        """The same series without their names, with other values."""
        return Vector([without(labels, (NAME,)) for labels in self.labels], values, self.present)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number at each step."""

    values: Floats


@dataclass(frozen=True, slots=True)
class Samples:
    """Series whose samples have the same times: row i of `values` belongs to `labels[i]`."""

    labels: list[Labels]
    times: Times
    values: Floats


@dataclass(frozen=True, slots=True)
class Windows:
    """Range vectors: for each step the samples after `step - length` until the step, inclusive."""

    samples: list[Samples]
    steps: Times
    length: int


Value: TypeAlias = Vector | Scalar | Windows | str


def empty(steps: int) -> Vector:
    """Return a vector without series."""
    return Vector([], np.empty((0, steps)), np.empty((0, steps), dtype=np.bool_))


def stacked(parts: Sequence[Vector], steps: int) -> Vector:
    """Return the series of all parts, in their order.

    Raises:
        QueryError: they are too many.
    """
    full = [part for part in parts if part.labels]
    if not full:
        return empty(steps)
    check_size(sum(len(part.labels) for part in full), steps)
    return Vector(
        [labels for part in full for labels in part.labels],
        np.concatenate([part.values for part in full]),
        np.concatenate([part.present for part in full]),
    )


def check_size(series: int, steps: int) -> None:
    """Raise `QueryError` if so many series at so many steps are more than is evaluated at once."""
    if series > MOST_SERIES or series * steps > MOST_VALUES:
        raise QueryError(
            "bad_request",
            f"The query has {series} series at {steps} steps, more than is evaluated at once.",
            "Select fewer series, a shorter time or a longer step.",
        )


def key(labels: Labels) -> Key:
    """Return labels as a value that may be compared and looked up."""
    return tuple(sorted(labels.items()))


def only(labels: Labels, names: Iterable[str]) -> Labels:
    """Return the labels with these names."""
    return {name: labels[name] for name in names if name in labels}


def without(labels: Labels, names: Iterable[str]) -> Labels:
    """Return the labels but those with these names."""
    left_out = frozenset(names)
    return {name: value for name, value in labels.items() if name not in left_out}


def merged(labels: list[Labels], values: Floats, present: Bools, why: str) -> Vector:
    """Return a vector in which each set of labels stands once; series with the same labels continue each other.

    Raises:
        QueryError: two of them have a value at the same step; `why` says what led to it.
    """
    rows: dict[Key, int] = {}
    kept: list[int] = []
    for row, each in enumerate(labels):
        first = rows.setdefault(key(each), row)
        if first == row:
            kept.append(row)
            continue
        if (present[first] & present[row]).any():
            raise QueryError("bad_request", f"{why}: {written(each)}.", "Group or match by more labels.")
        if first in kept:
            values[first] = np.where(present[row], values[row], values[first])
            present[first] |= present[row]
    if len(kept) == len(labels):
        return Vector(labels, values, present)
    return Vector([labels[row] for row in kept], values[kept], present[kept])


def written(labels: Labels) -> str:
    """Return labels as PromQL writes them."""
    pairs = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != NAME)
    return f"{labels.get(NAME, '')}{{{pairs}}}"


def windows_of(vector: Vector, inner: Times, steps: Times, length: int) -> Windows:
    """Return the values of a subquery as samples: series that are present at the same steps share their times."""
    groups: dict[Any, list[int]] = {}
    for row, present in enumerate(vector.present):
        groups.setdefault(present.tobytes(), []).append(row)
    samples = []
    for rows in groups.values():
        held = vector.present[rows[0]]
        labels = [vector.labels[row] for row in rows]
        samples.append(Samples(labels, inner[held], vector.values[rows][:, held]))
    return Windows(samples, steps, length)
