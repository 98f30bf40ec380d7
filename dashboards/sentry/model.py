"""What boards and alerts of Sentry are made of, before they become the JSON of its API.

In: the modules beside this one. Out: plain values, for `dashboards/rendering/sentry.py`. State: none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

COLUMNS = 6
"""Width of a board."""
MOST_ROWS = 10
"""Sentry's limit of rows and of groups in a widget."""


class Show(Enum):
    """How a widget shows its answer, with Sentry's names."""

    NUMBER = "big_number"
    LINES = "line"
    AREAS = "stacked_area"
    TABLE = "table"


class Dataset(Enum):
    """What is asked, with Sentry's names."""

    SPANS = "spans"
    ERRORS = "error-events"
    LOGS = "logs"


@dataclass(frozen=True, slots=True)
class Widget:
    """One picture, which answers a question.

    Attributes:
        title: the question, or a plain noun. One that counts spans says "kept traces": spans are sampled.
        description: what it shows, and where to look next; at most 255 characters.
        show: how.
        values: aggregates, such as `p95(span.duration)`; without any, each row is one span or record.
        where: Sentry's search.
        by: what the values are grouped by; in a table without values, its columns.
        sort: by which value or column, `-` before it for the highest first.
        dataset: what is asked.
        width: of 6.
        height: in Sentry's rows.
    """

    title: str
    description: str
    show: Show
    values: tuple[str, ...]
    where: str
    by: tuple[str, ...] = ()
    sort: str = ""
    dataset: Dataset = Dataset.SPANS
    width: int = 2
    height: int = 2


@dataclass(frozen=True, slots=True)
class SentryBoard:
    """A page of widgets, from left to right and from top to bottom.

    Attributes:
        name: of its file.
        title: in Sentry, where a board has no other name that stays the same.
        widgets: in their order; those that do not fit into 6 columns stand below.
    """

    name: str
    title: str
    widgets: tuple[Widget, ...]


@dataclass(frozen=True, slots=True)
class Monitor:
    """Decides when a value is bad, and opens an issue then.

    Attributes:
        value: aggregate of spans.
        where: Sentry's search.
        window_s: over how many seconds.
        above: bad from this value on, in the value's unit: milliseconds for durations.
        description: in the issue.
    """

    value: str
    where: str
    window_s: int
    above: float
    description: str


@dataclass(frozen=True, slots=True)
class SentryAlert:
    """Notifies about issues: those of a monitor, or all errors of the project.

    Attributes:
        name: of its file.
        title: in Sentry, of the alert and of its monitor.
        trigger: what has to happen to an issue, with Sentry's name.
        minutes: not more often than once in so many.
        monitor: None: errors.
    """

    name: str
    title: str
    trigger: str
    minutes: int
    monitor: Monitor | None = None


Json = Mapping[str, object]
"""An object of JSON."""
